"""SemanticKITTI as it is downloaded: drives with labels, poses and times.

    sequences/00/velodyne/000000.bin, sequences/00/labels/000000.label
    sequences/00/poses.txt, sequences/00/calib.txt, sequences/00/times.txt

The ego frame is the lidar's; the global frame is that of the drive's first scan. Without `poses.txt` there are no
poses, without `times.txt` scans are 100 ms apart.

Source: Behley et al., "SemanticKITTI", ICCV 2019; the splits are those of its `semantic-kitti.yaml`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bevseg.datasets.joined import JoinedSource
from bevseg.datasets.kitti_poses import read_camera_poses
from bevseg.datasets.labels import DatasetError, sorted_files
from bevseg.datasets.sample import Sample
from bevseg.datasets.semantic_kitti import read_labelled_scan
from bevseg.geometry.frames import Transform

SPLITS = {
    "train": ("00", "01", "02", "03", "04", "05", "06", "07", "09", "10"),
    "val": ("08",),
}
"""Drives 11 to 21 are for testing: their labels are not given away."""

_PERIOD_NS = 100_000_000


class SemanticKittiSequence:
    """One drive.

    Raises:
        DatasetError: There is no scan, or not a pose and a time for each.
    """

    def __init__(self, folder: Path, *, name: str | None = None) -> None:
        self.name = name or folder.name
        self._folder = folder
        self._scans = sorted_files(folder / "velodyne", "*.bin")
        self._stamps_ns = _read_stamps(folder / "times.txt")
        self._poses: Sequence[Transform] = ()
        if (folder / "poses.txt").is_file():
            self._poses = read_camera_poses(folder / "poses.txt", _read_lidar_from_camera(folder / "calib.txt"))
        last = int(self._scans[-1].stem)
        for what, rows in (("poses.txt", self._poses), ("times.txt", self._stamps_ns)):
            if rows and len(rows) <= last:
                raise DatasetError(f"{folder / what}: has {len(rows)} lines, but the last scan is number {last}")

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
        number = int(scan.stem)
        stamp_ns = self._stamps_ns[number] if self._stamps_ns else number * _PERIOD_NS
        labels = self._folder / "labels" / f"{scan.stem}.label"
        sample = read_labelled_scan(scan, labels, drive=self.name, stamp_ns=stamp_ns)
        if not self._poses:
            return sample
        return replace(sample, T_global_from_ego=Transform(self._poses[number].matrix, "global", "ego"))


def semantic_kitti_source(
    root: Path,
    split: str | None = None,
    *,
    sequences: Sequence[str] | None = None,
    name: str = "semantic_kitti",
) -> JoinedSource:
    """The drives that have labels: all, those of a split, or those named ("00", ...).

    Args:
        root: The folder that holds `sequences`.
        split: "train" or "val".
        sequences: Names of drives; with `split`, those of them that are in it.
        name: Of the source.

    Raises:
        DatasetError: The split is not known, or a drive of it or one that is named is not there.
    """
    folder = root / "sequences"
    there = [path.name for path in sorted(folder.glob("*")) if (path / "labels").is_dir()]
    if split is not None and split not in SPLITS:
        raise DatasetError(f"split '{split}' is none of {', '.join(SPLITS)}; the drives for testing have no labels")
    wanted = list(sequences or (SPLITS[split] if split else there))
    if split and sequences:
        wanted = [drive for drive in wanted if drive in SPLITS[split]]
    missing = sorted(set(wanted) - set(there))
    if missing or not wanted:
        raise DatasetError(f"{folder}: expected labelled drives {missing or 'at all'}, found {there}")
    return JoinedSource(
        name if split is None else f"{name}-{split}", [SemanticKittiSequence(folder / w) for w in wanted]
    )


def _read_stamps(path: Path) -> tuple[int, ...]:
    """Nanoseconds since the first scan."""
    if not path.is_file():
        return ()
    try:
        return tuple(round(float(line) * 1e9) for line in path.read_text().split())
    except ValueError as error:
        raise DatasetError(f"{path}: expected seconds, one a line: {error}") from error


def _read_lidar_from_camera(path: Path) -> Transform:
    """T_lidar_from_camera from the row `Tr` of `calib.txt`."""
    if not path.is_file():
        raise DatasetError(f"{path}: no such file, but poses.txt needs it")
    rows = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
    values = rows.get("Tr", "").split()
    if len(values) != 12:
        raise DatasetError(f"{path}: expected a row 'Tr:' of 12 numbers, got {len(values)}")
    matrix = np.vstack([np.array(values, np.float64).reshape(3, 4), [0, 0, 0, 1]])
    return Transform(matrix, "camera", "lidar").inverse()
