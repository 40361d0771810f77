"""Labels of points against the truth: semantic IoU of the classes, and panoptic quality as nuScenes counts it.

Both count with integer keys in one pass over the points. The panoptic counts equal those of nuScenes' own evaluator
(`nuscenes.eval.panoptic`, after Behley et al., 2021) to the integer; tests hold the two together, `panoptic_speed`
measures how much sooner they are there. Points whose truth is class 0 (noise) take no part in either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

from bevseg.evaluation.scores import MatchCounts, mean_of_present, ratio, sum_by_category
from bevseg.results.classes import NUM_CLASSES, STUFF_CLASSES
from bevseg.results.scene import PointLabels

MIN_POINTS = 15
"""nuScenes: a segment of fewer points that finds no partner is neither missed nor wrong."""

_IS_STUFF = np.isin(np.arange(NUM_CLASSES), STUFF_CLASSES)
_LARGEST_TABLE = 1 << 18
"""Entries of a table that is filled sooner than as many labels are sorted."""


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
    key = np.multiply(truth.semantic, NUM_CLASSES, dtype=np.uint16)
    key += predicted.semantic
    confusion = np.bincount(key, minlength=NUM_CLASSES**2).reshape(NUM_CLASSES, NUM_CLASSES)
    confusion[0] = 0
    return SemanticCounts(confusion)


def count_panoptic(predicted: PointLabels, truth: PointLabels, *, min_points: int = MIN_POINTS) -> MatchCounts:
    """Counts the segments of one scan, indexed by `SemanticClass`.

    A segment is the set of points of one class and one instance number; each stuff class is one segment, and so are
    the points of a thing class without an instance. Two segments of one class match if their IoU is above 0.5, of
    which there is at most one for each.

    Args:
        predicted: Labels given to the points.
        truth: True labels of the same points.
        min_points: Points that an unmatched segment needs to be counted as missed or wrong.

    Raises:
        ValueError: The labels are of different points, a class does not exist, or an instance number is below 0.
    """
    _check_same_points(predicted, truth)
    own, true = _segments(predicted), _segments(truth)
    pairs = _overlaps(true, own)
    true_category, own_category = true.category[pairs.true], own.category[pairs.own]
    true_size = np.bincount(pairs.true, weights=pairs.shared, minlength=len(true.category))
    own_size = np.bincount(pairs.own, weights=pairs.shared * (true_category > 0), minlength=len(own.category))
    rivals = np.flatnonzero((true_category == own_category) & (true_category > 0))
    shared, true_index, own_index = pairs.shared[rivals], pairs.true[rivals], pairs.own[rivals]
    iou = shared / (true_size[true_index] + own_size[own_index] - shared)
    matched = np.flatnonzero(iou > 0.5)
    category = true.category[true_index[matched]]
    return MatchCounts(
        true_positives=np.bincount(category, minlength=NUM_CLASSES),
        false_positives=_count_unmatched(own.category, own_size >= min_points, own_index[matched]),
        false_negatives=_count_unmatched(true.category, true_size >= min_points, true_index[matched]),
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
    """The segments of one labelling: segment of each point, and class of each segment."""

    of_point: Integer[np.ndarray, "n"]
    category: Int[np.ndarray, "segment"]


class _Overlaps(NamedTuple):
    """Pairs of a true and a predicted segment, and how many points are in both; pairs without any are left out."""

    true: Int[np.ndarray, "pair"]
    own: Int[np.ndarray, "pair"]
    shared: Int[np.ndarray, "pair"]


def _segments(labels: PointLabels) -> _Segments:
    """Numbers the segments from 0, by class and instance, in three passes over the points: key, table, number."""
    number, stride = _instance_numbers(labels)
    num_keys = NUM_CLASSES * stride
    small_key = np.multiply(labels.semantic, stride, dtype=np.min_scalar_type(num_keys))
    small_key += number.astype(small_key.dtype)
    key = small_key.astype(np.intp)
    occurs = np.zeros(num_keys, bool)
    occurs[key] = True
    used = np.flatnonzero(occurs)
    category = used // stride
    segment = np.where(_IS_STUFF[category], category * stride, used)
    is_first = np.ones(len(used), bool)
    np.not_equal(segment[1:], segment[:-1], out=is_first[1:])
    segment_of_key = np.empty(num_keys, small_key.dtype)
    segment_of_key[used] = np.cumsum(is_first) - 1
    return _Segments(segment_of_key.take(key, mode="clip"), category[is_first])


def _instance_numbers(labels: PointLabels) -> tuple[Integer[np.ndarray, "n"], int]:
    """A number for each point that tells instances of one class apart, and what all numbers are below."""
    instance = labels.instance
    largest = int(instance.view(f"u{instance.itemsize}").max(initial=0))  # of a negative number it is huge
    if NUM_CLASSES * (largest + 1) <= _LARGEST_TABLE:
        return instance, largest + 1
    if int(instance.min()) < 0:
        raise ValueError(f"instance numbers must be 0 or above, got {int(instance.min())}")
    distinct, number = np.unique(np.where(_IS_STUFF[labels.semantic], 0, instance), return_inverse=True)
    return number, len(distinct)


def _overlaps(true: _Segments, own: _Segments) -> _Overlaps:
    width = len(own.category)
    num_pairs = len(true.category) * width
    pair_of_point = np.multiply(true.of_point, width, dtype=np.min_scalar_type(num_pairs))
    pair_of_point += own.of_point
    if num_pairs <= _LARGEST_TABLE:
        table = np.bincount(pair_of_point)
        pair = np.flatnonzero(table)
        shared = table[pair]
    else:
        pair, shared = np.unique(pair_of_point, return_counts=True)
    return _Overlaps(*np.divmod(pair.astype(np.intp), max(width, 1)), shared)


def _count_unmatched(
    category: Int[np.ndarray, "segment"], large: Bool[np.ndarray, "segment"], matched: Int[np.ndarray, "_"]
) -> Int[np.ndarray, "category"]:
    counted = large & (category > 0)
    counted[matched] = False
    return np.bincount(category[counted], minlength=NUM_CLASSES)


def _check_same_points(predicted: PointLabels, truth: PointLabels) -> None:
    if predicted.semantic.shape != truth.semantic.shape:
        raise ValueError(
            f"labels of {len(truth.semantic)} points expected, as the truth has, got {len(predicted.semantic)}"
        )
    for who, semantic in (("predicted", predicted.semantic), ("true", truth.semantic)):
        if semantic.max(initial=0) >= NUM_CLASSES:
            raise ValueError(f"{who} classes must lie within 0..{NUM_CLASSES - 1}, got {semantic.max()}")
