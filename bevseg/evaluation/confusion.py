"""Which class each true object was found as, whatever its mask was called."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from bevseg.evaluation.matching import (
    FrameMatches,
    FrameOverlaps,
    MatchRule,
    PredictionStatus,
    TruthStatus,
    pair_one_to_one,
)
from bevseg.results.classes import NUM_CLASSES

NOTHING = 0
"""Row of what was found where nothing is, column of what is there and was not found."""


@dataclass(frozen=True, eq=False)
class ObjectConfusion:
    """Objects by true and by predicted class, `confusion[truth, prediction]`; those of two parts add with `+`."""

    confusion: Int[np.ndarray, "truth prediction"]

    @classmethod
    def zero(cls) -> ObjectConfusion:
        return cls(np.zeros((NUM_CLASSES, NUM_CLASSES), np.int64))

    def __add__(self, other: ObjectConfusion) -> ObjectConfusion:
        return ObjectConfusion(self.confusion + other.confusion)


def count_confusion(overlaps: FrameOverlaps, matches: FrameMatches, *, rule: MatchRule) -> ObjectConfusion:
    """Pairs the objects of one frame whatever their classes, and counts them by class.

    Args:
        overlaps: The frame.
        matches: How `rule` pairs it within categories: it says which truth counts and which predictions are excused.
        rule: IoU threshold.
    """
    counted = matches.truth_status != TruthStatus.IGNORED
    judged = np.isin(matches.prediction_status, (PredictionStatus.RIGHT, PredictionStatus.WRONG))
    close = (overlaps.iou >= rule.iou_threshold) & judged[:, None] & counted
    truth_of_prediction = pair_one_to_one(np.where(close, overlaps.iou, 0.0))
    paired = truth_of_prediction >= 0
    found = truth_of_prediction[paired]
    missed = counted.copy()
    missed[found] = False
    alone = judged & ~paired
    nothing = np.full(len(missed), NOTHING), np.full(len(alone), NOTHING)
    truth = np.concatenate([overlaps.truth_label[found], overlaps.truth_label[missed], nothing[1][alone]])
    predicted = np.concatenate(
        [overlaps.prediction_label[paired], nothing[0][missed], overlaps.prediction_label[alone]]
    )
    confusion = np.bincount(truth * NUM_CLASSES + predicted, minlength=NUM_CLASSES**2)
    return ObjectConfusion(confusion.reshape(NUM_CLASSES, NUM_CLASSES))
