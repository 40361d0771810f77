from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.labels import DatasetError
from bevseg.datasets.open import LOOKED_FOR, OpenOptions, kind_of, open_source
from bevseg.datasets.sample_file import write_sample
from bevseg.datasets.source import Source
from bevseg.datasets.stored import StoredSource
from bevseg.points.cloud import PointCloud
from bevseg.points.formats import write_points
from bevseg.simulation.drive import DriveSource

REAL_FOLDERS = {
    "argoverse1": "argoverse1",
    "kitti_raw_0048": "kitti-object-folder",
    "kitti_tracking_0000": "kitti-tracking-folder",
    "nuscenes_lidarseg": "nuscenes-lidarseg",
    "nuscenes_scene0103": "nuscenes-keyframes",
    "nuscenes_schema/t4dataset": "nuscenes",
    "pandaset_002": "pandaset",
    "semantickitti_panoptic": "semantic-kitti-folder",
}


@pytest.mark.parametrize(
    ("fixture", "kind", "samples"),
    [
        ("nuscenes_root", "nuscenes", 4),
        ("kitti_root", "kitti-object", 3),
        ("semantic_kitti_root", "semantic-kitti", 3),
        ("bag", "rosbag", 3),
    ],
)
def test_written_datasets_are_recognised(request: pytest.FixtureRequest, fixture: str, kind: str, samples: int) -> None:
    opened = open_source(request.getfixturevalue(fixture))
    assert (opened.kind, len(opened.source)) == (kind, samples)
    assert isinstance(opened.source, Source)
    assert len(opened.source[samples - 1].cloud) > 1000
    assert f"{kind} (" in opened.description
    assert f"{samples} samples" in opened.description


def test_parts_of_datasets_are_recognised(semantic_kitti_root: Path, kitti_root: Path, bag: Path) -> None:
    assert kind_of(semantic_kitti_root / "sequences" / "00") == "semantic-kitti-drive"
    assert kind_of(kitti_root / "training") == "kitti-object-folder"
    assert kind_of(next(bag.glob("*.mcap"))) == "rosbag"


@pytest.mark.real
@pytest.mark.parametrize(("folder", "kind"), REAL_FOLDERS.items())
def test_real_folders_are_recognised(real_data: Path, folder: str, kind: str) -> None:
    opened = open_source(real_data / folder)
    assert opened.kind == kind
    assert len(opened.source) > 0


def test_frames_and_points(drive: DriveSource, tmp_path: Path) -> None:
    frames, points = tmp_path / "frames", tmp_path / "points"
    (frames / "000").mkdir(parents=True)
    points.mkdir()
    for index in range(2):
        sample = replace(drive[index], name=f"{index}")
        write_sample(frames / "000" / f"{index:06d}.npz", sample)
        write_points(points / f"{index}.ply", PointCloud.from_xyz(sample.cloud.xyz))
    opened = open_source(frames)
    assert (opened.kind, [opened.source[k].name for k in range(2)]) == ("bevseg-frames", ["0", "1"])
    np.testing.assert_array_equal(opened.source[1].cloud.xyz, drive[1].cloud.xyz)
    assert open_source(points).kind == "points"
    with pytest.raises(DatasetError, match="do not follow each other"):
        open_source(points, OpenOptions(sweeps=2))


def test_arrays_that_are_no_frames_are_points(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", points=np.zeros((4, 3), np.float32))
    assert kind_of(tmp_path) == "points"
    with pytest.raises(DatasetError, match="expected frames of bevseg"):
        StoredSource(tmp_path)
    (tmp_path / "a.npz").write_bytes(b"no archive")
    assert kind_of(tmp_path) == "points"


def test_what_is_not_known_lists_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DatasetError, match=r"there is \['notes.txt'\]") as caught:
        open_source(tmp_path)
    assert all(f"  {kind}: {what}" in str(caught.value) for kind, what in LOOKED_FOR.items())
    with pytest.raises(DatasetError, match="no such file"):
        open_source(str(tmp_path / "missing"))
    with pytest.raises(DatasetError, match="there is a file"):
        open_source(tmp_path / "notes.txt")


def test_sweeps_for_every_kind_with_poses(nuscenes_root: Path, semantic_kitti_root: Path, bag: Path) -> None:
    for root in (nuscenes_root, semantic_kitti_root, bag):
        assert open_source(root, OpenOptions(sweeps=2)).source[1].cloud.num_sweeps == 2


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (OpenOptions(split="train"), "no split to choose"),
        (OpenOptions(drives=("0",), version="v1.0-mini"), "no drives and no version"),
        (OpenOptions(topic="/points"), "no topic to choose"),
        (OpenOptions(sensor_frame="lidar"), "no sensor frame to choose"),
    ],
)
def test_refuses_what_a_kind_does_not_have(tmp_path: Path, options: OpenOptions, complaint: str) -> None:
    write_points(tmp_path / "a.ply", PointCloud.from_xyz(np.zeros((3, 3), np.float32)))
    with pytest.raises(DatasetError, match=complaint):
        open_source(tmp_path, options)


def test_options_reach_the_readers(nuscenes_root: Path, semantic_kitti_root: Path, bag: Path, tmp_path: Path) -> None:
    assert len(open_source(nuscenes_root, OpenOptions(split="bevseg_train", drives=("scene-2000",))).source) == 2
    assert len(open_source(semantic_kitti_root, OpenOptions(drives=("00",))).source) == 3
    with pytest.raises(DatasetError, match="/other"):
        open_source(bag, OpenOptions(topic="/other"))
    assert len(open_source(bag, OpenOptions(sensor_frame="lidar")).source) == 3
    with pytest.raises(DatasetError, match="does not connect the sensor's frame 'front'"):
        open_source(bag, OpenOptions(sensor_frame="front"))
    shutil.copytree(nuscenes_root, tmp_path / "two", ignore=shutil.ignore_patterns("scan_records"))
    shutil.copytree(tmp_path / "two" / "v1.0-bevseg", tmp_path / "two" / "v1.0-again")
    with pytest.raises(DatasetError, match="choose one with version"):
        open_source(tmp_path / "two")
    assert len(open_source(tmp_path / "two", OpenOptions(version="v1.0-bevseg")).source) == 4
