"""Drives in KITTI's layout: what the project's own readers give back, and labels worked out by hand."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.kitti import KITTI_CLASSES, KITTI_NAMES, KittiObjectSource, KittiTrackingSource
from bevseg.datasets.kitti_calibration import read_calibration
from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.boxes import count_points_in_boxes, points_in_box, wrap_angle
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.dataset_folder import MANIFEST, GenerationError
from bevseg.simulation.drive import DriveConfig, DriveSource
from bevseg.simulation.writers.kitti import T_CAMERA_FROM_LIDAR, write_kitti
from bevseg.simulation.writers.semantic_kitti import write_semantic_kitti

SCENE = SimulationConfig(seed=5, frames=3, sensors=("vlp-16",), range_m=30.0, density=(0.4, 0.4))


@dataclass(frozen=True)
class StagedDrive(DriveSource):
    """Scans made by hand, in place of those of the configuration."""

    samples: tuple[Sample, ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    def name_of(self, index: int) -> str:
        return self.samples[index].name

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]


@dataclass(frozen=True)
class InterruptedDrive(DriveSource):
    """Somebody presses Ctrl-C in the last scan."""

    def __getitem__(self, index: int) -> Sample:
        if index == len(self) - 1:
            raise KeyboardInterrupt
        return super().__getitem__(index)


def staged(boxes: list[list[float]], visible: list[float], *, xyz: np.ndarray | None = None) -> StagedDrive:
    """One scan with cars and no point on them."""
    cloud = PointCloud.from_xyz(np.zeros((0, 3), np.float32) if xyz is None else xyz)
    array = np.array(boxes, np.float32).reshape(-1, 7)
    truth = Annotations.from_boxes(
        cloud,
        array,
        np.full(len(array), SemanticClass.CAR, np.uint8),
        track_id=np.arange(1, len(array) + 1),
        point_semantic=np.zeros(len(cloud), np.uint8),
    )
    truth = replace(
        truth,
        visible_fraction=np.array(visible, np.float32),
        point_instance=np.zeros(len(cloud), np.int32),
    )
    mount = Transform.from_yaw(0.0, np.array([0.9, 0.0, 1.8]), dst="ego", src="lidar")
    sample = Sample("000000", cloud, truth, mount, Transform(np.eye(4), "global", "ego"))
    return StagedDrive(DriveConfig(SCENE), (sample,))


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def drive() -> DriveSource:
    return DriveSource(DriveConfig(SCENE))


@pytest.fixture(scope="module")
def folder(drive: DriveSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kitti")
    write_kitti(drive, folder)
    return folder


def test_points_come_back_to_the_bit(drive: DriveSource, folder: Path) -> None:
    source = KittiObjectSource(folder / "training")
    assert len(source) == 3
    for index in range(3):
        made, read = drive[index].cloud, source[index].cloud
        assert made.intensity is not None
        assert read.intensity is not None
        assert read.xyz.tobytes() == made.xyz.tobytes()
        assert read.intensity.tobytes() == made.intensity.tobytes()


def test_boxes_and_classes_come_back(drive: DriveSource, folder: Path) -> None:
    source = KittiObjectSource(folder / "training")
    seen = set()
    for index in range(3):
        made, read = drive[index].annotations, source[index].annotations
        np.testing.assert_allclose(read.boxes[:, :6], made.boxes[:, :6], atol=1e-5)  # float32 at 30 m is as coarse
        np.testing.assert_allclose(wrap_angle(read.boxes[:, 6] - made.boxes[:, 6]), 0, atol=2e-6)
        named = np.isin(made.label, list(KITTI_NAMES))
        np.testing.assert_array_equal(read.label, np.where(named, made.label, SemanticClass.NOISE))
        np.testing.assert_array_equal(read.ignored, ~named)
        seen |= set(made.label.tolist())
    assert seen & {SemanticClass.BARRIER, SemanticClass.MOTORCYCLE}, "no class without a name was tried"
    assert {SemanticClass.CAR, SemanticClass.BUS, SemanticClass.PEDESTRIAN} <= seen
    assert all(KITTI_CLASSES[name] == kind for kind, name in KITTI_NAMES.items())


def test_points_lie_in_the_boxes_of_their_objects(drive: DriveSource, folder: Path) -> None:
    sample, read = drive[0], KittiObjectSource(folder / "training")[0].annotations
    truth, xyz = sample.annotations, sample.cloud.xyz
    # Points right on a face may fall to either side of it, once the box was written in decimals.
    assert np.abs(read.num_points - count_points_in_boxes(xyz, truth.boxes)).max() <= 1
    assert truth.point_instance is not None
    tried = np.flatnonzero(truth.num_points >= 20)
    assert len(tried) > 5
    for k in tried.tolist():
        own = truth.point_instance == k + 1
        assert np.count_nonzero(own) == truth.num_points[k]
        assert points_in_box(xyz[own], read.boxes[k], margin_m=0.1).mean() > 0.95


def test_tracking_labels_name_the_same_objects(drive: DriveSource, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "velodyne").symlink_to(folder / "training" / "velodyne")
    (tmp_path / "label_02.txt").write_bytes((folder / "training" / "label_02" / "0000.txt").read_bytes())
    (tmp_path / "calib.txt").write_bytes((folder / "training" / "calib" / "000000.txt").read_bytes())
    source = KittiTrackingSource(tmp_path)
    for index in range(3):
        made, read = drive[index], source[index]
        np.testing.assert_array_equal(read.annotations.track_id, made.annotations.track_id)
        np.testing.assert_allclose(read.annotations.boxes[:, :6], made.annotations.boxes[:, :6], atol=1e-5)
        assert read.cloud.stamp_ns == made.cloud.stamp_ns - drive[0].cloud.stamp_ns


def test_calibration_holds_what_tools_look_for(drive: DriveSource, folder: Path) -> None:
    path = folder / "training" / "calib" / "000001.txt"
    np.testing.assert_array_equal(read_calibration(path).inverse().matrix, T_CAMERA_FROM_LIDAR.matrix)
    rows = {
        name: np.array(values.split(), float)
        for name, values in (r.split(":") for r in path.read_text().split("\n") if r)
    }
    assert list(rows) == ["P0", "P1", "P2", "P3", "R0_rect", "Tr_velo_to_cam", "Tr_imu_to_velo"]
    np.testing.assert_allclose(
        rows["Tr_imu_to_velo"].reshape(3, 4), drive[1].T_ego_from_lidar.inverse().matrix[:3], atol=1e-12
    )


def test_a_label_worked_out_by_hand(tmp_path: Path) -> None:
    """A car 12 m ahead of the camera and 2 m to the right that drives to the left, a quarter of it hidden."""
    write_kitti(staged([[12.27, -2.0, -0.75, 4.0, 2.0, 1.5, np.pi / 2]], [0.75]), tmp_path)
    kind, truncated, occluded, *rest = (tmp_path / "training" / "label_2" / "000000.txt").read_text().split()
    alpha, left, top, right, bottom, h, w, l, x, y, z, rotation_y = (float(value) for value in rest)
    assert (kind, truncated, occluded) == ("Car", "0.00", "1")
    np.testing.assert_allclose((h, w, l, x, y, z), (1.5, 2, 4, 2, 1.5 - 0.08, 12), atol=2e-6)
    assert np.cos(rotation_y) == pytest.approx(-1, abs=1e-6)  # along the camera's -x
    assert np.cos(alpha - (np.pi - np.arctan2(2, 12))) == pytest.approx(1, abs=1e-6)
    near, focal = 11.0, 721.5377
    sides = (609.5593, 609.5593 + focal * 4 / near, 172.854 - focal * 0.08 / near, 172.854 + focal * 1.42 / near)
    np.testing.assert_allclose((left, right, top, bottom), sides, atol=0.006)


def test_boxes_at_the_edge_and_out_of_the_picture(tmp_path: Path) -> None:
    # A thin sheet 10 m ahead and 2 m wide, its middle 0.2 m to the right of the picture's left edge.
    partly_out = [10.27, 10.0 * 609.5593 / 721.5377 - 0.2, -0.08, 0.02, 2.0, 1.0, 0.0]
    beside = [0.27, 3.0, 0.0, 4.0, 2.0, 1.5, 0.0]  # reaches from behind the camera to before it, out of sight
    behind = [-12.0, 2.0, 0.0, 4.0, 2.0, 1.5, 0.0]
    around = [2.0, 0.0, 0.0, 6.0, 2.0, 1.5, 0.0]  # the camera is within
    write_kitti(staged([partly_out, beside, behind, around], [1.0, 0.5, 0.1, np.nan]), tmp_path)
    rows = [row.split() for row in (tmp_path / "training" / "label_2" / "000000.txt").read_text().splitlines()]
    assert [row[2] for row in rows] == ["0", "1", "2", "3"]
    assert float(rows[0][1]) == pytest.approx(0.4, abs=0.01)
    assert float(rows[0][4]) == 0
    assert [row[1:2] + row[4:8] for row in rows[1:3]] == [["1.00", "0.00", "0.00", "0.00", "0.00"]] * 2
    assert rows[3][4:8] == ["0.00", "0.00", "1241.00", "374.00"]
    assert float(rows[3][1]) > 0.9
    tracking = [row.split() for row in (tmp_path / "training" / "label_02" / "0000.txt").read_text().splitlines()]
    assert [row[:5] for row in tracking] == [
        ["0", "1", "Car", "1", "0"],
        ["0", "2", "Car", "2", "1"],
        ["0", "3", "Car", "2", "2"],
        ["0", "4", "Car", "2", "3"],
    ]


def test_truncation_is_read_back_as_the_picture_has_it(tmp_path: Path) -> None:
    """By the picture, as KITTI has it: what the lidar's sector cuts off is another matter."""
    drive = staged([[12.0, 0.0, -0.75, 4.0, 2.0, 1.5, 0.0], [-12.0, 2.0, 0.0, 4.0, 2.0, 1.5, 0.0]], [1.0, 1.0])
    truth = replace(drive[0].annotations, truncation=np.array([0.3, 0.0], np.float32))
    write_kitti(replace(drive, samples=(replace(drive[0], annotations=truth),)), tmp_path)
    read = KittiObjectSource(tmp_path / "training")[0].annotations.truncation
    assert read is not None
    assert read.tolist() == [0.0, 1.0]


