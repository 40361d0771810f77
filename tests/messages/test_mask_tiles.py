from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bevseg.geometry.grid import BevGrid
from bevseg.messages.mask_tiles import cells_of_tile, mask_tiles
from bevseg.results.masks import BevMasks

GRID = BevGrid(x_min_m=4.0, y_min_m=-16.0, cell_m=0.5, width=13, height=9)


@given(st.lists(st.sets(st.integers(0, GRID.num_cells - 1), max_size=40), max_size=5))
def test_tiles_give_back_the_masks(chosen: list[set[int]]) -> None:
    masks = BevMasks.from_cells(GRID, [np.array(sorted(cells), np.int64) for cells in chosen])
    tiles = mask_tiles(masks)
    assert len(tiles) == len(chosen)
    for k, tile in enumerate(tiles):
        np.testing.assert_array_equal(cells_of_tile(tile, GRID), masks.cells_of(k))


def test_a_tile_is_the_smallest_rectangle_and_bits_run_along_its_rows() -> None:
    cells = np.array([2 * 13 + 5, 2 * 13 + 7, 4 * 13 + 6])  # rows 2 and 4, columns 5 to 7
    (tile,) = mask_tiles(BevMasks.from_cells(GRID, [cells]))
    assert (tile.row, tile.column, tile.width, tile.height) == (2, 5, 3, 3)
    assert tile.bits.tolist() == [0b10000101, 0]


def test_an_empty_mask_has_an_empty_tile() -> None:
    empty, full, last = mask_tiles(BevMasks.from_cells(GRID, [np.zeros(0, np.int64), np.arange(8), np.zeros(0, int)]))
    assert (empty.width, empty.height, len(empty.bits)) == (0, 0, 0)
    assert (full.width, full.height, full.bits.tolist()) == (8, 1, [255])
    assert len(last.bits) == 0
    assert mask_tiles(BevMasks.empty(GRID)) == ()


def test_rejects_tiles_that_are_not_of_this_grid() -> None:
    (tile,) = mask_tiles(BevMasks.from_cells(GRID, [np.arange(8)]))
    with pytest.raises(ValueError, match="reaches beyond the grid of 9 x 13"):
        cells_of_tile(replace(tile, column=6), GRID)
    with pytest.raises(ValueError, match="reaches beyond"):
        cells_of_tile(replace(tile, row=-1), GRID)
    with pytest.raises(ValueError, match="8 cells has 1 bytes, got 2"):
        cells_of_tile(replace(tile, bits=np.zeros(2, np.uint8)), GRID)


def test_tiles_are_read_with_numpy_alone_as_the_page_says() -> None:
    cells = np.array([2 * 13 + 5, 2 * 13 + 7, 4 * 13 + 6])
    (tile,) = mask_tiles(BevMasks.from_cells(GRID, [cells]))
    bits = np.unpackbits(np.asarray(tile.bits, np.uint8), count=tile.width * tile.height, bitorder="little")
    rows, columns = np.nonzero(bits.reshape(tile.height, tile.width))
    x = GRID.x_min_m + (tile.column + columns + 0.5) * GRID.cell_m
    y = GRID.y_min_m + (tile.row + rows + 0.5) * GRID.cell_m
    np.testing.assert_allclose(np.stack([x, y], axis=1), GRID.centers_of(cells))
