"""nuScenes scans (HDL-32E, LIDAR_TOP) with the labels that single files hold: boxes, or a class for every point.

The sensor's own axes are x right, y forward, z up; all is turned to x forward here.

Source: Caesar et al., "nuScenes", CVPR 2020; Fong et al., "Panoptic nuScenes", RA-L 2022.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bevseg.datasets.labels import (
    NO_BOXES,
    DatasetError,
    class_array,
    is_not_a_thing,
    lookup_table,
    map_points,
    sorted_files,
)
from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.boxes import transform_boxes
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud, usable_points
from bevseg.points.input_frame import T_lidar_from_input, to_x_forward
from bevseg.points.raw_bin import NUSCENES_COLUMNS, read_raw_bin
from bevseg.points.raw_points import RawPoints
from bevseg.results.classes import THING_CLASSES
from bevseg.results.classes import SemanticClass as C

DETECTION_CLASSES = {
    **{c.label: c for c in THING_CLASSES},
    "static_object.bicycle_rack": C.NOISE,
    "movable_object.pushable_pullable": C.NOISE,
    "movable_object.debris": C.NOISE,
    "animal": C.NOISE,
}
"""The ten detection names, and what is labelled beside them but not scored."""

LIDARSEG_CLASSES = {
    **dict.fromkeys((2, 3, 4, 6), C.PEDESTRIAN),
    **dict.fromkeys((15, 16), C.BUS),
    9: C.BARRIER,
    12: C.TRAFFIC_CONE,
    14: C.BICYCLE,
    17: C.CAR,
    18: C.CONSTRUCTION_VEHICLE,
    21: C.MOTORCYCLE,
    22: C.TRAILER,
    23: C.TRUCK,
    24: C.DRIVEABLE_SURFACE,
    25: C.OTHER_FLAT,
    26: C.SIDEWALK,
    27: C.TERRAIN,
    28: C.MANMADE,
    30: C.VEGETATION,
}
"""nuScenes-lidarseg's 32 indices as its challenge merges them; the rest are noise."""

_LIDARSEG_TABLE = lookup_table(LIDARSEG_CLASSES, size=32)
_KEYFRAME_PERIOD_NS = 500_000_000


class NuScenesTruthSource:
    """A folder with scans and one `mini_val_gt.json`: boxes in the sensor's frame, calibration, poses, by keyframe.

    Only keyframes whose scan is in the folder count.
    """

    def __init__(self, folder: Path, *, name: str = "nuscenes") -> None:
        self.name = name
        self._folder = folder
        self._truth = folder / "mini_val_gt.json"
        if not self._truth.is_file():
            raise DatasetError(f"{self._truth}: no such file")
        keyframes = json.loads(self._truth.read_text())
        self._keyframes = [frame for frame in keyframes if (folder / frame["lidar_file"]).is_file()]
        if not self._keyframes:
            raise DatasetError(f"{folder}: none of the {len(keyframes)} scans that {self._truth.name} names is there")

    def __len__(self) -> int:
        return len(self._keyframes)

    def name_of(self, index: int) -> str:
        return str(self._keyframes[index]["sample_token"])

    def __getitem__(self, index: int) -> Sample:
        frame = self._keyframes[index]
        cloud = read_scan(self._folder / frame["lidar_file"], stamp_ns=frame["timestamp"] * 1000)
        T_ego_from_input = _pose(frame, "lidar2ego", dst="ego", src="input")
        return Sample(
            name=frame["sample_token"],
            cloud=cloud,
            annotations=self._annotations(frame["boxes"], cloud),
            T_ego_from_lidar=T_ego_from_input @ T_lidar_from_input("y-forward").inverse(),
            T_global_from_ego=_pose(frame, "ego2global", dst="global", src="ego"),
        )

    def _annotations(self, objects: Sequence[Mapping[str, Any]], cloud: PointCloud) -> Annotations:
        label = class_array([o["name"] for o in objects], DETECTION_CLASSES, where=self._truth)
        in_input = [[*o["center"], *o["size_lwh"], o["yaw"]] for o in objects]
        boxes = np.array(in_input, dtype=np.float64).reshape(-1, 7)
        velocity = np.array([o["velocity"] for o in objects], dtype=np.float64).reshape(-1, 2)
        turn = T_lidar_from_input("y-forward")
        annotations = Annotations.from_boxes(
            cloud, transform_boxes(turn, boxes).astype(np.float32), label, ignored=is_not_a_thing(label)
        )
        return replace(annotations, velocity_mps=(velocity @ turn.matrix[:2, :2].T).astype(np.float32))


class NuScenesLidarsegSource:
    """A folder of keyframes `NN.pcd.bin` with `NN_lidarseg.bin` (uint8 a point) beside each, 500 ms apart; no boxes."""

    def __init__(self, folder: Path, *, name: str = "nuscenes_lidarseg") -> None:
        self.name = name
        self._scans = sorted_files(folder, "*.pcd.bin")

    def __len__(self) -> int:
        return len(self._scans)

    def name_of(self, index: int) -> str:
        return self._scans[index].name.removesuffix(".pcd.bin")

    def __getitem__(self, index: int) -> Sample:
        scan = self._scans[index]
        stem = self.name_of(index)
        labels = scan.with_name(f"{stem}_lidarseg.bin")
        if not labels.is_file():
            raise DatasetError(f"{labels}: no such file; each scan needs its labels beside it")
        raw = _read_rows(scan)
        cloud = _cloud_of(raw, stamp_ns=index * _KEYFRAME_PERIOD_NS)
        indices = np.fromfile(labels, dtype=np.uint8)
        semantic = map_points(indices, _LIDARSEG_TABLE, num_points=len(raw), where=labels)
        annotations = Annotations.from_boxes(
            cloud,
            np.zeros((0, 7), np.float32),
            np.zeros(0, np.uint8),
            point_semantic=semantic[usable_points(raw.xyz)],
            view=NO_BOXES,
        )
        T_ego_from_lidar = Transform(np.eye(4), "ego", "lidar")
        return Sample(stem, cloud, annotations, T_ego_from_lidar, Transform(np.eye(4), "global", "ego"))


def read_scan(path: Path, *, stamp_ns: int = 0) -> PointCloud:
    """A `.pcd.bin` of LIDAR_TOP as an x-forward cloud with intensity 0..1 and rings."""
    return _cloud_of(_read_rows(path), stamp_ns=stamp_ns)


def _read_rows(path: Path) -> RawPoints:
    return read_raw_bin(path.read_bytes(), NUSCENES_COLUMNS, name=str(path))


def _cloud_of(raw: RawPoints, *, stamp_ns: int) -> PointCloud:
    return PointCloud.from_xyz(
        to_x_forward(raw.xyz, "y-forward"),
        stamp_ns=stamp_ns,
        intensity=None if raw.intensity is None else raw.intensity / np.float32(255),
        ring=None if raw.ring is None else raw.ring.astype(np.int32),
    )


def _pose(frame: Mapping[str, Any], key: str, *, dst: str, src: str) -> Transform:
    quat_wxyz, translation_m = np.array(frame[f"{key}_q_wxyz"]), np.array(frame[f"{key}_t"])
    return Transform.from_quaternion(quat_wxyz, translation_m, dst=dst, src=src)
