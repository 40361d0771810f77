"""Objects as rows: boxes in the map's frame, attributes from motion, chains over gaps."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.boxes import transform_boxes
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass as C
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.writers.nuscenes.annotations import Track, annotation_rows, attribute_name, boxes_in_map
from bevseg.simulation.writers.nuscenes.config import NuScenesWriterConfig
from bevseg.simulation.writers.nuscenes.scenes import scene_specs
from bevseg.simulation.writers.nuscenes.schema import token

SCENE = scene_specs(NuScenesWriterConfig(SimulationConfig(seed=7, range_m=30.0), scenes=1, keyframes=3))[0]

CAR = np.array([12.0, -3.0, 0.8, 4.5, 1.9, 1.6, 2.5])
CONE = np.array([-20.0, 8.0, 0.4, 0.4, 0.3, 0.7, -3.0])
"""In the simulated world."""


def tilted(pitch_rad: float, roll_rad: float) -> np.ndarray:
    cp, sp, cr, sr = np.cos(pitch_rad), np.sin(pitch_rad), np.cos(roll_rad), np.sin(roll_rad)
    rotation: np.ndarray = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]]) @ [[1, 0, 0], [0, cr, -sr], [0, sr, cr]]
    return rotation


def keyframe(
    boxes: list[np.ndarray], tracks: list[int], *, speeds: list[float] | None = None, yaw_rad: float = 0.7
) -> Sample:
    """A scan from a tilted sensor that sees these boxes of the world, given as the simulator gives them."""
    T_ego_from_lidar = Transform.from_rotation_translation(
        tilted(0.03, -0.02), np.array([0.9, 0.0, 1.8]), dst="ego", src="lidar"
    )
    T_global_from_ego = Transform.from_yaw(yaw_rad, np.array([3.0, 1.0, 0.2]), dst="global", src="ego")
    to_lidar = (T_global_from_ego @ T_ego_from_lidar).inverse()
    cloud, k = PointCloud.empty(), len(boxes)
    annotations = Annotations(
        boxes=transform_boxes(to_lidar, np.array(boxes).reshape(-1, 7)).astype(np.float32),
        label=np.array([C.TRAFFIC_CONE if box is CONE else C.CAR for box in boxes], np.uint8),
        track_id=np.array(tracks, np.int64),
        velocity_mps=np.array([[speed, 0.0] for speed in speeds or [0.0] * k], np.float32).reshape(-1, 2),
        visible_fraction=np.full(k, 0.5, np.float32),
        num_points=np.arange(k) + 4,
        ignored=np.zeros(k, bool),
    )
    return Sample("000000", cloud, annotations, T_ego_from_lidar, T_global_from_ego)


def test_what_stands_in_the_world_stands_on_the_map() -> None:
    half = SCENE.map_size_m / 2
    for yaw_rad in (0.7, -2.0):
        boxes = boxes_in_map(SCENE, keyframe([CAR, CONE], [4, 9], yaw_rad=yaw_rad))
        boxes[:, :2] -= half
        np.testing.assert_allclose(boxes, [CAR, CONE], atol=1e-5)


def test_rows_of_an_object() -> None:
    rows = annotation_rows(SCENE, [keyframe([CONE, CAR], [9, 4])])
    annotation = rows.sample_annotation[1]
    half = SCENE.map_size_m / 2
    np.testing.assert_allclose(annotation["translation"], [12 + half, -3 + half, 0.8], atol=1e-5)
    np.testing.assert_allclose(annotation["size"], [1.9, 4.5, 1.6], atol=1e-6, err_msg="width, length, height")
    np.testing.assert_allclose(annotation["rotation"], [np.cos(1.25), 0, 0, np.sin(1.25)], atol=1e-6)
    assert annotation["visibility_token"] == "2"
    assert annotation["attribute_tokens"] == [token("attribute", "vehicle.parked")]
    assert (annotation["num_lidar_pts"], annotation["num_radar_pts"]) == (5, 0)
    assert rows.sample_annotation[0]["attribute_tokens"] == []
    assert [row["token"] for row in rows.instance] == [SCENE.token("instance", 4), SCENE.token("instance", 9)]
    assert rows.instance[0]["category_token"] == token("category", "vehicle.car")


def test_chains_go_over_gaps() -> None:
    keyframes = [keyframe([CAR, CONE], [4, 9]), keyframe([CONE], [9]), keyframe([CAR], [4])]
    rows = annotation_rows(SCENE, keyframes)
    car_first, cone_first, cone_last, car_last = rows.sample_annotation
    assert (car_first["prev"], car_first["next"]) == ("", car_last["token"])
    assert (car_last["prev"], car_last["next"]) == (car_first["token"], "")
    assert cone_first["next"] == cone_last["token"]
    assert car_last["sample_token"] == SCENE.token("sample", 2)
    assert rows.instance[0]["nbr_annotations"] == 2
    assert rows.instance[0]["last_annotation_token"] == car_last["token"]
    assert len({row["token"] for row in rows.sample_annotation}) == 4


def test_a_car_that_stops_is_not_parked() -> None:
    rows = annotation_rows(SCENE, [keyframe([CAR], [4], speeds=[8.0]), keyframe([CAR], [4])])
    names = ["vehicle.moving", "vehicle.stopped"]
    assert [row["attribute_tokens"] for row in rows.sample_annotation] == [[token("attribute", name)] for name in names]


@pytest.mark.parametrize(
    ("label", "moves", "speed_mps", "expected"),
    [
        (C.PEDESTRIAN, True, 1.2, "pedestrian.moving"),
        (C.PEDESTRIAN, True, 0.0, "pedestrian.standing"),
        (C.BICYCLE, True, 0.0, "cycle.with_rider"),
        (C.MOTORCYCLE, False, 0.0, "cycle.without_rider"),
        (C.BUS, True, 0.1, "vehicle.stopped"),
        (C.TRAILER, False, 0.0, "vehicle.parked"),
        (C.BARRIER, False, 0.0, ""),
    ],
)
def test_attributes_follow_from_motion(label: C, moves: bool, speed_mps: float, expected: str) -> None:
    assert attribute_name(Track(label, (0,), moves), speed_mps=speed_mps) == expected


def test_an_empty_street_has_no_rows() -> None:
    rows = annotation_rows(SCENE, [keyframe([], []), keyframe([], [])])
    assert rows.sample_annotation == rows.instance == []
