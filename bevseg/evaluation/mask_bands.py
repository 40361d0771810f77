"""Bands of objects that masks are scored in: by size, by distance, by how much of the object was seen.

A band works as an area range of COCO does: truth outside of it need not be found, and a prediction that matches such
truth, or matches nothing and lies outside of the band itself, is neither right nor wrong. Both ends belong to a band.
What a prediction does not say of itself excuses nothing: one without a visible fraction lies in every band of
visibility, and the band of truth whose fraction is unknown holds every prediction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from bevseg.results.masks import BevMasks

Trait = Literal["all", "size", "range", "visibility"]


@dataclass(frozen=True)
class Band:
    """Objects between two values of one trait, both included; NaN for those whose trait is unknown.

    Attributes:
        name: For JSON.
        heading: For a column of a table, which says elsewhere what it is sorted by.
        by: The trait: area of the whole footprint (m2), distance of the centre (m), or visible fraction.
        low: Least value.
        high: Largest value.
    """

    name: str
    heading: str
    by: Trait
    low: float = 0.0
    high: float = np.inf


BANDS = (
    Band("all", "all", "all"),
    Band("under 1 m2", "<1m2", "size", high=1.0),
    Band("1 to 12 m2", "1-12m2", "size", 1.0, 12.0),
    Band("over 12 m2", ">12m2", "size", 12.0),
    Band("0 to 15 m", "0-15m", "range", high=15.0),
    Band("15 to 30 m", "15-30m", "range", 15.0, 30.0),
    Band("30 to 50 m", "30-50m", "range", 30.0, 50.0),
    Band("visible under 0.4", "<.4", "visibility", high=0.4),
    Band("visible 0.4 to 0.8", ".4-.8", "visibility", 0.4, 0.8),
    Band("visible over 0.8", ">.8", "visibility", 0.8),
    Band("visible unknown", "?", "visibility", np.nan, np.nan),
)
"""The first holds everything."""


@dataclass(frozen=True, eq=False)
class Traits:
    """What sorts objects into bands.

    Attributes:
        size_m2: Area of each whole footprint on the grid of the evaluation.
        range_m: Distance from the frame's origin to the centre of each box, on the ground.
        visible_fraction: Of each object, 0..1; NaN where unknown.
    """

    size_m2: Float[np.ndarray, "k"]
    range_m: Float[np.ndarray, "k"]
    visible_fraction: Float[np.ndarray, "k"]

    @classmethod
    def of(
        cls, boxes: Float[np.ndarray, "k 7"], footprints: BevMasks, visible_fraction: Float[np.ndarray, "k"]
    ) -> Traits:
        """Of objects with their whole footprints."""
        size_m2 = footprints.area_cells * footprints.grid.cell_m**2
        # 25 cells of 0.2 m are 1 m2, which floating point would miss by its last digit.
        range_m = np.hypot(boxes[:, 0].astype(np.float64), boxes[:, 1])
        return cls(size_m2.round(6), range_m, visible_fraction.astype(np.float64))

    def value(self, trait: Trait) -> Float[np.ndarray, "k"]:
        """Of each object; what is in no band by a trait has none."""
        match trait:
            case "all":
                return np.zeros(len(self.size_m2))
            case "size":
                return self.size_m2
            case "range":
                return self.range_m
            case "visibility":
                return self.visible_fraction


@dataclass(frozen=True, eq=False)
class FrameBands:
    """Which objects of one frame lie in which of `BANDS`."""

    prediction: Bool[np.ndarray, "prediction band"]
    truth: Bool[np.ndarray, "truth band"]

    @classmethod
    def of(cls, predictions: Traits, truth: Traits) -> FrameBands:
        """Sorts truth by what is known of it and predictions by what they say."""
        return cls(
            np.stack([_may_lie_in(band, predictions.value(band.by)) for band in BANDS], axis=1),
            np.stack([_lies_in(band, truth.value(band.by)) for band in BANDS], axis=1),
        )


def _lies_in(band: Band, value: Float[np.ndarray, "k"]) -> Bool[np.ndarray, "k"]:
    if np.isnan(band.low):
        return np.isnan(value)
    inside: np.ndarray = (value >= band.low) & (value <= band.high)
    return inside


def _may_lie_in(band: Band, value: Float[np.ndarray, "k"]) -> Bool[np.ndarray, "k"]:
    """As COCO writes it: outside is what is known to lie beyond an end."""
    outside: np.ndarray = (value < band.low) | (value > band.high)
    return ~outside
