"""Primitives are closed, look outwards and have the size asked for."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.simulation.materials import Material
from bevseg.simulation.shapes.mesh import Mesh, box, ellipsoid, joined, loft, prism, quad, tube, wheel

SQUARE = np.array([(-1.0, 0.0), (1.0, 0.0), (1.0, 2.0), (-1.0, 2.0)])


def _signed_volume(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.triangles[:, k]].astype(float) for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def _open_edges(mesh: Mesh) -> int:
    edges = np.concatenate([mesh.triangles[:, [0, 1]], mesh.triangles[:, [1, 2]], mesh.triangles[:, [2, 0]]])
    _, count = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    return int((count != 2).sum())


@pytest.mark.parametrize(
    ("mesh", "volume"),
    [
        (box((3.0, 1.0, 2.0), (2.0, 1.0, 0.5), Material.PAINT), 1.0),
        (ellipsoid((5.0, 0, 0), (1.0, 1.0, 1.0), Material.FOLIAGE, around=40, rings=40), 4 * np.pi / 3),
        (tube((0, 0, 0), (0, 0, 2.0), 1.0, Material.METAL, sides=60), 2 * np.pi),
        (tube((4.0, 0, 1.0), (7.0, 0, 1.0), 0.5, Material.METAL, sides=60), 0.75 * np.pi),
    ],
)
def test_closed_and_of_the_right_volume(mesh: Mesh, volume: float) -> None:
    assert abs(_signed_volume(mesh)) == pytest.approx(volume, rel=0.02)
    assert _open_edges(mesh) == 0


def test_prism_is_stretched_along_y() -> None:
    mesh = prism(SQUARE, 3.0, Material.PAINT)
    assert _open_edges(mesh) == 0
    np.testing.assert_allclose(mesh.low, (-1, -1.5, 0))
    np.testing.assert_allclose(mesh.high, (1, 1.5, 2))


def test_loft_may_stay_open() -> None:
    rings = np.stack([np.insert(SQUARE, 1, y, axis=1) for y in (0.0, 1.0, 2.0)])
    assert len(loft(rings, Material.PAINT, closed_ends=False).triangles) == 16
    assert len(loft(rings, Material.PAINT).triangles) == 20


def test_wheel_shows_its_rim_on_the_outside_only() -> None:
    left, right = (wheel((0, y, 0.3), 0.3, 0.2) for y in (0.8, -0.8))
    for mesh, outside in ((left, 0.9), (right, -0.9)):
        rim = mesh.triangles[mesh.material == Material.METAL]
        np.testing.assert_allclose(mesh.vertices[rim][..., 1], outside, atol=1e-6)


def test_motions() -> None:
    arrow = box((1.0, 0, 0), (2.0, 0.2, 0.2), Material.PAINT)
    np.testing.assert_allclose(arrow.turned(np.pi / 2).high, (0.1, 2.0, 0.2), atol=1e-6)
    upright = box((0, 0, 0), (0.2, 0.4, 3.0), Material.PAINT)
    assert upright.pitched(np.pi / 2).high[0] == pytest.approx(3.0, abs=1e-5)
    assert upright.rolled(np.pi / 2).high[1] == pytest.approx(3.0, abs=1e-5)
    np.testing.assert_allclose(arrow.moved((1, 2, 3)).low, (1, 1.9, 3), atol=1e-6)


def test_normalised_fills_its_share_of_the_unit_box() -> None:
    mesh = box((7.0, -3.0, 2.0), (4.0, 2.0, 1.5), Material.PAINT).normalised(fill=0.9)
    np.testing.assert_allclose(mesh.low, (-0.45, -0.45, 0), atol=1e-6)
    np.testing.assert_allclose(mesh.high, (0.45, 0.45, 0.9), atol=1e-6)


def test_simplified_keeps_the_extent_and_drops_what_collapses() -> None:
    fine = ellipsoid((0, 0, 0), (1.0, 2.0, 1.0), Material.FOLIAGE, around=40, rings=40)
    coarse = fine.simplified(0.4)
    assert len(coarse.triangles) < len(fine.triangles) / 5
    np.testing.assert_allclose(coarse.high, fine.high, atol=0.25)
    assert not len(fine.simplified(10.0).triangles) or len(fine.simplified(10.0).vertices) <= 8


def test_joined_of_none_is_empty_and_of_two_keeps_materials() -> None:
    assert len(joined([]).triangles) == 0
    both = joined([quad(np.eye(4, 3), Material.GLASS), box((0, 0, 0), (1, 1, 1), Material.PAINT)])
    assert both.material.tolist() == [Material.GLASS] * 2 + [Material.PAINT] * 12
    assert both.triangles.max() == len(both.vertices) - 1


def test_triangles_without_corners_are_rejected() -> None:
    corners, triangle = np.zeros((3, 3), np.float32), np.array([[0, 1, 3]], np.int32)
    with pytest.raises(ValueError, match="index vertex 3 of 3"):
        Mesh(corners, triangle, np.zeros(1, np.uint8))
