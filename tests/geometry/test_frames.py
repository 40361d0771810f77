from __future__ import annotations

import numpy as np
import pytest

from bevseg.geometry.frames import FrameError, Transform, angle_between_rad


def turned(dst: str = "ego", src: str = "lidar") -> Transform:
    """A turn with roll and pitch as well, about no axis of symmetry."""
    return Transform.from_quaternion(np.array([0.9, 0.1, -0.2, 0.3]), np.array([1.0, -2.0, 0.5]), dst=dst, src=src)


def test_names_of_neighbours_cancel() -> None:
    T_global_from_ego = Transform.from_yaw(0.3, np.array([10.0, 5.0, 0.0]), dst="global", src="ego")
    T_global_from_lidar = T_global_from_ego @ turned()
    assert (T_global_from_lidar.dst, T_global_from_lidar.src) == ("global", "lidar")
    xyz = np.array([[1.0, 2.0, 3.0], [-4.0, 0.0, 1.0]])
    np.testing.assert_allclose(T_global_from_lidar.apply(xyz), T_global_from_ego.apply(turned().apply(xyz)))


def test_a_misfit_raises() -> None:
    with pytest.raises(FrameError, match="'lidar' and 'ego' must be the same"):
        turned() @ turned()


def test_inverse_undoes() -> None:
    identity = turned().inverse() @ turned()
    np.testing.assert_allclose(identity.matrix, np.eye(4), atol=1e-12)
    assert (identity.dst, identity.src) == ("lidar", "lidar")


def test_yaw_turns_counter_clockwise() -> None:
    quarter = Transform.from_yaw(np.pi / 2, np.array([1.0, 0.0, 0.0]), dst="b", src="a")
    np.testing.assert_allclose(quarter.apply(np.array([[2.0, 0.0, 7.0]])), [[1.0, 2.0, 7.0]], atol=1e-12)
    assert quarter.yaw_rad == pytest.approx(np.pi / 2)
    np.testing.assert_array_equal(quarter.translation_m, [1.0, 0.0, 0.0])


def test_quaternion_order_is_wxyz_and_length_does_not_matter() -> None:
    half_angle = 0.35
    quat_wxyz = 7 * np.array([np.cos(half_angle), 0.0, 0.0, np.sin(half_angle)])
    built = Transform.from_quaternion(quat_wxyz, np.zeros(3), dst="b", src="a")
    expected = Transform.from_yaw(2 * half_angle, np.zeros(3), dst="b", src="a")
    np.testing.assert_allclose(built.matrix, expected.matrix, atol=1e-12)


def test_apply_keeps_the_dtype_and_takes_no_points() -> None:
    assert turned().apply(np.ones((2, 3), np.float32)).dtype == np.float32
    assert turned().apply(np.zeros((0, 3))).shape == (0, 3)


def test_identity_moves_nothing() -> None:
    xyz = np.array([[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(Transform.identity("lidar").apply(xyz), xyz)


@pytest.mark.parametrize(
    "matrix",
    [
        np.diag([1.0, 1.0, -1.0, 1.0]),
        np.diag([2.0, 1.0, 1.0, 1.0]),
        np.vstack([np.eye(4)[:3], [0, 0, 1, 1]]),
        np.full((4, 4), np.nan),
    ],
    ids=["mirror", "scale", "bottom row", "nan"],
)
def test_rejects_what_is_not_rigid(matrix: np.ndarray) -> None:
    with pytest.raises(ValueError, match="not a rigid transform"):
        Transform(matrix, "b", "a")


@pytest.mark.usefixtures("shapes_unchecked")
def test_rejects_a_matrix_of_another_shape() -> None:
    with pytest.raises(ValueError, match="4 x 4 matrix, got shape"):
        Transform(np.eye(3), "b", "a")


@pytest.mark.parametrize("quat_wxyz", [np.zeros(4), np.full(4, np.nan)])
def test_rejects_a_quaternion_without_direction(quat_wxyz: np.ndarray) -> None:
    with pytest.raises(ValueError, match="non-zero length"):
        Transform.from_quaternion(quat_wxyz, np.zeros(3), dst="b", src="a")


@pytest.mark.parametrize("angle_rad", [0.0, 1e-9, -0.4, np.pi])
def test_the_angle_between_two_rotations(angle_rad: float) -> None:
    yaw = Transform.from_yaw(angle_rad, np.array([5.0, 0.0, 1.0]), dst="lidar", src="lidar")
    assert angle_between_rad(turned(), turned() @ yaw) == pytest.approx(abs(angle_rad), rel=1e-6, abs=1e-15)
