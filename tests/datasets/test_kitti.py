from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.argoverse import argoverse_source
from bevseg.datasets.kitti import KittiObjectSource, KittiTrackingSource, boxes_in_lidar
from bevseg.datasets.kitti_calibration import read_calibration
from bevseg.datasets.labels import DatasetError
from bevseg.geometry.boxes import footprint_corners
from bevseg.results.classes import SemanticClass

LIDAR_TO_CAMERA = "0 -1 0 0.1 0 0 -1 -0.2 1 0 0 -0.3"
"""Camera x right, y down, z forward; 0.3 m ahead of the lidar, 0.2 m below and 0.1 m right of where it sits."""

CALIBRATION = f"R0_rect: 1 0 0 0 1 0 0 0 1\nTr_velo_to_cam: {LIDAR_TO_CAMERA}\n"
CAR = "Car 0 0 0 1 2 3 4 1.5 1.8 4.2 -2.0 1.6 12.0 {yaw}"
"""h 1.5, w 1.8, l 4.2; the bottom 2 m left, 1.6 m down and 12 m ahead of the camera."""


def write_frame(folder: Path, name: str, labels: str) -> None:
    for sub in ("velodyne", "label_2", "calib"):
        (folder / sub).mkdir(exist_ok=True, parents=True)
    np.array([[12.0, 2.0, -1.0, 0.5], [50.0, 0.0, 0.0, 1.0]], "<f4").tofile(folder / "velodyne" / f"{name}.bin")
    (folder / "label_2" / f"{name}.txt").write_text(labels)
    (folder / "calib" / f"{name}.txt").write_text(CALIBRATION)


def test_a_car_that_faces_away(tmp_path: Path) -> None:
    write_frame(tmp_path, "000007", CAR.format(yaw=-np.pi / 2) + "\n")
    sample = KittiObjectSource(tmp_path)[0]
    box = sample.annotations.boxes[0]
    np.testing.assert_allclose(box, [12.3, 2.1, -1.8 + 0.75, 4.2, 1.8, 1.5, 0], atol=1e-5)
    assert sample.annotations.label[0] == SemanticClass.CAR
    assert sample.annotations.num_points[0] == 1
    assert sample.name == "000007"
    assert sample.cloud.intensity is not None


@pytest.mark.parametrize(("rotation_y", "yaw"), [(0.0, -np.pi / 2), (-np.pi / 2, 0.0), (-2.0, 2.0 - np.pi / 2)])
def test_headings_turn_the_other_way_round(rotation_y: float, yaw: float, tmp_path: Path) -> None:
    write_frame(tmp_path, "0", CAR.format(yaw=rotation_y))
    assert KittiObjectSource(tmp_path)[0].annotations.boxes[0, 6] == pytest.approx(yaw, abs=1e-6)


def test_the_front_of_the_box_is_where_the_heading_points(tmp_path: Path) -> None:
    write_frame(tmp_path, "0", CAR.format(yaw=0.0))
    corners = footprint_corners(KittiObjectSource(tmp_path)[0].annotations.boxes)[0]
    np.testing.assert_allclose(corners[[0, 3]].mean(axis=0), [12.3, 2.1 - 2.1], atol=1e-5)


def test_what_is_no_thing_is_ignored_and_what_has_no_box_is_left_out(tmp_path: Path) -> None:
    dont_care = "DontCare -1 -1 -10 1 2 3 4 -1 -1 -1 -1000 -1000 -1000 -10"
    misc, tram = (CAR.format(yaw=0).replace("Car", name) for name in ("Misc", "Tram"))
    write_frame(tmp_path, "0", "\n".join([dont_care, misc, tram]))
    truth = KittiObjectSource(tmp_path)[0].annotations
    assert truth.label.tolist() == [SemanticClass.NOISE, SemanticClass.BUS]
    assert truth.ignored.tolist() == [True, False]


def test_truncation_is_a_share_where_the_set_has_shares(tmp_path: Path) -> None:
    rows = [CAR.format(yaw=0).replace("Car 0", f"Car {share}") for share in ("0.25", "1.00", "-1")]
    write_frame(tmp_path, "0", "\n".join(rows))
    truncation = KittiObjectSource(tmp_path)[0].annotations.truncation
    assert truncation is not None
    np.testing.assert_array_equal(truncation, np.array([0.25, 1.0, np.nan], np.float32))
    assert argoverse_source(tmp_path)[0].annotations.truncation is None
    assert KittiTrackingSource(tracking_folder(tmp_path / "track"))[0].annotations.truncation is None


