"""Decoys: of the size of objects, each its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bevseg.simulation.shapes.decoys import corner, front, pile, standing_thing, thin_row
from bevseg.simulation.shapes.mesh import Mesh

Maker = Callable[[np.random.Generator], Mesh]


@pytest.mark.parametrize(
    ("maker", "longest_m", "tallest_m"),
    [(pile, 6.5, 4.0), (front, 15.0, 4.5), (corner, 7.0, 2.6), (standing_thing, 1.0, 2.7), (thin_row, 4.0, 1.4)],
)
def test_decoys_are_as_large_as_what_they_are_taken_for(maker: Maker, longest_m: float, tallest_m: float) -> None:
    for seed in range(40):
        mesh = maker(np.random.default_rng(seed))
        size = mesh.high - mesh.low
        assert max(size[0], size[1]) <= longest_m
        assert 0.2 < mesh.high[2] <= tallest_m
        assert mesh.low[2] <= 0.05  # stands on the ground, or in it as heaps do
        assert len(mesh.triangles) == len(mesh.material) > 0


@pytest.mark.parametrize("maker", [pile, front, corner, standing_thing, thin_row])
def test_no_two_are_alike_and_the_same_draw_gives_the_same(maker: Maker) -> None:
    first, again, other = (maker(np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.vertices, again.vertices)
    assert first.vertices.shape != other.vertices.shape or not np.allclose(first.vertices, other.vertices)
