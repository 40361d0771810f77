"""Drives in SemanticKITTI's layout: classes, instances and poses, as the project's reader and the format have them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import UInt32

from bevseg.datasets.sample import Annotations
from bevseg.datasets.semantic_kitti import CLASS_NUMBERS, SEMANTIC_KITTI_CLASSES, SemanticKittiSource
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass as C
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.dataset_folder import GenerationError
from bevseg.simulation.drive import DriveConfig, DriveSource
from bevseg.simulation.writers.semantic_kitti import (
    MOVING_NUMBERS,
    pack_labels,
    write_semantic_kitti,
)

SCENE = SimulationConfig(seed=5, frames=3, sensors=("vlp-16",), range_m=30.0, density=(0.4, 0.4), occlusion=False)
NAMELESS = (C.BARRIER, C.TRAFFIC_CONE, C.TRAILER, C.CONSTRUCTION_VEHICLE)


@pytest.fixture(scope="module")
def drive() -> DriveSource:
    return DriveSource(DriveConfig(SCENE))


@pytest.fixture(scope="module")
def sequence(drive: DriveSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("semantic_kitti")
    write_semantic_kitti(drive, folder)
    return folder / "sequences" / "00"


def labels_of(sequence: Path, index: int) -> UInt32[np.ndarray, "n"]:
    return np.fromfile(sequence / "labels" / f"{index:06d}.label", "<u4")


def rows_of(path: Path) -> dict[str, Transform]:
    """The 3 x 4 matrices of a calibration file that are rigid."""
    named = (line.split(":") for line in path.read_text().splitlines())
    return {
        name: Transform(np.vstack([np.array(values.split(), float).reshape(3, 4), [0, 0, 0, 1]]), "camera", "lidar")
        for name, values in named
        if name == "Tr"
    }


def test_points_classes_and_instances_come_back(drive: DriveSource, sequence: Path, tmp_path: Path) -> None:
    for kind in ("velodyne/*.bin", "labels/*.label"):
        for path in sequence.glob(kind):
            (tmp_path / path.name).symlink_to(path)  # the reader wants labels beside the scans
    source = SemanticKittiSource(tmp_path)
    assert len(source) == 3
    for index in range(3):
        made, read = drive[index], source[index]
        truth = made.annotations
        assert read.cloud.xyz.tobytes() == made.cloud.xyz.tobytes()
        assert truth.point_semantic is not None
        assert truth.point_instance is not None
        assert read.annotations.point_semantic is not None
        assert read.annotations.point_instance is not None
        nameless = np.isin(truth.point_semantic, NAMELESS)
        np.testing.assert_array_equal(
            read.annotations.point_semantic, np.where(nameless, C.NOISE, truth.point_semantic)
        )
        pairs = np.unique(np.column_stack([truth.point_instance, read.annotations.point_instance]), axis=0)
        assert len(pairs) == len(np.unique(truth.point_instance)) == len(np.unique(pairs[:, 1])) > 10
        assert pairs[0].tolist() == [0, 0]


def test_instances_are_the_drives_identities(drive: DriveSource, sequence: Path) -> None:
    seen = []
    for index in range(3):
        truth, packed = drive[index].annotations, labels_of(sequence, index)
        assert truth.point_instance is not None
        tracks = np.concatenate([[0], truth.track_id])
        np.testing.assert_array_equal(packed >> 16, tracks[truth.point_instance])
        seen.append(set((packed >> 16).tolist()))
    assert len(seen[0] & seen[2]) > 0.8 * len(seen[0])


def test_what_moves_has_its_moving_number(drive: DriveSource, sequence: Path) -> None:
    truth, packed = drive[0].annotations, labels_of(sequence, 0)
    assert truth.point_semantic is not None
    assert truth.point_instance is not None
    speed = np.concatenate([[0.0], np.hypot(*truth.velocity_mps.T)])[truth.point_instance]
    moving = np.isin(packed & 0xFFFF, list(MOVING_NUMBERS.values()))
    np.testing.assert_array_equal(moving, (speed > 0.1) & np.isin(truth.point_semantic, list(MOVING_NUMBERS)))
    assert 0 < np.count_nonzero(moving) < np.count_nonzero(truth.point_instance)


def test_every_number_stands_for_its_class_in_the_readers_table() -> None:
    for numbers in (CLASS_NUMBERS, MOVING_NUMBERS):
        for kind, number in numbers.items():
            assert SEMANTIC_KITTI_CLASSES.get(number, C.NOISE) == (C.NOISE if kind in NAMELESS else kind)
    assert set(CLASS_NUMBERS) == set(C)


def test_poses_and_times(drive: DriveSource, sequence: Path) -> None:
    lidar = [s.T_global_from_ego @ s.T_ego_from_lidar for s in (drive[0], drive[1], drive[2])]
    T_camera_from_lidar = rows_of(sequence / "calib.txt")["Tr"].matrix
    rows = np.loadtxt(sequence / "poses.txt").reshape(3, 3, 4)
    np.testing.assert_allclose(rows[0], np.eye(4)[:3], atol=1e-12)
    for row, pose in zip(rows, lidar, strict=True):
        camera_pose = np.vstack([row, [0, 0, 0, 1]])
        first_from_this = np.linalg.inv(T_camera_from_lidar) @ camera_pose @ T_camera_from_lidar
        np.testing.assert_allclose(first_from_this, (lidar[0].inverse() @ pose).matrix, atol=1e-9)
    assert rows[2, 2, 3] > 0.5, "the vehicle drives along the camera's z"
    np.testing.assert_allclose(np.loadtxt(sequence / "times.txt"), [0, 0.1, 0.2], atol=1e-9)


def truth_of(track: int, semantic: C, velocity_mps: tuple[float, float]) -> Annotations:
    """One object with the first of two points on it."""
    cloud = PointCloud.from_xyz(np.array([[1, 2, 3], [4, 5, 6]], np.float32))
    points = np.array([semantic, C.SIDEWALK], np.uint8)
    truth = Annotations.from_boxes(
        cloud,
        np.ones((1, 7), np.float32),
        points[:1],
        track_id=np.array([track]),
        point_semantic=points,
    )
    return replace(truth, velocity_mps=np.array([velocity_mps], np.float32), point_instance=np.array([1, 0]))


@pytest.mark.parametrize(("velocity", "number"), [((0.0, 0.05), 11), ((0.0, -2.0), 253), ((np.nan, np.nan), 11)])
def test_labels_worked_out_by_hand(velocity: tuple[float, float], number: int) -> None:
    packed = pack_labels(truth_of(65535, C.BICYCLE, velocity))
    assert packed.tolist() == [65535 * 65536 + number, 48]


@pytest.mark.parametrize("track", [0, 65536])
def test_identities_that_do_not_fit_are_refused(track: int) -> None:
    with pytest.raises(ValueError, match=r"track ids must lie in 1\.\.65535"):
        pack_labels(truth_of(track, C.CAR, (0.0, 0.0)))


def test_truth_without_labels_for_points_is_refused() -> None:
    with pytest.raises(ValueError, match="no class and instance"):
        pack_labels(replace(truth_of(1, C.CAR, (0.0, 0.0)), point_instance=None))


def test_no_points_and_no_objects_make_no_labels() -> None:
    nothing = Annotations.from_boxes(PointCloud.empty(), np.zeros((0, 7), np.float32), np.zeros(0, np.uint8))
    nothing = replace(nothing, point_semantic=np.zeros(0, np.uint8), point_instance=np.zeros(0, np.int32))
    assert pack_labels(nothing).shape == (0,)


def test_a_drive_without_scans(tmp_path: Path) -> None:
    write_semantic_kitti(DriveSource(DriveConfig(replace(SCENE, frames=0))), tmp_path)
    assert (tmp_path / "sequences" / "00" / "poses.txt").read_bytes() == b""
    assert (tmp_path / "sequences" / "00" / "times.txt").read_bytes() == b""


def test_resumes_with_the_same_bytes_and_refuses_others(drive: DriveSource, sequence: Path) -> None:
    folder = sequence.parents[1]
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name in ("labels/000001.label", "poses.txt", "velodyne/000002.bin"):
        (sequence / name).unlink()
    seen: list[tuple[int, int]] = []
    write_semantic_kitti(DriveSource(drive.config), folder, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    with pytest.raises(GenerationError, match="different: rate_hz"):
        write_semantic_kitti(DriveSource(DriveConfig(SCENE, rate_hz=20.0)), folder)
