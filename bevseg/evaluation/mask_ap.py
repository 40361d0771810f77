"""Average precision of masks by COCO's protocol: IoU 0.50:0.05:0.95, 101 recalls, in every band of objects.

Precision and recall equal those of `COCOeval.accumulate` of pycocotools (Lin et al., ECCV 2014) on the same masks;
tests hold the two together. A method is scored on what it says: objects that it drops for their low scores end its
curve early.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int, UInt16

from bevseg.evaluation.mask_bands import BANDS
from bevseg.evaluation.mask_detections import IOU_THRESHOLDS, FrameDetections
from bevseg.evaluation.matching import Category, num_categories

RECALLS: Float[np.ndarray, "recall"] = np.linspace(0.0, 1.0, 101)
"""Recalls at which precision is read off, COCO's to the last bit."""

_AP50, _AP75 = 0, 5
"""Positions of IoU 0.5 and 0.75 in `IOU_THRESHOLDS`."""


@dataclass(frozen=True, eq=False)
class MaskAp:
    """Precision and recall of every category in every band; NaN where there is no truth.

    Attributes:
        precision: Largest precision at each of `RECALLS` or beyond; 0 where that recall is not reached.
        recall: Share of the truth that is found in the end.
        num_truth: Objects that have to be found.
    """

    precision: Float[np.ndarray, "category band threshold recall"]
    recall: Float[np.ndarray, "category band threshold"]
    num_truth: Int[np.ndarray, "category band"]

    @property
    def ap(self) -> Float[np.ndarray, "category band"]:
        """Mean precision over recalls and IoU thresholds."""
        return self.precision.mean(axis=(2, 3))

    @property
    def ap50(self) -> Float[np.ndarray, "category band"]:
        """Mean precision over recalls at IoU 0.5."""
        return self.precision[:, :, _AP50].mean(axis=2)

    @property
    def ap75(self) -> Float[np.ndarray, "category band"]:
        """Mean precision over recalls at IoU 0.75."""
        return self.precision[:, :, _AP75].mean(axis=2)

    @property
    def ar(self) -> Float[np.ndarray, "category band"]:
        """Mean recall over IoU thresholds."""
        return self.recall.mean(axis=2)


@dataclass(frozen=True, eq=False)
class MaskApCounts:
    """Judged predictions of a set of frames; those of two sets add with `+`, and no matter how frames were split.

    Attributes:
        by: Categories that all frames were judged by.
        frames: One record a frame.
    """

    by: Category
    frames: tuple[FrameDetections, ...] = ()

    def __add__(self, other: MaskApCounts) -> MaskApCounts:
        if self.by != other.by:
            raise ValueError(f"predictions judged by {self.by} and by {other.by} cannot be added")
        return MaskApCounts(self.by, self.frames + other.frames)

    @cached_property
    def measured(self) -> MaskAp:
        """The curves over all frames, which stand in the order of their names where scores are equal."""
        frames = sorted(self.frames, key=lambda frame: frame.frame)
        shape = (num_categories(self.by), len(BANDS))
        num_truth = sum((frame.num_truth for frame in frames), start=np.zeros(shape, np.int64))
        precision = np.full((*shape, len(IOU_THRESHOLDS), len(RECALLS)), np.nan)
        recall = np.full((*shape, len(IOU_THRESHOLDS)), np.nan)
        found = _ranked(frames)
        for category in np.flatnonzero(num_truth.any(axis=1)):
            own = found.category == category
            for band in np.flatnonzero(num_truth[category]):
                right, wrong = _from_bits(found.right[own, band]), _from_bits(found.wrong[own, band])
                curve = _curve(right, wrong, int(num_truth[category, band]))
                precision[category, band], recall[category, band] = curve.precision, curve.recall
        return MaskAp(precision, recall, num_truth)


@dataclass(frozen=True, eq=False)
class _Ranked:
    """Predictions of all frames by falling score; of equal scores, by frame and their order in it."""

    category: Int[np.ndarray, "detection"]
    right: UInt16[np.ndarray, "detection band"]
    wrong: UInt16[np.ndarray, "detection band"]


def _ranked(frames: Sequence[FrameDetections]) -> _Ranked:
    none = np.zeros((0, len(BANDS)), np.uint16)
    score = np.concatenate([np.zeros(0, np.float32), *(frame.score for frame in frames)])
    order = np.argsort(-score, kind="stable")
    return _Ranked(
        np.concatenate([np.zeros(0, np.int8), *(frame.category for frame in frames)])[order],
        np.concatenate([none, *(frame.right for frame in frames)])[order],
        np.concatenate([none, *(frame.wrong for frame in frames)])[order],
    )


@dataclass(frozen=True, eq=False)
class _Curve:
    """Precision at each of `RECALLS`, and the recall in the end."""

    precision: Float[np.ndarray, "threshold recall"]
    recall: Float[np.ndarray, "threshold"]


def _curve(
    right: Bool[np.ndarray, "detection threshold"], wrong: Bool[np.ndarray, "detection threshold"], num_truth: int
) -> _Curve:
    """Of predictions by falling score. Those that are ignored repeat the point before them, which changes nothing."""
    true_positives = right.cumsum(axis=0).astype(np.float64)
    false_positives = wrong.cumsum(axis=0).astype(np.float64)
    recall = true_positives / num_truth
    precision = true_positives / (false_positives + true_positives + np.spacing(1))
    highest = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    at_recalls = np.zeros((right.shape[1], len(RECALLS)))
    for threshold, reached in enumerate(recall.T):
        place = np.searchsorted(reached, RECALLS, side="left")
        within = place < len(reached)
        at_recalls[threshold, within] = highest[place[within], threshold]
    last = recall[-1] if len(recall) else np.zeros(right.shape[1])
    return _Curve(at_recalls, last)


def _from_bits(bits: UInt16[np.ndarray, "detection"]) -> Bool[np.ndarray, "detection threshold"]:
    flags: np.ndarray = (bits[:, None] >> np.arange(len(IOU_THRESHOLDS), dtype=np.uint16)) & 1 > 0
    return flags
