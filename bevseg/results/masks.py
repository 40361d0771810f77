"""Masks of many objects on one grid, kept as lists of cells rather than as full grids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bevseg.geometry.boxes import footprint_corners
from bevseg.geometry.grid import BevGrid


@dataclass(frozen=True, eq=False)
class BevMasks:
    """K masks over one grid in compressed-row form: mask k holds `cells[offsets[k]:offsets[k + 1]]`.

    Attributes:
        grid: The grid that the cells index.
        cells: Flat cell indices (`row * width + column`), ascending within each mask.
        offsets: Where each mask starts in `cells`, with the total at the end.
    """

    grid: BevGrid
    cells: Int[np.ndarray, "m"]
    offsets: Int[np.ndarray, "k_plus_1"]

    def __post_init__(self) -> None:
        if len(self.offsets) < 1 or self.offsets[0] != 0 or self.offsets[-1] != len(self.cells):
            raise ValueError(f"offsets must run from 0 to the {len(self.cells)} cells, got {self.offsets}")
        if len(self.cells) and (int(self.cells.min()) < 0 or int(self.cells.max()) >= self.grid.num_cells):
            raise ValueError(f"cells must lie in the grid of {self.grid.num_cells} cells")

    @classmethod
    def from_cells(cls, grid: BevGrid, cells: Sequence[Int[np.ndarray, "_"]]) -> BevMasks:
        """One mask for each array of flat cell indices, in any order within an array."""
        if not len(cells):
            return cls(grid, np.zeros(0, np.int64), np.zeros(1, np.int64))
        offsets = np.zeros(len(cells) + 1, np.int64)
        np.cumsum([len(c) for c in cells], out=offsets[1:])
        joined = np.concatenate(cells).astype(np.int64)
        falls = np.diff(joined) < 0
        falls[offsets[(offsets > 0) & (offsets < len(joined))] - 1] = False
        if falls.any():
            owner = np.repeat(np.arange(len(cells)), np.diff(offsets))
            joined = joined[np.lexsort((joined, owner))]
        return cls(grid, joined, offsets)

    @classmethod
    def from_owners(
        cls, grid: BevGrid, owner: Int[np.ndarray, "m"], cells: Int[np.ndarray, "m"], *, num_masks: int
    ) -> BevMasks:
        """Mask `owner[i]` holds `cells[i]`; pairs may come in any order and more than once."""
        pairs = np.unique(owner.astype(np.int64) * grid.num_cells + cells)
        owners, unique_cells = np.divmod(pairs, grid.num_cells)
        return cls(grid, unique_cells, np.searchsorted(owners, np.arange(num_masks + 1)).astype(np.int64))

    @classmethod
    def empty(cls, grid: BevGrid) -> BevMasks:
        return cls.from_cells(grid, [])

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def cells_of(self, k: int) -> Int[np.ndarray, "_"]:
        """Flat cell indices of mask `k`, ascending."""
        return self.cells[self.offsets[k] : self.offsets[k + 1]]

    def __getitem__(self, index: Bool[np.ndarray, "k"] | Int[np.ndarray, "j"]) -> BevMasks:
        chosen = np.arange(len(self))[index]
        return BevMasks.from_cells(self.grid, [self.cells_of(int(k)) for k in chosen])

    def where(self, keep: Bool[np.ndarray, "m"]) -> BevMasks:
        """The same masks with only the cells that are kept; `keep` has one entry for each entry of `cells`."""
        kept_before = np.concatenate([[0], np.cumsum(keep)])
        return BevMasks(self.grid, self.cells[keep], kept_before[self.offsets])

    @property
    def owner(self) -> Int[np.ndarray, "m"]:
        """The mask that each entry of `cells` belongs to."""
        return np.repeat(np.arange(len(self)), self.area_cells)

    def dense(self, k: int) -> Bool[np.ndarray, "height width"]:
        """Mask `k` as a full map."""
        full = np.zeros(self.grid.num_cells, dtype=bool)
        full[self.cells_of(k)] = True
        return full.reshape(self.grid.shape)

    @property
    def area_cells(self) -> Int[np.ndarray, "k"]:
        return np.diff(self.offsets)

    def intersection_cells(self, other: BevMasks) -> Int[np.ndarray, "k j"]:
        """Number of cells that each mask of `self` shares with each mask of `other`.

        Raises:
            ValueError: The two sets of masks lie on different grids.
        """
        if self.grid != other.grid:
            raise ValueError(f"masks lie on different grids: {self.grid} and {other.grid}")
        owner, other_owner = self.owner, other.owner
        shared = np.zeros(len(self) * len(other), np.int64)
        full = np.full(self.grid.num_cells, -1, np.int32)
        remaining = np.arange(len(other.cells))
        while len(remaining):  # one round a layer: where masks of `other` overlap, each round paints one of them
            cells, painted = other.cells[remaining], other_owner[remaining]
            full[cells] = painted
            met = full[self.cells]
            pairs = owner[met >= 0] * len(other) + met[met >= 0]
            shared += np.bincount(pairs, minlength=len(shared))
            remaining = remaining[full[cells] != painted]
            full[cells] = -1
        return shared.reshape(len(self), len(other))

    def iou(self, other: BevMasks) -> Float[np.ndarray, "k j"]:
        """Intersection over union of each pair; 0 where both are empty."""
        shared = self.intersection_cells(other)
        union = self.area_cells[:, None] + other.area_cells[None, :] - shared
        return shared / np.maximum(union, 1)

    def touching(self) -> Bool[np.ndarray, "k k"]:
        """Whether two different masks overlap or have cells that are neighbours, corner to corner included."""
        owner, width = self.owner, self.grid.width + 2
        rows, columns = np.divmod(self.cells, self.grid.width)
        places = (rows + 1) * width + columns + 1
        touching = np.zeros((len(self), len(self)), dtype=bool)
        remaining = np.arange(len(self.cells))
        while len(remaining):  # one round a layer: where masks overlap, each round paints one of those left
            layer = np.full((self.grid.height + 2) * width, -1, np.int32)
            layer[places[remaining]] = owner[remaining]
            for shift in (dy * width + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
                neighbour = layer[places + shift]
                other = np.flatnonzero((neighbour >= 0) & (neighbour != owner))
                touching[owner[other], neighbour[other]] = True
            remaining = remaining[layer[places[remaining]] != owner[remaining]]
        return touching | touching.T


def footprint_masks(boxes: Float[np.ndarray, "k 7"], grid: BevGrid) -> BevMasks:
    """One mask for each box: the cells whose centre lies in its footprint, as `footprint_cells` gives for one box."""
    boxes = boxes.astype(np.float64)
    corners = footprint_corners(boxes)
    low = np.maximum(grid.cells_of(corners.min(axis=1)), 0)
    high = np.minimum(grid.cells_of(corners.max(axis=1)), np.array(grid.shape) - 1)
    sides = np.maximum(high - low + 1, 0)
    counts = sides[:, 0] * sides[:, 1]
    owner = np.repeat(np.arange(len(boxes)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    row, column = np.divmod(within, np.maximum(sides[owner, 1], 1))
    cells = (low[owner, 0] + row) * grid.width + low[owner, 1] + column
    offset = grid.centers_of(cells) - boxes[owner, :2]
    c, s = np.cos(boxes[:, 6])[owner], np.sin(boxes[:, 6])[owner]
    inside = np.abs(c * offset[:, 0] + s * offset[:, 1]) <= (boxes[:, 3] / 2)[owner]
    inside &= np.abs(c * offset[:, 1] - s * offset[:, 0]) <= (boxes[:, 4] / 2)[owner]
    return BevMasks(grid, cells, np.concatenate([[0], np.cumsum(counts)])).where(inside)
