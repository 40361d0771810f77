"""Masks moved onto the grid of the evaluation, so that results of different cell sizes are compared on one."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from bevseg.geometry.grid import BevGrid
from bevseg.results.masks import BevMasks


def masks_on_grid(masks: BevMasks, grid: BevGrid) -> BevMasks:
    """The same masks by cell centres: a cell of `grid` is in a mask if its centre lies in a cell of that mask.

    What lies off `grid` is cut away. Where the cells of one grid are whole multiples of the other's and aligned, no
    area is lost going to the finer one.
    """
    if masks.grid == grid:
        return masks
    source = masks.grid
    rows, columns = np.divmod(masks.cells, source.width)
    first_row, last_row = _span(source.rows(grid.y_of(np.arange(grid.height) + 0.5)), source.height)
    first_column, last_column = _span(source.columns(grid.x_of(np.arange(grid.width) + 0.5)), source.width)
    owner = np.repeat(np.arange(len(masks)), masks.area_cells)
    keys = [np.zeros(0, np.int64)]
    for dy in range(int((last_row - first_row).max(initial=0))):
        for dx in range(int((last_column - first_column).max(initial=0))):
            row, column = first_row[rows] + dy, first_column[columns] + dx
            hit = (row < last_row[rows]) & (column < last_column[columns])
            keys.append((owner[hit] * grid.height + row[hit]) * grid.width + column[hit])
    owner_of_cell, cells = np.divmod(np.sort(np.concatenate(keys)), grid.num_cells)
    counts = np.bincount(owner_of_cell, minlength=len(masks))
    return BevMasks(grid, cells, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))


def _span(source_index: Float[np.ndarray, "n"], size: int) -> tuple[Int[np.ndarray, "size"], Int[np.ndarray, "size"]]:
    """For each of `size` source rows the half-open range of target rows whose centre lies in it (rows ascend)."""
    edges = np.searchsorted(source_index, np.arange(size + 1), side="left")
    return edges[:-1], edges[1:]
