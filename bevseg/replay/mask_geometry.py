"""Masks and the visibility map as flat geometry on the ground, in metres: rectangles, hatching, outlines, a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int, UInt8

from bevseg.drawing import palette
from bevseg.geometry.grid import BevGrid
from bevseg.results.masks import BevMasks
from bevseg.results.outlines import mask_outlines
from bevseg.results.scene import VisibilityMap

_HATCH_CELLS = 3
"""Between two lines of the hatching, along a row."""


@dataclass(frozen=True, eq=False)
class Flat:
    """Triangles at one height, each vertex with its colour."""

    vertices: Float32[np.ndarray, "v 3"]
    triangles: Int[np.ndarray, "t 3"]
    colors: UInt8[np.ndarray, "v 3"]


@dataclass(frozen=True, eq=False)
class GroundPicture:
    """A picture that lies on the ground: `tones[0, 0]` at the corner of least x and y, columns along x.

    Attributes:
        tones: Red, green, blue of each cell.
        grid: Where the cells are.
    """

    tones: UInt8[np.ndarray, "height width 3"]
    grid: BevGrid

    def corners(self, z_m: float) -> Float32[np.ndarray, "4 3"]:
        """At (x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max)."""
        grid = self.grid
        x = [grid.x_min_m, grid.x_max_m, grid.x_max_m, grid.x_min_m]
        y = [grid.y_min_m, grid.y_min_m, grid.y_max_m, grid.y_max_m]
        return np.stack([x, y, [z_m] * 4], axis=1).astype(np.float32)


def ground_picture(visibility: VisibilityMap, *, coarser: int = 1) -> GroundPicture:
    """The visibility map in its tones; of so many cells each way one is taken, where the map divides by that."""
    grid, state = visibility.grid, visibility.state
    if grid.width % coarser == 0 and grid.height % coarser == 0:
        grid, state = grid.coarser(coarser), state[coarser // 2 :: coarser, coarser // 2 :: coarser]
    return GroundPicture(palette.ground_colors()[state], grid)


def ground_quads(ground: GroundPicture, z_m: float) -> Flat:
    """The same as rectangles, for views without textures."""
    tones, tone = np.unique(ground.tones.reshape(-1, 3), axis=0, return_inverse=True)
    cells = np.arange(ground.grid.num_cells)
    masks = BevMasks.from_owners(ground.grid, tone.reshape(-1), cells, num_masks=len(tones))
    return row_quads(masks, tones, z_m)


def row_quads(masks: BevMasks, colors: UInt8[np.ndarray, "k 3"], z_m: float) -> Flat:
    """Each unbroken run of cells in a row of a mask as one rectangle of two triangles.

    Args:
        masks: K masks.
        colors: Of each mask.
        z_m: Height of all of it.
    """
    grid, owner = masks.grid, masks.owner
    row, column = np.divmod(masks.cells, grid.width)
    begins = np.ones(len(row), bool)
    begins[1:] = (np.diff(owner) != 0) | (np.diff(row) != 0) | (np.diff(column) != 1)
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(row)) - 1 if len(first) else first
    x = np.stack([grid.x_of(column[first] + 0.0), grid.x_of(column[last] + 1.0)], axis=1)[:, [0, 1, 1, 0]]
    y = np.stack([grid.y_of(row[first] + 0.0), grid.y_of(row[first] + 1.0)], axis=1)[:, [0, 0, 1, 1]]
    vertices = np.stack([x, y, np.full(x.shape, z_m)], axis=2).reshape(-1, 3).astype(np.float32)
    triangles = (4 * np.arange(len(first))[:, None, None] + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3)
    return Flat(vertices, triangles, np.repeat(colors[owner[first]], 4, axis=0))


def hatching(
    masks: BevMasks, colors: UInt8[np.ndarray, "k 3"], z_m: float
) -> tuple[Float32[np.ndarray, "s 2 3"], UInt8[np.ndarray, "s 3"]]:
    """Diagonals of the cells of every third diagonal of the grid: they join to lines through the whole mask.

    The lines of all masks run on one pattern. Returns the segments, and the colour of each.
    """
    grid = masks.grid
    row, column = np.divmod(masks.cells, grid.width)
    on = np.flatnonzero((column - row) % _HATCH_CELLS == 0)
    low = np.stack([grid.x_of(column[on] + 0.0), grid.y_of(row[on] + 0.0), np.full(len(on), z_m)], axis=1)
    high = low + np.array([grid.cell_m, grid.cell_m, 0.0])
    return np.stack([low, high], axis=1).astype(np.float32), colors[masks.owner[on]]


def outline_strips(
    masks: BevMasks, z_m: float
) -> tuple[tuple[Float32[np.ndarray, "_ 3"], ...], Int[np.ndarray, "strip"]]:
    """Closed lines around each mask (its holes, too), without stairs; and the mask that each belongs to."""
    paths: list[np.ndarray] = []
    owner: list[int] = []
    for k in range(len(masks)):
        for path in mask_outlines(masks.cells_of(k), masks.grid):
            closed = np.concatenate([path, path[:1]])
            paths.append(np.pad(closed, ((0, 0), (0, 1)), constant_values=z_m).astype(np.float32))
            owner.append(k)
    return tuple(paths), np.array(owner, np.int64)
