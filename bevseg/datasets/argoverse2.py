"""Argoverse 2 sensor dataset: two stacked VLP-32C, boxes all around with identities, poses.

    LOG/sensors/lidar/TIMESTAMP.feather              x y z intensity laser_number offset_ns
    LOG/annotations.feather                          timestamp_ns track_uuid category length_m .. tz_m num_interior_pts
    LOG/city_SE3_egovehicle.feather                  timestamp_ns qw qx qy qz tx_m ty_m tz_m
    LOG/calibration/egovehicle_SE3_sensor.feather    sensor_name qw .. tz_m

The points are in the vehicle's frame (x forward, y left, z up, the origin at the rear axle) and moved to where the
vehicle was at the timestamp, so this is the cloud's frame, too; rays start at one of the two sensors, lasers 0 to 31 at
the upper one. Coordinates are stored in 16 bits: good to 2 cm beyond 32 m, to 3 cm beyond 64 m. Times count back from
the last point, as nothing lies after the stamp in a cloud.

Labelled are objects within 5 m of the drivable area that were hit. People on bicycles and motorcycles have boxes beside
those of what they ride: the riders' are ignored.

This reader has been tried on small files of the documented schema alone, on none of the published logs.

Source: Wilson et al., "Argoverse 2", NeurIPS 2021 datasets and benchmarks; the readme and `structures/sweep.py` of
av2-api.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float64, Num

from bevseg.datasets.joined import JoinedSource
from bevseg.datasets.labels import NO_BOXES, DatasetError, class_array, folders_in, is_not_a_thing, track_number
from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud, usable_points
from bevseg.results.classes import SemanticClass as C

ARGOVERSE2_CLASSES = {
    **dict.fromkeys(("PEDESTRIAN", "OFFICIAL_SIGNALER"), C.PEDESTRIAN),
    **dict.fromkeys(("BUS", "SCHOOL_BUS", "ARTICULATED_BUS", "RAILED_VEHICLE"), C.BUS),
    **dict.fromkeys(("LARGE_VEHICLE", "BOX_TRUCK", "TRUCK", "TRUCK_CAB"), C.TRUCK),
    **dict.fromkeys(("BOLLARD", "STOP_SIGN", "SIGN"), C.MANMADE),
    **dict.fromkeys(("MOBILE_PEDESTRIAN_SIGN", "MOBILE_PEDESTRIAN_CROSSING_SIGN"), C.MANMADE),
    **dict.fromkeys(
        ("BICYCLIST", "MOTORCYCLIST", "WHEELED_RIDER", "WHEELED_DEVICE", "STROLLER", "WHEELCHAIR"), C.NOISE
    ),
    **dict.fromkeys(("DOG", "ANIMAL", "CONSTRUCTION_BARREL"), C.NOISE),
    **dict.fromkeys(("MESSAGE_BOARD_TRAILER", "TRAFFIC_LIGHT_TRAILER"), C.NOISE),
    "REGULAR_VEHICLE": C.CAR,
    "VEHICULAR_TRAILER": C.TRAILER,
    "BICYCLE": C.BICYCLE,
    "MOTORCYCLE": C.MOTORCYCLE,
    "CONSTRUCTION_CONE": C.TRAFFIC_CONE,
}
"""As nuScenes counts, as far as the names tell: pick-ups are among the regular vehicles here, among trucks there."""

SPLITS = ("train", "val", "test")

_SENSORS = ("up_lidar", "down_lidar")
_LASERS_A_SENSOR = 32
_POINT_COLUMNS = ("x", "y", "z", "intensity", "laser_number", "offset_ns")
_POSE_COLUMNS = ("qw", "qx", "qy", "qz", "tx_m", "ty_m", "tz_m")
_SIZE_COLUMNS = ("length_m", "width_m", "height_m")
_BOX_COLUMNS = ("timestamp_ns", "track_uuid", "category", *_SIZE_COLUMNS, *_POSE_COLUMNS)

Table = dict[str, np.ndarray]
"""Columns of a feather file by name."""


class Argoverse2Log:
    """One log. Its tables are read with the first sample.

    Raises:
        DatasetError: The folder has no scans.
    """

    def __init__(self, folder: Path, *, name: str | None = None) -> None:
        self.name = name or folder.name
        self._folder = folder
        files = (folder / "sensors" / "lidar").glob("*.feather")
        self._scans = sorted((path for path in files if path.stem.isdecimal()), key=lambda path: int(path.stem))
        if not self._scans:
            raise DatasetError(f"{folder}: expected scans sensors/lidar/TIMESTAMP.feather, found none")

    @property
    def has_poses(self) -> bool:
        return True

    def drive_of(self, index: int) -> str:
        """All scans are of one log."""
        return self.name

    def __len__(self) -> int:
        return len(self._scans)

    def name_of(self, index: int) -> str:
        return self._scans[index].stem

    def __getitem__(self, index: int) -> Sample:
        scan = self._scans[index]
        stamp_ns = int(scan.stem)
        cloud = self._cloud(scan, stamp_ns)
        return Sample(
            name=scan.stem,
            cloud=cloud,
            annotations=self._annotations(cloud, stamp_ns),
            T_ego_from_lidar=Transform(np.eye(4), "ego", "lidar"),
            T_global_from_ego=self._pose(stamp_ns),
        )

    def _cloud(self, scan: Path, stamp_ns: int) -> PointCloud:
        table = read_feather(scan, _POINT_COLUMNS)
        xyz = np.stack([table[axis].astype(np.float32) for axis in "xyz"], axis=1)
        offset_s = table["offset_ns"].astype(np.float64) * 1e-9
        cloud = PointCloud.from_xyz(
            xyz,
            stamp_ns=stamp_ns,
            intensity=table["intensity"].astype(np.float32) / np.float32(255),
            time_s=(offset_s - offset_s.max(initial=0.0)).astype(np.float32),
            ring=table["laser_number"].astype(np.int32),
        )
        laser = table["laser_number"][usable_points(xyz)].astype(np.int32)
        if len(laser) and laser.max() >= _LASERS_A_SENSOR * len(_SENSORS):
            raise DatasetError(f"{scan}: expected lasers 0..63 of two sensors, got {laser.max()}")
        both_now = np.zeros(len(self._origins_m), np.int64)  # two sensors, one sweep
        return replace(
            cloud, sensor_origins_m=self._origins_m, sweep=laser // _LASERS_A_SENSOR, sweep_of_origin=both_now
        )

    @cached_property
    def _origins_m(self) -> Float[np.ndarray, "2 3"]:
        path = self._folder / "calibration" / "egovehicle_SE3_sensor.feather"
        table = read_feather(path, ("sensor_name", *_POSE_COLUMNS))
        places = dict(zip(table["sensor_name"].tolist(), _columns(table, ("tx_m", "ty_m", "tz_m")), strict=True))
        missing = [name for name in _SENSORS if name not in places]
        if missing:
            raise DatasetError(f"{path}: has no sensors {missing}, only {sorted(places)}")
        return np.stack([places[name] for name in _SENSORS]).astype(np.float32)

    @cached_property
    def _poses(self) -> _Poses:
        path = self._folder / "city_SE3_egovehicle.feather"
        table = read_feather(path, ("timestamp_ns", *_POSE_COLUMNS))
        order = np.argsort(table["timestamp_ns"], kind="stable")
        return _Poses(path, table["timestamp_ns"][order].astype(np.int64), _columns(table, _POSE_COLUMNS)[order])

    def _pose(self, stamp_ns: int) -> Transform:
        poses = self._poses
        place = int(np.searchsorted(poses.stamp_ns, stamp_ns))
        if place == len(poses.stamp_ns) or poses.stamp_ns[place] != stamp_ns:
            raise DatasetError(f"{poses.path}: has no pose for the scan at {stamp_ns} ns")
        return Transform.from_quaternion(poses.values[place, :4], poses.values[place, 4:], dst="global", src="ego")

    @cached_property
    def _boxes(self) -> Table | None:
        """All boxes of the log in the order of time, or None where they are not given away."""
        path = self._folder / "annotations.feather"
        if not path.is_file():
            return None
        table = read_feather(path, _BOX_COLUMNS)
        order = np.argsort(table["timestamp_ns"], kind="stable")
        return {name: column[order] for name, column in table.items()}

    def _annotations(self, cloud: PointCloud, stamp_ns: int) -> Annotations:
        table = self._boxes
        if table is None:
            no_boxes = np.zeros((0, 7), np.float32), np.zeros(0, np.uint8)
            return Annotations.from_boxes(cloud, *no_boxes, view=NO_BOXES)
        first, last = np.searchsorted(table["timestamp_ns"], (stamp_ns, stamp_ns + 1))
        rows = {name: column[first:last] for name, column in table.items()}
        label = class_array(rows["category"].tolist(), ARGOVERSE2_CLASSES, where=self._folder / "annotations.feather")
        return Annotations.from_boxes(
            cloud,
            boxes_in_ego(rows).astype(np.float32),
            label,
            track_id=np.array([track_number(uuid) for uuid in rows["track_uuid"].tolist()], np.int64),
            ignored=is_not_a_thing(label),
        )


@dataclass(frozen=True, eq=False)
class _Poses:
    """The rows of a table of poses by time; values are those of `_POSE_COLUMNS`."""

    path: Path
    stamp_ns: Num[np.ndarray, "pose"]
    values: Float64[np.ndarray, "pose 7"]


def argoverse2_logs(root: Path, split: str | None = None) -> tuple[Path, ...]:
    """The folders of logs: the root itself, those in it, or those in its folders `train`, `val`, `test`."""
    folders = [root / split] if split else [root, *(root / name for name in SPLITS)]
    candidates = [path for folder in folders if folder.is_dir() for path in (folder, *folders_in(folder))]
    return tuple(path for path in candidates if (path / "sensors" / "lidar").is_dir())


def argoverse2_source(
    root: Path, split: str | None = None, *, logs: Sequence[str] | None = None, name: str = "argoverse2"
) -> JoinedSource:
    """The logs below a root: all, those of a split, or those named.

    Raises:
        DatasetError: There is none, or one that is named is not there.
    """
    there = {path.name: path for path in argoverse2_logs(root, split)}
    missing = sorted(set(logs or ()) - set(there))
    if missing or not there:
        raise DatasetError(f"{root}: expected the logs {missing or 'at all'}, found {sorted(there)}")
    chosen = [there[log] for log in logs or there]
    return JoinedSource(f"{name}-{split}" if split else name, [Argoverse2Log(folder) for folder in chosen])


def boxes_in_ego(rows: Table) -> Float64[np.ndarray, "k 7"]:
    """Boxes `(x, y, z, l, w, h, yaw)` of rows of `annotations.feather`, whose poses are in the vehicle's frame."""
    w, x, y, z = _columns(rows, ("qw", "qx", "qy", "qz")).T
    yaw = np.arctan2(2 * (x * y + w * z), 1 - 2 * (y * y + z * z))
    return np.column_stack([_columns(rows, ("tx_m", "ty_m", "tz_m")), _columns(rows, _SIZE_COLUMNS), yaw])


def read_feather(path: Path, columns: Sequence[str]) -> Table:
    """The named columns of a feather file.

    Raises:
        DatasetError: The file is missing, damaged, or lacks a column.
        ModuleNotFoundError: The package `pyarrow`, which is optional, is not installed.
    """
    import pyarrow
    from pyarrow import feather

    if not path.is_file():
        raise DatasetError(f"{path}: no such file")
    try:
        table = feather.read_table(str(path), memory_map=False)
    except pyarrow.ArrowInvalid as error:
        raise DatasetError(f"{path}: is no readable feather file: {error}") from error
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise DatasetError(f"{path}: columns {missing} are missing, the file has {table.column_names}")
    return {name: table.column(name).to_numpy() for name in columns}


def _columns(table: Table, names: Sequence[str]) -> Float64[np.ndarray, "row column"]:
    return np.column_stack([table[name].astype(np.float64) for name in names])
