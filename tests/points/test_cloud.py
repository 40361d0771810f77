from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.geometry.frames import FrameError, Transform
from bevseg.points.cloud import PointCloud


def three_points() -> PointCloud:
    return PointCloud.from_xyz(
        np.arange(9.0).reshape(3, 3),
        stamp_ns=5,
        sensor_origin_m=(0.5, 0.0, 1.0),
        intensity=np.array([0.1, 0.2, 0.3]),
        time_s=np.array([-0.2, -0.1, 0.0]),
        ring=np.array([3, 4, 5]),
    )


def present(column: np.ndarray | None) -> np.ndarray:
    assert column is not None
    return column


def test_columns_have_one_type_each() -> None:
    cloud = three_points()
    assert cloud.xyz.dtype == cloud.time_s.dtype == np.float32
    assert present(cloud.intensity).dtype == np.float32
    assert cloud.num_sweeps == 1


def test_coordinates_that_no_sensor_measures_are_dropped_with_the_non_finite_ones() -> None:
    xyz = np.array([[1e30, 0, 0], [0, -1e38, 0], [0, 0, 9.9e8], [1, 2, 3]], np.float32)
    cloud = PointCloud.from_xyz(xyz)
    assert cloud.dropped_non_finite == 2
    np.testing.assert_array_equal(cloud.xyz, xyz[2:])


def test_points_without_a_place_are_dropped_with_all_their_columns() -> None:
    xyz = np.array([[1, 2, 3], [np.nan, 0, 0], [0, np.inf, 0], [4, 5, 6]], np.float32)
    cloud = PointCloud.from_xyz(xyz, intensity=np.array([0.1, 0.2, 0.3, 0.4]), ring=np.arange(4))
    assert cloud.dropped_non_finite == 2
    np.testing.assert_array_equal(cloud.xyz, xyz[[0, 3]])
    np.testing.assert_allclose(present(cloud.intensity), [0.1, 0.4])
    np.testing.assert_array_equal(present(cloud.ring), [0, 3])


@pytest.mark.parametrize("index", [np.array([True, False, True]), np.array([0, 2]), slice(0, 3, 2)])
def test_choosing_points_moves_every_column(index: np.ndarray | slice) -> None:
    chosen = three_points()[index]
    assert len(chosen) == 2
    np.testing.assert_array_equal(present(chosen.ring), [3, 5])
    np.testing.assert_allclose(chosen.time_s, [-0.2, 0.0])


def test_transforming_moves_points_and_origins() -> None:
    T = Transform.from_yaw(np.pi / 2, np.array([0.0, 0.0, 1.0]), dst="ego", src="lidar")
    moved = three_points().transformed(T)
    assert moved.frame == "ego"
    np.testing.assert_allclose(moved.xyz[0], [-1, 0, 3], atol=1e-6)
    np.testing.assert_allclose(moved.sensor_origins_m, [[0, 0.5, 2]], atol=1e-6)


def test_rays_start_where_the_sensor_was() -> None:
    cloud = three_points()
    np.testing.assert_array_equal(cloud.ray_starts_m(), np.tile([0.5, 0.0, 1.0], (3, 1)))
    moving = replace(cloud, ray_origins_m=np.array([[-2, 0, 1], [-1, 0, 1], [0, 0, 1]], np.float32))
    np.testing.assert_array_equal(moving.ray_starts_m(slice(None, None, 2))[:, 0], [-2, 0])
    np.testing.assert_array_equal(moving[np.array([1])].ray_starts_m(), [[-1, 0, 1]])
    T = Transform.from_yaw(np.pi / 2, np.array([0.0, 0.0, 1.0]), dst="ego", src="lidar")
    np.testing.assert_allclose(moving.transformed(T).ray_starts_m()[0], [0, -2, 2], atol=1e-6)


def test_transforming_from_another_frame_raises() -> None:
    with pytest.raises(FrameError, match="'lidar'"):
        three_points().transformed(Transform.identity("camera"))


def test_the_empty_cloud() -> None:
    empty = PointCloud.empty("base", stamp_ns=7)
    assert (len(empty), empty.frame, empty.stamp_ns, empty.num_sweeps) == (0, "base", 7, 1)
    assert len(empty[np.zeros(0, np.int64)]) == 0
    assert len(empty.transformed(Transform(np.eye(4), "ego", "base"))) == 0


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"xyz": np.zeros((3, 3))}, "float32"),
        ({"time_s": np.zeros(2, np.float32)}, r"time_s must be \(3,\)"),
        ({"sensor_origins_m": np.zeros((0, 3), np.float32)}, "s >= 1"),
        ({"sweep": np.array([0, 0, 1])}, "index the 1 sensor origins"),
        ({"ray_origins_m": np.zeros((2, 3), np.float32)}, r"ray_origins_m must be \(3, 3\)"),
        ({"sweep_of_origin": np.zeros(2, np.int32)}, "counted up from 0 without gaps"),
        ({"sweep_of_origin": np.ones(1, np.int32)}, r"got \[1\]"),
    ],
)
def test_rejects_columns_that_do_not_fit(change: dict[str, np.ndarray], message: str) -> None:
    cloud = three_points()
    columns = {name: getattr(cloud, name) for name in cloud.__dataclass_fields__}
    with pytest.raises(ValueError, match=message):
        PointCloud(**{**columns, **change})
