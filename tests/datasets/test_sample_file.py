"""Stored samples give back every bit."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.ground_cells import GroundCells
from bevseg.datasets.sample import Annotations, LabelledView, Sample
from bevseg.datasets.sample_file import SampleFileError, read_sample, write_sample
from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import CellState, VisibilityMap


def _sample(num_points: int = 50, num_objects: int = 3) -> Sample:
    rng = np.random.default_rng(3)
    cloud = PointCloud.from_xyz(
        rng.normal(20, 5, (num_points, 3)).astype(np.float32),
        frame="lidar",
        stamp_ns=123456789012345678,
        intensity=rng.random(num_points),
        ring=rng.integers(0, 32, num_points),
    )
    truth = Annotations.from_boxes(
        cloud,
        rng.normal(20, 5, (num_objects, 7)),
        rng.integers(1, 10, num_objects),
        point_semantic=rng.integers(0, 17, num_points).astype(np.uint8),
        view=LabelledView(half_angle_rad=0.7, max_range_m=60.0),
    )
    pose = Transform.from_yaw(0.3, np.array([1.0, 2.0, 3.0]), dst="global", src="ego")
    mount = Transform.from_yaw(0.0, np.array([0.9, 0.0, 1.8]), dst="ego", src="lidar")
    return Sample("frame-1", cloud, truth, mount, pose)


def _assert_same(one: object, other: object) -> None:
    for entry in fields(one):  # type: ignore[arg-type]
        a, b = getattr(one, entry.name), getattr(other, entry.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
        elif isinstance(a, (PointCloud, Annotations, OcclusionGraph, Transform, GroundCells, VisibilityMap)):
            _assert_same(a, b)
        else:
            assert a == b, entry.name


@pytest.mark.parametrize(("num_points", "num_objects"), [(50, 3), (0, 0)])
def test_round_trip(tmp_path: Path, num_points: int, num_objects: int) -> None:
    sample = _sample(num_points, num_objects)
    write_sample(tmp_path / "a.npz", sample)
    _assert_same(sample, read_sample(tmp_path / "a.npz"))
    graded = replace(sample.annotations, visibility_level=np.full(num_objects, 4, np.uint8))
    write_sample(tmp_path / "a.npz", replace(sample, annotations=graded))
    _assert_same(graded, read_sample(tmp_path / "a.npz").annotations)
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_round_trip_of_a_scan_whose_sensor_moved(tmp_path: Path) -> None:
    sample = _sample()
    origins = np.linspace(-1, 0, 150, dtype=np.float32).reshape(50, 3)
    moving = replace(sample, cloud=replace(sample.cloud, ray_origins_m=origins))
    write_sample(tmp_path / "a.npz", moving)
    _assert_same(moving, read_sample(tmp_path / "a.npz"))


def test_round_trip_with_occlusion_and_cycles(tmp_path: Path) -> None:
    edges = np.array([0, 1], np.int32)
    graph = OcclusionGraph(
        edges, edges[::-1], np.array([0.2, 0.3], np.float32), np.array([0, 0, 1], np.int32),
        np.array([0.7, 0.8, np.nan], np.float32), ((0, 1),),
    )  # fmt: skip
    sample = _sample()
    sample = replace(sample, annotations=replace(sample.annotations, occlusion=graph))
    write_sample(tmp_path / "a.npz", sample)
    _assert_same(sample, read_sample(tmp_path / "a.npz"))


def test_round_trip_with_ground_cells_and_truncation(tmp_path: Path) -> None:
    grid = BevGrid(2.0, -3.0, 0.5, 4, 3)
    state = np.arange(12, dtype=np.uint8).reshape(3, 4) % 4
    ground = GroundCells(VisibilityMap(grid, state), state == CellState.OCCUPIED)
    sample = _sample()
    truncation = np.array([0.0, 0.25, np.nan], np.float32)
    truth = replace(sample.annotations, ground=ground, truncation=truncation)
    sample = replace(sample, annotations=truth)
    write_sample(tmp_path / "a.npz", sample)
    read = read_sample(tmp_path / "a.npz")
    _assert_same(sample, read)
    assert read.annotations.ground is not None
    assert read.annotations.ground.obstacle.dtype == bool


def test_what_a_sample_does_not_know_leaves_no_trace_in_its_file(tmp_path: Path) -> None:
    write_sample(tmp_path / "a.npz", _sample())
    with np.load(tmp_path / "a.npz") as stored:
        assert not [name for name in stored.files if "ground" in name or "truncation" in name]
        assert b"ground" not in stored["header"].tobytes()


def test_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_sample(path, _sample())
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SampleFileError, match=r"a\.npz"):
        read_sample(path)


def test_other_archive_is_rejected(tmp_path: Path) -> None:
    np.savez(tmp_path / "b.npz", something=np.zeros(3))
    with pytest.raises(SampleFileError, match="cut off, damaged or no sample file"):
        read_sample(tmp_path / "b.npz")
