"""KITTI's object and tracking sets as they are downloaded: folders `training`, and for objects lists of frames.

The object set's frames are shuffled and have no poses, so sweeps cannot be joined. The tracking set's drives have
poses where the GPS/IMU records (`oxts`) are there.

    object      training/{velodyne,label_2,calib}/000000.*, ImageSets/{train,val,trainval}.txt
    tracking    training/velodyne/0000/000000.bin, training/{label_02,calib,oxts}/0000.txt

Source: Geiger et al., "Are we ready for autonomous driving?", CVPR 2012; the lists are those of Chen et al., "3D Object
Proposals for Accurate Object Class Detection", NeurIPS 2015, which all later work uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bevseg.datasets.joined import JoinedSource
from bevseg.datasets.kitti import KittiObjectSource, KittiSequenceFiles, KittiTrackingSource
from bevseg.datasets.labels import DatasetError


def kitti_object_source(root: Path, split: str | None = None, *, name: str = "kitti") -> KittiObjectSource:
    """The labelled frames of the object set, all or those of a list in `ImageSets`.

    Raises:
        DatasetError: The list is not there, or names a frame that is not.
    """
    folder = root / "training"
    if split is None:
        return KittiObjectSource(folder, name=name)
    lists = {path.stem: path for path in sorted((root / "ImageSets").glob("*.txt"))}
    if split not in lists:
        raise DatasetError(f"{root / 'ImageSets'}: has no list {split}.txt, only {list(lists)}")
    frames = lists[split].read_text().split()
    if not frames:
        raise DatasetError(f"{lists[split]}: names no frame")
    return KittiObjectSource(folder, name=f"{name}-{split}", frames=frames)


def kitti_tracking_source(
    root: Path, sequences: Sequence[str] | None = None, *, name: str = "kitti_tracking"
) -> JoinedSource:
    """The drives of the tracking set, all that have labels or those named ("0000", ...).

    Raises:
        DatasetError: A drive is not there, or lacks its labels or calibration.
    """
    folder = root / "training"
    there = [
        path.stem for path in sorted((folder / "label_02").glob("*.txt")) if (folder / "velodyne" / path.stem).is_dir()
    ]
    missing = sorted(set(sequences or ()) - set(there))
    if missing or not there:
        raise DatasetError(f"{folder}: expected scans and labels of the drives {missing or 'at all'}, found {there}")
    drives = [KittiTrackingSource(files=_files(folder, drive), name=drive) for drive in sequences or there]
    return JoinedSource(name, drives)


def _files(folder: Path, drive: str) -> KittiSequenceFiles:
    oxts = folder / "oxts" / f"{drive}.txt"
    return KittiSequenceFiles(
        scans=folder / "velodyne" / drive,
        labels=folder / "label_02" / f"{drive}.txt",
        calibration=folder / "calib" / f"{drive}.txt",
        oxts=oxts if oxts.is_file() else None,
    )
