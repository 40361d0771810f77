from __future__ import annotations

import numpy as np
import pytest

from bevseg.evaluation.matching import FrameOverlaps, MatchRule
from bevseg.evaluation.thresholds import sweep_thresholds
from bevseg.results.classes import ClassGroup, SemanticClass


def _frame(score: list[float], iou: list[list[float]], label: int = SemanticClass.CAR) -> FrameOverlaps:
    """Predictions of the scores given and two cars that count."""
    table = np.array(iou, dtype=np.float64).reshape(-1, 2)
    return FrameOverlaps(
        prediction_label=np.full(len(score), label),
        prediction_score=np.array(score),
        prediction_outside=np.zeros(len(score), bool),
        truth_label=np.array([SemanticClass.CAR] * 2),
        truth_counted=np.ones(2, bool),
        iou=table,
        covered=table,
        centre_in_truth=np.zeros(table.shape, bool),
    )


FRAME = _frame([0.9, 0.6, 0.4, 0.2], [[0.8, 0], [0, 0.7], [0, 0], [0, 0]])


def test_the_threshold_between_right_and_wrong_wins() -> None:
    sweep = sweep_thresholds([FRAME, FRAME], rule=MatchRule(), thresholds=(0.1, 0.3, 0.5, 0.7))
    # 2 of 2 found a frame with 2, 1, 0 wrong, then 1 found: F1 = 2/3, 4/5, 1, 2/3.
    assert sweep.value[:, ClassGroup.VEHICLE] == pytest.approx([2 / 3, 4 / 5, 1.0, 2 / 3])
    assert sweep.best(without_truth=0.35) == (0.5, 0.35, 0.35, 0.35)
    assert sweep.num_truth.tolist() == [4, 0, 0, 0]


def test_equals_take_the_lowest() -> None:
    sweep = sweep_thresholds([FRAME], rule=MatchRule(), thresholds=(0.55, 0.45, 0.5))
    assert sweep.best(without_truth=0.0)[0] == 0.45


def test_pq_may_choose_another_threshold_than_f1() -> None:
    frame = _frame([0.9, 0.6], [[0.95, 0], [0, 0.5]])
    by_pq = sweep_thresholds([frame], rule=MatchRule(), measure="pq", thresholds=(0.5, 0.7))
    # All: 1.45 / 2; the first alone: 0.95 / 1.5.
    assert by_pq.value[:, 0] == pytest.approx([0.725, 0.95 / 1.5])


def test_a_truth_set_free_goes_to_the_next_prediction() -> None:
    frame = _frame([0.3, 0.8], [[0.9, 0], [0.6, 0]])
    sweep = sweep_thresholds([frame], rule=MatchRule(), measure="pq", thresholds=(0.1, 0.5))
    # With both: one right at 0.9, one wrong, one missed. Without the weak one the other takes its place at 0.6.
    assert sweep.value[:, 0] == pytest.approx([0.9 / 2, 0.6 / 1.5])


def test_false_alarms_of_a_group_without_truth_do_not_choose() -> None:
    frame = _frame([0.9], [[0, 0]], SemanticClass.PEDESTRIAN)
    assert sweep_thresholds([frame], rule=MatchRule()).best(without_truth=0.4)[ClassGroup.PEDESTRIAN] == 0.4


def test_a_group_that_is_never_found_lets_no_flood_of_false_alarms_through() -> None:
    frame = _frame([0.1, 0.9], [[0, 0], [0, 0]])
    assert sweep_thresholds([frame], rule=MatchRule()).best(without_truth=0.4)[ClassGroup.VEHICLE] == 0.4


def test_no_frames_and_no_candidates() -> None:
    assert sweep_thresholds([], rule=MatchRule()).best(without_truth=0.5) == (0.5,) * 4
    with pytest.raises(ValueError, match="at least one threshold"):
        sweep_thresholds([FRAME], rule=MatchRule(), thresholds=())
