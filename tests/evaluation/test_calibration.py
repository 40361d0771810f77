"""Tests of `bevseg.evaluation.calibration`: predictions whose rightness is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from bevseg.evaluation.calibration import (
    JudgedScores,
    Reliability,
    count_reliability,
    fit_platt,
    judged_scores,
)
from bevseg.evaluation.matching import FrameOverlaps, MatchRule, match_overlaps
from bevseg.results.classes import SemanticClass

CAR, BUS = int(SemanticClass.CAR), int(SemanticClass.BUS)


def judged(score: list[float], right: list[bool], label: int = CAR) -> JudgedScores:
    n = len(score)
    return JudgedScores(np.zeros(n, np.int64), np.full(n, label), np.array(score), np.array(right, bool))


def test_reliability_is_worked_by_hand() -> None:
    found = count_reliability(judged([0.15, 0.15, 0.92, 0.98], [False, True, True, True]), num_categories=2)
    assert found.count[0].tolist() == [0, 2, 0, 0, 0, 0, 0, 0, 0, 2]
    assert found.right[0].tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert found.error[0] == pytest.approx((abs(0.3 - 1) + abs(1.9 - 2)) / 4)
    assert np.isnan(found.error[1])
    both = found + found
    assert both.count.sum() == 8
    assert both.error[0] == pytest.approx(found.error[0])


def test_a_score_of_one_and_no_scores_at_all_have_their_place() -> None:
    assert count_reliability(judged([1.0], [True]), num_categories=1).count[0, -1] == 1
    assert np.isnan((Reliability.zero(1) + count_reliability(judged([], []), num_categories=1)).error[0])


def test_overconfident_scores_are_mended_by_class() -> None:
    rng = np.random.default_rng(5)
    raw = rng.uniform(0.05, 0.95, 20_000)
    label = np.where(rng.random(len(raw)) < 0.5, CAR, BUS)
    truth = expit(0.6 * logit(raw) - np.where(label == CAR, 0.5, 2.0))
    frame = JudgedScores(np.zeros(len(raw), np.int64), label, raw, rng.random(len(raw)) < truth)
    scale = fit_platt([frame], classes=[CAR, BUS])
    assert scale.slope == pytest.approx(0.6, abs=0.04)
    assert scale.offset[CAR] == pytest.approx(-0.5, abs=0.1)
    assert scale.offset[BUS] == pytest.approx(-2.0, abs=0.1)
    mended = expit(scale.slope * logit(raw) + np.where(label == CAR, scale.offset[CAR], scale.offset[BUS]))
    after = JudgedScores(frame.category, label, mended, frame.right)
    errors = [float(count_reliability(j, num_categories=1).error[0]) for j in (frame, after)]
    assert errors[0] > 0.15
    assert errors[1] < 0.02


def test_a_class_that_was_hardly_seen_goes_with_its_group() -> None:
    score, right = np.tile([0.3, 0.7], 200), np.tile([False, True], 200)
    right[::10] = True  # 0.3 is right now and then
    right[1::20] = False
    cars = JudgedScores(np.zeros(400, np.int64), np.full(400, CAR), score, right)
    bus = judged([0.7], [False], BUS)
    scale = fit_platt([cars, bus], classes=[CAR, BUS])
    assert abs(scale.offset[BUS] - scale.offset[CAR]) < 0.5


def test_too_few_predictions_teach_nothing() -> None:
    scale = fit_platt([judged([0.5] * 40, [True] * 40)], classes=[CAR, BUS])
    assert (scale.slope, scale.offset) == (1.0, {CAR: 0.0, BUS: 0.0})
    assert fit_platt([], classes=[CAR]).slope == 1.0


def test_only_right_and_wrong_predictions_are_judged() -> None:
    overlaps = FrameOverlaps(
        prediction_label=np.array([CAR, CAR, CAR]),
        prediction_score=np.array([0.9, 0.6, 0.1], np.float32),
        prediction_outside=np.array([False, False, False]),
        truth_label=np.array([CAR]),
        truth_counted=np.array([True]),
        iou=np.array([[0.8], [0.0], [0.0]]),
        covered=np.array([[0.9], [0.0], [0.0]]),
        centre_in_truth=np.zeros((3, 1), bool),
    )
    rule = MatchRule(score_thresholds=(0.5, 0.5, 0.5, 0.5))
    found = judged_scores(overlaps, match_overlaps(overlaps, rule=rule))
    assert found.right.tolist() == [True, False]
    np.testing.assert_allclose(found.score, [0.9, 0.6], rtol=1e-6)
