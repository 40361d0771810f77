"""Masks as `bevseg_msgs/MaskTile`: cropped to the cells that they cover, one bit a cell.

Bit `i` of a tile, counted from the lowest bit of byte 0, is the cell at row `row + i // width`, column
`column + i % width` of the grid; row 0 is at y_min and column 0 at x_min. A mask without cells has width and height 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int

from bevseg.geometry.grid import BevGrid
from bevseg.messages.object_fields import MaskTileFields
from bevseg.results.masks import BevMasks


def mask_tiles(masks: BevMasks) -> tuple[MaskTileFields, ...]:
    """One tile for each mask."""
    rows, columns = np.divmod(masks.cells, masks.grid.width)
    full = np.flatnonzero(masks.area_cells)
    starts = masks.offsets[full]
    corner, side = np.zeros((2, len(masks), 2), np.int64)
    if len(full):
        for axis, places in enumerate((rows, columns)):
            corner[full, axis] = np.minimum.reduceat(places, starts)
            side[full, axis] = np.maximum.reduceat(places, starts) - corner[full, axis] + 1
    ends = np.cumsum((side.prod(axis=1) + 7) // 8)
    begins = np.concatenate([[0], ends[:-1]])[: len(masks)]
    owner = masks.owner
    bits = np.zeros(8 * int(ends[-1]) if len(masks) else 0, np.uint8)
    within = (rows - corner[owner, 0]) * side[owner, 1] + columns - corner[owner, 1]
    bits[8 * begins[owner] + within] = 1
    packed = np.packbits(bits, bitorder="little")
    tiles = zip(corner.tolist(), side.tolist(), begins.tolist(), ends.tolist(), strict=True)
    return tuple(
        MaskTileFields(row, column, width, height, packed[begin:end])
        for (row, column), (height, width), begin, end in tiles
    )


def cells_of_tile(tile: Any, grid: BevGrid) -> Int[np.ndarray, "m"]:
    """Flat cell indices of a tile, ascending.

    Args:
        tile: Any object with the fields of `bevseg_msgs/MaskTile`.
        grid: The grid of the message that the tile came in.

    Raises:
        ValueError: The tile reaches beyond the grid, or has another number of bits than cells.
    """
    if tile.row < 0 or tile.column < 0 or tile.row + tile.height > grid.height or tile.column + tile.width > grid.width:
        raise ValueError(
            f"a tile of {tile.height} x {tile.width} cells from row {tile.row}, column {tile.column} on reaches beyond "
            f"the grid of {grid.height} x {grid.width}"
        )
    packed = np.asarray(tile.bits, dtype=np.uint8)
    cells = tile.width * tile.height
    if len(packed) != (cells + 7) // 8:
        raise ValueError(f"a tile of {cells} cells has {(cells + 7) // 8} bytes, got {len(packed)}")
    inside = np.flatnonzero(np.unpackbits(packed, count=cells, bitorder="little"))
    row, column = np.divmod(inside, max(tile.width, 1))
    return (tile.row + row) * grid.width + tile.column + column
