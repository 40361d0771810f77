from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from bevseg.geometry.frames import Transform
from bevseg.simulation.writers.quaternions import quat_wxyz_of, quat_wxyz_of_yaw


def rotation_of(quat_wxyz: np.ndarray) -> np.ndarray:
    return Transform.from_quaternion(quat_wxyz, np.zeros(3), dst="a", src="b").matrix[:3, :3]


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda q: np.linalg.norm(q) > 0.1))
def test_comes_back_up_to_its_sign(quat: list[float]) -> None:
    unit = np.array(quat) / np.linalg.norm(quat)
    found = quat_wxyz_of(rotation_of(unit))
    assert found[0] >= 0
    assert np.linalg.norm(found) == pytest.approx(1)
    np.testing.assert_allclose(rotation_of(found), rotation_of(unit), atol=1e-12)


@pytest.mark.parametrize("axis", range(3))
def test_half_turns_are_exact(axis: int) -> None:
    signs = -np.ones(3)
    signs[axis] = 1
    np.testing.assert_array_equal(quat_wxyz_of(np.diag(signs)), np.eye(4)[axis + 1])


def test_small_tilts_keep_their_digits() -> None:
    quat = np.array([1.0, 1e-9, -2e-9, 0.0])
    np.testing.assert_allclose(quat_wxyz_of(rotation_of(quat)), quat, rtol=1e-6, atol=1e-16)


@pytest.mark.parametrize("yaw_rad", [0.0, 0.3, -3.0, np.pi])
def test_yaw_turns_about_z(yaw_rad: float) -> None:
    turned = Transform.from_yaw(yaw_rad, np.zeros(3), dst="a", src="b").matrix[:3, :3]
    np.testing.assert_allclose(rotation_of(quat_wxyz_of_yaw(yaw_rad)), turned, atol=1e-12)
