from __future__ import annotations

import numpy as np

from bevseg.evaluation.regrid import masks_on_grid
from bevseg.geometry.boxes import footprint_cells
from bevseg.geometry.grid import BevGrid
from bevseg.results.masks import BevMasks

TARGET = BevGrid(2.0, -6.0, 0.2, 100, 80)
BOXES = np.array(
    [[10.0, 0.2, 0, 4.0, 2.0, 1.5, 0.0], [11.2, 0.6, 0, 4.0, 2.0, 1.5, 0.0], [6, -2.8, 0, 0.8, 0.8, 1.7, 0]]
)  # their edges are edges of cells of 0.4 m


def _footprints(grid: BevGrid) -> BevMasks:
    return BevMasks.from_cells(grid, [footprint_cells(box, grid) for box in BOXES])


def _same(left: BevMasks, right: BevMasks) -> bool:
    return np.array_equal(left.cells, right.cells) and np.array_equal(left.offsets, right.offsets)


def test_the_same_grid_gives_the_same_masks() -> None:
    masks = _footprints(TARGET)
    assert masks_on_grid(masks, TARGET) is masks


def test_a_shifted_and_larger_grid_of_the_same_cells_loses_nothing() -> None:
    source = BevGrid(-4.0, -8.0, 0.2, 200, 100)
    moved = masks_on_grid(_footprints(source), TARGET)
    assert moved.grid == TARGET
    assert _same(moved, _footprints(TARGET))


def test_each_coarse_cell_becomes_four_fine_ones() -> None:
    coarse = BevGrid(2.0, -6.0, 0.4, 50, 40)
    masks = _footprints(coarse)
    moved = masks_on_grid(masks, TARGET)
    assert moved.area_cells.tolist() == (4 * masks.area_cells).tolist()
    assert _same(moved, _footprints(TARGET))


def test_every_cell_of_odd_sizes_follows_its_centre() -> None:
    for cell_m in (0.17, 0.25, 0.5):
        source = BevGrid(3.0, -5.0, cell_m, 40, 36)
        rng = np.random.default_rng(3)
        masks = BevMasks.from_cells(source, [rng.choice(source.num_cells, 90, replace=False) for _ in range(4)])
        moved = masks_on_grid(masks, TARGET)
        under = source.flat_cells_of(TARGET.centers_of(np.arange(TARGET.num_cells)))
        for k in range(4):
            expected = (under >= 0) & masks.dense(k).ravel()[under]
            assert np.array_equal(moved.dense(k).ravel(), expected)


def test_what_lies_off_the_target_is_cut_away() -> None:
    source = BevGrid(-10.0, -6.0, 0.2, 100, 80)  # reaches x = 10: the first box is cut, the second more
    moved = masks_on_grid(_footprints(source), BevGrid(9.0, -6.0, 0.2, 40, 80))
    assert moved.area_cells.tolist() == [5 * 10, 4 * 10, 0]


def test_no_masks_and_empty_masks() -> None:
    source = BevGrid(0.0, 0.0, 0.4, 10, 10)
    assert len(masks_on_grid(BevMasks.empty(source), TARGET)) == 0
    hollow = BevMasks.from_cells(source, [np.zeros(0, np.int64)] * 3)
    assert masks_on_grid(hollow, TARGET).area_cells.tolist() == [0, 0, 0]
