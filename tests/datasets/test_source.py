"""Sources of every kind name their samples without reading them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather

from bevseg.datasets.argoverse2 import argoverse2_source
from bevseg.datasets.joined import JoinedSource
from bevseg.datasets.kitti import KittiObjectSource, KittiTrackingSource
from bevseg.datasets.kitti_dataset import kitti_object_source
from bevseg.datasets.nuscenes import NuScenesLidarsegSource, NuScenesTruthSource
from bevseg.datasets.open import open_source
from bevseg.datasets.pandaset import PandaSetSource
from bevseg.datasets.sample_file import write_sample
from bevseg.datasets.semantic_kitti import SemanticKittiSource
from bevseg.datasets.source import Source, numbered_name
from bevseg.datasets.stored import StoredSource
from bevseg.datasets.swept import SweptSource
from bevseg.points.cloud import PointCloud
from bevseg.points.formats import write_points
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.corruptions import CorruptedSource, Corruption
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.frozen_set import FrozenSource
from bevseg.simulation.generate import GeneratedSource, frame_path
from bevseg.simulation.source import SimulatedSource

Fixture = Callable[[str], Path]
"""The root of a dataset that `conftest` writes, by the name of its fixture."""

SCAN = np.array([[-3.0, 8.0, -1.0, 51.0, 4.0], [2.0, -6.0, 0.5, 255.0, 31.0]], "<f4")


def nuscenes_keyframes(folder: Path) -> Source:
    still = {
        f"{pose}_{part}": value
        for pose in ("lidar2ego", "ego2global")
        for part, value in (("t", [0.0, 0.0, 0.0]), ("q_wxyz", [1.0, 0.0, 0.0, 0.0]))
    }
    names = {"b.pcd.bin": "token-2", "a.pcd.bin": "token-1"}
    for file in names:
        SCAN.tofile(folder / file)
    keyframes = [
        {"lidar_file": file, "sample_token": token, "timestamp": 1, "boxes": [], **still}
        for file, token in names.items()
    ]
    (folder / "mini_val_gt.json").write_text(json.dumps(keyframes))
    return NuScenesTruthSource(folder)


def nuscenes_lidarseg(folder: Path) -> Source:
    for name in ("03", "11"):
        SCAN.tofile(folder / f"{name}.pcd.bin")
        np.array([17, 24], np.uint8).tofile(folder / f"{name}_lidarseg.bin")
    return NuScenesLidarsegSource(folder)


def pandaset(folder: Path) -> Source:
    (folder / "semseg_classes.json").write_text(json.dumps({"7": "Road"}))
    none, text = np.zeros((0, 3), np.float32), np.zeros(0, "U1")
    for name in ("02", "40"):
        np.savez(
            folder / f"{name}.npz",
            points=SCAN[:, :4].astype(np.float32),
            t=np.zeros(2, np.float32),
            semseg=np.array([7, 7], np.uint8),
            box_center=none,
            box_size=none,
            box_yaw=none[:, 0],
            box_label=text,
            box_uuid=text,
            pose_R=np.eye(3),
            pose_t=np.zeros(3),
            timestamp=np.float64(1.5),
        )
    return PandaSetSource(folder)


def argoverse2(folder: Path) -> Source:
    def write(path: Path, **columns: object) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        feather.write_feather(pa.table(columns), str(path))

    stamps_ns, log = (1700000000000000007, 1700000000100000007), folder / "val" / "a-log"
    for stamp in stamps_ns:
        ones = np.ones(2, np.uint8)
        xyz = {axis: np.ones(2, np.float16) for axis in "xyz"}
        scan = {"intensity": ones, "laser_number": ones, "offset_ns": ones.astype(np.int32)}
        write(log / "sensors" / "lidar" / f"{stamp}.feather", **xyz, **scan)
    pose = {"qw": np.ones(2), **{name: np.zeros(2) for name in ("qx", "qy", "qz", "tx_m", "ty_m", "tz_m")}}
    write(log / "city_SE3_egovehicle.feather", timestamp_ns=np.array(stamps_ns, np.int64), **pose)
    write(log / "calibration" / "egovehicle_SE3_sensor.feather", sensor_name=["up_lidar", "down_lidar"], **pose)
    return argoverse2_source(folder, "val")


def kitti_tracking(root: Path, folder: Path) -> Source:
    """The scans of the object set as a drive that begins late."""
    (folder / "velodyne").mkdir()
    for number, scan in enumerate(sorted((root / "training" / "velodyne").glob("*.bin")), start=7):
        shutil.copy(scan, folder / "velodyne" / f"{number:06d}.bin")
    shutil.copy(root / "training" / "calib" / "000000.txt", folder / "calib.txt")
    (folder / "label_02.txt").write_text("")
    return KittiTrackingSource(folder)


def kitti_list(root: Path) -> Source:
    return KittiObjectSource(root / "training", frames=["000002", "000000"])


def semantic_kitti_folder(root: Path, folder: Path) -> Source:
    for number in (1, 2):
        shutil.copy(root / "sequences" / "00" / "velodyne" / f"{number:06d}.bin", folder)
        shutil.copy(root / "sequences" / "00" / "labels" / f"{number:06d}.label", folder)
    return SemanticKittiSource(folder)


def points(folder: Path) -> Source:
    for name in ("left.pcd.bin", "right.ply"):
        write_points(folder / name, PointCloud.from_xyz(SCAN[:, :3].astype(np.float32)))
    return open_source(folder).source


def write_frames(drive: DriveSource, folder: Path) -> Path:
    for index in range(2):
        path = frame_path(folder, index)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sample(path, replace(drive[index], name=f"a street, {index}"))
    return folder


@pytest.fixture(
    params=[
        "nuscenes", "nuscenes keyframes", "nuscenes lidarseg", "argoverse2", "pandaset", "kitti object", "kitti list",
        "kitti tracking", "semantic kitti", "semantic kitti folder", "bag", "points", "stored", "generated", "drive",
        "simulated", "corrupted", "swept", "joined",
    ]
)  # fmt: skip
def source(request: pytest.FixtureRequest, drive: DriveSource, tmp_path: Path) -> Source:
    """A small source of each kind."""
    root: Fixture = request.getfixturevalue
    match request.param:
        case "nuscenes":
            return open_source(root("nuscenes_root")).source
        case "nuscenes keyframes":
            return nuscenes_keyframes(tmp_path)
        case "nuscenes lidarseg":
            return nuscenes_lidarseg(tmp_path)
        case "argoverse2":
            return argoverse2(tmp_path)
        case "pandaset":
            return pandaset(tmp_path)
        case "kitti object":
            return kitti_object_source(root("kitti_root"))
        case "kitti list":
            return kitti_list(root("kitti_root"))
        case "kitti tracking":
            return kitti_tracking(root("kitti_root"), tmp_path)
        case "semantic kitti":
            return open_source(root("semantic_kitti_root")).source
        case "semantic kitti folder":
            return semantic_kitti_folder(root("semantic_kitti_root"), tmp_path)
        case "bag":
            return open_source(root("bag")).source
        case "points":
            return points(tmp_path)
        case "stored":
            return StoredSource(write_frames(drive, tmp_path))
        case "generated":
            return GeneratedSource(write_frames(drive, tmp_path))
        case "drive":
            return drive
        case "simulated":
            return SimulatedSource(SimulationConfig(seed=5, frames=2, sensors=("vlp-16",), range_m=20.0))
        case "corrupted":
            return CorruptedSource(drive, Corruption("point-loss", 0.5))
        case "swept":
            return SweptSource(drive_of_bag(root("bag")), 2)
    return JoinedSource("both", [drive, semantic_kitti_folder(root("semantic_kitti_root"), tmp_path)])


def drive_of_bag(bag: Path) -> JoinedSource:
    return JoinedSource("one bag", [open_source(bag).source])


def test_names_are_those_of_the_samples(source: Source) -> None:
    assert isinstance(source, Source)
    names = [source.name_of(index) for index in range(len(source))]
    assert names == [source[index].name for index in range(len(source))]
    assert len(set(names)) == len(names) > 1
    with pytest.raises(IndexError):
        source.name_of(len(source))


def test_a_frozen_frame_has_the_name_in_its_file(drive: DriveSource, tmp_path: Path) -> None:
    assert FrozenSource(write_frames(drive, tmp_path)).name_of(1) == "a street, 1"


def test_numbers_have_six_digits_and_an_end() -> None:
    assert numbered_name(41, 42) == "000041"
    for index in (-1, 42):
        with pytest.raises(IndexError, match=f"sample {index} of a source of 42"):
            numbered_name(index, 42)
