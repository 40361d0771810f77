"""Scores on labelled frames that training never sees: what the learning curve shows and thresholds come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bevseg.config import ModelConfig
from bevseg.datasets.sample import Sample
from bevseg.evaluation.calibration import JudgedScores, Reliability, count_reliability, judged_scores
from bevseg.evaluation.matching import MatchRule, count_matches, match_overlaps, measure_overlaps
from bevseg.evaluation.panoptic import SemanticCounts, count_semantic
from bevseg.evaluation.scores import MatchCounts
from bevseg.evaluation.thresholds import sweep_thresholds
from bevseg.network import BevSegNet
from bevseg.pipeline import BevSegmenter
from bevseg.results.classes import ClassGroup
from bevseg.results.scene import PointLabels

VALIDATION_RULE = MatchRule(min_points=5, max_range_m=50.0)
"""Objects that count: at least 5 points and within 50 m."""

THRESHOLD_RULE = MatchRule(min_points=10, max_range_m=40.0)
"""Objects that thresholds are chosen for, as real frames are scored on them: a threshold low enough for far objects
of five points lets too much through that is none."""

_GROUPS = len(ClassGroup)

_KEEP_SCORE = 0.05
"""Objects down to this score are kept while thresholds are chosen."""


@dataclass(frozen=True)
class Validation:
    """Scores of a network.

    Attributes:
        counts: Matches by `ClassGroup` at `thresholds`.
        semantic: Point-wise counts of the sixteen classes.
        thresholds: Score thresholds by group that give the best F1 on these very frames, by `THRESHOLD_RULE`.
        reliability: How often objects of each score are right, by `ClassGroup`, at `thresholds`.
        judged: Every object down to a low score, and whether it is right, frame by frame.
    """

    counts: MatchCounts
    semantic: SemanticCounts
    thresholds: tuple[float, ...]
    reliability: Reliability
    judged: tuple[JudgedScores, ...]

    def scores(self) -> dict[str, float]:
        """Named numbers for the learning curve."""
        by_group = {f"pq_{group.label}": float(self.counts.pq[group]) for group in ClassGroup}
        thresholds = {f"threshold_{group.label}": self.thresholds[group] for group in ClassGroup}
        return {**by_group, "miou": float(self.semantic.mean_iou), **thresholds}


def validate(network: BevSegNet, samples: Sequence[Sample], *, config: ModelConfig | None = None) -> Validation:
    """Segments every sample and scores the objects (BEV amodal PQ) and the point labels.

    Args:
        network: The network.
        samples: Frames with truth for boxes; points' truth is used where it is there.
        config: How its maps are decoded, in place of the network's own.
    """
    config = config or network.config
    low = replace(config, decode=replace(config.decode, min_score=(_KEEP_SCORE,) * 4))
    segmenter = BevSegmenter(network, low)
    overlaps, near, semantic = [], [], SemanticCounts.zero()
    for sample in samples:
        scene = segmenter.segment(sample.cloud)
        overlaps.append(measure_overlaps(scene.instances, sample.annotations, rule=VALIDATION_RULE))
        near.append(measure_overlaps(scene.instances, sample.annotations, rule=THRESHOLD_RULE))
        truth = sample.annotations.point_semantic
        if truth is not None:
            labels = PointLabels(truth, np.zeros(len(truth), np.int32))
            semantic = semantic + count_semantic(scene.points, labels)
    thresholds = sweep_thresholds(near, rule=THRESHOLD_RULE).best(without_truth=0.5)
    matched = [(o, match_overlaps(o, rule=replace(VALIDATION_RULE, score_thresholds=thresholds))) for o in overlaps]
    judged = [judged_scores(o, m) for o, m in matched]
    return Validation(
        counts=sum((count_matches(m) for _, m in matched), start=MatchCounts.zero(_GROUPS)),
        semantic=semantic,
        thresholds=thresholds,
        reliability=sum(
            (count_reliability(j, num_categories=_GROUPS) for j in judged), start=Reliability.zero(_GROUPS)
        ),
        judged=tuple(judged_scores(o, match_overlaps(o, rule=VALIDATION_RULE)) for o in overlaps),
    )
