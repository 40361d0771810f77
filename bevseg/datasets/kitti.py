"""KITTI's object and tracking labels, and sets that borrow the object layout (Argoverse 1 as converted to it).

Boxes are labelled in the rectified camera frame (x right, y down, z forward): size h w l, the centre of the box's
bottom, and the heading about the camera's y axis. They are moved into the lidar's frame here. Only what the front
camera saw is labelled, so each reader has a view. Without records of the GPS/IMU there are no poses: the ego frame is
the lidar's and the global frame is the ego's of each scan.

Source: Geiger et al., "Are we ready for autonomous driving?", CVPR 2012, and the development kits' readme files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from bevseg.datasets.kitti_calibration import read_calibration, read_lines, read_mounting, read_rows
from bevseg.datasets.kitti_poses import read_oxts
from bevseg.datasets.labels import DatasetError, class_array, is_not_a_thing, sorted_files
from bevseg.datasets.sample import Annotations, LabelledView, Sample
from bevseg.datasets.scan_origin import Rows, ScanOrigin
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud, usable_points
from bevseg.points.raw_bin import KITTI_COLUMNS, read_raw_bin
from bevseg.results.classes import SemanticClass

KITTI_CLASSES = {
    "Car": SemanticClass.CAR,
    "Van": SemanticClass.CAR,
    "Truck": SemanticClass.TRUCK,
    "Tram": SemanticClass.BUS,
    "Pedestrian": SemanticClass.PEDESTRIAN,
    "Person_sitting": SemanticClass.PEDESTRIAN,
    "Person": SemanticClass.PEDESTRIAN,
    "Cyclist": SemanticClass.BICYCLE,
    "Misc": SemanticClass.NOISE,
    "CAR": SemanticClass.CAR,
    "PEDESTRIAN": SemanticClass.PEDESTRIAN,
    "ON_ROAD_OBSTACLE": SemanticClass.NOISE,
}
"""nuScenes counts vans as cars. `Person` is the tracking set's word for `Person_sitting`; capitals are Argoverse's."""

KITTI_NAMES = {
    SemanticClass.CAR: "Car",
    SemanticClass.TRUCK: "Truck",
    SemanticClass.BUS: "Tram",
    SemanticClass.PEDESTRIAN: "Pedestrian",
    SemanticClass.BICYCLE: "Cyclist",
}
"""The other way round; the other classes are `Misc`, which a reader has to take as neither right nor wrong to find."""

_NO_BOX = "DontCare"
_TRACKING_PERIOD_NS = 100_000_000


@dataclass(frozen=True)
class KittiHabits:
    """Where sets in this layout differ from each other.

    Attributes:
        view: Where the boxes are complete; KITTI's front camera sees 81 degrees.
        has_reflectance: False where a converted set fills the fourth column with a constant.
        has_truncation: False where the column for truncation holds no shares, but a constant or levels.
        y_is_center: True where the labelled place is the centre of the box, not of its bottom.
        sensor_origin_m: Where the rays start, from the origin of the points.
    """

    view: LabelledView = field(default_factory=lambda: LabelledView(half_angle_rad=float(np.deg2rad(40.0))))
    has_reflectance: bool = True
    has_truncation: bool = True
    y_is_center: bool = False
    sensor_origin_m: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class KittiObject:
    """One line of a label file, in the rectified camera frame."""

    name: str
    size_hwl_m: tuple[float, float, float]
    place_m: tuple[float, float, float]
    rotation_y_rad: float
    track_id: int = -1
    truncation: float = np.nan


class KittiObjectSource:
    """A folder with `velodyne/*.bin`, `label_2/*.txt` and `calib/*.txt` of the same names, all or those of `frames`."""

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "kitti",
        habits: KittiHabits | None = None,
        frames: Sequence[str] | None = None,
    ) -> None:
        self.name = name
        self._habits = habits or KittiHabits()
        self._folder = folder
        self._scans = sorted_files(folder / "velodyne", "*.bin")
        if frames is not None:
            by_name = {scan.stem: scan for scan in self._scans}
            missing = [frame for frame in frames if frame not in by_name]
            if missing:
                raise DatasetError(f"{folder / 'velodyne'}: {len(missing)} frames are missing, the first {missing[0]}")
            self._scans = tuple(by_name[frame] for frame in frames)

    def __len__(self) -> int:
        return len(self._scans)

    def name_of(self, index: int) -> str:
        return self._scans[index].stem

    def __getitem__(self, index: int) -> Sample:
        scan = self._scans[index]
        labels = self._folder / "label_2" / f"{scan.stem}.txt"
        objects = [_parse_object(row, where=labels) for row in read_rows(labels)]
        calibration = self._folder / "calib" / f"{scan.stem}.txt"
        T_lidar_from_camera = read_calibration(calibration)
        cloud, kept = _read_scan(scan, self._habits)
        annotations = _annotations(cloud, objects, T_lidar_from_camera, self._habits, where=labels)
        origin = ScanOrigin.of(scan.stem, cloud, kept, calibration=calibration)
        return replace(_sample(scan.stem, cloud, annotations), origin=origin)


@dataclass(frozen=True)
class KittiSequenceFiles:
    """The files of one drive of the tracking set; `scans` is a folder, `oxts` None where there are no records."""

    scans: Path
    labels: Path
    calibration: Path
    oxts: Path | None = None

    @classmethod
    def of_folder(cls, folder: Path) -> KittiSequenceFiles:
        """Those of a folder with `velodyne/*.bin`, `label_02.txt`, `calib.txt` and perhaps `oxts.txt`."""
        oxts = folder / "oxts.txt"
        return cls(folder / "velodyne", folder / "label_02.txt", folder / "calib.txt", oxts if oxts.is_file() else None)


class KittiTrackingSource:
    """One drive of the tracking set, in a folder of its own or as files named one by one; scans are 100 ms apart."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        files: KittiSequenceFiles | None = None,
        name: str = "kitti_tracking",
        habits: KittiHabits | None = None,
    ) -> None:
        if files is None:
            files = KittiSequenceFiles.of_folder(folder or Path())
        self.name = name
        self._habits = replace(habits or KittiHabits(), has_truncation=False)  # this layout has levels, no shares
        self._labels = files.labels
        self._scans = sorted_files(files.scans, "*.bin")
        self._calibration = files.calibration
        self._T_lidar_from_camera = read_calibration(files.calibration)
        self._lines = _lines_by_frame(self._labels)
        self._T_ego_from_lidar = Transform(np.eye(4), "ego", "lidar")
        self._poses: Sequence[Transform] = ()
        if files.oxts is not None:
            self._poses = read_oxts(files.oxts)
            self._T_ego_from_lidar = read_mounting(files.calibration)

    @property
    def has_poses(self) -> bool:
        return bool(self._poses)

    def drive_of(self, index: int) -> str:
        """All scans are of one drive."""
        return self.name

    def __len__(self) -> int:
        return len(self._scans)

    def name_of(self, index: int) -> str:
        return self._scans[index].stem

    def __getitem__(self, index: int) -> Sample:
        scan = self._scans[index]
        frame = int(scan.stem)
        rows = (line.split() for line in self._lines.get(frame, ()))
        objects = [_parse_object(row[2:], track_id=int(row[1]), where=self._labels) for row in rows]
        cloud, kept = _read_scan(scan, self._habits, stamp_ns=frame * _TRACKING_PERIOD_NS)
        annotations = _annotations(cloud, objects, self._T_lidar_from_camera, self._habits, where=self._labels)
        origin = ScanOrigin.of(scan.stem, cloud, kept, drive=self.name, calibration=self._calibration)
        sample = replace(_sample(scan.stem, cloud, annotations), origin=origin)
        if not self._poses:
            return sample
        if frame >= len(self._poses):
            raise DatasetError(f"{scan}: is frame {frame}, but there are records of {len(self._poses)} frames alone")
        return replace(sample, T_ego_from_lidar=self._T_ego_from_lidar, T_global_from_ego=self._poses[frame])


