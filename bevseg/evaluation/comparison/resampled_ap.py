"""Average precision of many draws of the same frames, without ranking the predictions of each draw anew.

The predictions of all frames are ranked once. A frame that was drawn w times stands for w copies of each of its
predictions, one after the other, which the curve runs through w times as fast. Between the copies of one prediction
nothing happens that the curve could show: precision rises through copies that are right, so that its upper envelope is
that of the last of them, and recall stands still through copies that are wrong. Only where predictions of one frame
have the same score do the copies of the frame interleave (all of the first, then all of the second), and there each
copy gets a place of its own. The figures equal those of `MaskApCounts.measured` for the frames that were drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt16

from bevseg.evaluation.mask_ap import RECALLS
from bevseg.evaluation.mask_detections import IOU_THRESHOLDS, FrameDetections

_ALL = 0
"""Position of the band that holds everything."""
_ALL_COPIES = -1
_ENTRIES_AT_ONCE = 1 << 20
"""Draws times predictions that are worked on together: what stays in the cache."""


@dataclass(frozen=True, eq=False)
class ResampledAp:
    """By category; NaN where a draw has no truth of it.

    Attributes:
        ap: Mean precision over recalls and IoU thresholds.
        ap50: Mean precision over recalls at IoU 0.5.
    """

    ap: Float[np.ndarray, "draw category"]
    ap50: Float[np.ndarray, "draw category"]


def resample_ap(frames: Sequence[FrameDetections], weights: Float[np.ndarray, "draw frame"]) -> ResampledAp:
    """Average precision over all sizes, distances and visibilities.

    Args:
        frames: In the order of their names.
        weights: How many times each draw has each frame.
    """
    num_truth = np.stack([frame.num_truth[:, _ALL] for frame in frames])
    truth_drawn = weights @ num_truth
    most_copies = weights.max(axis=0).astype(np.int64)
    ap, ap50 = np.full(truth_drawn.shape, np.nan), np.full(truth_drawn.shape, np.nan)
    for category in np.flatnonzero(num_truth.any(axis=0)):
        ranked = _rank(frames, int(category), most_copies)
        step = max(1, _ENTRIES_AT_ONCE // max(len(ranked.frame), 1))
        for start in range(0, len(weights), step):
            drawn = slice(start, start + step)
            precision = _precision_at_recalls(ranked, weights[drawn], truth_drawn[drawn, category])
            ap[drawn, category] = precision.mean(axis=(1, 2))
            ap50[drawn, category] = precision[:, 0].mean(axis=1)
    absent = truth_drawn == 0
    return ResampledAp(np.where(absent, np.nan, ap), np.where(absent, np.nan, ap50))


@dataclass(frozen=True, eq=False)
class _Ranked:
    """The predictions of one category by falling score, equal ones by frame, copy of the frame, and place in it.

    Attributes:
        frame: Of each.
        copy: Of its frame that each belongs to; `_ALL_COPIES` where the copies follow each other.
        right: Bits by IoU threshold.
        wrong: Likewise.
    """

    frame: Int[np.ndarray, "place"]
    copy: Int[np.ndarray, "place"]
    right: UInt16[np.ndarray, "place"]
    wrong: UInt16[np.ndarray, "place"]


def _rank(frames: Sequence[FrameDetections], category: int, most_copies: Int[np.ndarray, "frame"]) -> _Ranked:
    chosen = [frame.category == category for frame in frames]
    score = np.concatenate([frame.score[own] for frame, own in zip(frames, chosen, strict=True)])
    frame = np.repeat(np.arange(len(frames)), [np.count_nonzero(own) for own in chosen])
    right, wrong = (
        np.concatenate([bits[own, _ALL] for bits, own in zip(all_bits, chosen, strict=True)])
        for all_bits in ([frame.right for frame in frames], [frame.wrong for frame in frames])
    )
    order = np.argsort(-score, kind="stable")
    score, frame = score[order], frame[order]
    starts = np.ones(len(order), bool)
    starts[1:] = (score[1:] != score[:-1]) | (frame[1:] != frame[:-1])
    place, copy = _spread(starts, np.maximum(most_copies[frame], 1))
    return _Ranked(frame[place], copy, right[order][place], wrong[order][place])


def _spread(
    starts: Bool[np.ndarray, "n"], most_copies: Int[np.ndarray, "n"]
) -> tuple[Int[np.ndarray, "place"], Int[np.ndarray, "place"]]:
    """Where each prediction stands, and of which copy: runs of equal ones stand there once for each copy."""
    first = np.flatnonzero(starts)
    length = np.diff(first, append=len(starts))
    copies = np.where(length > 1, most_copies[first], 1)
    run = np.repeat(np.arange(len(first)), copies)
    copy_of_run = np.arange(len(run)) - np.repeat(np.cumsum(copies) - copies, copies)
    lengths = length[run]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    copy = np.where(length[run] > 1, copy_of_run, _ALL_COPIES)
    return np.repeat(first[run], lengths) + within, np.repeat(copy, lengths)


def _precision_at_recalls(
    ranked: _Ranked, weights: Float[np.ndarray, "draw frame"], num_truth: Float[np.ndarray, "draw"]
) -> Float[np.ndarray, "draw threshold recall"]:
    """As `mask_ap` has it: the largest precision at each recall or beyond, 0 where it is not reached."""
    times = weights[:, ranked.frame].astype(np.int32)
    apart = np.flatnonzero(ranked.copy != _ALL_COPIES)
    times[:, apart] = times[:, apart] > ranked.copy[apart]
    needed = _needed(num_truth)
    precision = np.zeros((len(weights), len(IOU_THRESHOLDS), len(RECALLS)))
    for threshold in range(len(IOU_THRESHOLDS)):
        right = np.flatnonzero(ranked.right >> threshold & 1)
        wrong = np.flatnonzero(ranked.wrong >> threshold & 1)
        if len(right):
            found = times[:, right].cumsum(axis=1)
            invented = np.zeros((len(weights), len(wrong) + 1), np.int64)
            times[:, wrong].cumsum(axis=1, out=invented[:, 1:])
            invented = invented[:, np.searchsorted(wrong, right)]
            precision[:, threshold] = _read_off(found, invented, needed)
    return precision


def _read_off(
    found: Int[np.ndarray, "draw place"],
    invented: Int[np.ndarray, "draw place"],
    needed: Int[np.ndarray, "draw recall"],
) -> Float[np.ndarray, "draw recall"]:
    """Precision where each recall is first reached; only places of right predictions can be it."""
    true_positives = found.astype(np.float64)
    precision = true_positives / (invented + true_positives + np.spacing(1))
    highest = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    draws, places = found.shape
    # All draws are searched as one row: each begins beyond the largest number that the one before could need.
    offset = np.arange(draws)[:, None] * (max(int(found[:, -1].max()), int(needed.max())) + 1)
    place = np.searchsorted((found + offset).ravel(), (needed + offset).ravel()).reshape(needed.shape)
    place -= np.arange(draws)[:, None] * places
    return np.where(place < places, np.take_along_axis(highest, np.minimum(place, places - 1), axis=1), 0.0)


def _needed(num_truth: Float[np.ndarray, "draw"]) -> Int[np.ndarray, "draw recall"]:
    """Right predictions from which on each recall is reached, to the last bit of the quotient."""
    total = np.maximum(num_truth, 1)[:, None]
    needed = np.ceil(RECALLS * total)
    needed -= (needed - 1) / total >= RECALLS
    needed += needed / total < RECALLS
    whole: np.ndarray = np.maximum(needed, 0).astype(np.int64)
    return whole
