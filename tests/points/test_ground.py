"""The ground on synthetic scans whose true ground is known."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.points.ground import GroundModel, estimate_ground


def ring_scan(seed: int = 0, num: int = 12_000) -> np.ndarray:
    """(n, 2) places on the ground with the falling density of a spinning sensor."""
    rng = np.random.default_rng(seed)
    range_m = np.exp(rng.uniform(np.log(3.0), np.log(60.0), num))
    azimuth = rng.uniform(-np.pi, np.pi, num)
    return np.stack([range_m * np.cos(azimuth), range_m * np.sin(azimuth)], axis=1)


def on_ground(xy: np.ndarray, z: np.ndarray | float, *, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.02, len(xy))
    return np.column_stack([xy, z + noise]).astype(np.float32)


def worst_error(xyz: np.ndarray, xy: np.ndarray, z: np.ndarray | float) -> float:
    ground = estimate_ground(PointCloud.from_xyz(xyz))
    return float(np.quantile(np.abs(ground.height_at(xy) - z), 0.99))


@pytest.mark.parametrize("sensor_height_m", [-0.4, 0.3, 1.8, 3.2])
def test_finds_flat_ground_at_any_sensor_height(sensor_height_m: float) -> None:
    xy = ring_scan()
    assert worst_error(on_ground(xy, -sensor_height_m), xy, -sensor_height_m) < 0.05


@pytest.mark.parametrize(("along_x", "along_y"), [(0.06, -0.03), (-0.13, 0.0), (0.08, 0.1)])
def test_follows_a_tilted_plane(along_x: float, along_y: float) -> None:
    xy = ring_scan()
    z = -1.8 + along_x * xy[:, 0] + along_y * xy[:, 1]
    assert worst_error(on_ground(xy, z), xy, z) < 0.08


def test_follows_a_dip_that_no_plane_fits() -> None:
    xy = ring_scan(num=30_000)
    z = -1.8 - 0.8 * np.exp(-((xy[:, 0] - 18) ** 2 + (xy[:, 1] + 9) ** 2) / (2 * 8.0**2))
    assert worst_error(on_ground(xy, z), xy, z) < 0.15


def test_ghosts_below_and_objects_above_do_not_move_it() -> None:
    xy = ring_scan()
    rng = np.random.default_rng(2)
    ghosts = np.column_stack([ring_scan(3, 400), rng.uniform(-6, -2.4, 400)])
    wall = np.column_stack([rng.uniform(-20, 20, 9000), np.full(9000, 8.2), rng.uniform(-1.8, 3, 9000)])
    truck = np.column_stack([rng.uniform(6, 14, 4000), np.full(4000, -4.0), rng.uniform(-1.3, 1.5, 4000)])
    xyz = np.concatenate([on_ground(xy, -1.8), ghosts, wall, truck]).astype(np.float32)
    assert worst_error(xyz, xy, -1.8) < 0.1


def test_hidden_ground_takes_the_height_around_it() -> None:
    xy = ring_scan()
    hidden = (np.abs(xy[:, 0] - 12) < 4) & (np.abs(xy[:, 1]) < 4)
    roof = np.column_stack([xy[hidden], np.full(hidden.sum(), 1.0)])
    xyz = np.concatenate([on_ground(xy[~hidden], -1.8), roof]).astype(np.float32)
    assert worst_error(xyz, xy[hidden], -1.8) < 0.1


def test_moving_the_scan_up_moves_the_ground_up() -> None:
    xyz = on_ground(ring_scan(), -1.8)
    low, high = (
        estimate_ground(PointCloud.from_xyz(xyz)),
        estimate_ground(PointCloud.from_xyz(xyz + np.array([0, 0, 1.23]))),
    )
    np.testing.assert_allclose(high.height_m - low.height_m, 1.23, atol=0.02)


def test_points_on_one_side_only() -> None:
    xy = ring_scan()
    xy = xy[(xy[:, 0] > 10) & (xy[:, 1] > 5)]
    z = -1.7 + 0.02 * xy[:, 0]
    assert worst_error(on_ground(xy, z), xy, z) < 0.1


def test_is_deterministic() -> None:
    cloud = PointCloud.from_xyz(on_ground(ring_scan(), -1.8))
    np.testing.assert_array_equal(estimate_ground(cloud).height_m, estimate_ground(cloud).height_m)


def test_own_vehicle_is_not_ground() -> None:
    xy = ring_scan()
    roof = np.random.default_rng(4).uniform(-1, 1, (10_000, 3))
    origin = np.array([0.8, 0.0, 0.0])
    xyz = np.concatenate([on_ground(xy, -1.8), roof + origin]).astype(np.float32)
    ground = estimate_ground(PointCloud.from_xyz(xyz, sensor_origin_m=(0.8, 0.0, 0.0)))
    assert abs(float(ground.height_at(np.array([[0.8, 0.0]]))[0]) + 1.8) < 0.05


def test_empty_cloud_gives_flat_ground_at_zero() -> None:
    ground = estimate_ground(PointCloud.empty())
    assert not ground.height_m.any()
    assert ground.height_at(np.zeros((0, 2), np.float32)).shape == (0,)


@pytest.mark.parametrize("num", [1, 2, 7])
def test_a_handful_of_points_is_enough_not_to_fail(num: int) -> None:
    xyz = np.column_stack([np.linspace(5, 40, num), np.full(num, -3.0), np.full(num, -1.0)])
    ground = estimate_ground(PointCloud.from_xyz(xyz))
    assert np.isfinite(ground.height_m).all()
    assert abs(float(ground.height_at(xyz[:1, :2])[0]) + 1.0) < 0.3


def test_points_beyond_the_grid_alone_count_as_none() -> None:
    assert not estimate_ground(PointCloud.from_xyz(np.array([[500.0, 0.0, 3.0]]))).height_m.any()


def test_lookup_on_an_asymmetric_grid() -> None:
    grid = BevGrid(x_min_m=2.0, y_min_m=-1.0, cell_m=1.0, width=3, height=2)
    ground = GroundModel(grid, np.arange(6, dtype=np.float32).reshape(2, 3))
    places = np.array([[2.5, -0.5], [4.9, 0.9], [100.0, -100.0], [3.0, 0.0]])
    np.testing.assert_array_equal(ground.height_at(places), [0, 5, 2, 4])
    np.testing.assert_array_equal(ground.height_above(np.array([[4.9, 0.9, 7.0]])), [2.0])


def test_rejects_heights_that_do_not_fit_the_grid() -> None:
    grid = BevGrid(x_min_m=0.0, y_min_m=0.0, cell_m=1.0, width=3, height=2)
    with pytest.raises(ValueError, match="grid's shape"):
        GroundModel(grid, np.zeros((3, 2), np.float32))
