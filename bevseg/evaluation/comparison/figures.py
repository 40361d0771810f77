"""The figures of many draws of the same frames at once: `weights @ counts`, then the formulas of the evaluation.

The formulas are those of `scores`, `calibration`, `panoptic`, `ordering` and `hidden_objects`, here over draws; tests
hold each figure against the same draws added up scores by scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from bevseg.evaluation.comparison.frame_counts import ORDER_FIELDS, FrameCounts
from bevseg.evaluation.comparison.resampled_ap import resample_ap
from bevseg.evaluation.failure_kinds import FailureKind
from bevseg.evaluation.frame_scores import IOU_THRESHOLDS
from bevseg.evaluation.mask_tables import MEAN
from bevseg.evaluation.scores import ratio
from bevseg.results.classes import NUM_CLASSES, STUFF_CLASSES, ClassGroup, SemanticClass, classes_of

Part = Literal["groups", "classes", "points", "order", "ground", "failures", "time"]
Better = Literal["higher", "lower"]

ALL_KINDS = "all kinds"
"""Of failures."""

_IS_STUFF = np.isin(np.arange(NUM_CLASSES), STUFF_CLASSES)


@dataclass(frozen=True)
class Figure:
    """What is measured.

    Attributes:
        part: Of the evaluation.
        category: Class group, class, kind of failure, or what else it is of.
        measure: Its name, such as `F1`.
        better: Which values are the better ones.
        decimals: With which it is written.
    """

    part: Part
    category: str
    measure: str
    better: Better = "higher"
    decimals: int = 3


@dataclass(frozen=True, eq=False)
class Measured:
    """One figure.

    Attributes:
        figure: What it is.
        values: One for each draw; NaN where a draw has nothing to measure.
    """

    figure: Figure
    values: Float[np.ndarray, "draw"]


def measure(
    counts: FrameCounts, weights: Float[np.ndarray, "draw frame"], groups: Sequence[ClassGroup]
) -> tuple[Measured, ...]:
    """All figures of each draw, always the same ones in the same order; NaN for those of nothing.

    Args:
        counts: Of each frame.
        weights: How many times each draw has each frame.
        groups: Class groups that the source labels.
    """
    drawn = _Drawn(counts, weights)
    parts = (
        _group_figures(drawn, groups),
        _class_figures(drawn, groups),
        _point_figures(drawn),
        _order_figures(drawn),
        _ground_figures(drawn),
        _failure_figures(drawn),
        _time_figures(drawn),
    )
    return tuple(Measured(figure, values) for part in parts for figure, values in part)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Counts of draws."""

    counts: FrameCounts
    weights: Float[np.ndarray, "draw frame"]

    def add(self, of_frames: Float[np.ndarray, "frame *shape"]) -> Float[np.ndarray, "draw *shape"]:
        """Sum over the frames of each draw; exact for integers."""
        flat = of_frames.reshape(len(of_frames), -1)
        return (self.weights @ flat).reshape(len(self.weights), *of_frames.shape[1:])


_Figures = Iterator[tuple[Figure, Float[np.ndarray, "draw"]]]


def _group_figures(drawn: _Drawn, groups: Sequence[ClassGroup]) -> _Figures:
    objects = drawn.add(drawn.counts.objects)
    error = _calibration_error(drawn.add(drawn.counts.reliability))
    ap = resample_ap(drawn.counts.group_detections, drawn.weights)
    for group in groups:
        for name, values in _rates(objects[:, 0, :, group]).items():
            yield Figure("groups", group.label, name), values
        yield Figure("groups", group.label, f"F1@{IOU_THRESHOLDS[1]:g}"), _rates(objects[:, 1, :, group])["F1"]
        yield Figure("groups", group.label, "AP"), ap.ap[:, group]
        yield Figure("groups", group.label, "AP50"), ap.ap50[:, group]
        yield Figure("groups", group.label, "ECE", "lower"), error[:, group]


def _class_figures(drawn: _Drawn, groups: Sequence[ClassGroup]) -> _Figures:
    objects = drawn.add(drawn.counts.classes)
    ap = resample_ap(drawn.counts.class_detections, drawn.weights)
    members = [c for group in groups for c in classes_of(group)]
    for c in members:
        for name, values in _rates(objects[:, :, c]).items():
            yield Figure("classes", c.label, name), np.where(_num_truth(objects)[:, c] > 0, values, np.nan)
        yield Figure("classes", c.label, "AP"), ap.ap[:, c]
        yield Figure("classes", c.label, "AP50"), ap.ap50[:, c]
    own = [int(c) for c in members]
    yield Figure("classes", MEAN, "AP"), _mean_of_present(ap.ap[:, own])
    yield Figure("classes", MEAN, "AP50"), _mean_of_present(ap.ap50[:, own])


