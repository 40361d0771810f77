"""A result against the truth: the evaluation's matching and its names of failures, in the words of a picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Int

from bevseg.datasets.sample import Annotations
from bevseg.drawing.difference import Difference, Outcome
from bevseg.drawing.labels import short_name
from bevseg.evaluation.failure_kinds import FailureKind, Failures, FrameFailures
from bevseg.evaluation.failures import name_failures
from bevseg.evaluation.frame_scores import Scoring
from bevseg.evaluation.matching import FrameMatches, PredictionStatus, TruthStatus, match_frame
from bevseg.replay.frames import Frame
from bevseg.results.instances import Instances

OUTCOME_OF_KIND = {
    FailureKind.CLASS_CONFUSION: Outcome.WRONG_LABEL,
    FailureKind.OVER_MERGE: Outcome.MERGED,
    FailureKind.DUPLICATE: Outcome.TWICE,
    FailureKind.OVER_SPLIT: Outcome.SPLIT,
    FailureKind.HALO: Outcome.WRONG_SHAPE,
    FailureKind.MISPLACED: Outcome.WRONG_SHAPE,
    FailureKind.MISSED_HIDDEN: Outcome.MISSED,
    FailureKind.MISSED_SMALL: Outcome.MISSED,
    FailureKind.MISSED_OTHER: Outcome.MISSED,
    FailureKind.FALSE_ALARM: Outcome.FALSE_ALARM,
}


def with_differences(frame: Frame, scoring: Scoring | None) -> Frame:
    """The frame with its results held against its truth; as it is where either is missing."""
    truth = frame.truth
    if scoring is None or truth is None:
        return frame
    predictions = tuple(
        p if p.note else replace(p, difference=judge(p.scene.instances, truth, scoring=scoring))
        for p in frame.predictions
    )
    return replace(frame, predictions=predictions)


def judge(instances: Instances, truth: Annotations, *, scoring: Scoring) -> Difference:
    """Compares what was found in a frame with its truth; `scoring` says which objects count."""
    matches = _of_labelled_groups(match_frame(instances, truth, rule=scoring.rule), scoring)
    named = name_failures(instances, truth, matches, rule=scoring.rule)
    failures = named.failures
    worst = np.argsort(-failures.severity, kind="stable")
    return Difference(
        prediction=_prediction_outcomes(matches, named),
        truth=_truth_outcomes(matches, named),
        mark=_outcomes(failures)[worst],
        mark_xy_m=failures.xy_m[worst],
        mark_truth=failures.truth[worst],
        mark_prediction=failures.prediction[worst],
        mark_text=tuple(_text(named, int(k), truth) for k in worst),
        severity=failures.severity[worst],
        mark_involved=tuple(named.involved[k] for k in worst),
        mark_measure=tuple(_measure(failures, int(k), instances, truth) for k in worst),
    )


def _of_labelled_groups(matches: FrameMatches, scoring: Scoring) -> FrameMatches:
    """The same with the groups ignored that the source does not label: to find one there is no failure."""
    prediction, truth = matches.prediction_status.copy(), matches.truth_status.copy()
    prediction[~np.isin(matches.prediction_category, scoring.groups)] = PredictionStatus.IGNORED
    truth[~np.isin(matches.truth_category, scoring.groups)] = TruthStatus.IGNORED
    return replace(matches, prediction_status=prediction, truth_status=truth)


def _outcomes(failures: Failures) -> Int[np.ndarray, "n"]:
    table = np.array([OUTCOME_OF_KIND[kind] for kind in FailureKind], np.int64)
    return table[failures.kind]


def _prediction_outcomes(matches: FrameMatches, named: FrameFailures) -> Int[np.ndarray, "k"]:
    """By the failure that accounts for it; a right prediction with a fault of its own has that fault's."""
    outcome = np.full(len(matches.prediction_status), int(Outcome.IGNORED), np.int64)
    outcome[matches.prediction_status == PredictionStatus.RIGHT] = Outcome.FOUND
    kinds = _outcomes(named.failures)
    own = named.failures.prediction
    blamed = (own >= 0) & np.isin(kinds, (Outcome.MERGED, Outcome.WRONG_LABEL, Outcome.WRONG_SHAPE))
    outcome[own[blamed]] = kinds[blamed]
    accounted = named.of_prediction >= 0
    outcome[accounted] = kinds[named.of_prediction[accounted]]
    return outcome


def _truth_outcomes(matches: FrameMatches, named: FrameFailures) -> Int[np.ndarray, "t"]:
    outcome = np.full(len(matches.truth_status), int(Outcome.IGNORED), np.int64)
    outcome[matches.truth_status == TruthStatus.FOUND] = Outcome.FOUND
    accounted = named.of_truth >= 0
    outcome[accounted] = _outcomes(named.failures)[named.of_truth[accounted]]
    return outcome


def _text(named: FrameFailures, failure: int, truth: Annotations) -> str:
    """The word of the outcome, and what else can be told in a word."""
    failures = named.failures
    kind = FailureKind(int(failures.kind[failure]))
    word = OUTCOME_OF_KIND[kind].word
    match kind:
        case FailureKind.CLASS_CONFUSION:
            return f"{word}, truth: {short_name(int(truth.label[failures.truth[failure]]))}"
        case FailureKind.OVER_MERGE | FailureKind.OVER_SPLIT:
            return f"{word} {len(named.involved[failure])}"
        case FailureKind.MISSED_HIDDEN:
            return f"{word}, hidden"
        case FailureKind.MISSED_SMALL:
            return f"{word}, few points"
        case _:
            return word


def _measure(failures: Failures, failure: int, instances: Instances, truth: Annotations) -> str:
    """What the severity comes from; the definitions of both are at the head of `failure_kinds`."""
    severity = failures.severity[failure]
    match FailureKind(int(failures.kind[failure])):
        case FailureKind.CLASS_CONFUSION | FailureKind.DUPLICATE | FailureKind.FALSE_ALARM:
            return f"score {instances.score[failures.prediction[failure]]:.2f}"
        case FailureKind.OVER_MERGE:
            return f"{100 * severity:.0f} % of its objects missed"
        case FailureKind.OVER_SPLIT:
            return f"largest part {100 * (1 - severity):.0f} %"
        case FailureKind.HALO:
            return f"{100 * severity:.0f} % of it outside"
        case FailureKind.MISPLACED:
            return f"IoU {1 - severity:.2f}"
        case _:
            points = int(truth.num_points[failures.truth[failure]])
            return f"{points} point{'' if points == 1 else 's'}"
