from __future__ import annotations

import numpy as np
import pytest

from bevseg.evaluation.scores import MatchCounts, mean_of_present, ratio, sum_by_category


def _counts(tp: int, fp: int, fn: int, iou_sum: float) -> MatchCounts:
    return MatchCounts(np.array([tp, 0]), np.array([fp, 0]), np.array([fn, 0]), np.array([iou_sum, 0.0]))


def test_figures_worked_by_hand() -> None:
    counts = _counts(3, 1, 2, 2.4)
    assert counts.precision[0] == pytest.approx(3 / 4)
    assert counts.recall[0] == pytest.approx(3 / 5)
    assert counts.f1[0] == pytest.approx(3 / 4.5)
    assert counts.sq[0] == pytest.approx(0.8)
    assert counts.pq[0] == pytest.approx(2.4 / 4.5)
    assert counts.pq[0] == pytest.approx(counts.sq[0] * counts.f1[0])
    assert counts.num_truth.tolist() == [5, 0]


def test_a_category_that_never_occurs_has_no_figures() -> None:
    counts = _counts(3, 1, 2, 2.4)
    figures = [counts.precision[1], counts.recall[1], counts.f1[1], counts.sq[1], counts.pq[1]]
    assert np.isnan(figures).all()


def test_only_misses_is_zero_and_not_nothing() -> None:
    counts = _counts(0, 0, 2, 0.0)
    assert counts.f1[0] == 0
    assert counts.pq[0] == 0
    assert np.isnan(counts.precision[0])


def test_counts_add() -> None:
    total = sum([_counts(1, 2, 3, 0.5), _counts(4, 0, 1, 3.0)], start=MatchCounts.zero(2))
    assert total.true_positives.tolist() == [5, 0]
    assert total.false_positives.tolist() == [2, 0]
    assert total.false_negatives.tolist() == [4, 0]
    assert total.iou_sum.tolist() == [3.5, 0.0]


def test_counts_of_different_lengths_do_not_add() -> None:
    with pytest.raises(ValueError, match="2 and of 4 categories"):
        _ = MatchCounts.zero(2) + MatchCounts.zero(4)


def test_sum_by_category() -> None:
    total = sum_by_category(np.array([0.5, 0.25, 1.0]), np.array([2, 0, 2]), num_categories=4)
    assert total.tolist() == [0.25, 0.0, 1.5, 0.0]
    nothing = sum_by_category(np.zeros(0), np.zeros(0, int), num_categories=2)
    assert nothing.dtype == np.float64
    assert nothing.tolist() == [0.0, 0.0]


def test_ratio_of_nothing_is_nan() -> None:
    assert ratio(np.array([1, 0]), np.array([4, 0])).tolist()[0] == 0.25
    assert np.isnan(ratio(np.array([1, 0]), np.array([4, 0]))[1])
    assert ratio(np.zeros(0), np.zeros(0)).shape == (0,)


def test_mean_of_present() -> None:
    assert mean_of_present(np.array([0.2, np.nan, 0.6])) == pytest.approx(0.4)
    assert np.isnan(mean_of_present(np.array([np.nan])))
    assert np.isnan(mean_of_present(np.zeros(0)))
