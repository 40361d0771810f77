"""Masks of cells as smooth outlines in metres."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float32, Int, UInt8

from bevseg.geometry.grid import BevGrid

_FINER = 4
"""Steps within one cell at which the outline is followed."""

_SMALL_CELLS = 12
"""Masks of fewer cells keep their stairs: smoothing would wipe them out."""

_SIGMA_CELLS = 0.6
_INSIDE = 115
"""Of 255: what is smoothed and still as strong lies inside; strips one cell wide do."""

_PAD_CELLS = 3


def mask_outlines(cells: Int[np.ndarray, "m"], grid: BevGrid) -> list[Float32[np.ndarray, "_ 2"]]:
    """Closed outlines (x, y) in metres of a mask given by its flat cells, without stairs; holes are outlines too."""
    return outlines_of_masks([cells], grid)[0]


def outlines_of_masks(masks: Sequence[Int[np.ndarray, "_"]], grid: BevGrid) -> list[list[Float32[np.ndarray, "_ 2"]]]:
    """`mask_outlines` of each of several masks, whose arithmetic is done at once."""
    filled = [k for k, cells in enumerate(masks) if len(cells)]
    outlines: list[list[Float32[np.ndarray, "_ 2"]]] = [[] for _ in masks]
    if not filled:
        return outlines
    tiles, low = _tiles([masks[k] for k in filled], grid)
    paths, owner = [], []
    for place, tile in enumerate(tiles):
        found = _paths(tile, is_small=len(masks[filled[place]]) < _SMALL_CELLS)
        paths += found
        owner += [place] * len(found)
    lengths = np.array([len(path) for path in paths])
    steps = (np.concatenate(paths).astype(np.float32) + 0.5) / _FINER + np.repeat(low[owner], lengths, axis=0)
    xy_m = np.stack([grid.x_of(steps[:, 0]), grid.y_of(steps[:, 1])], axis=1).astype(np.float32)
    for place, outline in zip(owner, np.split(xy_m, np.cumsum(lengths[:-1])), strict=True):
        outlines[filled[place]].append(outline)
    return outlines


def _tiles(
    masks: list[Int[np.ndarray, "_"]], grid: BevGrid
) -> tuple[list[UInt8[np.ndarray, "_ _"]], Float32[np.ndarray, "k 2"]]:
    """Each mask as a picture of its own with a margin, 255 inside, and the column and row where it begins."""
    sizes = np.array([len(cells) for cells in masks])
    first = np.cumsum(sizes) - sizes
    places = np.stack(np.divmod(np.concatenate(masks), grid.width)[::-1], axis=1)
    low = np.minimum.reduceat(places, first) - _PAD_CELLS
    wide, high = (np.maximum.reduceat(places, first) - low + 1 + _PAD_CELLS).T
    ends = np.cumsum(wide * high)
    begin, corner = ends - wide * high, places - np.repeat(low, sizes, axis=0)
    buffer = np.zeros(int(ends[-1]), np.uint8)
    buffer[np.repeat(begin, sizes) + corner[:, 1] * np.repeat(wide, sizes) + corner[:, 0]] = 255
    spans = zip(begin.tolist(), ends.tolist(), high.tolist(), wide.tolist(), strict=True)
    return [buffer[a:b].reshape(h, w) for a, b, h, w in spans], low.astype(np.float32)


def _paths(tile: UInt8[np.ndarray, "_ _"], *, is_small: bool) -> list[Int[np.ndarray, "_ 2"]]:
    """Closed paths (column, row) in fine steps around what is inside, and around its holes."""
    if is_small:
        fine = cv2.resize(tile, None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_NEAREST)
    else:
        smooth = cv2.GaussianBlur(tile, (5, 5), _SIGMA_CELLS)
        fine = cv2.resize(smooth, None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_LINEAR)
    _, inside = cv2.threshold(fine, _INSIDE, 1, cv2.THRESH_BINARY)
    contours, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return [cv2.approxPolyDP(contour, 0.7, True)[:, 0] for contour in contours]