def boxes_in_lidar(
    objects: Sequence[KittiObject], T_lidar_from_camera: Transform, *, y_is_center: bool = False
) -> Float32[np.ndarray, "k 7"]:
    """Boxes `(x, y, z, l, w, h, yaw)` in the lidar's frame; the heading is turned by the full rotation."""
    if not objects:
        return np.zeros((0, 7), np.float32)
    size_hwl = np.array([o.size_hwl_m for o in objects])
    center = np.array([o.place_m for o in objects])
    if not y_is_center:
        center[:, 1] -= size_hwl[:, 0] / 2  # the camera's y points down
    angle = np.array([o.rotation_y_rad for o in objects])
    heading = np.stack([np.cos(angle), np.zeros(len(objects)), -np.sin(angle)], axis=1)
    heading = heading @ T_lidar_from_camera.matrix[:3, :3].T
    yaw = np.arctan2(heading[:, 1], heading[:, 0])
    boxes = np.column_stack([T_lidar_from_camera.apply(center), size_hwl[:, ::-1], yaw])
    return boxes.astype(np.float32)


def _read_scan(path: Path, habits: KittiHabits, *, stamp_ns: int = 0) -> tuple[PointCloud, Rows]:
    """The scan, and which rows of its file it holds."""
    raw = read_raw_bin(path.read_bytes(), KITTI_COLUMNS, name=str(path))
    cloud = PointCloud.from_xyz(
        raw.xyz,
        stamp_ns=stamp_ns,
        sensor_origin_m=habits.sensor_origin_m,
        intensity=raw.intensity if habits.has_reflectance else None,
    )
    return cloud, usable_points(raw.xyz)


