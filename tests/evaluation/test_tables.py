from __future__ import annotations

import json

import numpy as np
import pytest

from bevseg.evaluation.scores import MatchCounts
from bevseg.evaluation.tables import ScoreRow, figure_table, json_rows, rows_of, score_table

COUNTS = MatchCounts(np.array([3, 0, 7]), np.array([1, 0, 0]), np.array([2, 0, 0]), np.array([2.4, 0.0, 7.0]))


def _rows() -> tuple[ScoreRow, ...]:
    return rows_of(COUNTS, ["car", "bus", None], source="somewhere", iou_threshold=0.5)


def test_a_row_for_each_named_category() -> None:
    car, bus = _rows()
    assert (car.category, car.num_truth) == ("car", 5)
    assert (car.true_positives, car.false_positives, car.false_negatives) == (3, 1, 2)
    assert car.sq == pytest.approx(2.4 / 3)
    assert car.pq == pytest.approx(2.4 / 4.5)
    assert bus.num_truth == 0
    assert np.isnan(bus.f1)


def test_names_must_fit_the_counts() -> None:
    with pytest.raises(ValueError, match="each of 3 categories, got 1"):
        rows_of(COUNTS, ["car"], source="somewhere", iou_threshold=0.5)


def test_json_knows_no_nan() -> None:
    rows = json.loads(json.dumps(json_rows(_rows()), allow_nan=False))
    assert rows[0]["f1"] == pytest.approx(3 / 4.5)
    assert rows[1]["f1"] is None
    assert json_rows([]) == []


def test_the_table_shows_counts_and_a_dash_for_nothing() -> None:
    table = score_table(_rows(), title="scores")
    assert table.row_count == 2
    assert list(table.columns[8].cells) == ["0.600", "-"]
    assert [column.header for column in table.columns][8] == "R"
    assert score_table([], title="none").row_count == 0


def test_figures_in_columns() -> None:
    table = figure_table(
        {"car": (0.5, float("nan"), 3), "bus": (1.0, 0.0, 0)}, ("class", "IoU", "PQ", "TP"), title="points"
    )
    cells = [list(column.cells) for column in table.columns]
    assert cells == [["car", "bus"], ["0.500", "1.000"], ["-", "0.000"], ["3", "0"]]
    assert figure_table({}, ("class", "IoU"), title="none").row_count == 0
