"""KITTI's average precision of boxes from above and in 3-D, after its development kit.

What is right at a score follows `evaluate_object_3d_offline.cpp` step by step: each true object takes the detection
that overlaps it most; objects of a neighbouring class (`Van` for `Car`, `Person_sitting` for `Pedestrian`), too small
in the picture, too hidden or cut off for a difficulty are neither missed nor found; detections too small are neither
right nor wrong, nor are those that lie in a `DontCare` region. Precision is read at 40 recalls (1/40 .. 1), each the
best at that recall or beyond (R40: Simonelli et al., "Disentangling Monocular 3D Object Detection", ICCV 2019).

KITTI's own don't-care regions have no box, so from above and in 3-D no detection lies in one; truth of other sets may
have boxes there.

Source: Geiger et al., "Are we ready for autonomous driving?", CVPR 2012, and the object development kit of 2019.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from bevseg.evaluation.kitti_matching import CountedAt, MatchRoles, best_scores, count_at
from bevseg.evaluation.kitti_objects import KittiObjects
from bevseg.geometry.box_overlaps import (
    box_volumes,
    footprint_areas,
    iou_of,
    near_pairs,
    paired_areas,
    paired_volumes,
)

KittiClass = Literal["Car", "Pedestrian", "Cyclist"]
KittiMetric = Literal["bev", "3d"]

MIN_OVERLAPS: Mapping[KittiClass, tuple[float, float]] = {
    "Car": (0.7, 0.5),
    "Pedestrian": (0.5, 0.25),
    "Cyclist": (0.5, 0.25),
}
"""IoU that a detection has to exceed: KITTI's own, and the looser one that is often given beside it."""

_NEIGHBOURS = {"Car": "van", "Pedestrian": "person_sitting"}
_RECALLS = 41


@dataclass(frozen=True)
class Difficulty:
    """Which true objects have to be found.

    Attributes:
        name: KITTI's word for it.
        min_height_px: True objects have to be taller in the picture, detections at least as tall.
        max_occlusion: Highest level of occlusion.
        max_truncation: Highest share that the picture cuts off.
    """

    name: str
    min_height_px: float
    max_occlusion: int
    max_truncation: float


DIFFICULTIES = (
    Difficulty("easy", 40.0, 0, 0.15),
    Difficulty("moderate", 25.0, 1, 0.3),
    Difficulty("hard", 25.0, 2, 0.5),
)


@dataclass(frozen=True)
class KittiFrame:
    """What is true of a frame and what was found in it."""

    truth: KittiObjects
    found: KittiObjects


class ApByDifficulty(NamedTuple):
    """Easy, moderate, hard: average precision 0..1, NaN where nothing had to be found, and how much that was."""

    ap: Float[np.ndarray, "difficulty"]
    num_truth: Int[np.ndarray, "difficulty"]


@dataclass(frozen=True, eq=False)
class KittiAp:
    """Average precision of one class, from above or in 3-D, at one overlap; the arrays as in `ApByDifficulty`."""

    name: KittiClass
    metric: KittiMetric
    min_overlap: float
    ap: Float[np.ndarray, "difficulty"]
    num_truth: Int[np.ndarray, "difficulty"]


@dataclass(frozen=True, eq=False)
class KittiOverlaps:
    """The objects of all frames and the pairs among them that overlap; frames follow each other in every array.

    Attributes:
        truth: What is true.
        found: What was found.
        truth_of_pair: True object of each pair, rising.
        found_of_pair: Detection of each pair.
        iou: IoU of each pair.
        inside: Share of the detection that lies in the true object.
    """

    truth: KittiObjects
    found: KittiObjects
    truth_of_pair: Int[np.ndarray, "pair"]
    found_of_pair: Int[np.ndarray, "pair"]
    iou: Float[np.ndarray, "pair"]
    inside: Float[np.ndarray, "pair"]


def kitti_average_precisions(frames: Sequence[KittiFrame]) -> list[KittiAp]:
    """All of KITTI's figures for boxes: each class from above and in 3-D, at its two overlaps."""
    metrics: tuple[KittiMetric, ...] = ("bev", "3d")
    overlaps = {metric: measure_overlaps(frames, metric) for metric in metrics}
    return [
        KittiAp(name, metric, min_overlap, *kitti_average_precision(overlaps[metric], name, min_overlap=min_overlap))
        for name, min_overlaps in MIN_OVERLAPS.items()
        for metric in metrics
        for min_overlap in min_overlaps
    ]


