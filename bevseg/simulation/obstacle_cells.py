"""Which cells of a grid triangles reach into at given heights above the ground: exact, however thin they are.

Each triangle is cut at the lowest and the highest height of interest. What is left of it, a convex polygon, is seen
from above, cut into the rows of the grid, and fills in each row the cells between its smallest and its largest x there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Integer

from bevseg.geometry.grid import BevGrid


@dataclass(frozen=True, eq=False)
class ObstacleCells:
    """The cells that something stands in.

    Attributes:
        cell: Flat index of each, ascending.
        low_m: Lowest height above the ground of what stands in it, within the heights of interest.
        high_m: Highest likewise.
    """

    cell: Int[np.ndarray, "m"]
    low_m: Float[np.ndarray, "m"]
    high_m: Float[np.ndarray, "m"]


def obstacle_cells(
    corners: Float[np.ndarray, "v 3"],
    triangles: Integer[np.ndarray, "t 3"],
    grid: BevGrid,
    *,
    heights_m: tuple[float, float],
) -> ObstacleCells:
    """The cells that triangles reach into, and how low and how high.

    Args:
        corners: `(x, y, height above the ground)`, metres, in the grid's frame.
        triangles: Three indices into `corners` for each triangle.
        grid: The cells.
        heights_m: Lowest and highest height of interest; what is below or above does not count.
    """
    x, y, z = at = corners.T[:, triangles.T]  # by coordinate and corner: numpy is slow on rows of three
    some = (_most(z) >= heights_m[0]) & (_least(z) <= heights_m[1])
    some &= (_most(x) >= grid.x_min_m) & (_least(x) < grid.x_max_m)
    some &= (_most(y) >= grid.y_min_m) & (_least(y) < grid.y_max_m)
    x, y, z = _cut(at[..., some], heights_m)
    polygon, cell = _filled_cells(x, y, grid)
    low, high = np.full(grid.num_cells, np.inf), np.full(grid.num_cells, -np.inf)
    np.minimum.at(low, cell, _least(z)[polygon])
    np.maximum.at(high, cell, _most(z)[polygon])
    filled = np.flatnonzero(low <= high)
    return ObstacleCells(filled, low[filled], high[filled])


def _cut(triangles: Float[np.ndarray, "3 3 t"], heights_m: tuple[float, float]) -> Float[np.ndarray, "3 6 p"]:
    """Coordinates of each triangle's part between the heights, if any: six corners around it, some of which coincide.

    Around it go the parts of its three edges between the heights; what lies between two of them runs at one height. In
    place of an edge that lies outside, a corner of its neighbour is repeated.
    """
    way = triangles[:, [1, 2, 0]] - triangles
    z, rise = triangles[2], np.where(way[2] == 0, 1e-12, way[2])
    crossings = [(height - z) / rise for height in heights_m]
    first = np.clip(np.minimum(*crossings), 0.0, 1.0)
    last = np.clip(np.maximum(*crossings), 0.0, 1.0)
    middle = z + (first + last) / 2 * way[2]
    inside = (middle >= heights_m[0]) & (middle <= heights_m[1])
    begins, ends = triangles + first * way, triangles + last * way
    before = inside[[2, 0, 1]]
    spare = np.where(before, ends[:, [2, 0, 1]], begins[:, [1, 2, 0]])
    outline = np.stack([np.where(inside, begins, spare), np.where(inside, ends, spare)], axis=2)
    return outline[..., inside.any(axis=0)].reshape(3, 6, -1)


def _filled_cells(
    x: Float[np.ndarray, "6 p"], y: Float[np.ndarray, "6 p"], grid: BevGrid
) -> tuple[Int[np.ndarray, "n"], Int[np.ndarray, "n"]]:
    """Pairs of a convex polygon and the flat index of a cell that it touches."""
    first, last = (grid.rows(edge).astype(np.int64) for edge in (_least(y), _most(y)))
    first, last = np.maximum(first, 0), np.minimum(last, grid.height - 1)
    polygon, row = _expanded(first, last)
    low, high = _least(x)[polygon], _most(x)[polygon]
    tall = np.flatnonzero((first < last)[polygon])  # the others lie in one row from end to end
    outline_x, outline_y = x[:, polygon[tall]], y[:, polygon[tall]]
    low[tall], high[tall] = _extent_in_rows(outline_x, outline_y, grid.y_of(row[tall]), grid.cell_m)
    reach = grid.x_min_m - grid.cell_m, grid.x_max_m + grid.cell_m  # nothing is found where a corner just grazes a row
    first, last = (grid.columns(np.clip(edge, *reach)).astype(np.int64) for edge in (low, high))
    span, column = _expanded(np.maximum(first, 0), np.minimum(last, grid.width - 1))
    return polygon[span], row[span] * grid.width + column


def _expanded(
    first: Int[np.ndarray, "k"], last: Int[np.ndarray, "k"]
) -> tuple[Int[np.ndarray, "n"], Int[np.ndarray, "n"]]:
    """Every integer of each range with both ends included, and the range it comes from."""
    count = np.maximum(last - first + 1, 0)
    owner = np.repeat(np.arange(len(count)), count)
    before = np.cumsum(count) - count
    return owner, np.arange(len(owner)) - before[owner] + first[owner]


def _extent_in_rows(
    x: Float[np.ndarray, "6 n"], y: Float[np.ndarray, "6 n"], low_m: Float[np.ndarray, "n"], row_m: float
) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
    """Smallest and largest x of each polygon between y = low and y = low + row; none where it does not reach there."""
    least, most = np.full(len(low_m), np.inf), np.full(len(low_m), -np.inf)
    for corner in range(len(x)):
        start_x, start_y = x[corner - 1], y[corner - 1]
        way_x, way_y = x[corner] - start_x, y[corner] - start_y
        per_metre = 1 / np.where(way_y == 0, 1e-12, way_y)
        ends = [(low_m + side - start_y) * per_metre for side in (0.0, row_m)]
        enter, leave = np.maximum(np.minimum(*ends), 0.0), np.minimum(np.maximum(*ends), 1.0)
        crosses = enter <= leave
        for share in (enter, leave):
            at = start_x + share * way_x
            np.minimum(least, at, out=least, where=crosses)
            np.maximum(most, at, out=most, where=crosses)
    return least, most


def _least(values: Float[np.ndarray, "k n"]) -> Float[np.ndarray, "n"]:
    return values.min(axis=0)


def _most(values: Float[np.ndarray, "k n"]) -> Float[np.ndarray, "n"]:
    return values.max(axis=0)
