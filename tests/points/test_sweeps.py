from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.geometry.frames import FrameError, Transform
from bevseg.points.cloud import PointCloud
from bevseg.points.sweeps import aggregate_sweeps

WALL = np.array([[30.0, 5.0, 1.0], [31.0, 5.5, 2.0], [29.0, -4.0, 0.0]])
"""Stands still in the world."""


def pose(k: int) -> Transform:
    """A vehicle that turns as it drives."""
    return Transform.from_yaw(0.1 * k, np.array([2.0 * k, 0.3 * k, 0.0]), dst="global", src="lidar")


def sweep(k: int, *, intensity: bool = True) -> PointCloud:
    return PointCloud.from_xyz(
        pose(k).inverse().apply(WALL),
        stamp_ns=1_000_000_000 + k * 50_000_000,
        sensor_origin_m=(0.5, 0.0, 1.8),
        intensity=np.full(3, 0.1 * k) if intensity else None,
    )


def test_what_stands_still_falls_together() -> None:
    joined = aggregate_sweeps([sweep(0), sweep(2), sweep(1)], [pose(0), pose(2), pose(1)])
    np.testing.assert_allclose(joined.xyz, np.tile(sweep(2).xyz, (3, 1)), atol=1e-4)
    assert joined.stamp_ns == sweep(2).stamp_ns


def test_points_know_their_age_and_their_sweep() -> None:
    joined = aggregate_sweeps([sweep(0), sweep(2), sweep(1)], [pose(0), pose(2), pose(1)])
    np.testing.assert_allclose(joined.time_s, np.repeat([0, -0.05, -0.1], 3), atol=1e-6)
    np.testing.assert_array_equal(joined.sweep, np.repeat([0, 1, 2], 3))
    np.testing.assert_allclose(joined.sensor_origins_m[0], [0.5, 0, 1.8], atol=1e-6)
    expected = (pose(2).inverse() @ pose(0)).apply(np.array([[0.5, 0, 1.8]]))
    np.testing.assert_allclose(joined.sensor_origins_m[2:], expected, atol=1e-5)


def test_where_rays_start_is_kept_if_any_sweep_knows_it() -> None:
    moving = replace(sweep(0), ray_origins_m=np.array([[0.3, 0, 1.8], [0.4, 0, 1.8], [0.5, 0, 1.8]], np.float32))
    joined = aggregate_sweeps([moving, sweep(1)], [pose(0), pose(1)])
    assert joined.num_sweeps == 2
    newest, old = joined.ray_starts_m()[:3], joined.ray_starts_m()[3:]
    np.testing.assert_allclose(newest, np.tile([0.5, 0, 1.8], (3, 1)), atol=1e-6)
    assert moving.ray_origins_m is not None
    np.testing.assert_allclose(old, (pose(1).inverse() @ pose(0)).apply(moving.ray_origins_m), atol=1e-5)
    assert aggregate_sweeps([sweep(0), sweep(1)], [pose(0), pose(1)]).ray_origins_m is None


def test_joined_sweeps_can_be_joined_again() -> None:
    first = aggregate_sweeps([sweep(0), sweep(1)], [pose(0), pose(1)])
    joined = aggregate_sweeps([sweep(2), first], [pose(2), pose(1)])
    assert joined.num_sweeps == 3
    np.testing.assert_array_equal(joined.sweep, np.repeat([0, 1, 2], 3))
    np.testing.assert_allclose(joined.time_s, np.repeat([0, -0.05, -0.1], 3), atol=1e-6)


def test_a_column_that_one_sweep_lacks_is_left_out() -> None:
    joined = aggregate_sweeps([sweep(0, intensity=False), sweep(1)], [pose(0), pose(1)])
    assert joined.intensity is None
    assert aggregate_sweeps([sweep(0), sweep(1)], [pose(0), pose(1)]).intensity is not None


def test_an_empty_sweep_adds_an_origin_and_no_points() -> None:
    empty = PointCloud.empty(stamp_ns=sweep(0).stamp_ns - 1)
    joined = aggregate_sweeps([sweep(0), empty], [pose(0), pose(0)])
    assert (len(joined), joined.num_sweeps) == (3, 2)


@pytest.mark.parametrize(("clouds", "poses"), [([], []), ([sweep(0)], []), ([sweep(0)], [pose(0), pose(1)])])
def test_rejects_clouds_without_a_pose_each(clouds: list[PointCloud], poses: list[Transform]) -> None:
    with pytest.raises(ValueError, match="a pose for each"):
        aggregate_sweeps(clouds, poses)


def test_rejects_poses_into_different_worlds() -> None:
    other = Transform(pose(0).matrix, "odom", "lidar")
    with pytest.raises(FrameError, match="'global' and 'odom'"):
        aggregate_sweeps([sweep(0), sweep(1)], [other, pose(1)])


@pytest.mark.parametrize("bad", [0, 1])
def test_rejects_a_pose_of_another_frame(bad: int) -> None:
    poses = [pose(0), pose(1)]
    poses[bad] = Transform(pose(bad).matrix, "global", "ego")
    with pytest.raises(FrameError):
        aggregate_sweeps([sweep(0), sweep(1)], poses)
