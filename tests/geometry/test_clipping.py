"""Areas cut by lines and by a disc, against figures worked out by hand and against counting."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.geometry.boxes import footprint_corners
from bevseg.geometry.clipping import area_in_disc, cut_by_half_plane

SQUARE = np.array([[[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]])
LEFT = np.array([0.0, 1.0])


def test_whole_half_and_nothing_of_a_square() -> None:
    assert area_in_disc(SQUARE, 2.0)[0] == pytest.approx(4.0)
    assert area_in_disc(SQUARE, 0.5)[0] == pytest.approx(np.pi * 0.25)
    assert area_in_disc(cut_by_half_plane(SQUARE, LEFT), 2.0)[0] == pytest.approx(2.0)
    assert area_in_disc(cut_by_half_plane(SQUARE, LEFT), 0.5)[0] == pytest.approx(np.pi * 0.125)
    assert area_in_disc(cut_by_half_plane(SQUARE + np.array([0.0, 5.0]), -LEFT), 9.0)[0] == pytest.approx(
        0.0, abs=1e-12
    )
    assert area_in_disc(SQUARE + np.array([5.0, 0.0]), 3.0)[0] == pytest.approx(0.0, abs=1e-12)


def test_none() -> None:
    none = np.zeros((0, 4, 2))
    assert area_in_disc(cut_by_half_plane(none, LEFT), 3.0).shape == (0,)


def test_two_cuts_and_a_disc_against_counting() -> None:
    rng = np.random.default_rng(5)
    k = 40
    boxes = np.column_stack(
        [rng.uniform(-6, 9, (k, 2)), np.zeros(k), rng.uniform(1, 9, (k, 2)), np.ones(k), rng.uniform(-3, 3, k)]
    )
    normals = np.array([[np.cos(a), np.sin(a)] for a in (0.4, 2.0)])
    outline = footprint_corners(boxes)
    for normal in normals:
        outline = cut_by_half_plane(outline, normal)
    area = area_in_disc(outline, 6.0)
    share = (np.arange(200) + 0.5) / 200 - 0.5
    along, across = np.meshgrid(share, share)
    for box, found in zip(boxes, area, strict=True):
        c, s = np.cos(box[6]), np.sin(box[6])
        x = box[0] + c * along * box[3] - s * across * box[4]
        y = box[1] + s * along * box[3] + c * across * box[4]
        inside = (np.hypot(x, y) <= 6) & (normals @ np.stack([x.ravel(), y.ravel()]) >= 0).all(0).reshape(x.shape)
        assert found == pytest.approx(inside.mean() * box[3] * box[4], abs=0.01 * box[3] * box[4])