def test_labels_are_complete_in_the_cameras_view_alone(tmp_path: Path) -> None:
    write_frame(tmp_path, "0", "")
    view = KittiObjectSource(tmp_path)[0].annotations.view
    degrees = np.deg2rad([0, 39, 41, -39, -41, 180])
    places = 10 * np.column_stack([np.cos(degrees), np.sin(degrees)])
    assert view.contains(places).tolist() == [True, True, False, True, False, False]


def test_a_frame_without_labels_or_points(tmp_path: Path) -> None:
    write_frame(tmp_path, "0", "")
    (tmp_path / "velodyne" / "0.bin").write_bytes(b"")
    sample = KittiObjectSource(tmp_path)[0]
    assert len(sample.cloud) == len(sample.annotations) == 0


def test_argoverse_labels_centres_and_has_no_reflectance(tmp_path: Path) -> None:
    write_frame(tmp_path, "0", CAR.format(yaw=0).replace("Car", "PEDESTRIAN"))
    sample = argoverse_source(tmp_path)[0]
    assert sample.annotations.boxes[0, 2] == pytest.approx(-1.8)
    assert sample.cloud.intensity is None
    assert sample.annotations.view.half_angle_rad == pytest.approx(np.deg2rad(58))
    np.testing.assert_allclose(sample.cloud.sensor_origins_m, [[1.35, 0, 1.48]])


def tracking_folder(folder: Path) -> Path:
    (folder / "velodyne").mkdir(parents=True)
    for frame in (0, 10):
        np.zeros((3, 4), "<f4").tofile(folder / "velodyne" / f"{frame:06d}.bin")
    rows = [
        f"0 5 {CAR.format(yaw=0)}",
        f"3 6 {CAR.format(yaw=0)}",
        f"10 5 {CAR.format(yaw=0)}",
        f"10 7 {CAR.format(yaw=1)}",
    ]
    (folder / "label_02.txt").write_text("\n".join(rows).replace("7 Car", "7 Cyclist"))
    (folder / "calib.txt").write_text(f"R_rect 1 0 0 0 1 0 0 0 1\nTr_velo_cam {LIDAR_TO_CAMERA}\n")
    return folder


def test_tracking_rows_belong_to_the_scan_of_their_number(tmp_path: Path) -> None:
    source = KittiTrackingSource(tracking_folder(tmp_path))
    first, second = source[0], source[1]
    assert len(source) == 2
    assert first.annotations.track_id.tolist() == [5]
    assert second.annotations.track_id.tolist() == [5, 7]
    assert second.annotations.label.tolist() == [SemanticClass.CAR, SemanticClass.BICYCLE]
    assert second.cloud.stamp_ns - first.cloud.stamp_ns == 1_000_000_000


def test_tracking_rows_without_a_frame_are_refused(tmp_path: Path) -> None:
    folder = tracking_folder(tmp_path)
    (folder / "label_02.txt").write_text(CAR.format(yaw=0))
    with pytest.raises(DatasetError, match=r"label_02\.txt: a label begins with the number of its frame, got 'Car"):
        KittiTrackingSource(folder)


def test_no_objects_make_no_boxes(tmp_path: Path) -> None:
    (tmp_path / "calib.txt").write_text(CALIBRATION)
    assert boxes_in_lidar([], read_calibration(tmp_path / "calib.txt")).shape == (0, 7)


@pytest.mark.parametrize(
    ("labels", "message"),
    [("Car 0 0", "15 fields, got 3"), (CAR.format(yaw=0).replace("Car", "Unicorn"), "Unicorn")],
)
def test_rejects_labels(labels: str, message: str, tmp_path: Path) -> None:
    write_frame(tmp_path, "0", labels)
    with pytest.raises(DatasetError, match=message):
        KittiObjectSource(tmp_path)[0]


def test_rejects_a_folder_without_scans(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="found none"):
        KittiObjectSource(tmp_path)


def test_rejects_a_scan_without_labels(tmp_path: Path) -> None:
    write_frame(tmp_path, "0", "")
    (tmp_path / "label_2" / "0.txt").unlink()
    with pytest.raises(DatasetError, match="no such file"):
        KittiObjectSource(tmp_path)[0]


def test_rejects_a_calibration_without_the_matrix(tmp_path: Path) -> None:
    (tmp_path / "calib.txt").write_text("R0_rect: 1 0 0 0 1 0 0 0 1\n")
    with pytest.raises(DatasetError, match="3 x 4 matrix Tr_velo_to_cam or Tr_velo_cam"):
        read_calibration(tmp_path / "calib.txt")
