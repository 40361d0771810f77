"""Objects of a scene as rows of nuScenes' tables `sample_annotation` and `instance`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.boxes import wrap_angle
from bevseg.results.classes import GROUP_OF_CLASS, ClassGroup, SemanticClass
from bevseg.simulation.writers.nuscenes.scenes import SceneSpec
from bevseg.simulation.writers.nuscenes.schema import CATEGORY_OF_CLASS, Row, links, token, visibility_token
from bevseg.simulation.writers.quaternions import quat_wxyz_of_yaw

_MOVING_MPS = 0.2
_DECIMALS = 6
"""Micrometres: boxes come in float32, so there is nothing beyond."""


@dataclass(frozen=True)
class AnnotationRows:
    """Rows of the two tables; each field is the table of its name."""

    sample_annotation: list[Row]
    instance: list[Row]


@dataclass(frozen=True)
class Track:
    """One object of a scene.

    Attributes:
        label: Its class.
        keyframes: Numbers of the keyframes that it is in, in the order of time.
        moves: Whether it moves in any of them.
    """

    label: SemanticClass
    keyframes: tuple[int, ...]
    moves: bool


def annotation_rows(scene: SceneSpec, keyframes: Sequence[Sample]) -> AnnotationRows:
    """Every object of every keyframe that lies within the simulated range, seen or not.

    Args:
        scene: The scene.
        keyframes: Its keyframes in the order of time; points are not looked at.

    Returns:
        Annotations keyframe by keyframe, upright boxes in the map's frame; instances in the order of their track ids.
    """
    tracks = tracks_of(keyframes)
    annotations = [
        row for number, sample in enumerate(keyframes) for row in _annotations_of(scene, number, sample, tracks)
    ]
    return AnnotationRows(annotations, [_instance(scene, track_id, tracks[track_id]) for track_id in sorted(tracks)])


def tracks_of(keyframes: Sequence[Sample]) -> dict[int, Track]:
    """The objects of a scene by their track ids."""
    tracks: dict[int, Track] = {}
    for number, sample in enumerate(keyframes):
        truth = sample.annotations
        moving = _speed_mps(truth) > _MOVING_MPS
        for k, track_id in enumerate(truth.track_id.tolist()):
            before = tracks.get(track_id)
            tracks[track_id] = Track(
                label=SemanticClass(int(truth.label[k])),
                keyframes=(*before.keyframes, number) if before else (number,),
                moves=bool(moving[k]) or (before is not None and before.moves),
            )
    return tracks


def boxes_in_map(scene: SceneSpec, sample: Sample) -> Float[np.ndarray, "k 7"]:
    """The boxes `(x, y, z, l, w, h, yaw)` of a scan in the map's frame, metres and radians, upright.

    This takes back how the simulator turned them into the sensor's frame, its way with roll and pitch included, so
    that what stands in the world has the same box in every keyframe.
    """
    T_map_from_lidar = scene.sensor_pose(sample)
    boxes = sample.annotations.boxes.astype(np.float64)
    boxes[:, :3] = T_map_from_lidar.apply(boxes[:, :3])
    boxes[:, 6] = wrap_angle(boxes[:, 6] - T_map_from_lidar.inverse().yaw_rad)
    return boxes


def attribute_name(track: Track, *, speed_mps: float) -> str:
    """The attribute of an object at one time, from its motion; "" for cones and barriers, which have none."""
    moving = speed_mps > _MOVING_MPS
    match GROUP_OF_CLASS[track.label]:
        case ClassGroup.PEDESTRIAN:
            return "pedestrian.moving" if moving else "pedestrian.standing"
        case ClassGroup.TWO_WHEELER:
            return "cycle.with_rider" if track.moves else "cycle.without_rider"
        case ClassGroup.VEHICLE:
            standing = "vehicle.stopped" if track.moves else "vehicle.parked"
            return "vehicle.moving" if moving else standing
        case _:
            return ""


def _annotations_of(scene: SceneSpec, number: int, sample: Sample, tracks: Mapping[int, Track]) -> list[Row]:
    """The rows of one keyframe."""
    truth, boxes = sample.annotations, boxes_in_map(scene, sample)
    speed = _speed_mps(truth)
    rows = []
    for k, track_id in enumerate(truth.track_id.tolist()):
        track = tracks[track_id]
        attribute = attribute_name(track, speed_mps=float(speed[k]))
        tokens = [scene.token("sample_annotation", keyframe, track_id) for keyframe in track.keyframes]
        place = track.keyframes.index(number)
        rows.append(
            {
                "token": tokens[place],
                "sample_token": scene.token("sample", number),
                "instance_token": scene.token("instance", track_id),
                "visibility_token": visibility_token(float(truth.visible_fraction[k])),
                "attribute_tokens": [token("attribute", attribute)] if attribute else [],
                **_box_columns(boxes[k]),
                "num_lidar_pts": int(truth.num_points[k]),
                "num_radar_pts": 0,
                **links(tokens, place),
            }
        )
    return rows


def _box_columns(box: Float[np.ndarray, "7"]) -> Row:
    x, y, z, length, width, height, yaw = box.tolist()
    return {
        "translation": [round(v, _DECIMALS) for v in (x, y, z)],
        "size": [round(v, _DECIMALS) for v in (width, length, height)],
        "rotation": quat_wxyz_of_yaw(yaw).tolist(),
    }


def _instance(scene: SceneSpec, track_id: int, track: Track) -> Row:
    return {
        "token": scene.token("instance", track_id),
        "category_token": token("category", CATEGORY_OF_CLASS[track.label]),
        "nbr_annotations": len(track.keyframes),
        "first_annotation_token": scene.token("sample_annotation", track.keyframes[0], track_id),
        "last_annotation_token": scene.token("sample_annotation", track.keyframes[-1], track_id),
    }


def _speed_mps(truth: Annotations) -> Float[np.ndarray, "k"]:
    return np.hypot(truth.velocity_mps[:, 0], truth.velocity_mps[:, 1])
