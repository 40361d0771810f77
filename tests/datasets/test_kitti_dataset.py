from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.kitti import KittiObjectSource
from bevseg.datasets.kitti_dataset import kitti_object_source, kitti_tracking_source
from bevseg.datasets.kitti_poses import read_camera_poses, read_oxts
from bevseg.datasets.labels import DatasetError
from bevseg.datasets.swept import SweptSource
from bevseg.geometry.frames import Transform
from bevseg.results.classes import SemanticClass
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.writers.kitti import T_CAMERA_FROM_LIDAR


def with_list(root: Path, copy: Path, name: str, frames: str) -> Path:
    shutil.copytree(root / "training", copy / "training")
    (copy / "ImageSets").mkdir()
    (copy / "ImageSets" / f"{name}.txt").write_text(frames)
    return copy


def test_the_object_set_is_that_of_the_drive(kitti_root: Path, drive: DriveSource) -> None:
    source = kitti_object_source(kitti_root)
    assert len(source) == 3
    sample, exact = source[2], drive[2]
    np.testing.assert_array_equal(sample.cloud.xyz, exact.cloud.xyz)
    np.testing.assert_allclose(sample.annotations.boxes[:, :6], exact.annotations.boxes[:, :6], atol=1e-4)
    turn = np.cos(sample.annotations.boxes[:, 6] - exact.annotations.boxes[:, 6])
    np.testing.assert_allclose(turn, 1, atol=1e-6)
    assert np.degrees(sample.annotations.view.half_angle_rad) == pytest.approx(40)
    cars = exact.annotations.label == SemanticClass.CAR
    assert (sample.annotations.label[cars] == SemanticClass.CAR).all()


def test_a_list_of_frames(kitti_root: Path, tmp_path: Path) -> None:
    source = kitti_object_source(with_list(kitti_root, tmp_path, "val", "000002\n000000\n"), "val")
    assert [source[k].name for k in range(len(source))] == ["000002", "000000"]
    assert source.name == "kitti-val"


@pytest.mark.parametrize(
    ("split", "frames", "complaint"),
    [
        ("train", "000001", r"has no list train.txt, only \['val'\]"),
        ("val", "\n", "names no frame"),
        ("val", "000001 000007 000009", "2 frames are missing, the first 000007"),
    ],
)
def test_rejects_lists(kitti_root: Path, tmp_path: Path, split: str, frames: str, complaint: str) -> None:
    with pytest.raises(DatasetError, match=complaint):
        kitti_object_source(with_list(kitti_root, tmp_path, "val", frames), split)


LATITUDE, LONGITUDE = 49.0, 8.43
METRES_A_DEGREE = 6378137.0 * np.pi / 180


def oxts_rows(poses: list[tuple[float, float, float]]) -> str:
    """Records of places in metres to the east and north of the first and of yaw, where 0 is east."""
    rows = []
    for east, north, yaw in poses:
        longitude = LONGITUDE + east / (METRES_A_DEGREE * np.cos(np.radians(LATITUDE)))
        latitude = LATITUDE + north / METRES_A_DEGREE
        rows.append(" ".join(map(repr, [latitude, longitude, 112.0, 0.0, 0.0, yaw, *[0.0] * 24])))
    return "\n".join(rows) + "\n"


def tracking_root(kitti_root: Path, root: Path, *, oxts: str | None) -> Path:
    training = root / "training"
    for folder in ("label_02", "calib", "oxts"):
        (training / folder).mkdir(parents=True)
    shutil.copytree(kitti_root / "training" / "velodyne", training / "velodyne" / "0000")
    shutil.copy(kitti_root / "training" / "label_02" / "0000.txt", training / "label_02" / "0000.txt")
    calibration = (kitti_root / "training" / "calib" / "000000.txt").read_text()
    for theirs, ours in (
        ("R0_rect:", "R_rect"),
        ("Tr_velo_to_cam:", "Tr_velo_cam"),
        ("Tr_imu_to_velo:", "Tr_imu_velo"),
    ):
        calibration = calibration.replace(theirs, ours)
    (training / "calib" / "0000.txt").write_text(calibration)
    if oxts is not None:
        (training / "oxts" / "0000.txt").write_text(oxts)
    return root


