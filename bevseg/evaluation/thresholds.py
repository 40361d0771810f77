"""Score thresholds chosen where truth is free: on simulated validation frames, never on the frames that measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from bevseg.evaluation.matching import FrameOverlaps, MatchRule, count_matches, match_overlaps, num_categories
from bevseg.evaluation.scores import MatchCounts
from bevseg.results.classes import ClassGroup

CANDIDATES = tuple(np.round(np.arange(0.05, 0.96, 0.05), 2).tolist())


@dataclass(frozen=True, eq=False)
class ThresholdSweep:
    """The measure of every class group at every score threshold tried.

    Attributes:
        thresholds: The thresholds, ascending.
        value: F1 or PQ; NaN where a group has neither truth nor predictions.
        num_truth: Counted true objects of each group.
    """

    thresholds: Float[np.ndarray, "threshold"]
    value: Float[np.ndarray, "threshold group"]
    num_truth: Int[np.ndarray, "group"]

    def best(self, *, without_truth: float) -> tuple[float, ...]:
        """The threshold of the largest value for each group, the lowest of equals; fit for `MatchRule`.

        Args:
            without_truth: Threshold for the groups of which the frames hold no truth, or of which nothing is found at
                any threshold: the lowest of equals would let every false alarm through.
        """
        ranked = np.where(np.isnan(self.value), -np.inf, self.value)
        chosen = np.where(ranked.max(axis=0) > 0, self.thresholds[ranked.argmax(axis=0)], without_truth)
        return tuple(chosen.tolist())


def sweep_thresholds(
    frames: Sequence[FrameOverlaps],
    *,
    rule: MatchRule,
    measure: Literal["f1", "pq"] = "f1",
    thresholds: Sequence[float] = CANDIDATES,
) -> ThresholdSweep:
    """Matches all frames anew at each threshold (a match lost may free the truth for another prediction).

    Args:
        frames: What `measure_overlaps` gave for each frame.
        rule: The rule of the match; its own score thresholds are not used.
        measure: What shall be largest.
        thresholds: Candidates.
    """
    ascending = np.unique(np.asarray(thresholds, dtype=np.float64))
    if not len(ascending):
        raise ValueError("a sweep needs at least one threshold, got none")
    counts = [_count(frames, replace(rule, by="group", score_thresholds=(t,) * len(ClassGroup))) for t in ascending]
    return ThresholdSweep(
        thresholds=ascending,
        value=np.stack([c.f1 if measure == "f1" else c.pq for c in counts]),
        num_truth=counts[0].num_truth,
    )


def _count(frames: Sequence[FrameOverlaps], rule: MatchRule) -> MatchCounts:
    counts = (count_matches(match_overlaps(frame, rule=rule)) for frame in frames)
    return sum(counts, start=MatchCounts.zero(num_categories("group")))
