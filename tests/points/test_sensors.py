from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.geometry.frames import FrameError, Transform
from bevseg.points.cloud import PointCloud
from bevseg.points.sensors import RINGS_A_SENSOR, merge_sensors
from bevseg.points.sweeps import aggregate_sweeps


def cloud(x_m: float, n: int, *, stamp_ns: int = 0) -> PointCloud:
    """Points at that x, measured within the last tenths of a second."""
    return PointCloud.from_xyz(
        np.full((n, 3), x_m, np.float32),
        frame="base",
        stamp_ns=stamp_ns,
        sensor_origin_m=(x_m, 1.0, 2.0),
        intensity=np.full(n, 0.5, np.float32),
        time_s=np.linspace(-0.1 * (n - 1), 0, n, dtype=np.float32),
        ring=np.arange(n) - 1,
    )


def test_each_sensor_keeps_its_rays_and_its_rings() -> None:
    merged = merge_sensors([cloud(1.0, 2), cloud(5.0, 3)], [0, 2])
    assert merged.xyz[:, 0].tolist() == [1, 1, 5, 5, 5]
    assert merged.ray_starts_m()[:, 0].tolist() == [1, 1, 5, 5, 5]
    assert merged.ring is not None
    assert merged.ring.tolist() == [-1, 0, -1, 2 * RINGS_A_SENSOR, 2 * RINGS_A_SENSOR + 1]
    assert merged.intensity is not None
    assert (merged.num_sweeps, merged.newest_origins_m.tolist()) == (1, [[1, 1, 2], [5, 1, 2]])


def test_times_count_from_the_newest_point_of_all() -> None:
    merged = merge_sensors([cloud(1.0, 2, stamp_ns=10**9), cloud(5.0, 3, stamp_ns=10**9 + 40_000_000)], [0, 1])
    assert merged.stamp_ns == 10**9 + 40_000_000
    np.testing.assert_allclose(merged.time_s, [-0.14, -0.04, -0.2, -0.1, 0], atol=1e-6)


def test_a_sensor_without_points_takes_nothing_away() -> None:
    empty = PointCloud.empty("base", stamp_ns=5)
    merged = merge_sensors([cloud(1.0, 2), empty], [0, 1])
    assert (len(merged), len(merged.sensor_origins_m), merged.num_sweeps) == (2, 2, 1)
    assert merged.intensity is not None
    assert merged.ring is not None
    nothing = merge_sensors([empty, empty], [0, 1])
    assert (len(nothing), nothing.intensity, nothing.ring) == (0, None, None)


def test_a_column_that_one_sensor_lacks_is_left_out() -> None:
    assert merge_sensors([cloud(1.0, 2), replace(cloud(5.0, 1), intensity=None, ring=None)], [0, 1]).intensity is None


def test_a_sensor_that_moved_keeps_where_each_ray_started() -> None:
    moved = replace(cloud(5.0, 2), ray_origins_m=np.array([[4, 1, 2], [5, 1, 2]], np.float32))
    starts = merge_sensors([cloud(1.0, 1), moved], [0, 1]).ray_starts_m()
    assert starts[:, 0].tolist() == [1, 4, 5]


def test_merged_clouds_are_joined_as_sweeps() -> None:
    def pose(x_m: float) -> Transform:
        return Transform.from_yaw(0.0, np.array([x_m, 0.0, 0.0]), dst="odom", src="base")

    old, new = (merge_sensors([cloud(1.0, 1, stamp_ns=s), cloud(5.0, 2, stamp_ns=s)], [0, 1]) for s in (0, 10**8))
    joined = aggregate_sweeps([old, cloud(9.0, 1, stamp_ns=-1), new], [pose(0.0), pose(0.0), pose(2.0)])
    assert (joined.num_sweeps, len(joined.newest_origins_m)) == (3, 2)
    assert joined.sweep_of_origin is not None
    assert joined.sweep_of_origin.tolist() == [0, 0, 1, 1, 2]
    assert joined.sweep.tolist() == [0, 1, 1, 2, 3, 3, 4]
    np.testing.assert_allclose(joined.sensor_origins_m[:, 0], [1, 5, -1, 3, 7], atol=1e-6)


def test_rejects_what_is_not_measured_together() -> None:
    with pytest.raises(ValueError, match="a sensor of 0 or more for each"):
        merge_sensors([], [])
    with pytest.raises(ValueError, match="a sensor of 0 or more for each"):
        merge_sensors([cloud(1.0, 1)], [-1])
    with pytest.raises(FrameError, match="'base', 'map'"):
        merge_sensors([cloud(1.0, 1), PointCloud.empty("map")], [0, 1])
    still = Transform(np.eye(4), "odom", "base")
    two = aggregate_sweeps([cloud(1.0, 1), cloud(1.0, 1)], [still, still])
    with pytest.raises(ValueError, match="single sweeps"):
        merge_sensors([two], [0])
