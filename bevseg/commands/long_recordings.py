"""Recordings of thousands of frames, made of one simulated scan: what `bevseg bench --opening` opens.

The frames of a folder are names of one file (hard links), and the scans of a set in nuScenes' schema share one, too,
so that they take little disk and time. Opening cannot tell: it looks at names and tables, not at points. The messages
of a bag lie in it one by one, so they have a 16th of the points.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, get_args

from bevseg.commands.long_bag import write_long_bag
from bevseg.commands.long_nuscenes import write_long_nuscenes
from bevseg.datasets.sample_file import write_sample
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.drive import DriveConfig, DriveSource
from bevseg.simulation.writers.kitti import encode_points, write_kitti
from bevseg.simulation.writers.semantic_kitti import write_semantic_kitti

Layout = Literal[
    "points", "bevseg-frames", "kitti-object", "kitti-tracking", "semantic-kitti", "mcap", "db3", "nuscenes"
]
"""As `bevseg.datasets.open` calls them; bags by their storage."""

LAYOUTS: tuple[Layout, ...] = get_args(Layout)

MOST_FRAMES = 50_000
"""A file of ext4 may have 65,000 names."""

_SCAN = SimulationConfig(seed=7, frames=1, sensors=("vlp-16",), density=(0.3, 0.4), range_m=40.0)
_STEP_M = 0.7
"""How far the vehicle gets from scan to scan."""
_DEGREES_PER_M = 1 / 111_000
_DRIVE = "0000"


def write_long(layout: Layout, frames: int, folder: Path) -> Path:
    """Writes a recording of that many frames.

    Args:
        layout: Of its files.
        frames: 1 to `MOST_FRAMES`.
        folder: Empty; holds the files that others are names of, too.

    Returns:
        The recording, as `bevseg.datasets.open.open_source` takes it.

    Raises:
        ValueError: A file cannot have so many names.
        OSError: There is no room on the disk, or a file there has but one name.
    """
    if not 1 <= frames <= MOST_FRAMES:
        raise ValueError(f"expected 1 to {MOST_FRAMES} frames, got {frames}")
    drive, one, long = DriveSource(DriveConfig(_SCAN)), folder / "one", folder / "long"
    one.mkdir()
    match layout:
        case "points":
            (one / "scan.bin").write_bytes(encode_points(drive[0].cloud))
            _link(one / "scan.bin", long, frames)
        case "bevseg-frames":
            write_sample(one / "scan.npz", drive[0])
            _link(one / "scan.npz", long, frames)
        case "kitti-object":
            write_kitti(drive, one)
            for name in ("velodyne", "label_2", "calib"):
                _link_first(one / "training" / name, long / "training" / name, frames)
        case "kitti-tracking":
            write_kitti(drive, one)
            _write_tracking(one / "training", long / "training", frames)
        case "semantic-kitti":
            write_semantic_kitti(drive, one)
            _write_sequence(one / "sequences" / "00", long / "sequences" / "00", frames)
        case "mcap" | "db3":
            write_long_bag(drive[0], long, frames, storage=layout, step_m=_STEP_M)
        case "nuscenes":
            write_long_nuscenes(drive, long, frames)
    return long


def _write_tracking(one: Path, long: Path, frames: int) -> None:
    """KITTI's tracking set: the objects of all scans in one file, where the vehicle was in another."""
    _link_first(one / "velodyne", long / "velodyne" / _DRIVE, frames)
    rows = [row.partition(" ")[2] for row in (one / "label_02" / f"{_DRIVE}.txt").read_text().splitlines()]
    objects = (f"{frame} {row}\n" for frame in range(frames) for row in rows)
    records = (f"{49 + frame * _STEP_M * _DEGREES_PER_M:.9f} 8.4 116 0 0 1.570796\n" for frame in range(frames))
    calibration = (one / "calib" / "000000.txt").read_text()
    for name, text in (("label_02", "".join(objects)), ("oxts", "".join(records)), ("calib", calibration)):
        (long / name).mkdir()
        (long / name / f"{_DRIVE}.txt").write_text(text)


def _write_sequence(one: Path, long: Path, frames: int) -> None:
    """A drive of SemanticKITTI: its camera moves along the axis that it looks along."""
    for name in ("velodyne", "labels"):
        _link_first(one / name, long / name, frames)
    (long / "calib.txt").write_bytes((one / "calib.txt").read_bytes())
    poses = (f"1 0 0 0 0 1 0 0 0 0 1 {frame * _STEP_M:.3f}\n" for frame in range(frames))
    (long / "poses.txt").write_text("".join(poses))
    (long / "times.txt").write_text("".join(f"{frame * 0.1:.6e}\n" for frame in range(frames)))


def _link_first(one: Path, long: Path, frames: int) -> None:
    """The only file of a folder under many names."""
    (file,) = one.iterdir()
    _link(file, long, frames)


def _link(file: Path, folder: Path, frames: int) -> None:
    folder.mkdir(parents=True)
    for frame in range(frames):
        os.link(file, folder / f"{frame:06d}{file.suffix}")
