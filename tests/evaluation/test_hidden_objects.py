from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.evaluation.hidden_objects import (
    AmodalCurve,
    VisibleFractionError,
    measure_amodal,
    measure_visible_fraction,
)
from bevseg.evaluation.matching import FrameMatches, PredictionStatus, TruthStatus


def _matches() -> FrameMatches:
    """Of five objects the first, third and fourth are found, by predictions 2, 0 and 1; the last is ignored."""
    found, missed, ignored = TruthStatus.FOUND, TruthStatus.MISSED, TruthStatus.IGNORED
    return FrameMatches(
        by="group",
        prediction_category=np.zeros(3, np.int64),
        prediction_status=np.full(3, PredictionStatus.RIGHT),
        truth_of_prediction=np.array([2, 3, 0]),
        iou=np.array([0.75, 0.5, 1.0]),
        truth_category=np.zeros(5, np.int64),
        truth_status=np.array([found, missed, found, found, ignored]),
        prediction_of_truth=np.array([2, -1, 0, 1, -1]),
    )


TRUE = np.array([1.0, 0.25, 0.5, 0.1, 0.9], np.float32)


def test_error_of_the_visible_fraction_by_band() -> None:
    error = measure_visible_fraction(np.array([0.75, 0.35, 0.875], np.float32), TRUE, _matches())
    assert error.count.tolist() == [1, 1, 0, 1]
    assert error.mean_absolute == pytest.approx([0.25, 0.25, np.nan, 0.125], abs=1e-6, nan_ok=True)
    assert error.bias == pytest.approx([0.25, 0.25, np.nan, -0.125], abs=1e-6, nan_ok=True)
    assert error.overall == pytest.approx(0.625 / 3, abs=1e-6)


def test_unknown_fractions_are_left_out() -> None:
    unknown = measure_visible_fraction(np.full(3, np.nan, np.float32), TRUE, _matches())
    assert unknown.count.sum() == 0
    assert np.isnan(unknown.overall)
    assert measure_amodal(np.full(5, np.nan, np.float32), _matches()).count.sum() == 0


def test_the_ends_of_the_bands_belong_to_the_band_above() -> None:
    true = np.array([0.4, 0.0, 0.6, 0.8, 0.0], np.float32)
    error = measure_visible_fraction(np.zeros(3, np.float32), true, _matches())
    assert error.count.tolist() == [0, 1, 1, 1]


def test_amodal_iou_by_hidden_fraction() -> None:
    curve = measure_amodal(TRUE, _matches())
    assert curve.count.tolist() == [1, 0, 0, 0, 0, 1, 0, 1, 0, 1]  # hidden: 0, 0.75, 0.5, 0.9
    assert curve.found.tolist() == [1, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert curve.iou_found[[0, 5, 9]].tolist() == [1.0, 0.75, 0.5]
    assert curve.recall[[0, 7]].tolist() == [1.0, 0.0]
    assert curve.iou_all[7] == 0.0
    assert np.isnan(curve.iou_found[7])
    assert np.isnan(curve.recall[1])


def test_the_last_bin_holds_what_is_wholly_hidden_and_steps_are_not_lost_to_rounding() -> None:
    matches = replace(_matches(), truth_status=np.full(5, TruthStatus.MISSED))
    curve = measure_amodal(np.array([0.0, 0.8, 0.7, 0.3, 1.0], np.float32), matches)
    assert np.flatnonzero(curve.count).tolist() == [0, 2, 3, 7, 9]


def test_sums_and_nothing() -> None:
    error = measure_visible_fraction(np.array([0.7, 0.3, 0.9], np.float32), TRUE, _matches())
    double = VisibleFractionError.zero() + error + error
    assert double.count.tolist() == [2, 2, 0, 2]
    assert double.overall == error.overall
    curve = AmodalCurve.zero() + measure_amodal(TRUE, _matches())
    assert curve.recall == pytest.approx(measure_amodal(TRUE, _matches()).recall, nan_ok=True)
    assert np.isnan(VisibleFractionError.zero().overall)