def test_a_folder_of_a_version_without_the_later_options_goes_on(
    drive: DriveSource, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "older")
    manifest = tmp_path / "older" / MANIFEST
    stored = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({k: v for k, v in stored.items() if k not in ("truncation", "ground_cells")}))
    write_kitti(drive, tmp_path / "older")
    with pytest.raises(GenerationError, match="different: truncation"):
        write_kitti(DriveSource(DriveConfig(replace(SCENE, truncation=True))), tmp_path / "older")


def test_a_scan_without_objects_and_points(tmp_path: Path) -> None:
    write_kitti(staged([], []), tmp_path)
    read = KittiObjectSource(tmp_path / "training")[0]
    assert len(read.cloud) == len(read.annotations) == 0
    assert (tmp_path / "training" / "label_02" / "0000.txt").read_bytes() == b""


def test_a_drive_without_scans(tmp_path: Path) -> None:
    write_kitti(DriveSource(DriveConfig(replace(SCENE, frames=0))), tmp_path / "new")
    assert (tmp_path / "new" / "training" / "label_02" / "0000.txt").read_bytes() == b""


def test_an_interrupted_run_goes_on_with_the_same_bytes(drive: DriveSource, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_kitti(InterruptedDrive(drive.config), tmp_path)
    assert not (tmp_path / "training" / "label_02").exists()
    (tmp_path / "training" / "label_2" / "000001.txt").unlink()
    (tmp_path / "training" / "velodyne" / ".000002.bin.1.tmp").write_bytes(b"killed while it was written")
    kept = (tmp_path / "training" / "velodyne" / "000000.bin").stat().st_mtime_ns
    seen: list[tuple[int, int]] = []
    write_kitti(drive, tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert (tmp_path / "training" / "velodyne" / "000000.bin").stat().st_mtime_ns == kept
    assert files_of(tmp_path) == files_of(folder)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (DriveConfig(replace(SCENE, seed=6)), "different: seed"),
        (DriveConfig(replace(SCENE, frames=4), speed_mps=3.0), "different: frames, speed_mps"),
    ],
)
def test_another_configuration_is_refused(config: DriveConfig, message: str, folder: Path) -> None:
    before = files_of(folder)
    with pytest.raises(GenerationError, match=message):
        write_kitti(DriveSource(config), folder)
    assert files_of(folder) == before


def test_another_layout_is_refused(drive: DriveSource, folder: Path) -> None:
    with pytest.raises(GenerationError, match="different: layout"):
        write_semantic_kitti(drive, folder)
