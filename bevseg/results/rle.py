"""BEV masks to and from COCO's compressed run lengths, the form that `pycocotools.mask` reads and writes.

`size` is [height, width] of the grid, row 0 at y_min. Cells are counted column by column (row fastest), the counts
alternate between outside and inside, starting outside. From the fourth on, a count is stored as its difference from
the count two before. A number becomes characters of 5 bits each, lowest bits first, with bit 5 set where more follow,
plus 48. Source: `rleToString` in cocoapi's `common/maskApi.c`. Written here in NumPy because its C code takes whole
maps, K of them at a time, and trusts the strings that it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from jaxtyping import Int, UInt8

from bevseg.geometry.grid import BevGrid
from bevseg.results.masks import BevMasks

_MAX_GROUPS = 7
"""Characters that a number may take: 35 bits, more cells than any grid has."""


class RleError(ValueError):
    """A record is no mask on the grid.

    Attributes:
        index: Of the record among those that were decoded.
    """

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(index, reason)
        self.index = index

    def __str__(self) -> str:
        return str(self.args[1])


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
    """The masks of run-length records over `grid`, all in one go.

    Raises:
        RleError: A record is for a grid of another size, or its counts do not fill the grid.
    """
    for index, rle in enumerate(rles):
        if tuple(rle["size"]) != grid.shape:
            expected = f"a grid of height, width {list(grid.shape)}"
            raise RleError(index, f"a mask of size {rle['size']} does not fit {expected}")
    counts = _from_characters([rle["counts"] for rle in rles])
    lengths = _undo_differences(counts)
    total = np.bincount(counts.owner, weights=lengths, minlength=len(rles)).astype(np.int64)
    least = np.zeros(len(rles), np.int64)
    np.minimum.at(least, counts.owner, lengths)
    for index in np.flatnonzero((total != grid.num_cells) | (least < 0))[:1].tolist():
        raise RleError(index, f"the run lengths of a mask sum to {total[index]} cells, the grid has {grid.num_cells}")
    inside = np.flatnonzero(counts.place % 2)
    runs = lengths[inside]
    starts = (np.cumsum(lengths) - lengths)[inside] - counts.owner[inside] * grid.num_cells
    position = np.repeat(starts - (np.cumsum(runs) - runs), runs) + np.arange(runs.sum())
    column, row = np.divmod(position, grid.height)
    owner = np.repeat(counts.owner[inside], runs)
    keys = np.sort(owner * grid.num_cells + row * grid.width + column)
    areas = np.bincount(owner, minlength=len(rles))
    return BevMasks(grid, keys - owner * grid.num_cells, np.concatenate([[0], np.cumsum(areas)]))


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


@dataclass(frozen=True, eq=False)
class _Counts:
    """The numbers of many records: the record of each, its place in it, and its value."""

    owner: Int[np.ndarray, "count"]
    place: Int[np.ndarray, "count"]
    value: Int[np.ndarray, "count"]


def _from_characters(texts: Sequence[str]) -> _Counts:
    for index, text in enumerate(texts):
        if not text or not text.isascii() or min(text) < "0" or max(text) > "o" or (ord(text[-1]) - 48) & 0x20:
            raise RleError(index, f"counts are not COCO's compressed run lengths: {text[:40]!r}")
    values = np.frombuffer("".join(texts).encode("ascii"), np.uint8).astype(np.int64) - 48
    is_last = (values & 0x20) == 0
    ends = np.flatnonzero(is_last)
    starts = np.concatenate([[0], ends + 1])[: len(ends)]
    owner = np.repeat(np.arange(len(texts)), [len(text) for text in texts])[ends]
    sizes = ends - starts + 1
    for long in np.flatnonzero(sizes > _MAX_GROUPS)[:1].tolist():
        index = int(owner[long])
        raise RleError(index, f"counts hold a number of more than {_MAX_GROUPS} characters: {texts[index][:40]!r}")
    shift = 5 * (np.arange(len(values)) - np.repeat(starts, sizes))
    numbers = np.add.reduceat((values & 0x1F) << shift, starts) if len(starts) else np.zeros(0, np.int64)
    negative = (values[ends] & 0x10) > 0
    place = np.arange(len(owner)) - np.searchsorted(owner, owner)
    return _Counts(owner, place, numbers - (negative.astype(np.int64) << (5 * sizes)))


def _undo_differences(counts: _Counts) -> Int[np.ndarray, "count"]:
    """The run lengths: from the fourth on, each is stored as its difference from the one two before."""
    chain = 3 * counts.owner + np.where(counts.place, 2 - counts.place % 2, 0)
    order = np.argsort(chain, kind="stable")
    sums, chains = np.cumsum(counts.value[order]), chain[order]
    first = np.searchsorted(chains, chains)
    lengths = np.empty_like(sums)
    lengths[order] = sums - (sums - counts.value[order])[first]
    return lengths
