"""Labels of points against the truth: semantic IoU of the classes, and panoptic quality as nuScenes counts it.

Both count with integer keys in one pass over the points. The panoptic counts equal those of nuScenes' own evaluator
(`nuscenes.eval.panoptic`, after Behley et al., 2021) to the integer; tests hold the two together. Points whose truth
is class 0 (noise) take no part in either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Integer

from bevseg.evaluation.scores import MatchCounts, mean_of_present, ratio, sum_by_category
from bevseg.results.classes import NUM_CLASSES, STUFF_CLASSES
from bevseg.results.scene import PointLabels

MIN_POINTS = 15
"""nuScenes: a segment of fewer points that finds no partner is neither missed nor wrong."""

_IS_STUFF = np.isin(np.arange(NUM_CLASSES), STUFF_CLASSES)


@dataclass(frozen=True, eq=False)
class SemanticCounts:
    """Confusion of the classes of points, `confusion[truth, prediction]`; counts of two sets of frames add with `+`."""

    confusion: Int[np.ndarray, "truth prediction"]

    @classmethod
    def zero(cls) -> SemanticCounts:
        return cls(np.zeros((NUM_CLASSES, NUM_CLASSES), np.int64))

    def __add__(self, other: SemanticCounts) -> SemanticCounts:
        return SemanticCounts(self.confusion + other.confusion)

    @property
    def iou(self) -> Float[np.ndarray, "category"]:
        """IoU of each class over all points, indexed by class; NaN for class 0 and for classes that never occur."""
        right = self.confusion.diagonal().copy()
        union = self.confusion.sum(axis=0) + self.confusion.sum(axis=1) - right
        union[0] = 0
        return ratio(right, union)

    @property
    def mean_iou(self) -> float:
        """Mean over the classes that occur in truth or prediction."""
        return mean_of_present(self.iou)


def count_semantic(predicted: PointLabels, truth: PointLabels) -> SemanticCounts:
    """Counts the points of one scan; points whose truth is noise are left out."""
    _check_same_points(predicted, truth)
    known = truth.semantic != 0
    key = truth.semantic[known].astype(np.int64) * NUM_CLASSES + predicted.semantic[known]
    return SemanticCounts(np.bincount(key, minlength=NUM_CLASSES**2).reshape(NUM_CLASSES, NUM_CLASSES))


def count_panoptic(predicted: PointLabels, truth: PointLabels, *, min_points: int = MIN_POINTS) -> MatchCounts:
    """Counts the segments of one scan, indexed by `SemanticClass`.

    A segment is the set of points of one class and one instance number; each stuff class is one segment, and so are
    the points of a thing class without an instance. Two segments of one class match if their IoU is above 0.5, of
    which there is at most one for each.

    Args:
        predicted: Labels given to the points.
        truth: True labels of the same points.
        min_points: Points that an unmatched segment needs to be counted as missed or wrong.
    """
    _check_same_points(predicted, truth)
    known = truth.semantic != 0
    own = _segments(predicted.semantic[known], predicted.instance[known])
    true = _segments(truth.semantic[known], truth.instance[known])
    table = np.bincount(true.of_point * len(own.size) + own.of_point)
    pairs = np.flatnonzero(table)
    shared = table[pairs]
    true_index, own_index = np.divmod(pairs, max(len(own.size), 1))
    iou = shared / (true.size[true_index] + own.size[own_index] - shared)
    matched = (iou > 0.5) & (true.category[true_index] == own.category[own_index])
    category = true.category[true_index[matched]]
    return MatchCounts(
        true_positives=np.bincount(category, minlength=NUM_CLASSES),
        false_positives=_count_unmatched(own, own_index[matched], min_points),
        false_negatives=_count_unmatched(true, true_index[matched], min_points),
        iou_sum=sum_by_category(iou[matched], category, num_categories=NUM_CLASSES),
    )


def pq_dagger(segments: MatchCounts, semantic: SemanticCounts) -> Float[np.ndarray, "category"]:
    """PQ of each thing class and semantic IoU of each stuff class (Porzi et al., CVPR 2019), by `SemanticClass`.

    Stuff is no object that is found or missed: a road that is half right counts by half. IoU is over the points of all
    scans together, as in SemanticKITTI and nuScenes. NaN for class 0 and for classes that never occur.

    Args:
        segments: What `count_panoptic` gave for the points.
        semantic: What `count_semantic` gave for the same points.
    """
    return np.where(_IS_STUFF, semantic.iou, segments.pq)


@dataclass(frozen=True, eq=False)
class _Segments:
    """The segments of one labelling: segment of each point, and class and number of points of each segment."""

    of_point: Int[np.ndarray, "n"]
    category: Int[np.ndarray, "segment"]
    size: Int[np.ndarray, "segment"]


def _segments(semantic: Integer[np.ndarray, "n"], instance: Integer[np.ndarray, "n"]) -> _Segments:
    number = np.where(_IS_STUFF[semantic], 0, instance).astype(np.int64)
    if len(number) and int(number.min()) < 0:
        raise ValueError(f"instance numbers must be 0 or above, got {int(number.min())}")
    if len(number) and int(number.max()) >= 1 << 16:  # sparse numbers would make the table of keys too long
        number = np.unique(number, return_inverse=True)[1]
    stride = int(number.max(initial=0)) + 1
    key = semantic.astype(np.int64) * stride + number
    size = np.bincount(key)
    used = np.flatnonzero(size)
    rank = np.cumsum(size > 0) - 1
    return _Segments(of_point=rank[key], category=used // stride, size=size[used])


def _count_unmatched(
    segments: _Segments, matched: Int[np.ndarray, "_"], min_points: int
) -> Int[np.ndarray, "category"]:
    counted = (segments.size >= min_points) & (segments.category > 0)
    counted[matched] = False
    return np.bincount(segments.category[counted], minlength=NUM_CLASSES)


def _check_same_points(predicted: PointLabels, truth: PointLabels) -> None:
    if predicted.semantic.shape != truth.semantic.shape:
        raise ValueError(
            f"labels of {len(truth.semantic)} points expected, as the truth has, got {len(predicted.semantic)}"
        )
