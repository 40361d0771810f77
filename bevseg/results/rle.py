"""BEV masks to and from COCO's compressed run lengths, the form that `pycocotools.mask` reads and writes.

`size` is [height, width] of the grid, row 0 at y_min. Cells are counted column by column (row fastest), the counts
alternate between outside and inside, starting outside. From the fourth on, a count is stored as its difference from
the count two before. A number becomes characters of 5 bits each, lowest bits first, with bit 5 set where more follow,
plus 48. Source: `rleToString` in cocoapi's `common/maskApi.c`. Written here in NumPy because its C code takes whole
maps, K of them at a time, and trusts the strings that it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from jaxtyping import Int, UInt8

from bevseg.geometry.grid import BevGrid
from bevseg.results.masks import BevMasks

_MAX_GROUPS = 7
"""Characters that a number may take: 35 bits, more cells than any grid has."""


class Rle(TypedDict):
    """One mask as COCO stores it in JSON."""

    size: list[int]
    counts: str


def encode_masks(masks: BevMasks) -> list[Rle]:
    """One run-length record for each mask."""
    owner, counts = _run_lengths(masks)
    place = np.arange(len(owner)) - np.searchsorted(owner, owner)
    differences = counts.copy()
    later = np.flatnonzero(place > 2)
    differences[later] -= counts[later - 2]
    characters, lengths = _to_characters(differences)
    ends = np.cumsum(np.bincount(owner, weights=lengths, minlength=len(masks)).astype(np.int64))
    text = characters.tobytes().decode("ascii")
    starts = [0, *ends[:-1].tolist()]
    size = list(masks.grid.shape)
    return [Rle(size=size.copy(), counts=text[a:b]) for a, b in zip(starts, ends.tolist(), strict=False)]


def decode_masks(rles: Sequence[Rle], grid: BevGrid) -> BevMasks:
    """The masks of run-length records over `grid`.

    Raises:
        ValueError: A record is for a grid of another size, or its counts do not fill the grid.
    """
    return BevMasks.from_cells(grid, [_cells(rle, grid) for rle in rles])


def _run_lengths(masks: BevMasks) -> tuple[Int[np.ndarray, "count"], Int[np.ndarray, "count"]]:
    """Mask and length of every count, ordered by mask; each mask starts with a count of cells outside."""
    grid = masks.grid
    row, column = np.divmod(masks.cells, grid.width)
    keys = np.sort(masks.owner * grid.num_cells + column * grid.height + row)
    owner, position = np.divmod(keys, grid.num_cells)
    follows = (np.diff(keys) == 1) & (np.diff(owner) == 0)
    first = np.concatenate([[True], ~follows])[: len(keys)]
    last = np.concatenate([~follows, [True]])[: len(keys)]
    turns = np.stack([position[first], position[last] + 1], axis=1).ravel()
    turn_owner = np.concatenate([np.repeat(owner[first], 2), np.arange(len(masks))])
    order = np.argsort(turn_owner, kind="stable")
    ends = np.concatenate([turns, np.full(len(masks), grid.num_cells)])[order]
    begins = np.concatenate([[0], ends])[:-1] % grid.num_cells  # one mask ends where the next one begins: at 0
    counts = ends - begins
    is_last = order >= len(turns)
    kept = ~(is_last & (begins == 0) & (np.bincount(turn_owner)[turn_owner[order]] > 1))
    return turn_owner[order][kept], counts[kept]


def _to_characters(
    numbers: Int[np.ndarray, "count"],
) -> tuple[UInt8[np.ndarray, "character"], Int[np.ndarray, "count"]]:
    """The characters of all numbers in a row, and how many each number takes."""
    groups = np.zeros((len(numbers), _MAX_GROUPS), np.uint8)
    used = np.zeros(groups.shape, bool)
    rest, open_ = numbers.copy(), np.ones(len(numbers), bool)
    for k in range(_MAX_GROUPS):
        bits = rest & 0x1F
        rest >>= 5
        more = np.where(bits & 0x10, rest != -1, rest != 0)
        groups[:, k], used[:, k] = bits + 0x20 * more + 48, open_
        open_ &= more
        if not open_.any():
            break
    return groups[used], used.sum(axis=1)


def _from_characters(text: str) -> Int[np.ndarray, "count"]:
    values = np.frombuffer(text.encode("ascii"), np.uint8).astype(np.int64) - 48
    if len(values) == 0 or values.min() < 0 or values.max() > 0x3F or values[-1] & 0x20:
        raise ValueError(f"counts are not COCO's compressed run lengths: {text[:40]!r}")
    is_last = (values & 0x20) == 0
    number = np.cumsum(is_last) - is_last
    place = np.arange(len(values)) - np.searchsorted(number, number)
    if place.max() >= _MAX_GROUPS:
        raise ValueError(f"counts hold a number of more than {_MAX_GROUPS} characters: {text[:40]!r}")
    numbers = np.zeros(number[-1] + 1, np.int64)
    np.add.at(numbers, number, (values & 0x1F) << (5 * place))
    negative = (values[is_last] & 0x10) > 0
    return numbers - (negative << (5 * (place[is_last] + 1)))


def _cells(rle: Rle, grid: BevGrid) -> Int[np.ndarray, "m"]:
    """Flat cells of one record, in the grid's row-major order."""
    if tuple(rle["size"]) != grid.shape:
        raise ValueError(f"a mask of size {rle['size']} does not fit a grid of height, width {list(grid.shape)}")
    counts = _from_characters(rle["counts"])
    counts[1::2] = np.cumsum(counts[1::2])
    counts[2::2] = np.cumsum(counts[2::2])
    if counts.min() < 0 or counts.sum() != grid.num_cells:
        raise ValueError(f"the run lengths of a mask sum to {counts.sum()} cells, the grid has {grid.num_cells}")
    lengths = counts[1::2]
    starts = np.cumsum(counts)[::2][: len(lengths)]
    before = np.cumsum(lengths) - lengths
    position = np.repeat(starts - before, lengths) + np.arange(lengths.sum())
    column, row = np.divmod(position, grid.height)
    return np.sort(row * grid.width + column)
