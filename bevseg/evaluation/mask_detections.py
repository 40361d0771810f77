"""Masks of one frame held against the truth as COCO does, at ten IoU thresholds and in every band at once.

The rule is that of `COCOeval.evaluateImg` of pycocotools (Lin et al., ECCV 2014), category by category:

* predictions choose in the order of their scores, equal scores in the order given, the best `max_detections` alone;
* each takes the free truth of largest IoU that reaches the threshold, of equal ones the last; truth that is not ignored
  comes first, however good the ignored;
* truth that is not counted (too few points, out of view or range, don't-care) is COCO's crowd: it may be taken any
  number of times, and in place of IoU stands the share of the prediction's mask that it covers. Labelled noise is crowd
  for every category, labelled stuff for none;
* truth outside of a band is ignored in it, but can be taken only once;
* a prediction is right if it took truth, neither right nor wrong if that truth is ignored, or if it took none and lies
  outside of the band, the labelled view, the range or the grid; else it is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt16

from bevseg.evaluation.mask_bands import BANDS, FrameBands
from bevseg.evaluation.matching import ANYTHING, Category, FrameOverlaps, categories_of, num_categories

IOU_THRESHOLDS: Float[np.ndarray, "threshold"] = np.linspace(0.5, 0.95, 10)
"""COCO's, to the last bit: 0.50:0.05:0.95."""

MAX_DETECTIONS = 100
"""Predictions of one category that count in one frame."""

_BIT = (1 << np.arange(len(IOU_THRESHOLDS))).astype(np.uint16)


@dataclass(frozen=True, eq=False)
class FrameDetections:
    """All that average precision needs of one frame: about 50 bytes for each prediction.

    Attributes:
        frame: Name of the frame; frames stand in the order of their names, whoever measured them first.
        category: `ClassGroup` or `SemanticClass` of each prediction.
        score: Falling within each category.
        right: Whether each is right in each band: bit t is for `IOU_THRESHOLDS[t]`.
        wrong: Whether it is wrong, likewise; what has neither bit is ignored.
        num_truth: Objects that have to be found.
    """

    frame: str
    category: Int[np.ndarray, "detection"]
    score: Float[np.ndarray, "detection"]
    right: UInt16[np.ndarray, "detection band"]
    wrong: UInt16[np.ndarray, "detection band"]
    num_truth: Int[np.ndarray, "category band"]


def detect_frame(
    overlaps: FrameOverlaps,
    bands: FrameBands,
    *,
    frame: str,
    by: Category,
    max_detections: int = MAX_DETECTIONS,
) -> FrameDetections:
    """Judges every prediction of one frame.

    Args:
        overlaps: Of the masks, whole or visible.
        bands: Where predictions and truth belong.
        frame: Name of the frame, different from all others that are scored together.
        by: Whether masks are compared within class groups or single classes.
        max_detections: Predictions of each category that count.
    """
    truth_category = categories_of(overlaps.truth_label, by)
    order = np.argsort(-overlaps.prediction_score, kind="stable")
    order = order[_place_in_category(categories_of(overlaps.prediction_label, by)[order]) < max_detections]
    category = categories_of(overlaps.prediction_label, by)[order]
    comparable = (category[:, None] == truth_category) | (truth_category == ANYTHING)
    overlap = np.where(overlaps.truth_counted, overlaps.iou, overlaps.covered)[order]
    taken_by = _take(
        np.where(comparable, overlap, 0.0),
        counted=overlaps.truth_counted,
        ignored=~(overlaps.truth_counted[:, None] & bands.truth),
    )
    excused = overlaps.prediction_outside[order, None] | ~bands.prediction[order]
    wrong = ~taken_by.matched & ~excused[:, None]
    counted = overlaps.truth_counted
    return FrameDetections(
        frame=frame,
        category=category.astype(np.int8),
        score=overlaps.prediction_score[order],
        right=_to_bits(taken_by.matched & ~taken_by.ignored),
        wrong=_to_bits(wrong),
        num_truth=_count(truth_category[counted], bands.truth[counted], num_categories(by)),
    )


@dataclass(frozen=True, eq=False)
class _Taken:
    """Whether each prediction took truth at each threshold in each band, and whether that truth is ignored."""

    matched: Bool[np.ndarray, "detection threshold band"]
    ignored: Bool[np.ndarray, "detection threshold band"]


def _take(
    overlap: Float[np.ndarray, "detection truth"],
    *,
    counted: Bool[np.ndarray, "truth"],
    ignored: Bool[np.ndarray, "truth band"],
) -> _Taken:
    """Lets predictions choose; most have one truth to themselves, and only the others choose one after the other."""
    shape = (len(overlap), len(IOU_THRESHOLDS), len(BANDS))
    taken = _Taken(np.zeros(shape, bool), np.zeros(shape, bool))
    reaches = overlap >= IOU_THRESHOLDS[0]
    contested = counted & (reaches.sum(axis=0) > 1)
    has_choice = (reaches.sum(axis=1) > 1) | reaches[:, contested].any(axis=1)
    alone, truth = np.nonzero(reaches & ~has_choice[:, None])
    taken.matched[alone] = (overlap[alone, truth][:, None] >= IOU_THRESHOLDS)[:, :, None]
    taken.ignored[alone] = taken.matched[alone] & ignored[truth][:, None]
    _take_greedily(taken, np.where(has_choice[:, None], overlap, 0.0), counted, ignored)
    return taken


def _take_greedily(
    taken: _Taken,
    overlap: Float[np.ndarray, "detection truth"],
    counted: Bool[np.ndarray, "truth"],
    ignored: Bool[np.ndarray, "truth band"],
) -> None:
    """Fills in what predictions take one after the other, at all thresholds and in all bands at once."""
    gone = np.zeros((len(IOU_THRESHOLDS), len(BANDS), len(counted)), bool)
    threshold, band = np.ogrid[: len(IOU_THRESHOLDS), : len(BANDS)]
    reaches = overlap >= IOU_THRESHOLDS[0]
    for detection in np.flatnonzero(reaches.any(axis=1)):
        near = np.flatnonzero(reaches[detection])[::-1]  # of equal ones the last
        iou = overlap[detection, near]
        free = (iou >= IOU_THRESHOLDS[:, None])[:, None] & ~gone[:, :, near]
        regular = free & ~ignored[near].T
        chosen = np.where(regular.any(axis=2, keepdims=True), regular, free)
        best = near[np.where(chosen, iou, -1.0).argmax(axis=2)]
        matched = chosen.any(axis=2)
        taken.matched[detection] = matched
        taken.ignored[detection] = matched & ignored[best, band]
        gone[threshold, band, best] |= matched & counted[best]


def _place_in_category(category: Int[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
    """How many of the same category stand before each."""
    by_category = np.argsort(category, kind="stable")
    ordered = category[by_category]
    place = np.empty(len(category), np.int64)
    place[by_category] = np.arange(len(category)) - np.searchsorted(ordered, ordered)
    return place


def _to_bits(flags: Bool[np.ndarray, "detection threshold band"]) -> UInt16[np.ndarray, "detection band"]:
    bits: np.ndarray = (flags * _BIT[:, None]).sum(axis=1, dtype=np.uint16)
    return bits


def _count(
    category: Int[np.ndarray, "n"], in_band: Bool[np.ndarray, "n band"], size: int
) -> Int[np.ndarray, "category band"]:
    counts = np.zeros((size, in_band.shape[1]), np.int64)
    np.add.at(counts, category, in_band)
    return counts
