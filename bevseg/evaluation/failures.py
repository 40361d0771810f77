"""Names what went wrong in a frame: `failure_kinds` says what each name means and in which order reasons are sought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from bevseg.datasets.sample import Annotations
from bevseg.evaluation.failure_kinds import (
    FEW_POINTS,
    HIDDEN_BELOW,
    LEAST_IOU,
    MOST,
    SMALL_M2,
    FailureKind,
    Failures,
    FrameFailures,
)
from bevseg.evaluation.mask_relations import MaskRelations
from bevseg.evaluation.matching import (
    FrameMasks,
    FrameMatches,
    MatchRule,
    PredictionStatus,
    TruthStatus,
    pair_one_to_one,
)
from bevseg.results.classes import GROUP_OF_CLASS
from bevseg.results.instances import Instances


@dataclass(frozen=True, eq=False)
class _Frame:
    """One frame and its matching."""

    instances: Instances
    annotations: Annotations
    matches: FrameMatches
    relations: MaskRelations
    iou_threshold: float

    @property
    def right(self) -> Bool[np.ndarray, "prediction"]:
        return self.matches.prediction_status == PredictionStatus.RIGHT

    @property
    def missed(self) -> Bool[np.ndarray, "truth"]:
        return self.matches.truth_status == TruthStatus.MISSED


@dataclass(frozen=True)
class _Finding:
    """A failure, the errors that it accounts for, and all that are involved in it (see `FrameFailures`)."""

    kind: FailureKind
    truth: int
    prediction: int
    severity: float
    truths: tuple[int, ...] = ()
    predictions: tuple[int, ...] = ()
    involved: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class _Nameless:
    """Errors without a reason so far, and right predictions of which nothing bad was said so far."""

    missed: Bool[np.ndarray, "truth"]
    wrong: Bool[np.ndarray, "prediction"]
    right: Bool[np.ndarray, "prediction"]

    def without(self, findings: Sequence[_Finding]) -> _Nameless:
        missed, wrong, right = self.missed.copy(), self.wrong.copy(), self.right.copy()
        for finding in findings:
            missed[list(finding.truths)] = False
            wrong[list(finding.predictions)] = False
            right[[p for p in (finding.prediction,) if p >= 0]] = False
        return _Nameless(missed, wrong, right)


def name_failures(
    instances: Instances,
    annotations: Annotations,
    matches: FrameMatches,
    *,
    rule: MatchRule,
    masks: FrameMasks | None = None,
) -> FrameFailures:
    """Names everything that went wrong in one frame.

    Args:
        instances: What was found.
        annotations: The truth, in the same frame.
        matches: How `rule` pairs the two.
        rule: Grid and IoU threshold of the matching.
        masks: The whole footprints on the grid of `rule`, where they are known already.

    Raises:
        ValueError: `matches` is of another frame.
    """
    if (len(matches.prediction_status), len(matches.truth_status)) != (len(instances), len(annotations)):
        raise ValueError(
            f"matches of {len(matches.prediction_status)} predictions and {len(matches.truth_status)} objects cannot "
            f"be those of {len(instances)} and {len(annotations)}: give what match_frame said of this frame"
        )
    masks = masks or FrameMasks.amodal(instances, annotations, rule.grid)
    relations = MaskRelations.measure(masks, annotations)
    frame = _Frame(instances, annotations, matches, relations, rule.iou_threshold)
    nameless = _Nameless(frame.missed, matches.prediction_status == PredictionStatus.WRONG, frame.right)
    findings: list[_Finding] = []
    for find in (_confusions, _merges, _duplicates, _splits, _near_misses, _halos, _misses, _false_alarms):
        found = find(frame, nameless)
        nameless = nameless.without(found)
        findings += found
    return _as_arrays(findings, instances, annotations)


def _confusions(frame: _Frame, nameless: _Nameless) -> list[_Finding]:
    truth_label, label = frame.annotations.label, frame.instances.label
    iou = frame.relations.iou
    close = nameless.wrong[:, None] & nameless.missed & (iou >= frame.iou_threshold)
    truth_of = pair_one_to_one(np.where(close, iou, 0.0))
    truth_of[frame.right] = frame.matches.truth_of_prediction[frame.right]
    paired = np.flatnonzero(truth_of >= 0)
    other = paired[label[paired] != truth_label[truth_of[paired]]]
    findings = []
    for p, t in zip(other.tolist(), truth_of[other].tolist(), strict=True):
        weight = 0.5 if GROUP_OF_CLASS[label[p]] == GROUP_OF_CLASS[truth_label[t]] else 1.0
        errors = ((t,), (p,)) if nameless.wrong[p] else ((), ())
        findings.append(_Finding(FailureKind.CLASS_CONFUSION, t, p, weight * _score(frame, p), *errors))
    return findings


def _merges(frame: _Frame, nameless: _Nameless) -> list[_Finding]:
    cover, status = frame.relations.cover, frame.matches.prediction_status
    things = GROUP_OF_CLASS[frame.annotations.label.astype(np.int64)] >= 0
    members = (cover >= MOST) & things & (status != PredictionStatus.BELOW_SCORE)[:, None]
    lost = members & nameless.missed & (members.sum(axis=1) >= 2)[:, None]
    if not lost.any():
        return []
    taker = np.where(lost, cover, -1.0).argmax(axis=0)  # of an object that two predictions swallow
    counted = members & (frame.matches.truth_status != TruthStatus.IGNORED)
    findings = []
    for p in np.flatnonzero(lost.any(axis=1)).tolist():
        taken = np.flatnonzero(lost[p] & (taker == p))
        if not len(taken) and not nameless.wrong[p]:
            continue
        worst = int(np.where(lost[p], cover[p], -1.0).argmax())
        severity = float((counted[p] & frame.missed).sum() / counted[p].sum())
        itself = (p,) if nameless.wrong[p] else ()
        covered = tuple(np.flatnonzero(members[p]).tolist())
        findings.append(_Finding(FailureKind.OVER_MERGE, worst, p, severity, tuple(taken.tolist()), itself, covered))
    return findings


def _duplicates(frame: _Frame, nameless: _Nameless) -> list[_Finding]:
    found = np.flatnonzero(frame.matches.truth_status == TruthStatus.FOUND)
    if not len(found):
        return []
    held = frame.relations.held[:, frame.matches.prediction_of_truth[found]]
    iou = frame.relations.iou[:, found]
    again = ((held >= MOST) | (iou >= frame.iou_threshold)) & nameless.wrong[:, None]
    of = found[np.where(again, held + iou, -1.0).argmax(axis=1)]
    return [
        _Finding(FailureKind.DUPLICATE, int(of[p]), p, _score(frame, p), predictions=(p,))
        for p in np.flatnonzero(again.any(axis=1)).tolist()
    ]


def _splits(frame: _Frame, nameless: _Nameless) -> list[_Finding]:
    within, cover = frame.relations.within, frame.relations.cover
    finds = frame.right[:, None] & (frame.matches.truth_of_prediction[:, None] == np.arange(within.shape[1]))
    splittable = nameless.missed | (frame.matches.truth_status == TruthStatus.FOUND)
    stray = nameless.wrong[:, None] & (within >= MOST) & splittable
    home = np.where(stray, within, -1.0).argmax(axis=1) if stray.any() else np.zeros(len(within), np.int64)
    stray &= home[:, None] == np.arange(within.shape[1])
    parts = stray | finds
    findings = []
    for t in np.flatnonzero(stray.any(axis=0) & (parts.sum(axis=0) >= 2)).tolist():
        strays = np.flatnonzero(stray[:, t])
        covered = cover[parts[:, t], t]
        largest = int(strays[cover[strays, t].argmax()])
        itself = (t,) if nameless.missed[t] else ()
        severity = float(1 - covered.max() / covered.sum())
        wrong, involved = tuple(strays.tolist()), tuple(np.flatnonzero(parts[:, t]).tolist())
        findings.append(_Finding(FailureKind.OVER_SPLIT, t, largest, severity, itself, wrong, involved))
    return findings


def _near_misses(frame: _Frame, nameless: _Nameless) -> list[_Finding]:
    """Halos and misplaced masks among the errors."""
    iou, within = frame.relations.iou, frame.relations.within
    same = frame.matches.prediction_category[:, None] == frame.matches.truth_category
    near = same & nameless.wrong[:, None] & nameless.missed & ((iou >= LEAST_IOU) | (within >= MOST))
    truth_of = pair_one_to_one(np.where(near, iou, 0.0))
    predictions = np.flatnonzero(truth_of >= 0)
    truths = truth_of[predictions]
    findings = []
    wide = frame.relations.too_wide(predictions, truths)
    for p, t, is_wide in zip(predictions.tolist(), truths.tolist(), wide.tolist(), strict=True):
        kind = FailureKind.HALO if is_wide else FailureKind.MISPLACED
        severity = 1 - float(within[p, t] if is_wide else iou[p, t])
        findings.append(_Finding(kind, t, p, severity, (t,), (p,)))
    return findings


def _halos(frame: _Frame, nameless: _Nameless) -> list[_Finding]:
    """Of right predictions."""
    plain = np.flatnonzero(nameless.right)
    truths = frame.matches.truth_of_prediction[plain]
    wide = frame.relations.too_wide(plain, truths)
    return [
        _Finding(FailureKind.HALO, t, p, 1 - float(frame.relations.within[p, t]))
        for p, t in zip(plain[wide].tolist(), truths[wide].tolist(), strict=True)
    ]


def _misses(frame: _Frame, nameless: _Nameless) -> list[_Finding]:
    truth = frame.annotations
    hidden = truth.visible_fraction < HIDDEN_BELOW  # no where it is unknown (NaN)
    small = (truth.boxes[:, 3] * truth.boxes[:, 4] < SMALL_M2) | (truth.num_points < FEW_POINTS)
    kind = np.where(small, FailureKind.MISSED_SMALL, FailureKind.MISSED_OTHER)
    kind = np.where(hidden, FailureKind.MISSED_HIDDEN, kind)
    severity = truth.num_points / (truth.num_points + FEW_POINTS)
    return [
        _Finding(FailureKind(kind[t]), t, -1, float(severity[t]), truths=(t,))
        for t in np.flatnonzero(nameless.missed).tolist()
    ]


def _false_alarms(frame: _Frame, nameless: _Nameless) -> list[_Finding]:
    return [
        _Finding(FailureKind.FALSE_ALARM, -1, p, _score(frame, p), predictions=(p,))
        for p in np.flatnonzero(nameless.wrong).tolist()
    ]


def _score(frame: _Frame, prediction: int) -> float:
    return float(frame.instances.score[prediction])


def _as_arrays(findings: Sequence[_Finding], instances: Instances, annotations: Annotations) -> FrameFailures:
    truth = np.array([f.truth for f in findings], np.int64)
    prediction = np.array([f.prediction for f in findings], np.int64)
    boxes = np.concatenate([annotations.boxes, instances.boxes]).astype(np.float64)
    labels = np.concatenate([annotations.label, instances.label]).astype(np.int64)
    place = np.where(truth >= 0, truth, len(annotations) + prediction)
    xy_m = boxes[place, :2]
    failures = Failures(
        kind=np.array([f.kind for f in findings], np.int64),
        truth=truth,
        prediction=prediction,
        label=labels[place],
        xy_m=xy_m,
        range_m=np.hypot(xy_m[:, 0], xy_m[:, 1]),
        severity=np.array([f.severity for f in findings], np.float64),
    )
    of_truth, of_prediction = np.full(len(annotations), -1), np.full(len(instances), -1)
    for index, finding in enumerate(findings):
        of_truth[list(finding.truths)] = index
        of_prediction[list(finding.predictions)] = index
    return FrameFailures(failures, of_truth, of_prediction, tuple(f.involved for f in findings))
