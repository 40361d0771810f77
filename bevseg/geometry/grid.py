"""The bird's-eye-view grid: the only file that turns metres into cells.

A map over the grid is `map[y, x]`: row-major, x fastest, row 0 and column 0 at (`x_min_m`, `y_min_m`), as
`nav_msgs/OccupancyGrid` has it. Cells are half-open: a cell holds `[min, max)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from jaxtyping import Float, Int

if TYPE_CHECKING:
    import torch

    Array = TypeVar("Array", np.ndarray, torch.Tensor)
else:
    Array = TypeVar("Array")


@dataclass(frozen=True)
class BevGrid:
    """A rectangle of square cells on the ground plane.

    Attributes:
        x_min_m: Lower edge along x (forward), metres.
        y_min_m: Lower edge along y (left), metres.
        cell_m: Edge of one cell, metres.
        width: Cells along x.
        height: Cells along y.
    """

    x_min_m: float
    y_min_m: float
    cell_m: float
    width: int
    height: int

    def __post_init__(self) -> None:
        if not self.cell_m > 0 or self.width < 1 or self.height < 1:
            raise ValueError(
                "a grid needs a cell size above 0 and at least one cell each way, "
                f"got cell_m={self.cell_m}, width={self.width}, height={self.height}"
            )

    @classmethod
    def square(cls, *, half_extent_m: float, cell_m: float) -> BevGrid:
        """A grid centred at the origin that reaches `half_extent_m` each way."""
        cells = round(2 * half_extent_m / cell_m)
        return cls(-half_extent_m, -half_extent_m, cell_m, cells, cells)

    @property
    def x_max_m(self) -> float:
        return self.x_min_m + self.width * self.cell_m

    @property
    def y_max_m(self) -> float:
        return self.y_min_m + self.height * self.cell_m

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width): the shape of a map over this grid."""
        return self.height, self.width

    @property
    def num_cells(self) -> int:
        return self.height * self.width

    def columns(self, x_m: Array) -> Array:
        """Column index of each x, floored, as float of the argument's type; outside values give indices outside."""
        return _floor((x_m - self.x_min_m) / self.cell_m)

    def rows(self, y_m: Array) -> Array:
        """Row index of each y, floored, as float of the argument's type; outside values give indices outside."""
        return _floor((y_m - self.y_min_m) / self.cell_m)

    def cells_of(self, xy_m: Float[np.ndarray, "n 2"]) -> Int[np.ndarray, "n 2"]:
        """(row, column) of each point, floored; points outside give indices outside, see `contains`."""
        return np.stack([self.rows(xy_m[:, 1]), self.columns(xy_m[:, 0])], axis=1).astype(np.int64)

    def contains(self, xy_m: Float[np.ndarray, "n 2"]) -> np.ndarray:
        """Whether each point lies in the half-open rectangle, (n,) bool."""
        row, column = self.rows(xy_m[:, 1]), self.columns(xy_m[:, 0])
        inside: np.ndarray = (row >= 0) & (row < self.height) & (column >= 0) & (column < self.width)
        return inside

    def flat_cells_of(self, xy_m: Float[np.ndarray, "n 2"]) -> Int[np.ndarray, "n"]:
        """Flat index `row * width + column` of each point, -1 where it lies outside."""
        row, column = self.rows(xy_m[:, 1]), self.columns(xy_m[:, 0])
        inside = (row >= 0) & (row < self.height) & (column >= 0) & (column < self.width)
        # Only what is inside surely fits an integer.
        flat = np.where(inside, row, 0).astype(np.int64) * self.width + np.where(inside, column, 0).astype(np.int64)
        return np.where(inside, flat, -1)

    def centers_of(self, flat_cells: Int[np.ndarray, "n"]) -> Float[np.ndarray, "n 2"]:
        """(x, y) in metres of the centre of each flat cell index."""
        rows, columns = np.divmod(flat_cells, self.width)
        return np.stack([self.x_of(columns + 0.5), self.y_of(rows + 0.5)], axis=1)

    def x_of(self, columns: Array) -> Array:
        """x in metres at a fractional column (0 is the lower edge, 0.5 the centre of column 0)."""
        return columns * self.cell_m + self.x_min_m

    def y_of(self, rows: Array) -> Array:
        """y in metres at a fractional row (0 is the lower edge, 0.5 the centre of row 0)."""
        return rows * self.cell_m + self.y_min_m

    def coarser(self, factor: int) -> BevGrid:
        """The grid over the same rectangle with cells `factor` times as wide.

        Raises:
            ValueError: `factor` does not divide width and height.
        """
        if self.width % factor or self.height % factor:
            raise ValueError(f"{self.width} x {self.height} cells do not divide by {factor}")
        return BevGrid(self.x_min_m, self.y_min_m, self.cell_m * factor, self.width // factor, self.height // factor)

    def finer(self, factor: int) -> BevGrid:
        """The grid over the same rectangle with `factor` cells for each one, both ways."""
        return BevGrid(self.x_min_m, self.y_min_m, self.cell_m / factor, self.width * factor, self.height * factor)


@dataclass(frozen=True)
class VoxelGrid:
    """A `BevGrid` with a height axis: `depth` layers of `layer_m` metres from `z_min_m` up. Pillars have depth 1."""

    bev: BevGrid
    z_min_m: float
    layer_m: float
    depth: int

    def __post_init__(self) -> None:
        if not self.layer_m > 0 or self.depth < 1:
            raise ValueError(f"a voxel grid needs layers, got layer_m={self.layer_m}, depth={self.depth}")

    @property
    def z_max_m(self) -> float:
        return self.z_min_m + self.depth * self.layer_m

    @property
    def shape(self) -> tuple[int, int, int]:
        """(depth, height, width)."""
        return self.depth, self.bev.height, self.bev.width

    def layers(self, z_m: Array) -> Array:
        """Layer index of each z, floored, as float of the argument's type; outside values give indices outside."""
        return _floor((z_m - self.z_min_m) / self.layer_m)

    def z_of(self, layers: Array) -> Array:
        """z in metres at a fractional layer (0 is the lower edge, 0.5 the centre of layer 0)."""
        return layers * self.layer_m + self.z_min_m


def _floor(values: Array) -> Array:
    if isinstance(values, np.ndarray):
        return np.floor(values)
    return values.floor()
