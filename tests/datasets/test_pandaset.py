from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bevseg.datasets.labels import DatasetError
from bevseg.datasets.pandaset import PandaSetSource, track_id_of
from bevseg.results.classes import SemanticClass

UUIDS = ["e83d78e4-5b11-4ad5-ac71-917b5cd19c94", "b113987c-bde4-43b3-b7f2-8a9a80318ae2"]


def write_frame(folder: Path, name: str = "00", **change: Any) -> Path:
    """A car 10 m ahead and 3 m right, pointing ahead, with one point at its front; and a sign."""
    frame: dict[str, Any] = {
        "points": np.array([[3.0, 11.9, 0.5, 51.0], [-1.0, -20.0, 0.0, 255.0]], np.float32),
        "t": np.array([0.02, 0.1], np.float32),
        "semseg": np.array([13, 7], np.uint8),
        "box_center": np.array([[3.0, 10.0, 0.6], [0.0, 30.0, 2.0]], np.float32),
        "box_size": np.array([[1.8, 4.4, 1.5], [0.5, 0.1, 1.0]], np.float32),
        "box_yaw": np.array([0.0, 0.3], np.float32),
        "box_label": np.array(["Car", "Signs"]),
        "box_uuid": np.array(UUIDS),
        "pose_R": np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
        "pose_t": np.array([100.0, 50.0, 2.0]),
        "timestamp": np.float64(1557539956.5),
    }
    frame.update(change)
    np.savez(folder / f"{name}.npz", **{key: value for key, value in frame.items() if value is not None})
    (folder / "semseg_classes.json").write_text(json.dumps({"7": "Road", "13": "Car"}))
    return folder


def test_axes_and_sizes_are_turned(tmp_path: Path) -> None:
    sample = PandaSetSource(write_frame(tmp_path))[0]
    np.testing.assert_allclose(sample.cloud.xyz, [[11.9, -3.0, 0.5], [-20.0, 1.0, 0.0]])
    np.testing.assert_allclose(sample.annotations.boxes[0], [10, -3, 0.6, 4.4, 1.8, 1.5, 0], atol=1e-6)
    assert sample.annotations.num_points.tolist() == [1, 0]
    assert sample.annotations.boxes[1, 6] == pytest.approx(0.3)


def test_columns_of_the_cloud(tmp_path: Path) -> None:
    cloud = PandaSetSource(write_frame(tmp_path))[0].cloud
    assert cloud.intensity is not None
    np.testing.assert_allclose(cloud.intensity, [0.2, 1.0])
    np.testing.assert_allclose(cloud.time_s, [-0.08, 0], atol=1e-6)
    np.testing.assert_allclose(cloud.sensor_origins_m, [[0.8, 0, 1.85]])
    assert cloud.stamp_ns == 1557539956_500_000_000


def test_the_pose_starts_at_the_turned_axes(tmp_path: Path) -> None:
    sample = PandaSetSource(write_frame(tmp_path))[0]
    T_global_from_lidar = sample.T_global_from_ego @ sample.T_ego_from_lidar
    moved = T_global_from_lidar.apply(sample.cloud.xyz.astype(np.float64))
    np.testing.assert_allclose(moved[0], [100 - 11.9, 50 + 3, 2.5], atol=1e-5)


def test_labels_of_points_and_boxes(tmp_path: Path) -> None:
    truth = PandaSetSource(write_frame(tmp_path))[0].annotations
    assert truth.point_semantic is not None
    assert truth.point_semantic.tolist() == [SemanticClass.CAR, SemanticClass.DRIVEABLE_SURFACE]
    assert truth.label.tolist() == [SemanticClass.CAR, SemanticClass.MANMADE]
    assert truth.ignored.tolist() == [False, True]


def test_track_ids_do_not_depend_on_the_order_of_reading(tmp_path: Path) -> None:
    write_frame(tmp_path, "00")
    write_frame(tmp_path, "01", box_uuid=np.array(UUIDS[::-1]))
    source = PandaSetSource(tmp_path)
    assert source[1].annotations.track_id.tolist() == source[0].annotations.track_id.tolist()[::-1]
    assert 0 <= track_id_of(UUIDS[0]) < 2**60


def test_a_frame_without_points_or_boxes(tmp_path: Path) -> None:
    empty: dict[str, Any] = {
        "points": np.zeros((0, 4), np.float32),
        "t": np.zeros(0, np.float32),
        "semseg": np.zeros(0, np.uint8),
        "box_center": np.zeros((0, 3), np.float32),
        "box_size": np.zeros((0, 3), np.float32),
        "box_yaw": np.zeros(0, np.float32),
        "box_label": np.zeros(0, "<U8"),
        "box_uuid": np.zeros(0, "<U36"),
    }
    sample = PandaSetSource(write_frame(tmp_path, **empty))[0]
    assert len(sample.cloud) == len(sample.annotations) == 0


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pose_R": None}, r"arrays \['pose_R'\] are missing"),
        ({"semseg": np.zeros(3, np.uint8)}, "one label for each of 2 points, got 3"),
        ({"box_label": np.array(["Car", "Hovercraft"])}, "Hovercraft"),
    ],
)
def test_rejects(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    source = PandaSetSource(write_frame(tmp_path, **change))
    with pytest.raises(DatasetError, match=message):
        source[0]


def test_rejects_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="found none"):
        PandaSetSource(tmp_path)


def test_points_without_a_place_are_dropped_with_label_and_time(tmp_path: Path) -> None:
    points = np.array([[np.nan, 1.0, 1.0, 0.0], [3.0, 11.9, 0.5, 51.0], [-1.0, -20.0, 0.0, 255.0]], np.float32)
    folder = write_frame(
        tmp_path,
        points=points,
        t=np.array([np.nan, 0.02, 0.1], np.float32),
        semseg=np.array([7, 13, 7], np.uint8),
    )
    sample = PandaSetSource(folder)[0]
    assert sample.annotations.point_semantic is not None
    assert sample.annotations.point_semantic.tolist() == [SemanticClass.CAR, SemanticClass.DRIVEABLE_SURFACE]
    np.testing.assert_allclose(sample.cloud.time_s, [-0.08, 0], atol=1e-6)
    assert sample.cloud.dropped_non_finite == 1
    nothing = write_frame(tmp_path, points=points[:1], t=np.zeros(1, np.float32), semseg=np.array([7], np.uint8))
    assert len(PandaSetSource(nothing)[0].cloud) == 0
