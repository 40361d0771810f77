"""Assembling pieces equals moving them one by one."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.simulation.materials import Material
from bevseg.simulation.shapes.assemble import Assembly, assemble
from bevseg.simulation.shapes.mesh import box, joined

PIECES = (box((0.5, 0, 0), (1, 0.5, 2), Material.PAINT), box((0, 0.3, 0), (2, 1, 1), Material.METAL))
SCALE = np.array([[2.0, 1.0, 1.0], [1.0, 1.5, 0.5]])
PLACES = np.array([[10.0, 3.0], [-4.0, 7.0]])
YAW = np.array([0.3, -2.0])


def _slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 0.1 * x - 0.05 * y


def _level(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.zeros(len(x))


def test_equals_moving_one_by_one() -> None:
    lift = np.array([0.5, -0.2])
    expected = joined(
        [
            p.scaled((float(f[0]), float(f[1]), float(f[2]))).turned(float(a)).moved((float(at[0]), float(at[1]), up))
            for p, f, a, at, up in zip(PIECES, SCALE, YAW, PLACES, lift.tolist(), strict=True)
        ]
    )
    result = assemble(PIECES, scale=SCALE, xy_m=PLACES, yaw_rad=YAW, lift_m=lift, ground=_level)
    np.testing.assert_allclose(result.mesh.vertices, expected.vertices, atol=1e-5)
    np.testing.assert_array_equal(result.mesh.triangles, expected.triangles)
    np.testing.assert_array_equal(result.mesh.material, expected.material)
    assert result.piece.tolist() == [0] * 12 + [1] * 12
    assert len(result) == 2


def test_pieces_follow_the_slope() -> None:
    level, sloping = (
        assemble(PIECES, scale=SCALE, xy_m=PLACES, yaw_rad=YAW, lift_m=np.zeros(2), ground=ground).mesh.vertices
        for ground in (_level, _slope)
    )
    np.testing.assert_array_equal(level[:, :2], sloping[:, :2])
    np.testing.assert_allclose(sloping[:, 2] - level[:, 2], _slope(level[:, 0], level[:, 1]), atol=1e-6)


def test_pieces_of_both_are_told_apart() -> None:
    both = Assembly.of(*PIECES) + Assembly.of(PIECES[0])
    assert both.piece.tolist() == [0] * 12 + [1] * 12 + [2] * 12
    assert len(both) == 3
    assert both.mesh.triangles.max() == len(both.mesh.vertices) - 1


@pytest.mark.parametrize("one_or_none", [0, 1])
def test_nothing_gives_nothing(one_or_none: int) -> None:
    nothing = assemble(
        [],
        scale=np.zeros((0, 3)),
        xy_m=np.zeros((0, 2)),
        yaw_rad=np.zeros(0),
        lift_m=np.zeros(0),
        ground=_level,
    )
    assert len(nothing) == len(nothing.piece) == len(nothing.mesh.triangles) == 0
    assert len(Assembly.of(*PIECES[:one_or_none]) + nothing) == one_or_none
