"""Visibility maps against the truth, cell by cell."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bevseg.evaluation.ground_cells import GroundCellCounts, count_ground_cells
from bevseg.geometry.grid import BevGrid
from bevseg.results.scene import CellState, VisibilityMap

GRID = BevGrid(2.0, -3.0, 0.5, 4, 3)
FREE, OCCUPIED, HIDDEN, UNOBSERVED = CellState.FREE, CellState.OCCUPIED, CellState.HIDDEN, CellState.UNOBSERVED


def _map(rows: list[list[CellState]], grid: BevGrid = GRID) -> VisibilityMap:
    return VisibilityMap(grid, np.array(rows, np.uint8))


TRUTH = _map([[FREE] * 4, [FREE, FREE, OCCUPIED, HIDDEN], [HIDDEN, UNOBSERVED, OCCUPIED, HIDDEN]])
GUESS = _map([[FREE] * 4, [FREE, OCCUPIED, OCCUPIED, FREE], [HIDDEN, HIDDEN, HIDDEN, UNOBSERVED]])


def test_every_cell_counts_once() -> None:
    counts = count_ground_cells(GUESS, TRUTH)
    assert counts.num_cells == GRID.num_cells
    assert counts.confusion[FREE].tolist() == [0, 5, 1, 0]
    assert counts.confusion[HIDDEN].tolist() == [1, 1, 0, 1]
    assert counts.confusion[UNOBSERVED, HIDDEN] == counts.confusion[OCCUPIED, HIDDEN] == 1
    np.testing.assert_allclose(counts.iou, [0, 5 / 7, 1 / 3, 1 / 5])
    np.testing.assert_allclose(counts.shares[HIDDEN], [1 / 3, 1 / 3, 0, 1 / 3])


def test_the_truth_itself_is_perfect_and_states_that_never_occur_have_no_figure() -> None:
    free = _map([[FREE] * 4] * 3)
    counts = count_ground_cells(free, free)
    assert counts.iou[FREE] == 1
    assert np.isnan(counts.iou[[UNOBSERVED, OCCUPIED, HIDDEN]]).all()
    assert np.isnan(GroundCellCounts.zero().iou).all()


def test_parts_add_to_the_whole() -> None:
    one = count_ground_cells(GUESS, TRUTH)
    np.testing.assert_array_equal((GroundCellCounts.zero() + one + one).confusion, 2 * one.confusion)


def test_a_map_on_another_grid_is_looked_up_and_what_it_lacks_is_unobserved() -> None:
    coarse = _map([[FREE, OCCUPIED], [HIDDEN, FREE]], BevGrid(2.0, -4.0, 1.0, 2, 2))
    counts = count_ground_cells(coarse, TRUTH)
    assert counts.num_cells == GRID.num_cells
    # Rows 0 and 1 of the truth lie in the upper row of the coarse map, row 2 beyond it.
    expected = _map([[HIDDEN, HIDDEN, FREE, FREE]] * 2 + [[UNOBSERVED] * 4])
    np.testing.assert_array_equal(counts.confusion, count_ground_cells(expected, TRUTH).confusion)


def test_table_and_json() -> None:
    counts = count_ground_cells(GUESS, TRUTH)
    table = counts.table()
    assert [str(column.header) for column in table.columns][:3] == ["truth", "IoU", "share"]
    assert list(table.columns[0].cells) == ["unobserved", "free", "occupied", "hidden", "mean"]
    assert list(table.columns[1].cells)[FREE] == "0.714"
    stored = json.loads(json.dumps(counts.as_json(), allow_nan=False))
    assert stored["confusion"][FREE] == [0, 5, 1, 0]
    assert stored["iou"]["free"] == pytest.approx(5 / 7)
    assert json.loads(json.dumps(GroundCellCounts.zero().as_json(), allow_nan=False))["mean_iou"] is None
