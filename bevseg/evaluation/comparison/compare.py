"""Every figure of run A, of run B, and their difference with what is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from bevseg.evaluation.comparison.draws import LEAST_UNITS, Interval, Units, choose_units, draw_weights, interval_of
from bevseg.evaluation.comparison.figures import Figure, Measured, measure
from bevseg.evaluation.comparison.frame_counts import FrameCounts
from bevseg.evaluation.comparison.pairing import PairedSource
from bevseg.evaluation.mask_tables import MEAN
from bevseg.results.classes import ClassGroup, SemanticClass

Verdict = Literal["better", "worse", "unclear", "same", "A only", "B only"]


@dataclass(frozen=True)
class Difference:
    """One figure of both runs, on the same frames.

    Attributes:
        figure: What was measured.
        objects: True objects that it rests on, in A and in B; None where it is of no objects. They differ only where
            the scans do.
        a: Value of A, NaN where it has none.
        b: Value of B.
        interval: Of B less A.
        b_better: Draws in which B is better.
        a_better: Draws in which A is better; in the others they are equal.
        draws: Draws in which both have a value; none where there are too few units to draw.
    """

    figure: Figure
    objects: tuple[int, int] | None
    a: float
    b: float
    interval: Interval
    b_better: int
    a_better: int
    draws: int

    @property
    def difference(self) -> float:
        """B less A."""
        return self.b - self.a

    @property
    def verdict(self) -> Verdict:
        """What B is: better or worse if 0 lies outside of the interval."""
        if np.isnan(self.difference):
            return "A only" if np.isnan(self.b) else "B only"
        if self.difference == 0 and self.draws and not (self.b_better or self.a_better):
            return "same"
        if not self.interval.excludes_zero:
            return "unclear"
        return "better" if (self.interval.low > 0) == (self.figure.better == "higher") else "worse"


@dataclass(frozen=True, eq=False)
class SourceComparison:
    """Both runs on one source.

    Attributes:
        paired: The frames.
        units: What was drawn.
        rows: All figures that one of the runs has.
    """

    paired: PairedSource
    units: Units
    rows: tuple[Difference, ...]

    @property
    def name(self) -> str:
        return self.paired.name

    def of(self, part: str) -> tuple[Difference, ...]:
        """The rows of one part of the evaluation."""
        return tuple(row for row in self.rows if row.figure.part == part)


def compare_source(paired: PairedSource, *, resamples: int, seed: int) -> SourceComparison:
    """Measures both runs on all frames, and on the same draws of them."""
    units = choose_units(paired.drives, paired.place)
    weights = draw_weights(units, resamples, seed=seed, source=paired.name)
    return SourceComparison(paired, units, tuple(_rows(paired, weights, len(units))))


def _rows(paired: PairedSource, weights: Float[np.ndarray, "draw frame"], num_units: int) -> Iterator[Difference]:
    both = (paired.a, paired.b)
    whole = np.ones((1, weights.shape[1]))
    points = [measure(counts, whole, paired.groups) for counts in both]
    drawn = [measure(counts, weights, paired.groups) for counts in both]
    for a, b, drawn_a, drawn_b in zip(*points, *drawn, strict=True):
        value_a, value_b = float(a.values[0]), float(b.values[0])
        if _says_something(a.figure, value_a, value_b):
            yield _difference(a.figure, (value_a, value_b), (drawn_a, drawn_b), _objects(a.figure, both), num_units)


def _says_something(figure: Figure, a: float, b: float) -> bool:
    if figure.part == "failures":
        return a > 0 or b > 0
    return not (np.isnan(a) and np.isnan(b))


def _difference(
    figure: Figure,
    values: tuple[float, float],
    drawn: tuple[Measured, Measured],
    objects: tuple[int, int] | None,
    num_units: int,
) -> Difference:
    change = drawn[1].values - drawn[0].values
    if num_units < LEAST_UNITS:
        change = np.full_like(change, np.nan)
    gain = change if figure.better == "higher" else -change
    interval = interval_of(change, num_units)
    known = int(np.count_nonzero(~np.isnan(change)))
    return Difference(figure, objects, *values, interval, int((gain > 0).sum()), int((gain < 0).sum()), known)


def _objects(figure: Figure, both: Sequence[FrameCounts]) -> tuple[int, int] | None:
    """True objects of the figure's category in each run."""
    if figure.part not in ("groups", "classes"):
        return None
    kinds: Sequence[ClassGroup | SemanticClass] = tuple(ClassGroup if figure.part == "groups" else SemanticClass)
    chosen = [int(kind) for kind in kinds if figure.category in (kind.label, MEAN)]
    a, b = (
        int((counts.objects[:, 0] if figure.part == "groups" else counts.classes)[:, [0, 2]][:, :, chosen].sum())
        for counts in both
    )
    return a, b
