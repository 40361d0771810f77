"""Who finds whom by KITTI's rules, in all frames and at all score thresholds at once.

Most objects overlap one detection alone, which overlaps no other object: such pairs are counted together. The others,
where one's choice changes what is left for the next, are gone through one by one as KITTI's kit does.

Source: `computeStatistics` of KITTI's object development kit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True, eq=False)
class MatchRoles:
    """True objects and detections of all frames, which of them may match, and what each is good for.

    Attributes:
        truth: True object of each pair that may match; pairs are in the order of truth, then of detections.
        found: Detection of each pair.
        iou: IoU of each pair.
        score: Of each detection.
        truth_counts: Whether the object has to be found; one that need not be excuses the detection that it takes.
        found_counts: Whether the detection is right or wrong; one that is neither excuses the object that takes it.
        found_excused: Whether it lies in a don't-care region.
    """

    truth: Int[np.ndarray, "pair"]
    found: Int[np.ndarray, "pair"]
    iou: Float[np.ndarray, "pair"]
    score: Float[np.ndarray, "found"]
    truth_counts: Bool[np.ndarray, "truth"]
    found_counts: Bool[np.ndarray, "found"]
    found_excused: Bool[np.ndarray, "found"]

    @cached_property
    def has_rivals(self) -> Bool[np.ndarray, "pair"]:
        """Whether either side of the pair may match somebody else, too."""
        return (np.bincount(self.truth)[self.truth] > 1) | (np.bincount(self.found)[self.found] > 1)

    @cached_property
    def undisputed(self) -> Int[np.ndarray, "_"]:
        """Detections that are right wherever they reach the threshold."""
        right = ~self.has_rivals & self.truth_counts[self.truth] & self.found_counts[self.found]
        return self.found[right]

    def disputes(self) -> Iterator[Int[np.ndarray, "_"]]:
        """The pairs of each true object that has rivals, object by object."""
        pairs = np.flatnonzero(self.has_rivals)
        yield from np.split(pairs, np.flatnonzero(np.diff(self.truth[pairs])) + 1) if len(pairs) else ()


@dataclass(frozen=True, eq=False)
class CountedAt:
    """Right and wrong detections among those that reach each score threshold."""

    true_positives: Int[np.ndarray, "threshold"]
    false_positives: Int[np.ndarray, "threshold"]


def best_scores(roles: MatchRoles) -> Float[np.ndarray, "_"]:
    """Scores of the true objects that are found: each takes, in their order, the free detection with the best one."""
    free = np.ones(len(roles.score), bool)
    scores = roles.score[roles.undisputed].tolist()
    for pairs in roles.disputes():
        candidates = roles.found[pairs]
        candidates = candidates[free[candidates]]
        if not len(candidates):
            continue
        best = candidates[np.argmax(roles.score[candidates])]
        free[best] = False
        if roles.truth_counts[roles.truth[pairs[0]]] and roles.found_counts[best]:
            scores.append(float(roles.score[best]))
    return np.array(scores, dtype=np.float64)


def count_at(roles: MatchRoles, thresholds: Float[np.ndarray, "threshold"]) -> CountedAt:
    """Counts at every threshold.

    Each true object takes, in their order, the free detection that counts and overlaps it most; where there is none,
    the first that does not count.
    """
    right = _number_reaching(roles.score[roles.undisputed], thresholds)
    may_be_wrong = roles.found_counts & ~roles.found_excused
    unpaired = may_be_wrong.copy()
    unpaired[roles.found] = False
    wrong = _number_reaching(roles.score[unpaired], thresholds)
    disputed = np.unique(roles.found[roles.has_rivals])
    free = roles.score[disputed] >= thresholds[:, None]
    rows = np.arange(len(thresholds))
    for pairs in roles.disputes():
        column = np.searchsorted(disputed, roles.found[pairs])
        candidates = free[:, column]
        counting = candidates & roles.found_counts[roles.found[pairs]]
        has_counting = counting.any(axis=1)
        closest = np.argmax(np.where(counting, roles.iou[pairs], 0.0), axis=1)
        taken = column[np.where(has_counting, closest, np.argmax(candidates, axis=1))]
        free[rows, taken] &= ~candidates.any(axis=1)
        if roles.truth_counts[roles.truth[pairs[0]]]:
            right += has_counting
    return CountedAt(right, wrong + (free & may_be_wrong[disputed]).sum(axis=1))


def _number_reaching(
    scores: Float[np.ndarray, "n"], thresholds: Float[np.ndarray, "threshold"]
) -> Int[np.ndarray, "threshold"]:
    return len(scores) - np.searchsorted(np.sort(scores), thresholds)
