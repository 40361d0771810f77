"""Assembling pieces equals moving them one by one."""

from __future__ import annotations

import numpy as np

from bevseg.simulation.materials import Material
from bevseg.simulation.shapes.assemble import assemble
from bevseg.simulation.shapes.mesh import box, joined


def test_equals_moving_one_by_one() -> None:
    pieces = [box((0.5, 0, 0), (1, 0.5, 2), Material.PAINT), box((0, 0.3, 0), (2, 1, 1), Material.METAL)]
    scale = np.array([[2.0, 1.0, 1.0], [1.0, 1.5, 0.5]])
    places = np.array([[10.0, 3.0], [-4.0, 7.0]])
    yaw = np.array([0.3, -2.0])
    expected = joined(
        [
            p.scaled((float(f[0]), float(f[1]), float(f[2]))).turned(float(a)).moved((float(at[0]), float(at[1]), 0.0))
            for p, f, a, at in zip(pieces, scale, yaw, places, strict=True)
        ]
    )
    result = assemble(pieces, scale=scale, xy_m=places, yaw_rad=yaw)
    np.testing.assert_allclose(result.mesh.vertices, expected.vertices, atol=1e-5)
    np.testing.assert_array_equal(result.mesh.triangles, expected.triangles)
    assert result.piece_of_triangle.tolist() == [0] * 12 + [1] * 12
    assert result.piece_of_vertex.tolist() == [0] * 8 + [1] * 8


def test_nothing_gives_nothing() -> None:
    result = assemble([], scale=np.zeros((0, 3)), xy_m=np.zeros((0, 2)), yaw_rad=np.zeros(0))
    assert len(result.mesh.triangles) == 0
    assert len(result.piece_of_vertex) == 0