def measure_overlaps(frames: Sequence[KittiFrame], metric: KittiMetric) -> KittiOverlaps:
    """The part of the evaluation that depends on neither class nor threshold."""
    truth = KittiObjects.joined([frame.truth for frame in frames])
    found = KittiObjects.joined([frame.found for frame in frames])
    counts = np.array([[len(frame.truth), len(frame.found)] for frame in frames], np.int64).reshape(-1, 2)
    starts = np.cumsum(counts, axis=0) - counts
    pairs = [near_pairs(f.truth.boxes, f.found.boxes) + start for f, start in zip(frames, starts, strict=True)]
    of_truth, of_found = np.concatenate([np.zeros((0, 2), np.int64), *pairs]).T
    a, b = truth.boxes[of_truth], found.boxes[of_found]
    match metric:
        case "bev":
            shared, sizes = paired_areas(a, b), (footprint_areas(a), footprint_areas(b))
        case "3d":
            shared, sizes = paired_volumes(a, b), (box_volumes(a), box_volumes(b))
    inside = np.divide(shared, sizes[1], out=np.zeros_like(shared), where=sizes[1] > 0)
    return KittiOverlaps(truth, found, of_truth, of_found, iou_of(shared, *sizes), inside)


def kitti_average_precision(overlaps: KittiOverlaps, name: KittiClass, *, min_overlap: float) -> ApByDifficulty:
    """Average precision at 40 recalls of one class, for every difficulty."""
    scored = [_average_precision(_roles(overlaps, name, level, min_overlap)) for level in DIFFICULTIES]
    return ApByDifficulty(np.array([ap for ap, _ in scored]), np.array([number for _, number in scored]))


def precision_at_recalls(curve: CountedAt) -> Float[np.ndarray, "recall"]:
    """Precision at the recalls 0, 1/40 .. 1, each the best there or beyond; 0 where recall is never reached."""
    found = curve.true_positives + curve.false_positives
    precision = np.divide(curve.true_positives, found, out=np.zeros(len(found)), where=found > 0)
    padded = np.zeros(_RECALLS)
    padded[: len(precision)] = precision
    return np.maximum.accumulate(padded[::-1])[::-1]


def score_thresholds(scores: Float[np.ndarray, "n"], num_truth: int) -> Float[np.ndarray, "recall"]:
    """The scores at which recall comes closest to 0, 1/40, 2/40 and so on, falling, as KITTI's kit chooses them.

    Args:
        scores: Of the true objects that were found, in any order.
        num_truth: Objects that had to be found.
    """
    falling = np.sort(scores)[::-1]
    thresholds: list[float] = []
    wanted = 0.0
    for place, score in enumerate(falling.tolist()):
        is_last = place == len(falling) - 1
        here, beyond = (place + 1) / num_truth, (place + 2) / num_truth
        if not is_last and beyond - wanted < wanted - here:
            continue
        thresholds.append(score)
        wanted += 1 / (_RECALLS - 1)
    return np.array(thresholds)


def _average_precision(roles: MatchRoles) -> tuple[float, int]:
    """The figure and the number of objects that it rests on."""
    num_truth = int(roles.truth_counts.sum())
    if not num_truth:
        return float("nan"), 0
    curve = count_at(roles, score_thresholds(best_scores(roles), num_truth))
    return float(precision_at_recalls(curve)[1:].mean()), num_truth


def _roles(overlaps: KittiOverlaps, name: KittiClass, difficulty: Difficulty, min_overlap: float) -> MatchRoles:
    """Who counts at a difficulty; others of the class, and its neighbours, may be found without harm."""
    truth, found = overlaps.truth, overlaps.found
    is_class = truth.is_named(name.lower())
    fits = (
        (truth.image_height_px > difficulty.min_height_px)
        & (truth.occlusion <= difficulty.max_occlusion)
        & (truth.truncation <= difficulty.max_truncation)
    )
    too_small = found.image_height_px < difficulty.min_height_px
    truth_takes_part = is_class | truth.is_named(_NEIGHBOURS.get(name, ""))
    found_takes_part = found.is_named(name.lower()) | too_small  # of any class, as in the kit
    excused = np.zeros(len(found), bool)
    excused[overlaps.found_of_pair[_in_dont_care(overlaps, min_overlap)]] = True
    may_match = (
        (overlaps.iou > min_overlap)
        & truth_takes_part[overlaps.truth_of_pair]
        & found_takes_part[overlaps.found_of_pair]
    )
    return MatchRoles(
        truth=overlaps.truth_of_pair[may_match],
        found=overlaps.found_of_pair[may_match],
        iou=overlaps.iou[may_match],
        score=found.score,
        truth_counts=is_class & fits,
        found_counts=found.is_named(name.lower()) & ~too_small,
        found_excused=excused,
    )


def _in_dont_care(overlaps: KittiOverlaps, min_overlap: float) -> Bool[np.ndarray, "pair"]:
    inside: np.ndarray = overlaps.truth.is_named("dontcare")[overlaps.truth_of_pair] & (overlaps.inside > min_overlap)
    return inside
