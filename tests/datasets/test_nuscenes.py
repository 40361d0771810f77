from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bevseg.datasets.labels import NO_BOXES, DatasetError
from bevseg.datasets.nuscenes import NuScenesLidarsegSource, NuScenesTruthSource, read_scan
from bevseg.results.classes import SemanticClass

SCAN = np.array([[-3.0, 8.0, -1.0, 51.0, 4.0], [2.0, -6.0, 0.5, 255.0, 31.0]], "<f4")
"""A point 8 m ahead and 3 m left, another behind on the right."""

CAR = {
    "name": "car",
    "center": [-3.0, 8.0, -1.0],
    "size_lwh": [4.5, 1.9, 1.6],
    "yaw": np.pi / 2,
    "num_lidar_pts": 1,
    "velocity": [0.0, 5.0],
}
"""Drives straight ahead: its length lies along y, which is forward."""

HALF = np.sqrt(0.5)


def truth_folder(folder: Path, boxes: list[dict[str, Any]]) -> Path:
    SCAN.tofile(folder / "a.pcd.bin")
    keyframe = {
        "lidar_file": "a.pcd.bin",
        "sample_token": "token",
        "timestamp": 1533151603547590,
        "lidar2ego_t": [0.9, 0.0, 1.8],
        "lidar2ego_q_wxyz": [HALF, 0.0, 0.0, -HALF],
        "ego2global_t": [100.0, 200.0, 0.0],
        "ego2global_q_wxyz": [HALF, 0.0, 0.0, HALF],
        "boxes": boxes,
    }
    (folder / "mini_val_gt.json").write_text(json.dumps([keyframe, {**keyframe, "lidar_file": "elsewhere.pcd.bin"}]))
    return folder


def test_boxes_and_points_are_turned_to_x_forward(tmp_path: Path) -> None:
    source = NuScenesTruthSource(truth_folder(tmp_path, [CAR]))
    sample = source[0]
    assert len(source) == 1
    np.testing.assert_array_equal(sample.cloud.xyz, [[8.0, 3.0, -1.0], [-6.0, -2.0, 0.5]])
    np.testing.assert_allclose(sample.annotations.boxes, [[8, 3, -1, 4.5, 1.9, 1.6, 0]], atol=1e-6)
    np.testing.assert_allclose(sample.annotations.velocity_mps, [[5, 0]], atol=1e-6)
    assert sample.annotations.num_points.tolist() == [1]
    assert sample.cloud.stamp_ns == 1533151603547590_000


def test_poses_start_at_the_turned_axes(tmp_path: Path) -> None:
    sample = NuScenesTruthSource(truth_folder(tmp_path, []))[0]
    np.testing.assert_allclose(sample.T_ego_from_lidar.apply(np.array([[8.0, 3.0, -1.0]])), [[8.9, 3, 0.8]], atol=1e-9)
    T_global_from_lidar = sample.T_global_from_ego @ sample.T_ego_from_lidar
    np.testing.assert_allclose(T_global_from_lidar.apply(np.array([[8.0, 3.0, -1.0]])), [[97, 208.9, 0.8]], atol=1e-9)
    assert len(sample.annotations) == 0


def test_what_is_not_scored_is_ignored(tmp_path: Path) -> None:
    rack = {**CAR, "name": "static_object.bicycle_rack"}
    truth = NuScenesTruthSource(truth_folder(tmp_path, [rack, CAR]))[0].annotations
    assert truth.ignored.tolist() == [True, False]


def test_rejects_a_class_that_is_not_known(tmp_path: Path) -> None:
    source = NuScenesTruthSource(truth_folder(tmp_path, [{**CAR, "name": "tank"}]))
    with pytest.raises(DatasetError, match="tank"):
        source[0]


def test_rejects_folders_without_truth_or_without_its_scans(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such file"):
        NuScenesTruthSource(tmp_path)
    truth_folder(tmp_path, [CAR])
    (tmp_path / "a.pcd.bin").unlink()
    with pytest.raises(DatasetError, match="none of the 2 scans"):
        NuScenesTruthSource(tmp_path)


def test_a_scan_has_intensity_and_rings(tmp_path: Path) -> None:
    SCAN.tofile(tmp_path / "a.pcd.bin")
    cloud = read_scan(tmp_path / "a.pcd.bin", stamp_ns=9)
    assert cloud.ring is not None
    assert cloud.intensity is not None
    assert cloud.ring.tolist() == [4, 31]
    np.testing.assert_allclose(cloud.intensity, [0.2, 1.0])
    assert cloud.stamp_ns == 9


def lidarseg_folder(folder: Path, labels: list[int]) -> Path:
    SCAN.tofile(folder / "00.pcd.bin")
    np.array(labels, np.uint8).tofile(folder / "00_lidarseg.bin")
    return folder


def test_lidarseg_merges_as_the_challenge_does(tmp_path: Path) -> None:
    sample = NuScenesLidarsegSource(lidarseg_folder(tmp_path, [24, 4]))[0]
    assert sample.annotations.point_semantic is not None
    assert sample.annotations.point_semantic.tolist() == [SemanticClass.DRIVEABLE_SURFACE, SemanticClass.PEDESTRIAN]
    assert sample.name == "00"
    assert sample.annotations.view == NO_BOXES
    assert not sample.annotations.view.contains(np.array([[5.0, 0.0]])).any()


@pytest.mark.parametrize(("labels", "message"), [([24], "2 points, got 1"), ([24, 32], "label 32 is outside")])
def test_rejects_lidarseg_labels(labels: list[int], message: str, tmp_path: Path) -> None:
    source = NuScenesLidarsegSource(lidarseg_folder(tmp_path, labels))
    with pytest.raises(DatasetError, match=message):
        source[0]


def test_rejects_a_scan_without_labels(tmp_path: Path) -> None:
    SCAN.tofile(tmp_path / "00.pcd.bin")
    with pytest.raises(DatasetError, match="needs its labels"):
        NuScenesLidarsegSource(tmp_path)[0]


def test_a_keyframe_without_points(tmp_path: Path) -> None:
    (tmp_path / "00.pcd.bin").write_bytes(b"")
    (tmp_path / "00_lidarseg.bin").write_bytes(b"")
    assert len(NuScenesLidarsegSource(tmp_path)[0].cloud) == 0


def test_points_without_a_place_are_dropped_with_their_labels(tmp_path: Path) -> None:
    lost = np.array([[np.nan, 8.0, -1.0, 51.0, 4.0], [5.0, np.inf, 0.0, 1.0, 2.0]], "<f4")
    np.concatenate([lost[:1], SCAN, lost[1:]]).tofile(tmp_path / "00.pcd.bin")
    np.array([30, 17, 24, 30], np.uint8).tofile(tmp_path / "00_lidarseg.bin")
    sample = NuScenesLidarsegSource(tmp_path)[0]
    np.testing.assert_array_equal(sample.cloud.xyz, [[8.0, 3.0, -1.0], [-6.0, -2.0, 0.5]])
    assert sample.annotations.point_semantic is not None
    assert sample.annotations.point_semantic.tolist() == [SemanticClass.CAR, SemanticClass.DRIVEABLE_SURFACE]
    assert sample.cloud.dropped_non_finite == 2
    folder = truth_folder(tmp_path, [CAR])
    np.concatenate([SCAN, lost]).tofile(folder / "a.pcd.bin")
    keyframe = NuScenesTruthSource(folder)[0]
    assert (len(keyframe.cloud), keyframe.cloud.dropped_non_finite) == (2, 2)
    assert keyframe.annotations.num_points.tolist() == [1]