def _annotations(
    cloud: PointCloud,
    objects: Sequence[KittiObject],
    T_lidar_from_camera: Transform,
    habits: KittiHabits,
    *,
    where: Path,
) -> Annotations:
    boxed = [o for o in objects if o.name != _NO_BOX]
    label = class_array([o.name for o in boxed], KITTI_CLASSES, where=where)
    return Annotations.from_boxes(
        cloud,
        boxes_in_lidar(boxed, T_lidar_from_camera, y_is_center=habits.y_is_center),
        label,
        track_id=np.array([o.track_id for o in boxed], dtype=np.int64),
        truncation=np.array([o.truncation for o in boxed], np.float32) if habits.has_truncation else None,
        ignored=is_not_a_thing(label),
        view=habits.view,
    )


def _sample(name: str, cloud: PointCloud, annotations: Annotations) -> Sample:
    T_ego_from_lidar = Transform(np.eye(4), "ego", "lidar")
    return Sample(name, cloud, annotations, T_ego_from_lidar, Transform(np.eye(4), "global", "ego"))


def _lines_by_frame(path: Path) -> Mapping[int, Sequence[str]]:
    """The lines of each frame in a drive's labels; their fields are left for when the frame is read: there are many."""
    lines: dict[int, list[str]] = {}
    for line in read_lines(path):
        frame = line.split(maxsplit=1)[0]
        if not frame.isdecimal():
            raise DatasetError(f"{path}: a label begins with the number of its frame, got '{line}'")
        lines.setdefault(int(frame), []).append(line)
    return lines


def _parse_object(fields: Sequence[str], *, track_id: int = -1, where: Path) -> KittiObject:
    """One object from `type truncated occluded alpha left top right bottom h w l x y z rotation_y`."""
    if len(fields) < 15:
        raise DatasetError(f"{where}: a label needs 15 fields, got {len(fields)}: '{' '.join(fields)}'")
    h, w, length, x, y, z, rotation_y = (float(value) for value in fields[8:15])
    share = float(fields[1])
    truncation = share if 0 <= share <= 1 else np.nan
    return KittiObject(fields[0], (h, w, length), (x, y, z), rotation_y, track_id, truncation)
