"""Counts of matched objects and the figures made of them, one entry a category (a class or a class group)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True, eq=False)
class MatchCounts:
    """What a set of frames adds up to; counts of two sets of frames add with `+`.

    Attributes:
        true_positives: Matched pairs of each category.
        false_positives: Predictions of each category that match nothing.
        false_negatives: Counted truth of each category that nothing matches.
        iou_sum: Sum of the IoU of the matched pairs.
    """

    true_positives: Int[np.ndarray, "category"]
    false_positives: Int[np.ndarray, "category"]
    false_negatives: Int[np.ndarray, "category"]
    iou_sum: Float[np.ndarray, "category"]

    @classmethod
    def zero(cls, num_categories: int) -> MatchCounts:
        none = np.zeros(num_categories, np.int64)
        return cls(none, none, none, np.zeros(num_categories))

    def __add__(self, other: MatchCounts) -> MatchCounts:
        if len(self) != len(other):
            raise ValueError(f"counts of {len(self)} and of {len(other)} categories cannot be added")
        return MatchCounts(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
            self.iou_sum + other.iou_sum,
        )

    def __len__(self) -> int:
        return len(self.iou_sum)

    @property
    def num_truth(self) -> Int[np.ndarray, "category"]:
        """Objects that had to be found."""
        return self.true_positives + self.false_negatives

    @property
    def precision(self) -> Float[np.ndarray, "category"]:
        """Share of the predictions that are right, NaN where nothing was predicted."""
        return ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> Float[np.ndarray, "category"]:
        """Share of the truth that was found, NaN where there is none."""
        return ratio(self.true_positives, self.num_truth)

    @property
    def f1(self) -> Float[np.ndarray, "category"]:
        """Harmonic mean of precision and recall, NaN where there is neither truth nor prediction.

        It equals the recognition quality (RQ) of panoptic segmentation.
        """
        return ratio(self.true_positives, self._pair_weight)

    @property
    def sq(self) -> Float[np.ndarray, "category"]:
        """Segmentation quality: mean IoU of the matched pairs, NaN where nothing matched."""
        return ratio(self.iou_sum, self.true_positives)

    @property
    def pq(self) -> Float[np.ndarray, "category"]:
        """Panoptic quality: sum of IoU over (TP + FP / 2 + FN / 2) (Kirillov et al., CVPR 2019); NaN as `f1`."""
        return ratio(self.iou_sum, self._pair_weight)

    @property
    def _pair_weight(self) -> Float[np.ndarray, "category"]:
        return self.true_positives + (self.false_positives + self.false_negatives) / 2


def sum_by_category(
    values: Float[np.ndarray, "n"], category: Int[np.ndarray, "n"], *, num_categories: int
) -> Float[np.ndarray, "category"]:
    """Sum of the values of each category, 0 where there are none."""
    total: np.ndarray = np.bincount(category, weights=values, minlength=num_categories)
    return total.astype(np.float64)  # numpy gives integers where there is nothing to add


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> Float[np.ndarray, "*shape"]:
    """The quotient of each entry, NaN where the denominator is 0: a figure of nothing is not 0."""
    out = np.full(np.shape(denominator), np.nan)
    return np.divide(numerator, denominator, out=out, where=np.asarray(denominator) != 0)


def mean_of_present(values: Float[np.ndarray, "category"]) -> float:
    """Mean over the entries that are not NaN; NaN where all are."""
    present = values[~np.isnan(values)]
    return float(present.mean()) if len(present) else float("nan")


def exact_sum(values: Float[np.ndarray, "*shape"]) -> float:
    """Sum of values of 0..1 (or -1..1), each rounded to a multiple of 2^-20, about a millionth.

    Sums of such multiples are exact in double precision up to 2^33, so that they do not depend on the order of frames,
    nor on how frames are spread over processes.
    """
    return float(np.round(values.astype(np.float64) * 2**20).sum() / 2**20)
