"""nuScenes through its own tables: v1.0-mini, v1.0-trainval, v1.0-test, and every set in its schema.

The tables are indexed when a set is opened for the first time; points and labels of points are read when a sample is
asked for. What is in the sensor's frame (x right, y forward in nuScenes; x forward in some other sets, which the
calibration tells) is turned to x forward here.

Identities are 60 bits of a hash of the instance's token: the same in every frame and every run. `num_points` is the
table's num_lidar_pts. Visibility levels are nuScenes': of all six cameras together, not of the lidar.

Source: docs/schema_nuscenes.md of nuscenes-devkit 1.2.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bevseg.datasets.labels import NO_BOXES, DatasetError, folders_in, is_not_a_thing, map_points, track_number
from bevseg.datasets.nuscenes_classes import CATEGORY_CLASSES, VISIBILITY_LEVELS, classes_of_categories, index_table
from bevseg.datasets.nuscenes_index import TABLES, NuScenesIndex
from bevseg.datasets.nuscenes_rows import Row, boxes_in_lidar, forward_axis, instances_of_boxes, pose_of
from bevseg.datasets.sample import Annotations, Sample
from bevseg.datasets.scan_origin import Rows, ScanOrigin
from bevseg.datasets.swept import with_earlier_sweeps
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud, usable_points
from bevseg.points.input_frame import InputFrame, T_lidar_from_input, to_x_forward
from bevseg.points.raw_bin import NUSCENES_COLUMNS, read_raw_bin
from bevseg.results.classes import SemanticClass

_INSTANCES_A_CATEGORY = 1000
_FULL_SCALE = np.float32(255)


@dataclass(frozen=True)
class NuScenesOptions:
    """Which part of a set is read, and how.

    Attributes:
        split: A split of the devkit ("train", "val", "mini_val", ...) or of the set's own `splits.json`; None for all.
        scenes: Names of scenes, in any order; None for all of the split.
        sweeps: How many scans each sample holds: its own and those before it.
        channel: The lidar.
        classes: The class of each category, over the usual ones.
    """

    split: str | None = None
    scenes: tuple[str, ...] | None = None
    sweeps: int = 1
    channel: str = "LIDAR_TOP"
    classes: Mapping[str, SemanticClass] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.sweeps < 1:
            raise ValueError(f"sweeps must be 1 or more, got {self.sweeps}")


def versions_in(root: Path) -> tuple[str, ...]:
    """The folders of tables below the root of a set, by name."""
    if not root.is_dir():
        return ()
    return tuple(f.name for f in folders_in(root) if all((f / f"{table}.json").is_file() for table in TABLES))


def open_tables(root: Path, version: str | None = None) -> NuScenesIndex:
    """Opens the tables of a set; the first time they are read, which takes a minute or two for all of nuScenes.

    Args:
        root: The devkit's dataroot.
        version: The folder of tables in it; None where there is but one.

    Raises:
        DatasetError: There is no such folder, there are several, or its tables do not fit each other.
    """
    versions = versions_in(root)
    if version is None and len(versions) != 1:
        found = f"found {', '.join(versions)}: choose one with version" if versions else "found none"
        raise DatasetError(f"{root}: expected one folder with nuScenes' tables ({', '.join(TABLES)}), {found}")
    if version is not None and version not in versions:
        raise DatasetError(f"{root}: has no tables in the folder '{version}', only in {list(versions)}")
    folder = root / (version or versions[0])
    try:
        return NuScenesIndex(root, folder.name)
    except KeyError as error:
        raise DatasetError(f"{folder}: the tables do not fit each other, {error} is missing") from error
    except (FileNotFoundError, ValueError) as error:
        raise DatasetError(f"{folder}: these tables cannot be read: {error}") from error


def scenes_of_split(tables: NuScenesIndex, split: str) -> tuple[str, ...]:
    """The names of the scenes of a split, the devkit's own or one of the set's `splits.json`.

    Raises:
        DatasetError: There is no such split.
        ModuleNotFoundError: The package `nuscenes-devkit`, which is optional, is not installed.
    """
    from nuscenes.utils.splits import create_splits_scenes, get_scenes_of_custom_split

    official: dict[str, list[str]] = create_splits_scenes()
    if split in official:
        return tuple(official[split])
    try:
        return tuple(get_scenes_of_custom_split(split, tables))
    except (ValueError, AssertionError) as error:
        raise DatasetError(f"split '{split}' is none of {', '.join(official)}, and {error}") from error


class NuScenesSource:
    """The keyframes of a set, scene by scene in the order of time.

    Raises:
        DatasetError: The split or a scene is not in the set, no keyframe has the lidar, or a category has no class.
    """

    def __init__(
        self, tables: NuScenesIndex, options: NuScenesOptions | None = None, *, name: str | None = None
    ) -> None:
        options = options or NuScenesOptions()
        self._tables, self._options = tables, options
        self._root = Path(tables.dataroot)
        self.name = name or tables.version + (f"-{options.split}" if options.split else "")
        categories = tables.rows("category")
        names = [category["name"] for category in categories]
        self._classes = classes_of_categories(
            names, {**CATEGORY_CLASSES, **options.classes}, where=self._root / tables.version / "category.json"
        )
        self._index_table = index_table(categories, self._classes)
        self._label_files = {table: _label_files(tables, table) for table in ("lidarseg", "panoptic")}
        self._has_annotations = tables.has_annotations
        self._keyframes = [
            (token, scene["name"]) for scene in self._scenes() for token in scene["samples"].get(options.channel, ())
        ]
        if not self._keyframes:
            raise DatasetError(f"{self._root}: no keyframe of {self.name} has a scan of {options.channel}")

    @property
    def has_poses(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self._keyframes)

    def drive_of(self, index: int) -> str:
        """The name of the sample's scene."""
        return self._keyframes[index][1]

    def name_of(self, index: int) -> str:
        return self._keyframes[index][0]

    def __getitem__(self, index: int) -> Sample:
        keyframe = self._tables.get("sample", self._keyframes[index][0])
        scan = self._tables.get("sample_data", keyframe["data"][self._options.channel])
        pose = self._pose(scan)
        cloud, kept = self._read(scan, pose.input_frame)
        truth = self._boxes(keyframe, cloud, (pose.T_global_from_ego @ pose.T_ego_from_lidar).inverse())
        truth = self._with_point_labels(truth, scan, cloud, kept)
        origin = ScanOrigin.of(scan["token"], cloud, kept, drive=self.drive_of(index))
        own = pose.T_ego_from_lidar, pose.T_global_from_ego
        sample = Sample(keyframe["token"], cloud, truth, *own, origin=origin)
        clouds, poses = [], []
        for sweep in self._before(scan):
            place = self._pose(sweep)
            clouds.append(self._read(sweep, place.input_frame)[0])
            poses.append(place.T_global_from_ego @ place.T_ego_from_lidar)
        return with_earlier_sweeps(sample, clouds, poses)

    def _scenes(self) -> list[Row]:
        rows = {row["name"]: row for row in self._tables.rows("scene")}
        wanted = set(rows)
        if self._options.split is not None:
            wanted &= set(scenes_of_split(self._tables, self._options.split))
        if self._options.scenes is not None:
            missing = sorted(set(self._options.scenes) - set(rows))
            if missing:
                raise DatasetError(f"{self._root}: scenes {missing} are not in {self._tables.version}")
            wanted &= set(self._options.scenes)
        return [row for name, row in rows.items() if name in wanted]

    def _before(self, scan: Row) -> Iterator[Row]:
        """The scans before one, the latest first; fewer than wanted at the beginning of a scene."""
        for _ in range(self._options.sweeps - 1):
            if not scan["prev"]:
                return
            scan = self._tables.get("sample_data", scan["prev"])
            yield scan

    def _pose(self, scan: Row) -> _Pose:
        sensor = self._tables.get("calibrated_sensor", scan["calibrated_sensor_token"])
        vehicle = self._tables.get("ego_pose", scan["ego_pose_token"])
        T_ego_from_input = pose_of(sensor, dst="ego", src="input")
        input_frame = forward_axis(T_ego_from_input, where=scan["filename"])
        return _Pose(
            input_frame=input_frame,
            T_ego_from_lidar=T_ego_from_input @ T_lidar_from_input(input_frame).inverse(),
            T_global_from_ego=pose_of(vehicle, dst="global", src="ego"),
        )

    def _read(self, scan: Row, input_frame: InputFrame) -> tuple[PointCloud, Rows]:
        """The scan, and which rows of its file it holds."""
        path = self._root / scan["filename"]
        if not path.is_file():
            raise DatasetError(f"{path}: no such file, but the tables name it")
        raw = read_raw_bin(path.read_bytes(), NUSCENES_COLUMNS, name=str(path))
        cloud = PointCloud.from_xyz(
            to_x_forward(raw.xyz, input_frame),
            stamp_ns=scan["timestamp"] * 1000,
            intensity=None if raw.intensity is None else raw.intensity / _FULL_SCALE,
            ring=None if raw.ring is None else raw.ring.astype(np.int32),
        )
        return cloud, usable_points(raw.xyz)

    def _boxes(self, keyframe: Row, cloud: PointCloud, T_lidar_from_global: Transform) -> Annotations:
        rows = [self._tables.get("sample_annotation", token) for token in keyframe["anns"]]
        label = np.array([self._classes[row["category_name"]] for row in rows], np.uint8)
        velocity = np.array([self._tables.box_velocity(row) for row in rows]).reshape(-1, 3)
        tokens = {row["visibility_token"] for row in rows}
        level_of = {token: self._tables.get("visibility", token)["level"] for token in tokens}
        levels = [level_of[row["visibility_token"]] for row in rows]
        truth = Annotations.from_boxes(
            cloud,
            boxes_in_lidar(rows, T_lidar_from_global).astype(np.float32),
            label,
            track_id=np.array([track_number(row["instance_token"]) for row in rows], np.int64),
            ignored=is_not_a_thing(label),
            # Those of the test set are not given away: an empty scene would be a wrong truth.
            view=None if self._has_annotations else NO_BOXES,
        )
        return replace(
            truth,
            velocity_mps=(velocity @ T_lidar_from_global.matrix[:3, :3].T)[:, :2].astype(np.float32),
            num_points=np.array([row["num_lidar_pts"] for row in rows], np.int64),
            visibility_level=np.array([VISIBILITY_LEVELS.get(level, 0) for level in levels], np.uint8),
        )

    def _with_point_labels(self, truth: Annotations, scan: Row, cloud: PointCloud, kept: Rows) -> Annotations:
        """Adds the class of each point, and the object, where the set has labels of points for this scan."""
        token = scan["token"]
        packed_file, class_file = self._label_file("panoptic", token), self._label_file("lidarseg", token)
        if packed_file is None and class_file is None:
            return truth
        numbers = np.zeros(0, np.int64)
        if packed_file is not None:
            with np.load(packed_file) as stored:
                numbers = stored["data"][kept].astype(np.int64)
        index = np.fromfile(class_file, np.uint8)[kept] if class_file is not None else numbers // _INSTANCES_A_CATEGORY
        where = class_file or packed_file or self._root
        semantic = map_points(index, self._index_table, num_points=len(cloud), where=where)
        truth = replace(truth, point_semantic=semantic)
        if packed_file is None:
            return truth
        if len(numbers) != len(cloud):
            raise DatasetError(f"{packed_file}: expected a label for each of {len(cloud)} points, got {len(numbers)}")
        numbers = np.where(numbers % _INSTANCES_A_CATEGORY, numbers, 0)
        return replace(truth, point_instance=instances_of_boxes(numbers, cloud, truth, self._index_table))

    def _label_file(self, table: str, token: str) -> Path | None:
        name = self._label_files[table].get(token)
        if name is None:
            return None
        path = self._root / name
        if not path.is_file():
            raise DatasetError(f"{path}: no such file, but the table {table} names it")
        return path


@dataclass(frozen=True, eq=False)
class _Pose:
    """Where a scan was taken; `T_ego_from_lidar` starts at the x-forward axes."""

    input_frame: InputFrame
    T_ego_from_lidar: Transform
    T_global_from_ego: Transform


def _label_files(tables: NuScenesIndex, table: str) -> dict[str, str]:
    """The file of each scan's labels of points, by the scan's token."""
    return {row["sample_data_token"]: row["filename"] for row in tables.rows(table)}
