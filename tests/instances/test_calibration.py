"""Tests of `bevseg.instances.calibration`."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from bevseg.instances.calibration import ScoreCalibration
from bevseg.results.classes import SemanticClass

CAR, PEDESTRIAN = int(SemanticClass.CAR), int(SemanticClass.PEDESTRIAN)


def test_as_it_stands_scores_are_the_sigmoid() -> None:
    logits = np.array([-3.0, 0.0, 2.5])
    found = ScoreCalibration().scores(logits, np.array([CAR, PEDESTRIAN, CAR]))
    np.testing.assert_allclose(found, expit(logits), rtol=1e-6)
    assert len(ScoreCalibration().scores(np.zeros(0), np.zeros(0, np.int64))) == 0


def test_slopes_are_by_group_and_offsets_by_class() -> None:
    offset = tuple(0.1 * k for k in range(10))
    calibration = ScoreCalibration(slope=(2.0, 0.5, 1.0, 1.0), offset=offset)
    found = calibration.scores(np.array([1.0, 1.0]), np.array([CAR, PEDESTRIAN]))
    np.testing.assert_allclose(found, expit([2.0 + offset[CAR - 1], 0.5 + offset[PEDESTRIAN - 1]]), rtol=1e-6)


def test_no_class_of_a_group_reaches_its_score_below_the_least_logit() -> None:
    offset = tuple(np.linspace(-1, 1, 10).tolist())
    calibration = ScoreCalibration(slope=(2.0, 0.5, 1.0, 1.0), offset=offset)
    least = calibration.least_logits((0.3, 0.4, 0.5, 0.6))
    best = max(
        float(calibration.scores(least[:1], np.array([c]))[0]) for c in SemanticClass if c in (2, 3, 4, 5, 9, 10)
    )
    assert best <= 0.3 + 1e-6


@pytest.mark.parametrize(
    "wrong",
    [{"slope": (0.0, 1.0, 1.0, 1.0)}, {"offset": (0.0,) * 9}, {"offset": (float("nan"),) * 10}],
)
def test_what_is_no_calibration_is_refused(wrong: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(ValueError, match="4 slopes above 0 and 10 finite offsets"):
        ScoreCalibration(**wrong)  # type: ignore[arg-type]
