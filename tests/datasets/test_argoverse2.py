"""Argoverse 2 on small files of the schema that av2-api documents; no published log was at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather

from bevseg.datasets.argoverse2 import Argoverse2Log, argoverse2_logs, argoverse2_source, read_feather
from bevseg.datasets.labels import NO_BOXES, DatasetError
from bevseg.datasets.open import OpenOptions, open_source
from bevseg.datasets.swept import SweptSource
from bevseg.results.classes import SemanticClass

STAMPS_NS = (315968112437425433, 315968112537425433)
HALF = float(np.sqrt(0.5))


def write(path: Path, **columns: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    feather.write_feather(pa.table(columns), str(path))


def write_log(folder: Path, *, labelled: bool = True) -> Path:
    """A vehicle that heads north in the city and moves 1 m; it sees a car 10 m ahead and a cyclist on the left."""
    for stamp in STAMPS_NS:
        write(
            folder / "sensors" / "lidar" / f"{stamp}.feather",
            x=np.array([10.0, 9.5, 0.0], np.float16),
            y=np.array([0.5, 0.0, 6.0], np.float16),
            z=np.array([0.5, 1.0, 0.8], np.float16),
            intensity=np.array([51, 0, 255], np.uint8),
            laser_number=np.array([31, 32, 5], np.uint8),
            offset_ns=np.array([0, 50_000_000, 100_000_000], np.int32),
        )
    write(
        folder / "city_SE3_egovehicle.feather",
        timestamp_ns=np.array([STAMPS_NS[1], STAMPS_NS[0]], np.int64),
        **dict.fromkeys(("qw", "qz"), np.full(2, HALF)),
        **dict.fromkeys(("qx", "qy"), np.zeros(2)),
        tx_m=np.array([100.0, 100.0]),
        ty_m=np.array([51.0, 50.0]),
        tz_m=np.array([-3.0, -3.0]),
    )
    write(
        folder / "calibration" / "egovehicle_SE3_sensor.feather",
        sensor_name=["ring_front_center", "up_lidar", "down_lidar"],
        **dict.fromkeys(("qw",), np.ones(3)),
        **dict.fromkeys(("qx", "qy", "qz", "ty_m"), np.zeros(3)),
        tx_m=np.array([1.6, 1.35, 1.36]),
        tz_m=np.array([1.4, 1.64, 1.57]),
    )
    if labelled:
        write(
            folder / "annotations.feather",
            timestamp_ns=np.array([STAMPS_NS[1], STAMPS_NS[0], STAMPS_NS[0]], np.int64),
            track_uuid=["track-car", "track-car", "track-rider"],
            category=["REGULAR_VEHICLE", "REGULAR_VEHICLE", "BICYCLIST"],
            length_m=[4.0, 4.0, 0.8],
            width_m=[2.0, 2.0, 0.6],
            height_m=[1.6, 1.6, 1.7],
            qw=[HALF, 1.0, 1.0],
            **dict.fromkeys(("qx", "qy"), np.zeros(3)),
            qz=[HALF, 0.0, 0.0],
            tx_m=[9.0, 10.0, 0.0],
            ty_m=[0.0, 0.0, 6.0],
            tz_m=[0.8, 0.8, 0.8],
            num_interior_pts=np.array([2, 2, 1], np.int64),
        )
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_log(tmp_path / "val" / "adcf7d18-0510-35b0-a2fa-b4cea13a6d76")


def test_points_start_at_their_own_sensor(log: Path) -> None:
    cloud = Argoverse2Log(log)[0].cloud
    np.testing.assert_allclose(cloud.xyz, [[10, 0.5, 0.5], [9.5, 0, 1], [0, 6, 0.8]], atol=1e-2)
    assert cloud.sweep.tolist() == [0, 1, 0]
    np.testing.assert_allclose(cloud.sensor_origins_m, [[1.35, 0, 1.64], [1.36, 0, 1.57]], atol=1e-6)
    assert cloud.intensity is not None
    np.testing.assert_allclose(cloud.intensity, [0.2, 0, 1])
    np.testing.assert_allclose(cloud.time_s, [-0.1, -0.05, 0], atol=1e-6)
    assert cloud.stamp_ns == STAMPS_NS[0]


def test_boxes_of_a_scan(log: Path) -> None:
    source = Argoverse2Log(log)
    first, second = source[0].annotations, source[1].annotations
    np.testing.assert_allclose(first.boxes, [[10, 0, 0.8, 4, 2, 1.6, 0], [0, 6, 0.8, 0.8, 0.6, 1.7, 0]], atol=1e-6)
    assert first.label.tolist() == [SemanticClass.CAR, SemanticClass.NOISE]
    assert first.ignored.tolist() == [False, True]
    assert first.num_points.tolist() == [2, 1]
    assert len(second) == 1
    assert second.boxes[0, 6] == pytest.approx(np.pi / 2)
    assert second.track_id[0] == first.track_id[0] != first.track_id[1]


def test_poses_and_sweeps(log: Path) -> None:
    source = Argoverse2Log(log)
    pose = source[0].T_global_from_ego
    np.testing.assert_allclose(pose.translation_m, [100, 50, -3])
    assert np.degrees(pose.yaw_rad) == pytest.approx(90)
    assert source[0].cloud.num_sweeps == 1  # two sensors at one time
    joined = SweptSource(source, 2)[1].cloud
    np.testing.assert_allclose(joined.xyz[3:, 0], [9, 8.5, -1], atol=1e-2)
    assert joined.num_sweeps == 2
    assert joined.sweep.tolist() == [0, 1, 0, 2, 3, 2]


def test_a_log_without_labels(tmp_path: Path) -> None:
    truth = Argoverse2Log(write_log(tmp_path / "log", labelled=False))[0].annotations
    assert len(truth) == 0
    assert truth.view == NO_BOXES


def test_roots_splits_and_logs(log: Path) -> None:
    root = log.parents[1]
    write_log(root / "train" / "other")
    assert len(argoverse2_logs(root)) == 2
    assert argoverse2_logs(log) == (log,)
    source = argoverse2_source(root, "val")
    assert (source.name, len(source), source.drive_of(0)) == ("argoverse2-val", 2, log.name)
    assert open_source(root).kind == "argoverse2"
    assert len(open_source(root, OpenOptions(drives=("other",), sweeps=2)).source) == 2
    with pytest.raises(DatasetError, match=r"the logs \['nowhere'\]"):
        argoverse2_source(root, logs=["nowhere"])
    with pytest.raises(DatasetError, match="the logs at all"):
        argoverse2_source(root, "test")


def test_rejects_files_that_are_wrong(log: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="found none"):
        Argoverse2Log(tmp_path)
    with pytest.raises(DatasetError, match="no such file"):
        read_feather(tmp_path / "missing.feather", ("x",))
    (tmp_path / "broken.feather").write_bytes(b"no feather")
    with pytest.raises(DatasetError, match="no readable feather file"):
        read_feather(tmp_path / "broken.feather", ("x",))
    with pytest.raises(DatasetError, match=r"columns \['ring'\] are missing"):
        read_feather(log / "sensors" / "lidar" / f"{STAMPS_NS[0]}.feather", ("x", "ring"))
    scan = log / "sensors" / "lidar" / f"{STAMPS_NS[0]}.feather"
    scan.rename(scan.with_name("7.feather"))
    with pytest.raises(DatasetError, match="has no pose for the scan at 7 ns"):
        Argoverse2Log(log)[0]


def test_rejects_strange_sensors_and_classes(log: Path) -> None:
    scan = log / "sensors" / "lidar" / f"{STAMPS_NS[0]}.feather"
    table = feather.read_table(str(scan), memory_map=False)
    strange = table.set_column(
        table.column_names.index("laser_number"), "laser_number", pa.array([1, 2, 64], pa.uint8())
    )
    feather.write_feather(strange, str(scan))
    with pytest.raises(DatasetError, match=r"lasers 0..63 of two sensors, got 64"):
        Argoverse2Log(log)[0]
    write(
        log / "calibration" / "egovehicle_SE3_sensor.feather",
        sensor_name=["up_lidar"],
        **dict.fromkeys(("qw", "qx", "qy", "qz", "tx_m", "ty_m", "tz_m"), np.ones(1)),
    )
    with pytest.raises(DatasetError, match=r"no sensors \['down_lidar'\]"):
        Argoverse2Log(log)[1]


def test_a_scan_without_points(log: Path) -> None:
    scan = log / "sensors" / "lidar" / f"{STAMPS_NS[0]}.feather"
    table = feather.read_table(str(scan), memory_map=False)
    feather.write_feather(table.slice(0, 0), str(scan))
    sample = Argoverse2Log(log)[0]
    assert len(sample.cloud) == 0
    assert sample.annotations.num_points.tolist() == [0, 0]
