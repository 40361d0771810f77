"""Opens a dataset of any kind that bevseg reads, told apart by what lies in its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bevseg.datasets.argoverse import argoverse_source, is_argoverse
from bevseg.datasets.argoverse2 import argoverse2_logs, argoverse2_source
from bevseg.datasets.bag import BagSource
from bevseg.datasets.bag_messages import BAG_SUFFIXES
from bevseg.datasets.folder import FolderSource
from bevseg.datasets.kitti import KittiObjectSource, KittiTrackingSource
from bevseg.datasets.kitti_dataset import kitti_object_source, kitti_tracking_source
from bevseg.datasets.labels import DatasetError
from bevseg.datasets.nuscenes import NuScenesLidarsegSource, NuScenesTruthSource
from bevseg.datasets.nuscenes_tables import NuScenesOptions, NuScenesSource, open_tables, versions_in
from bevseg.datasets.pandaset import PandaSetSource
from bevseg.datasets.semantic_kitti import SemanticKittiSource
from bevseg.datasets.semantic_kitti_dataset import SemanticKittiSequence, semantic_kitti_source
from bevseg.datasets.source import Source
from bevseg.datasets.stored import StoredSource, stored_frames
from bevseg.datasets.swept import DriveRecording, SweptSource
from bevseg.points.formats import EXTENSIONS

Kind = Literal[
    "nuscenes",
    "argoverse2",
    "semantic-kitti",
    "kitti-tracking",
    "kitti-object",
    "rosbag",
    "bevseg-frames",
    "nuscenes-keyframes",
    "nuscenes-lidarseg",
    "pandaset",
    "argoverse1",
    "kitti-object-folder",
    "kitti-tracking-folder",
    "semantic-kitti-drive",
    "semantic-kitti-folder",
    "points",
]

LOOKED_FOR: dict[Kind, str] = {
    "nuscenes": "a folder of tables: VERSION/sample_data.json and the others",
    "argoverse2": "sensors/lidar/*.feather, in the folder, in its logs or in the logs of train, val, test",
    "semantic-kitti": "sequences/*/velodyne",
    "kitti-tracking": "training/label_02/*.txt with folders of scans, training/velodyne/0000",
    "kitti-object": "training/velodyne/*.bin and training/label_2",
    "rosbag": "metadata.yaml, or a file .mcap or .db3",
    "bevseg-frames": "frames of `bevseg simulate`, *.npz or 000/*.npz",
    "nuscenes-keyframes": "mini_val_gt.json",
    "nuscenes-lidarseg": "*_lidarseg.bin beside *.pcd.bin",
    "pandaset": "semseg_classes.json beside *.npz",
    "argoverse1": "velodyne/*.bin, label_2 and calib, with classes in capitals",
    "kitti-object-folder": "velodyne/*.bin, label_2 and calib",
    "kitti-tracking-folder": "velodyne/*.bin, label_02.txt and calib.txt",
    "semantic-kitti-drive": "velodyne/*.bin and labels/*.label",
    "semantic-kitti-folder": "*.label beside *.bin",
    "points": f"point files ({', '.join(EXTENSIONS)}), which have no labels",
}
"""What each kind is known by, in the order in which they are tried."""

_WITH_SPLITS: tuple[Kind, ...] = ("nuscenes", "argoverse2", "semantic-kitti", "kitti-object")
_WITH_DRIVES: tuple[Kind, ...] = ("nuscenes", "argoverse2", "semantic-kitti", "kitti-tracking")


@dataclass(frozen=True)
class OpenOptions:
    """Which part of a dataset is opened, and how; what a kind does not have is refused.

    Attributes:
        split: Name of a split or list of the set ("train", "val", "mini_val", ...).
        drives: Names of scenes (nuScenes), logs (Argoverse 2) or drives (KITTI).
        sweeps: How many scans are joined into each sample.
        version: nuScenes: the folder of tables, where there are several.
        topic: Bags: the topic of the points, where there are several.
        sensor_frame: Bags: the frame where rays start, where the points are in another one.
    """

    split: str | None = None
    drives: tuple[str, ...] | None = None
    sweeps: int = 1
    version: str | None = None
    topic: str | None = None
    sensor_frame: str | None = None


@dataclass(frozen=True)
class OpenedSource:
    """A source, and as what it was recognised."""

    source: Source
    kind: Kind
    path: Path

    @property
    def description(self) -> str:
        """What was found, in one line."""
        return f"{self.path}: {self.kind} ({LOOKED_FOR[self.kind]}), {len(self.source)} samples"


def open_source(path: Path | str, options: OpenOptions | None = None) -> OpenedSource:
    """Opens whatever dataset lies at a path; nothing is read ahead but tables and indices.

    Raises:
        DatasetError: Nothing that we know is there (the error lists what was looked for), the dataset is damaged, or an
            option does not go with its kind.
        ModuleNotFoundError: The kind needs an optional package.
    """
    path, options = Path(path), options or OpenOptions()
    kind = kind_of(path)
    _refuse_strange_options(kind, options)
    source = _open(path, kind, options)
    if options.sweeps > 1 and kind != "nuscenes":
        if not isinstance(source, DriveRecording):
            raise DatasetError(f"{path}: sweeps cannot be joined, the samples of {kind} do not follow each other")
        source = SweptSource(source, options.sweeps)
    return OpenedSource(source, kind, path)


def kind_of(path: Path) -> Kind:
    """The first kind of `LOOKED_FOR` that a path is.

    Raises:
        DatasetError: It is none of them.
    """
    if not path.exists():
        raise DatasetError(f"{path}: no such file or folder")
    for kind in LOOKED_FOR:
        if _is(path, kind):
            return kind
    looked_for = "\n".join(f"  {kind}: {what}" for kind, what in LOOKED_FOR.items())
    inside = sorted(entry.name for entry in path.iterdir())[:8] if path.is_dir() else "a file"
    raise DatasetError(f"{path}: is no dataset that bevseg reads (there is {inside}); looked for\n{looked_for}")


def _is(path: Path, kind: Kind) -> bool:
    """Whether a path has what a kind is known by; as few files as possible are touched."""
    match kind:
        case "nuscenes":
            return bool(versions_in(path))
        case "argoverse2":
            return path.is_dir() and bool(argoverse2_logs(path))
        case "semantic-kitti":
            return _any(path / "sequences", "*/velodyne")
        case "kitti-tracking":
            return any(
                (path / "training" / "velodyne" / file.stem).is_dir() for file in path.glob("training/label_02/*")
            )
        case "kitti-object":
            return (path / "training" / "label_2").is_dir() and _any(path / "training" / "velodyne", "*.bin")
        case "rosbag":
            return (path / "metadata.yaml").is_file() or (path.is_file() and path.suffix in BAG_SUFFIXES)
        case "bevseg-frames":
            return bool(stored_frames(path))
        case "nuscenes-keyframes":
            return (path / "mini_val_gt.json").is_file()
        case "nuscenes-lidarseg":
            return _any(path, "*_lidarseg.bin")
        case "pandaset":
            return (path / "semseg_classes.json").is_file()
        case "argoverse1":
            return _is(path, "kitti-object-folder") and is_argoverse(path)
        case "kitti-object-folder":
            return (path / "label_2").is_dir() and _any(path / "velodyne", "*.bin")
        case "kitti-tracking-folder":
            return (path / "label_02.txt").is_file() and _any(path / "velodyne", "*.bin")
        case "semantic-kitti-drive":
            return (path / "labels").is_dir() and _any(path / "velodyne", "*.bin")
        case "semantic-kitti-folder":
            return _any(path, "*.label")
        case "points":
            return path.is_dir() and any(entry.name.lower().endswith(EXTENSIONS) for entry in path.iterdir())


def _any(folder: Path, pattern: str) -> bool:
    return any(True for _ in folder.glob(pattern))


def _open(path: Path, kind: Kind, options: OpenOptions) -> Source:
    match kind:
        case "nuscenes":
            part = NuScenesOptions(split=options.split, scenes=options.drives, sweeps=options.sweeps)
            return NuScenesSource(open_tables(path, options.version), part)
        case "argoverse2":
            return argoverse2_source(path, options.split, logs=options.drives)
        case "semantic-kitti":
            return semantic_kitti_source(path, options.split, sequences=options.drives)
        case "kitti-tracking":
            return kitti_tracking_source(path, options.drives)
        case "kitti-object":
            return kitti_object_source(path, options.split)
        case "rosbag":
            return BagSource(path, topic=options.topic, sensor_frame=options.sensor_frame)
        case "bevseg-frames":
            return StoredSource(path)
        case "nuscenes-keyframes":
            return NuScenesTruthSource(path)
        case "nuscenes-lidarseg":
            return NuScenesLidarsegSource(path)
        case "pandaset":
            return PandaSetSource(path)
        case "argoverse1":
            return argoverse_source(path)
        case "kitti-object-folder":
            return KittiObjectSource(path)
        case "kitti-tracking-folder":
            return KittiTrackingSource(path)
        case "semantic-kitti-drive":
            return SemanticKittiSequence(path)
        case "semantic-kitti-folder":
            return SemanticKittiSource(path)
        case "points":
            return FolderSource(path)


def _refuse_strange_options(kind: Kind, options: OpenOptions) -> None:
    strange = {
        "split": options.split is not None and kind not in _WITH_SPLITS,
        "drives": options.drives is not None and kind not in _WITH_DRIVES,
        "version": options.version is not None and kind != "nuscenes",
        "topic": options.topic is not None and kind != "rosbag",
        "sensor frame": options.sensor_frame is not None and kind != "rosbag",
    }
    refused = [name for name, is_strange in strange.items() if is_strange]
    if refused:
        raise DatasetError(f"the dataset is of the kind {kind}, which has no {' and no '.join(refused)} to choose")
