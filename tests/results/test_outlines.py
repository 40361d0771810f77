"""Outlines of masks: where they lie, and that small masks and holes survive the smoothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bevseg.geometry.boxes import footprint_cells
from bevseg.geometry.grid import BevGrid
from bevseg.results.outlines import mask_outlines, outlines_of_masks

GRID = BevGrid(x_min_m=4.0, y_min_m=-16.0, cell_m=0.4, width=100, height=60)


def _area(outline: np.ndarray) -> float:
    return float(cv2.contourArea(outline.reshape(-1, 1, 2)))


@pytest.mark.parametrize("yaw_rad", [0.0, 0.4, 1.2])
def test_outline_of_a_box_has_its_place_and_area(yaw_rad: float) -> None:
    box = np.array([20.0, -5.0, 0.0, 6.0, 3.0, 1.5, yaw_rad])
    (outline,) = mask_outlines(footprint_cells(box, GRID), GRID)
    assert _area(outline) == pytest.approx(18.0, rel=0.12)
    moments = cv2.moments(outline.reshape(-1, 1, 2))
    center = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
    np.testing.assert_allclose(center, [20.0, -5.0], atol=0.15)


def test_no_cells_have_no_outline() -> None:
    assert mask_outlines(np.zeros(0, np.int64), GRID) == []


@pytest.mark.parametrize("cell", [0, 99, 59 * 100, 30 * 100 + 40])
def test_a_single_cell_keeps_an_outline_even_in_the_corner(cell: int) -> None:
    (outline,) = mask_outlines(np.array([cell]), GRID)
    center = GRID.centers_of(np.array([cell]))[0]
    np.testing.assert_allclose(outline.mean(axis=0), center, atol=0.1)
    assert 0.03 < _area(outline) < 0.3


def test_two_parts_and_a_hole_are_three_outlines() -> None:
    full = np.zeros(GRID.shape, bool)
    full[10:22, 20:36] = True
    full[14:18, 24:30] = False
    full[40:46, 70:80] = True
    outlines = mask_outlines(np.flatnonzero(full), GRID)
    assert len(outlines) == 3


@pytest.mark.parametrize("step", [1, 100])
def test_strips_one_cell_wide_stay_whole(step: int) -> None:
    outlines = mask_outlines(20 * 100 + 30 + step * np.arange(20), GRID)
    assert len(outlines) == 1
    assert 0.6 < _area(outlines[0]) < 5.0


def test_masks_together_have_the_outlines_that_they_have_alone() -> None:
    boxes = np.array([[20.0, -5.0, 0.0, 6.0, 3.0, 1.5, 0.4], [40.0, 7.0, 0.0, 0.8, 0.6, 1.5, 1.2]])
    masks = [footprint_cells(boxes[0], GRID), np.zeros(0, np.int64), footprint_cells(boxes[1], GRID)]
    together = outlines_of_masks(masks, GRID)
    assert [len(outlines) for outlines in together] == [1, 0, 1]
    for outlines, mask in zip(together, masks, strict=True):
        for outline, alone in zip(outlines, mask_outlines(mask, GRID), strict=True):
            np.testing.assert_array_equal(outline, alone)
    assert outlines_of_masks([], GRID) == []