def _point_figures(drawn: _Drawn) -> _Figures:
    confusion, segments = drawn.add(drawn.counts.semantic), drawn.add(drawn.counts.segments)
    iou, pq = _iou(confusion), _pq(segments)
    iou[:, SemanticClass.NOISE] = np.nan
    dagger = np.where(_IS_STUFF & (_num_truth(segments).any(axis=1)[:, None]), iou, pq)
    iou = np.where(confusion.any(axis=2), iou, np.nan)  # over the classes that the truth has
    yield Figure("points", MEAN, "IoU"), _mean_of_present(iou)
    yield Figure("points", MEAN, "PQ"), _mean_of_present(pq)
    yield Figure("points", MEAN, "PQ†"), _mean_of_present(dagger)
    for c in (c for c in SemanticClass if c):
        yield Figure("points", c.label, "IoU"), iou[:, c]
        yield Figure("points", c.label, "PQ"), pq[:, c]


def _order_figures(drawn: _Drawn) -> _Figures:
    order = dict(zip(ORDER_FIELDS, drawn.add(drawn.counts.order).T, strict=True))
    pairs, edges = order["pairs_stated"] + order["pairs"], order["edges_stated"] + order["edges"]
    yield Figure("order", "depth order", "F1"), ratio(2 * order["pairs_right"], pairs)
    yield Figure("order", "depth order", "WHDR", "lower"), 1 - ratio(order["weight_right"], order["weight_found"])
    yield Figure("order", "who hides whom", "F1"), ratio(2 * order["edges_right"], edges)
    count, absolute = drawn.add(drawn.counts.visible_fraction).T
    yield Figure("order", "visible fraction", "error", "lower"), ratio(absolute, count)


def _ground_figures(drawn: _Drawn) -> _Figures:
    yield Figure("ground", "ground cells", "IoU"), _mean_of_present(_iou(drawn.add(drawn.counts.ground)))


def _failure_figures(drawn: _Drawn) -> _Figures:
    """Failures in as many frames as there are: draws of whole drives differ in their number."""
    frames = drawn.weights.sum(axis=1)
    failures = drawn.add(drawn.counts.failures) * (len(drawn.counts) / frames[:, None])
    for kind in FailureKind:
        yield Figure("failures", kind.label, "number", "lower", 0), failures[:, kind]
    yield Figure("failures", ALL_KINDS, "number", "lower", 0), failures.sum(axis=1)


def _time_figures(drawn: _Drawn) -> _Figures:
    for name, share in (("p50 ms", 0.5), ("p90 ms", 0.9)):
        values = weighted_quantile(drawn.counts.total_ms, drawn.weights, share)
        yield Figure("time", "whole scan", name, "lower", 1), values


def weighted_quantile(
    values: Float[np.ndarray, "n"], weights: Float[np.ndarray, "draw n"], share: float
) -> Float[np.ndarray, "draw"]:
    """`np.quantile` of values of which each is there as many times as its weight, a whole number, says.

    Values that are NaN are left out; a draw that has no other is NaN.
    """
    known = ~np.isnan(values)
    if not known.any():
        return np.full(len(weights), np.nan)
    values, weights = values[known], weights[:, known]
    order = np.argsort(values, kind="stable")
    ranked, upto = values[order], weights[:, order].cumsum(axis=1)
    total = upto[:, -1]
    place = np.maximum(total - 1, 0) * share
    low, high = (
        ranked[np.minimum((upto <= whole[:, None]).sum(axis=1), len(ranked) - 1)]
        for whole in (np.floor(place), np.ceil(place))
    )
    between: np.ndarray = low + (high - low) * (place - np.floor(place))
    return np.where(total > 0, between, np.nan)


def _rates(matches: Float[np.ndarray, "draw 4"]) -> dict[str, Float[np.ndarray, "draw"]]:
    right, wrong, missed, iou_sum = matches.T
    weight = right + (wrong + missed) / 2
    return {
        "P": ratio(right, right + wrong),
        "R": ratio(right, right + missed),
        "F1": ratio(right, weight),
        "PQ": ratio(iou_sum, weight),
    }


def _num_truth(matches: Float[np.ndarray, "draw 4 category"]) -> Float[np.ndarray, "draw category"]:
    return matches[:, 0] + matches[:, 2]


def _pq(matches: Float[np.ndarray, "draw 4 category"]) -> Float[np.ndarray, "draw category"]:
    return ratio(matches[:, 3], matches[:, 0] + (matches[:, 1] + matches[:, 2]) / 2)


def _iou(confusion: Float[np.ndarray, "draw truth prediction"]) -> Float[np.ndarray, "draw category"]:
    right = np.diagonal(confusion, axis1=1, axis2=2)
    return ratio(right, confusion.sum(axis=1) + confusion.sum(axis=2) - right)


def _calibration_error(reliability: Float[np.ndarray, "draw 3 group bin"]) -> Float[np.ndarray, "draw group"]:
    count, right, score_sum = np.moveaxis(reliability, 1, 0)
    return ratio(np.abs(score_sum - right).sum(axis=2), count.sum(axis=2))


def _mean_of_present(values: Float[np.ndarray, "draw category"]) -> Float[np.ndarray, "draw"]:
    """Mean of the entries that are not NaN; NaN where all are."""
    return ratio(np.nansum(values, axis=1), (~np.isnan(values)).sum(axis=1))
