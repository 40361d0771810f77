"""Each kind of failure becomes its outcome, on the side of the truth and of the result, with a mark in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.source import Source
from bevseg.drawing.difference import Difference, Outcome
from bevseg.evaluation.failure_kinds import FailureKind
from bevseg.evaluation.frame_scores import Scoring
from bevseg.evaluation.matching import MatchRule
from bevseg.replay.difference import OUTCOME_OF_KIND, judge, with_differences
from bevseg.replay.frames import Frame
from bevseg.replay.recording import Predictor, Recording
from bevseg.results.classes import ClassGroup, SemanticClass
from bevseg.results.scene import Scene

SCORING = Scoring(MatchRule(min_points=5, max_range_m=50.0))
CAR, TRUCK, PEDESTRIAN = (int(c) for c in (SemanticClass.CAR, SemanticClass.TRUCK, SemanticClass.PEDESTRIAN))

Make = Callable[..., Scene]


def _judged(drive: Source, make: Make, boxes: np.ndarray, labels: list[int], scoring: Scoring = SCORING) -> Difference:
    scene = make(drive[0], boxes.astype(np.float32), np.array(labels, np.uint8))
    return judge(scene.instances, drive[0].annotations, scoring=scoring)


def test_every_kind_of_failure_has_an_outcome() -> None:
    assert set(OUTCOME_OF_KIND) == set(FailureKind)
    assert all(outcome.is_failure for outcome in OUTCOME_OF_KIND.values())


def test_all_found(drive: Source, make: Make) -> None:
    difference = _judged(drive, make, drive[0].annotations.boxes[::-1], [PEDESTRIAN, CAR, CAR])
    assert (difference.prediction == Outcome.FOUND).all()
    assert (difference.truth == Outcome.FOUND).all()
    assert difference.counts()[Outcome.FOUND] == 3
    assert difference.mark_text == difference.mark_measure == ()
    assert difference.mark_involved == ()


def test_nothing_found(drive: Source, make: Make) -> None:
    difference = _judged(drive, make, np.zeros((0, 7)), [])
    assert (difference.truth == Outcome.MISSED).all()
    assert difference.counts()[Outcome.MISSED] == 3
    assert set(difference.mark_text) == {"missed", "missed, few points"}
    assert set(difference.mark_measure) == {"20 points", "30 points"}
    assert difference.mark_involved == ((), (), ())
    assert (difference.mark_prediction == -1).all()


def test_a_false_alarm(drive: Source, make: Make) -> None:
    boxes = np.concatenate([drive[0].annotations.boxes, [[-20.0, 9, -1, 4, 2, 1.5, 0.0]]])
    difference = _judged(drive, make, boxes, [CAR, CAR, PEDESTRIAN, CAR])
    assert difference.prediction.tolist() == [Outcome.FOUND] * 3 + [Outcome.FALSE_ALARM]
    assert (difference.mark_text, difference.mark_measure) == (("false",), ("score 0.90",))
    np.testing.assert_allclose(difference.mark_xy_m, [[-20, 9]], atol=1e-6)


def test_a_wrong_label(drive: Source, make: Make) -> None:
    difference = _judged(drive, make, drive[0].annotations.boxes, [CAR, TRUCK, PEDESTRIAN])
    assert difference.prediction.tolist() == [Outcome.FOUND, Outcome.WRONG_LABEL, Outcome.FOUND]
    assert difference.mark_text == ("label, truth: car",)
    assert difference.mark_measure == ("score 0.90",)


def test_one_over_two(drive: Source, make: Make) -> None:
    over_both = np.array([[12.0, -0.5, -1, 12, 11, 1.6, 0.0]])
    difference = _judged(drive, make, over_both, [CAR])
    assert difference.prediction.tolist() == [Outcome.MERGED]
    assert difference.truth.tolist()[:2] == [Outcome.MERGED] * 2
    mark = difference.mark_text.index("merged 2")
    assert difference.mark_involved[mark] == (0, 1)
    assert difference.mark_measure[mark] == "100 % of its objects missed"


def test_two_on_one(drive: Source, make: Make) -> None:
    x, y, z, length, width, height, yaw = drive[0].annotations.boxes[0].tolist()
    halves = np.array(
        [[x + s * length / 4, y, z, length / 2 - 0.3, width - 0.2, height, yaw] for s in (-1, 1)]
    )  # each within, neither enough
    difference = _judged(drive, make, halves, [CAR, CAR])
    assert difference.prediction.tolist() == [Outcome.SPLIT] * 2
    assert int(difference.truth[0]) == Outcome.SPLIT
    mark = difference.mark_text.index("split 2")
    assert difference.mark_involved[mark] == (0, 1)
    assert difference.mark_measure[mark] == "largest part 50 %"


def test_twice(drive: Source, make: Make) -> None:
    boxes = drive[0].annotations.boxes
    difference = _judged(drive, make, np.concatenate([boxes, boxes[:1]]), [CAR, CAR, PEDESTRIAN, CAR])
    assert sorted(difference.prediction.tolist()) == [Outcome.FOUND] * 3 + [Outcome.TWICE]


def test_a_wrong_shape(drive: Source, make: Make) -> None:
    boxes = drive[0].annotations.boxes.copy()
    boxes[0, :2] += (1.6, 0.8)
    difference = _judged(drive, make, boxes, [CAR, CAR, PEDESTRIAN])
    assert int(difference.prediction[0]) == int(difference.truth[0]) == Outcome.WRONG_SHAPE
    (measure,) = difference.mark_measure
    assert measure == f"IoU {1 - difference.severity[0]:.2f}"


def test_a_halo_tells_how_much_of_it_lies_outside(drive: Source, make: Make) -> None:
    boxes = drive[0].annotations.boxes.copy()
    boxes[0, 3:5] += 2.5
    difference = _judged(drive, make, boxes, [CAR, CAR, PEDESTRIAN])
    assert difference.mark_text == ("shape",)
    assert difference.mark_measure == (f"{100 * difference.severity[0]:.0f} % of it outside",)


def test_a_merge_is_about_what_it_covers_by_the_places_in_truth(drive: Source, make: Make) -> None:
    first, second, _ = drive[0].annotations.boxes
    over_the_others = second.copy()
    over_the_others[1] -= 1.6
    over_the_others[3:5] = (14.0, 5.4)
    difference = _judged(drive, make, np.array([first, over_the_others]), [CAR, CAR])
    (mark,) = np.flatnonzero(difference.mark == Outcome.MERGED)
    assert int(difference.mark_prediction[mark]) == 1
    assert difference.mark_involved[mark] == (1, 2)


def test_groups_without_labels_are_ignored(drive: Source, make: Make) -> None:
    only_vehicles = replace(SCORING, groups=(ClassGroup.VEHICLE,))
    difference = _judged(drive, make, drive[0].annotations.boxes[2:], [PEDESTRIAN], only_vehicles)
    assert difference.prediction.tolist() == [Outcome.IGNORED]
    assert difference.truth.tolist() == [Outcome.MISSED, Outcome.MISSED, Outcome.IGNORED]


def test_frames_are_compared_only_with_truth_and_results(drive: Source, right: Callable[..., Scene]) -> None:
    predictors = (Predictor("right", right), Predictor("none", lambda sample: None))
    frame = Recording(drive, predictors).read(0)
    assert isinstance(frame, Frame)
    compared = with_differences(frame, SCORING)
    assert compared.predictions[0].difference is not None
    assert compared.predictions[1].difference is None, "there is no result"
    assert with_differences(frame, None) is frame
    blind = replace(frame, truth=None)
    assert with_differences(blind, SCORING) is blind


@pytest.mark.parametrize("outcome", Outcome)
def test_outcomes_differ_in_colour_and_word(outcome: Outcome) -> None:
    others = [other for other in Outcome if other is not outcome]
    assert outcome.word not in [other.word for other in others]
    assert min(np.abs(np.subtract(outcome.color, other.color)).sum() for other in others) > 70
