"""How well objects are told that are partly hidden: how much of each is seen, and how its whole extent is completed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from bevseg.evaluation.matching import FrameMatches, TruthStatus
from bevseg.evaluation.scores import exact_sum, ratio

VISIBILITY_EDGES = (0.4, 0.6, 0.8)
"""Where one band of visibility ends and the next begins: those of nuScenes (0-40, 40-60, 60-80, 80-100 %)."""
HIDDEN_BINS = 10
"""Bins of the hidden fraction, from nothing to all, a tenth each."""


@dataclass(frozen=True, eq=False)
class VisibleFractionError:
    """Error of the predicted visible fraction, by band of the true one; adds with `+`.

    Over objects that were found and of which both fractions are known.

    Attributes:
        count: Objects of each band.
        absolute_sum: Sum of the absolute errors.
        signed_sum: Sum of predicted less true.
    """

    count: Int[np.ndarray, "band"]
    absolute_sum: Float[np.ndarray, "band"]
    signed_sum: Float[np.ndarray, "band"]

    @classmethod
    def zero(cls) -> VisibleFractionError:
        bands = len(VISIBILITY_EDGES) + 1
        return cls(np.zeros(bands, np.int64), np.zeros(bands), np.zeros(bands))

    def __add__(self, other: VisibleFractionError) -> VisibleFractionError:
        return VisibleFractionError(
            self.count + other.count, self.absolute_sum + other.absolute_sum, self.signed_sum + other.signed_sum
        )

    @property
    def mean_absolute(self) -> Float[np.ndarray, "band"]:
        """Mean absolute error of each band; NaN where no object is."""
        return ratio(self.absolute_sum, self.count)

    @property
    def bias(self) -> Float[np.ndarray, "band"]:
        """Mean of predicted less true of each band: above 0 where too much is called visible."""
        return ratio(self.signed_sum, self.count)

    @property
    def overall(self) -> float:
        """Mean absolute error over all objects; NaN without any."""
        count = int(self.count.sum())
        return float(self.absolute_sum.sum()) / count if count else float("nan")


@dataclass(frozen=True, eq=False)
class AmodalCurve:
    """Amodal IoU against the hidden fraction, 1 less the visible one, of all counted objects; adds with `+`.

    The IoU is that of the matching: of the whole footprint, hidden parts too, with the prediction that found it.

    Attributes:
        count: Counted objects of each of `HIDDEN_BINS`.
        found: Those that were found.
        iou_sum: Sum of the IoU of these.
    """

    count: Int[np.ndarray, "bin"]
    found: Int[np.ndarray, "bin"]
    iou_sum: Float[np.ndarray, "bin"]

    @classmethod
    def zero(cls) -> AmodalCurve:
        none = np.zeros(HIDDEN_BINS, np.int64)
        return cls(none, none, np.zeros(HIDDEN_BINS))

    def __add__(self, other: AmodalCurve) -> AmodalCurve:
        return AmodalCurve(self.count + other.count, self.found + other.found, self.iou_sum + other.iou_sum)

    @property
    def recall(self) -> Float[np.ndarray, "bin"]:
        """Share of the objects of each bin that was found; NaN where none is."""
        return ratio(self.found, self.count)

    @property
    def iou_found(self) -> Float[np.ndarray, "bin"]:
        """Mean IoU of the found objects, which cannot be below the threshold of the matching; NaN where none is."""
        return ratio(self.iou_sum, self.found)

    @property
    def iou_all(self) -> Float[np.ndarray, "bin"]:
        """Mean IoU of all objects, 0 for the missed ones; NaN where none is."""
        return ratio(self.iou_sum, self.count)


def measure_visible_fraction(
    predicted: Float[np.ndarray, "prediction"], true: Float[np.ndarray, "truth"], matches: FrameMatches
) -> VisibleFractionError:
    """Compares the visible fractions of the found objects of one frame; NaN stands for unknown."""
    truth = np.flatnonzero(matches.truth_status == TruthStatus.FOUND)
    of_truth = true[truth].astype(np.float64)
    error = predicted[matches.prediction_of_truth[truth]].astype(np.float64) - of_truth
    known = ~np.isnan(error)
    band, error = np.searchsorted(VISIBILITY_EDGES, of_truth[known], side="right"), error[known]
    bands = range(len(VISIBILITY_EDGES) + 1)
    return VisibleFractionError(
        np.bincount(band, minlength=len(bands)),
        np.array([exact_sum(np.abs(error[band == b])) for b in bands]),
        np.array([exact_sum(error[band == b]) for b in bands]),
    )


def measure_amodal(true_visible_fraction: Float[np.ndarray, "truth"], matches: FrameMatches) -> AmodalCurve:
    """Sorts the counted objects of one frame by how much of them is hidden; those of which it is unknown are out."""
    hidden = np.round(1 - true_visible_fraction.astype(np.float64), 6)  # 0.8 in 32 bits is a little more
    chosen = np.flatnonzero((matches.truth_status != TruthStatus.IGNORED) & ~np.isnan(hidden))
    hidden_bin = np.clip((hidden[chosen] * HIDDEN_BINS).astype(np.int64), 0, HIDDEN_BINS - 1)
    is_found = matches.truth_status[chosen] == TruthStatus.FOUND
    found_bin = hidden_bin[is_found]
    iou = matches.iou[matches.prediction_of_truth[chosen[is_found]]]
    return AmodalCurve(
        np.bincount(hidden_bin, minlength=HIDDEN_BINS),
        np.bincount(found_bin, minlength=HIDDEN_BINS),
        np.array([exact_sum(iou[found_bin == b]) for b in range(HIDDEN_BINS)]),
    )
