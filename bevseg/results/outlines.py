"""Masks of cells as smooth outlines in metres."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, Int

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
    if not len(cells):
        return []
    rows, columns = np.divmod(cells, grid.width)
    row_0, column_0 = int(rows.min()) - _PAD_CELLS, int(columns.min()) - _PAD_CELLS
    tile = np.zeros(
        (int(rows.max()) - row_0 + 1 + _PAD_CELLS, int(columns.max()) - column_0 + 1 + _PAD_CELLS), np.uint8
    )
    tile[rows - row_0, columns - column_0] = 255
    if len(cells) < _SMALL_CELLS:
        fine = cv2.resize(tile, None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_NEAREST)
    else:
        smooth = cv2.GaussianBlur(tile, (5, 5), _SIGMA_CELLS)
        fine = cv2.resize(smooth, None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_LINEAR)
    inside = (fine > _INSIDE).view(np.uint8)
    contours, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outlines = []
    for contour in contours:
        path = cv2.approxPolyDP(contour, 0.7, True)[:, 0].astype(np.float32)
        x = grid.x_of((path[:, 0] + 0.5) / _FINER + column_0)
        y = grid.y_of((path[:, 1] + 0.5) / _FINER + row_0)
        outlines.append(np.stack([x, y], axis=1).astype(np.float32))
    return outlines
