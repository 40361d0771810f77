from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.labels import NO_BOXES, DatasetError
from bevseg.datasets.semantic_kitti_dataset import SemanticKittiSequence, semantic_kitti_source
from bevseg.datasets.swept import SweptSource
from bevseg.results.classes import SemanticClass
from bevseg.simulation.drive import DriveSource


@pytest.fixture
def sequence(semantic_kitti_root: Path, tmp_path: Path) -> Path:
    """A copy of the drive, to change."""
    return Path(shutil.copytree(semantic_kitti_root / "sequences" / "00", tmp_path / "sequences" / "00"))


def test_scans_labels_and_times_are_those_of_the_drive(semantic_kitti_root: Path, drive: DriveSource) -> None:
    source = semantic_kitti_source(semantic_kitti_root)
    assert (len(source), source.name) == (3, "semantic_kitti")
    sample, exact = source[1], drive[1]
    np.testing.assert_array_equal(sample.cloud.xyz, exact.cloud.xyz)
    assert sample.cloud.stamp_ns == exact.cloud.stamp_ns - drive[0].cloud.stamp_ns
    assert sample.annotations.view == NO_BOXES
    truth = exact.annotations.point_semantic
    assert truth is not None
    assert sample.annotations.point_semantic is not None
    cars = truth == SemanticClass.CAR
    assert (sample.annotations.point_semantic[cars] == SemanticClass.CAR).all()
    assert sample.annotations.point_instance is not None
    assert (sample.annotations.point_instance > 0)[cars].all()


def test_poses_are_relative_to_the_first_scan(semantic_kitti_root: Path, drive: DriveSource) -> None:
    source = semantic_kitti_source(semantic_kitti_root)
    exact = [drive[k].T_global_from_ego @ drive[k].T_ego_from_lidar for k in (0, 2)]
    np.testing.assert_allclose(source[0].T_global_from_ego.matrix, np.eye(4), atol=1e-6)
    expected = (exact[0].inverse() @ exact[1]).matrix
    np.testing.assert_allclose(source[2].T_global_from_ego.matrix, expected, atol=1e-5)
    assert SweptSource(source, 3)[2].cloud.num_sweeps == 3


def test_without_poses_and_times(sequence: Path) -> None:
    (sequence / "poses.txt").unlink()
    (sequence / "times.txt").unlink()
    source = SemanticKittiSequence(sequence)
    assert not source.has_poses
    assert [source[k].cloud.stamp_ns for k in range(3)] == [0, 100_000_000, 200_000_000]
    assert source.drive_of(0) == source.name == "00"
    np.testing.assert_array_equal(source[2].T_global_from_ego.matrix, np.eye(4))


def test_points_that_are_no_place_go_with_their_labels(sequence: Path) -> None:
    file = sequence / "velodyne" / "000000.bin"
    points = np.fromfile(file, "<f4").reshape(-1, 4)
    before = SemanticKittiSequence(sequence)[0].annotations.point_semantic
    points[1, 0] = np.nan
    points.tofile(file)
    sample = SemanticKittiSequence(sequence)[0]
    assert before is not None
    assert sample.annotations.point_semantic is not None
    assert sample.annotations.point_semantic.tolist() == np.delete(before, 1).tolist()
    assert sample.cloud.dropped_non_finite == 1


def test_splits(semantic_kitti_root: Path, sequence: Path) -> None:
    with pytest.raises(DatasetError, match=r"labelled drives \['01', '02'"):
        semantic_kitti_source(semantic_kitti_root, "train")
    shutil.copytree(sequence, sequence.with_name("08"))
    root = sequence.parents[1]
    assert semantic_kitti_source(root, "val").drive_of(0) == "08"
    assert semantic_kitti_source(root, "train", sequences=["00", "08"]).name == "semantic_kitti-train"
    assert len(semantic_kitti_source(root, sequences=["08", "00"])) == 6
    with pytest.raises(DatasetError, match="split 'test' is none of train, val"):
        semantic_kitti_source(root, "test")
    with pytest.raises(DatasetError, match=r"\['21'\], found \['00', '08'\]"):
        semantic_kitti_source(root, sequences=["21"])


def test_rejects_a_drive_that_does_not_fit_together(sequence: Path) -> None:
    (sequence / "labels" / "000001.label").write_bytes(b"\0" * 8)
    with pytest.raises(DatasetError, match="expected one label for each of"):
        SemanticKittiSequence(sequence)[1]
    poses = (sequence / "poses.txt").read_text().splitlines()
    (sequence / "poses.txt").write_text("\n".join(poses[:2]))
    with pytest.raises(DatasetError, match=r"poses.txt: has 2 lines, but the last scan is number 2"):
        SemanticKittiSequence(sequence)
    (sequence / "calib.txt").write_text("P0: 1 2 3\n")
    with pytest.raises(DatasetError, match="a row 'Tr:' of 12 numbers, got 0"):
        SemanticKittiSequence(sequence)
    (sequence / "calib.txt").unlink()
    with pytest.raises(DatasetError, match=r"calib.txt: no such file"):
        SemanticKittiSequence(sequence)
    (sequence / "times.txt").write_text("soon\n")
    with pytest.raises(DatasetError, match="expected seconds"):
        SemanticKittiSequence(sequence)