def test_the_tracking_set_with_its_poses(kitti_root: Path, drive: DriveSource, tmp_path: Path) -> None:
    places = [(0.0, 0.0, 0.5), (1.0, 2.0, 0.5), (2.0, 4.0, 0.7)]
    source = kitti_tracking_source(tracking_root(kitti_root, tmp_path, oxts=oxts_rows(places)))
    assert (len(source), source.drive_of(0), source.has_poses) == (3, "0000", True)
    sample = source[2]
    assert sample.name == "0000-000002"
    np.testing.assert_allclose(sample.T_global_from_ego.translation_m, [2, 4, 0], atol=1e-3)
    assert sample.T_global_from_ego.yaw_rad == pytest.approx(0.7)
    np.testing.assert_allclose(sample.T_ego_from_lidar.matrix, drive[0].T_ego_from_lidar.matrix, atol=1e-6)
    assert sorted(sample.annotations.track_id.tolist()) == sorted(drive[2].annotations.track_id.tolist())
    assert sample.cloud.stamp_ns == 200_000_000
    joined = SweptSource(source, 2)[2]
    assert joined.cloud.num_sweeps == 2
    assert np.hypot(*joined.cloud.sensor_origins_m[1, :2]) == pytest.approx(np.hypot(1, 2), abs=0.3)


def test_the_tracking_set_without_poses(kitti_root: Path, tmp_path: Path) -> None:
    source = kitti_tracking_source(tracking_root(kitti_root, tmp_path, oxts=None), ["0000"])
    assert not source.has_poses
    np.testing.assert_array_equal(source[1].T_global_from_ego.matrix, np.eye(4))
    with pytest.raises(DatasetError, match="no poses"):
        SweptSource(source, 2)


def test_rejects_drives_and_records(kitti_root: Path, tmp_path: Path) -> None:
    root = tracking_root(kitti_root, tmp_path, oxts=oxts_rows([(0.0, 0.0, 0.0)] * 2))
    with pytest.raises(DatasetError, match=r"the drives \['0007'\], found \['0000'\]"):
        kitti_tracking_source(root, ["0007"])
    with pytest.raises(DatasetError, match="is frame 2, but there are records of 2 frames"):
        kitti_tracking_source(root)[2]
    with pytest.raises(DatasetError, match="the drives at all"):
        kitti_tracking_source(kitti_root)


@pytest.mark.parametrize("content", ["", "1 2 3\n", "1 2 3 4 5 6\n1 2 3 4 5 6 7\n", "1 2 3 4 5 six\n"])
def test_rejects_records_of_another_form(tmp_path: Path, content: str) -> None:
    (tmp_path / "oxts.txt").write_text(content)
    with pytest.raises(DatasetError, match=r"oxts.txt: (expected lines of 6|a value is no number)"):
        read_oxts(tmp_path / "oxts.txt")


def test_rejects_poses_of_another_form(tmp_path: Path) -> None:
    (tmp_path / "poses.txt").write_text(" ".join(["1"] * 13))
    with pytest.raises(DatasetError, match="12 numbers of a 3 x 4 matrix"):
        read_camera_poses(tmp_path / "poses.txt", Transform(T_CAMERA_FROM_LIDAR.inverse().matrix, "lidar", "camera"))
    with pytest.raises(DatasetError, match="no such file"):
        read_camera_poses(tmp_path / "missing.txt", T_CAMERA_FROM_LIDAR.inverse())


def test_frames_can_be_chosen_in_a_folder(kitti_root: Path) -> None:
    assert KittiObjectSource(kitti_root / "training", frames=["000001"])[0].name == "000001"
