"""A visibility map against the truth: which cells of the ground are rightly called free, occupied or hidden.

Every cell of the truth counts, those that nobody observed too, so that no mistake is left out. A map on another grid is
looked up at the centres of the truth's cells; what lies off it counts as called unobserved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8
from rich.table import Table

from bevseg.evaluation.scores import mean_of_present, ratio
from bevseg.evaluation.tables import figure_table, json_number
from bevseg.geometry.grid import BevGrid
from bevseg.results.scene import CellState, VisibilityMap

_NUM_STATES = len(CellState)


@dataclass(frozen=True, eq=False)
class GroundCellCounts:
    """Cells by true and by predicted `CellState`, `confusion[truth, prediction]`; counts of two parts add with `+`."""

    confusion: Int[np.ndarray, "truth prediction"]

    @classmethod
    def zero(cls) -> GroundCellCounts:
        return cls(np.zeros((_NUM_STATES, _NUM_STATES), np.int64))

    def __add__(self, other: GroundCellCounts) -> GroundCellCounts:
        return GroundCellCounts(self.confusion + other.confusion)

    @property
    def num_cells(self) -> int:
        return int(self.confusion.sum())

    @property
    def iou(self) -> Float[np.ndarray, "state"]:
        """IoU of each state, indexed by `CellState`; NaN for states that never occur."""
        right = self.confusion.diagonal()
        return ratio(right, self.confusion.sum(axis=0) + self.confusion.sum(axis=1) - right)

    @property
    def shares(self) -> Float[np.ndarray, "truth prediction"]:
        """Which share of the cells of each true state is called what; NaN for states that never occur."""
        total = np.broadcast_to(self.confusion.sum(axis=1, keepdims=True), self.confusion.shape)
        return ratio(self.confusion, total)

    def table(self) -> Table:
        """For a terminal: of each true state the IoU, its share of all cells, and what its cells are called."""
        names = [_name(state) for state in CellState]
        of_all = ratio(self.confusion.sum(axis=1), np.full(_NUM_STATES, self.num_cells))
        iou, shares = self.iou, self.shares
        rows = {name: (float(iou[k]), float(of_all[k]), *shares[k].tolist()) for k, name in enumerate(names)}
        rows["mean"] = (mean_of_present(iou),) + (float("nan"),) * (1 + _NUM_STATES)
        headings = ("truth", "IoU", "share", *(f"as {name}" for name in names))
        return figure_table(rows, headings, title="Ground cells")

    def as_json(self) -> dict[str, object]:
        """The confusion with its names, and the IoU of each state and their mean."""
        iou = self.iou
        return {
            "states": [_name(state) for state in CellState],
            "confusion": self.confusion.tolist(),
            "iou": {_name(state): json_number(float(iou[state])) for state in CellState},
            "mean_iou": json_number(mean_of_present(iou)),
        }


def count_ground_cells(predicted: VisibilityMap, truth: VisibilityMap) -> GroundCellCounts:
    """Counts the cells of one scan."""
    key = truth.state.ravel().astype(np.int64) * _NUM_STATES + _states_on(predicted, truth.grid)
    return GroundCellCounts(np.bincount(key, minlength=_NUM_STATES**2).reshape(_NUM_STATES, _NUM_STATES))


def _states_on(visibility: VisibilityMap, grid: BevGrid) -> UInt8[np.ndarray, "cells"]:
    """The states at the centres of another grid's cells."""
    if visibility.grid == grid:
        return visibility.state.ravel()
    cell = visibility.grid.flat_cells_of(grid.centers_of(np.arange(grid.num_cells)))
    return np.where(cell >= 0, visibility.state.ravel()[cell], np.uint8(CellState.UNOBSERVED))


def _name(state: CellState) -> str:
    return state.name.lower()
