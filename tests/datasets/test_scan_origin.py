from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.kitti import KittiObjectSource, KittiSequenceFiles, KittiTrackingSource
from bevseg.datasets.nuscenes_tables import NuScenesOptions, NuScenesSource, open_tables
from bevseg.datasets.sample_edit import keep_points
from bevseg.datasets.scan_origin import ScanOrigin
from bevseg.datasets.semantic_kitti_dataset import semantic_kitti_source
from bevseg.points.cloud import PointCloud, usable_points

XYZ = np.array([[1, 2, 3], [np.nan, 0, 0], [4, 5, 6], [7, 8, np.inf]], np.float32)


def test_numbers_of_points_become_numbers_of_rows() -> None:
    origin = ScanOrigin.of("000007", PointCloud.from_xyz(XYZ), usable_points(XYZ), drive="08")
    assert (origin.num_points, origin.num_kept) == (4, 2)
    rows = origin.by_row(np.array([5, 6, 99], np.uint16))  # the last is of an earlier scan
    assert rows.tolist() == [5, 0, 6, 0]
    assert rows.dtype == np.uint16
    with pytest.raises(ValueError, match="scan 000007: expected numbers of 2 points or more, got 1"):
        origin.by_row(np.array([5]))


def test_a_scan_that_is_whole_and_one_that_is_empty() -> None:
    whole = ScanOrigin.of("a", PointCloud.from_xyz(XYZ[[0, 2]]), usable_points(XYZ[[0, 2]]))
    assert whole.by_row(np.array([5, 6])).tolist() == [5, 6]
    assert len(ScanOrigin.of("a", PointCloud.empty(), slice(None)).by_row(np.zeros(0, np.int64))) == 0


def test_kitti_knows_its_calibration(kitti_root: Path) -> None:
    training = kitti_root / "training"
    sample = KittiObjectSource(training)[1]
    assert sample.origin is not None
    assert (sample.origin.scan, sample.origin.drive) == ("000001", "")
    assert sample.origin.calibration == training / "calib" / "000001.txt"
    assert sample.origin.num_points == len(sample.cloud)
    calibration = training / "calib" / "000000.txt"
    files = KittiSequenceFiles(training / "velodyne", training / "label_02" / "0000.txt", calibration)
    tracked = KittiTrackingSource(files=files, name="0000")[2].origin
    assert tracked is not None
    assert (tracked.scan, tracked.drive, tracked.calibration) == ("000002", "0000", calibration)


def test_semantic_kitti_knows_its_drive(semantic_kitti_root: Path) -> None:
    origin = semantic_kitti_source(semantic_kitti_root)[2].origin
    assert origin is not None
    assert (origin.scan, origin.drive) == ("000002", "00")


def test_nuscenes_knows_the_token_of_the_scan_whatever_is_joined(nuscenes_root: Path) -> None:
    pytest.importorskip("nuscenes", reason="needs the extra `datasets`")
    tables = open_tables(nuscenes_root)
    sample = NuScenesSource(tables, NuScenesOptions(sweeps=3))[1]
    assert sample.origin is not None
    row = tables.get("sample_data", sample.origin.scan)
    assert row["sample_token"] == sample.name
    assert sample.origin.num_points == (Path(tables.dataroot) / row["filename"]).stat().st_size // 20
    assert len(sample.cloud) > sample.origin.num_points


def test_a_scan_that_lost_points_has_none(semantic_kitti_root: Path) -> None:
    sample = semantic_kitti_source(semantic_kitti_root)[0]
    assert keep_points(sample, np.arange(len(sample.cloud)) % 2 > 0).origin is None
