"""SemanticKITTI scans: a class and an instance for every point, no boxes.

`.bin` as KITTI's; `.label` uint32 a point: class in the low 16 bits, instance in the high 16.

Source: Behley et al., "SemanticKITTI", ICCV 2019; class numbers from its `semantic-kitti.yaml`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt32

from bevseg.datasets.labels import NO_BOXES, DatasetError, lookup_table, map_points, sorted_files
from bevseg.datasets.sample import Annotations, Sample
from bevseg.datasets.scan_origin import ScanOrigin
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud, usable_points
from bevseg.points.raw_bin import KITTI_COLUMNS, read_raw_bin
from bevseg.results.classes import SemanticClass as C

SEMANTIC_KITTI_CLASSES = {
    **dict.fromkeys((10, 252), C.CAR),
    **dict.fromkeys((11, 31, 253), C.BICYCLE),
    **dict.fromkeys((15, 32, 255), C.MOTORCYCLE),
    **dict.fromkeys((13, 16, 256, 257), C.BUS),
    **dict.fromkeys((18, 258), C.TRUCK),
    **dict.fromkeys((30, 254), C.PEDESTRIAN),
    **dict.fromkeys((40, 44, 60), C.DRIVEABLE_SURFACE),
    **dict.fromkeys((50, 51, 52, 80, 81), C.MANMADE),
    **dict.fromkeys((70, 71), C.VEGETATION),
    48: C.SIDEWALK,
    49: C.OTHER_FLAT,
    72: C.TERRAIN,
}
"""Riders go with their vehicles, rail vehicles with buses; other vehicles, other objects and outliers are noise."""

CLASS_NUMBERS = {
    C.NOISE: 0, C.BARRIER: 99, C.BICYCLE: 11, C.BUS: 13, C.CAR: 10, C.CONSTRUCTION_VEHICLE: 20, C.MOTORCYCLE: 15,
    C.PEDESTRIAN: 30, C.TRAFFIC_CONE: 99, C.TRAILER: 20, C.TRUCK: 18, C.DRIVEABLE_SURFACE: 40, C.OTHER_FLAT: 49,
    C.SIDEWALK: 48, C.TERRAIN: 72, C.MANMADE: 50, C.VEGETATION: 70,
}  # fmt: skip
"""The other way round; barriers and cones, and trailers and construction vehicles, share a number with others."""

_TABLE = lookup_table(SEMANTIC_KITTI_CLASSES, size=260)


class SemanticKittiSource:
    """A folder of `.bin` scans with a `.label` beside each. Instances are numbered 1, 2, ... and refer to no box."""

    def __init__(self, folder: Path, *, name: str = "semantic_kitti") -> None:
        self.name = name
        self._scans = sorted_files(folder, "*.bin")

    def __len__(self) -> int:
        return len(self._scans)

    def name_of(self, index: int) -> str:
        return self._scans[index].stem

    def __getitem__(self, index: int) -> Sample:
        scan = self._scans[index]
        return read_labelled_scan(scan, scan.with_suffix(".label"), drive=scan.parent.name)


def read_labelled_scan(scan: Path, labels: Path, *, drive: str = "", stamp_ns: int = 0) -> Sample:
    """One scan with its labels, at an identity pose.

    Raises:
        DatasetError: The labels are missing, or not one for each point.
    """
    raw = read_raw_bin(scan.read_bytes(), KITTI_COLUMNS, name=str(scan))
    cloud = PointCloud.from_xyz(raw.xyz, intensity=raw.intensity, stamp_ns=stamp_ns)
    packed = _read_labels(labels)
    if len(packed) != len(raw.xyz):
        raise DatasetError(f"{labels}: expected one label for each of {len(raw.xyz)} points, got {len(packed)}")
    kept = usable_points(raw.xyz)
    packed = packed[kept]
    semantic = map_points(packed & 0xFFFF, _TABLE, num_points=len(cloud), where=labels)
    no_boxes = np.zeros((0, 7), np.float32), np.zeros(0, np.uint8)
    annotations = Annotations.from_boxes(cloud, *no_boxes, point_semantic=semantic, view=NO_BOXES)
    annotations = replace(annotations, point_instance=instance_numbers(packed))
    T_ego_from_lidar = Transform(np.eye(4), "ego", "lidar")
    T_global_from_ego = Transform(np.eye(4), "global", "ego")
    origin = ScanOrigin.of(scan.stem, cloud, kept, drive=drive)
    return Sample(scan.stem, cloud, annotations, T_ego_from_lidar, T_global_from_ego, origin=origin)


def instance_numbers(packed: UInt32[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
    """1, 2, ... for each distinct object, 0 where a point has none; the same number in two classes is two objects."""
    objects, inverse = np.unique(np.where(packed >> 16, packed, 0), return_inverse=True)
    without_none = objects[0] != 0 if len(objects) else False
    return inverse.astype(np.int32) + int(without_none)


def _read_labels(path: Path) -> UInt32[np.ndarray, "n"]:
    if not path.is_file():
        raise DatasetError(f"{path}: no such file; each scan needs its labels beside it")
    data = path.read_bytes()
    if len(data) % 4:
        raise DatasetError(f"{path}: {len(data)} bytes are not a whole number of uint32 labels")
    return np.frombuffer(data, dtype="<u4")
