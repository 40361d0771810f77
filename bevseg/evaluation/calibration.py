"""Whether scores mean what they say, and what makes them do so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit, logit

from bevseg.evaluation.matching import FrameMatches, FrameOverlaps, PredictionStatus
from bevseg.evaluation.scores import ratio

NUM_BINS = 10
"""Scores from 0 to 1 in bins of a tenth."""

_FEWEST = 30
"""With fewer right or wrong predictions than this nothing can be learnt of a group."""
_LEAST_SLOPE = 0.1
_OFFSET_PRIOR = 4.0
"""A class differs from its group as far as about this many predictions say so."""


@dataclass(frozen=True, eq=False)
class Reliability:
    """How often predictions of each score are right; counts of two sets of frames add with `+`.

    Attributes:
        count: Predictions of each category in each bin of scores.
        right: Those of them that are right.
        score_sum: Sum of their scores.
    """

    count: Int[np.ndarray, "category bin"]
    right: Int[np.ndarray, "category bin"]
    score_sum: Float[np.ndarray, "category bin"]

    @classmethod
    def zero(cls, num_categories: int) -> Reliability:
        none = np.zeros((num_categories, NUM_BINS), np.int64)
        return cls(none, none, none.astype(np.float64))

    def __add__(self, other: Reliability) -> Reliability:
        return Reliability(self.count + other.count, self.right + other.right, self.score_sum + other.score_sum)

    @property
    def error(self) -> Float[np.ndarray, "category"]:
        """Expected calibration error: mean difference of score and share of right ones, bin by bin, weighted by
        predictions (Naeini et al., AAAI 2015); NaN where nothing was predicted."""
        off = np.abs(self.score_sum - self.right).sum(axis=1)
        return ratio(off, self.count.sum(axis=1))


@dataclass(frozen=True, eq=False)
class JudgedScores:
    """Predictions that are either right or wrong.

    Attributes:
        category: Of each prediction, as the matches have it.
        label: Its `SemanticClass`.
        score: Its score.
        right: Whether it found an object of its category.
    """

    category: Int[np.ndarray, "n"]
    label: Int[np.ndarray, "n"]
    score: Float[np.ndarray, "n"]
    right: Bool[np.ndarray, "n"]


def judged_scores(overlaps: FrameOverlaps, matches: FrameMatches) -> JudgedScores:
    """Of one frame; what is ignored or below the threshold is left out."""
    right = matches.prediction_status == PredictionStatus.RIGHT
    judged = right | (matches.prediction_status == PredictionStatus.WRONG)
    return JudgedScores(
        matches.prediction_category[judged],
        overlaps.prediction_label[judged],
        overlaps.prediction_score[judged].astype(np.float64),
        right[judged],
    )


def count_reliability(judged: JudgedScores, *, num_categories: int) -> Reliability:
    """Sorts the predictions of one frame into bins."""
    place = judged.category * NUM_BINS + np.minimum((judged.score * NUM_BINS).astype(np.int64), NUM_BINS - 1)
    size, shape = num_categories * NUM_BINS, (num_categories, NUM_BINS)
    return Reliability(
        np.bincount(place, minlength=size).reshape(shape),
        np.bincount(place[judged.right], minlength=size).reshape(shape),
        np.bincount(place, weights=judged.score, minlength=size).reshape(shape).astype(np.float64),
    )


@dataclass(frozen=True)
class PlattScale:
    """`score = sigmoid(slope * logit + offset)` for one group, one offset for each of its classes."""

    slope: float
    offset: dict[int, float]


def fit_platt(frames: Sequence[JudgedScores], *, classes: Sequence[int]) -> PlattScale:
    """The scale that makes the scores of a group of classes likeliest to be right as often as they say.

    Args:
        frames: Uncalibrated scores of each frame, all down to a low one; right where an object of the group was found,
            whichever class of it was named.
        classes: The classes of the group.
    """
    label = np.concatenate([np.zeros(0, np.int64), *(frame.label for frame in frames)])
    of_group = np.isin(label, classes)
    label = label[of_group]
    score = np.concatenate([np.zeros(0), *(frame.score for frame in frames)])[of_group]
    right = np.concatenate([np.zeros(0, bool), *(frame.right for frame in frames)])[of_group]
    if min(int(right.sum()), int((~right).sum())) < _FEWEST:
        return PlattScale(1.0, dict.fromkeys(classes, 0.0))
    logits = logit(np.clip(score, 1e-4, 1 - 1e-4))
    of_class = (label[:, None] == np.asarray(classes)).astype(np.float64)
    weights = _logistic_regression(
        np.column_stack([logits, np.ones(len(logits)), of_class]),
        right.astype(np.float64),
        ridge=np.array([0.0, 0.0, *[_OFFSET_PRIOR] * len(classes)]) + 1e-6,
    )
    slope, common, *own = weights.tolist()
    return PlattScale(max(slope, _LEAST_SLOPE), {c: common + o for c, o in zip(classes, own, strict=True)})


def _logistic_regression(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n"], *, ridge: Float[np.ndarray, "d"]
) -> Float[np.ndarray, "d"]:
    """Newton's method; the problem is convex, and a few steps do."""
    weights = np.zeros(x.shape[1])
    for _ in range(50):
        p = expit(x @ weights)
        gradient = x.T @ (p - y) + ridge * weights
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + np.diag(ridge), gradient)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return weights
