"""How a result differs from the truth, as pictures show it: an outcome for each object, and a mark for each failure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float, Int

from bevseg.drawing.palette import Color


class Outcome(IntEnum):
    """What became of a prediction, or of a true object.

    Attributes:
        FOUND: A prediction that is right, a true object that was found.
        FALSE_ALARM: Nothing is there.
        MISSED: Nothing was found there.
        MERGED: One prediction lies over several true objects.
        SPLIT: Several predictions lie on one true object.
        WRONG_LABEL: The mask is right, the class is not.
        TWICE: Found already by another prediction.
        WRONG_SHAPE: Too large, too small, shifted or turned.
        IGNORED: Neither right nor wrong: too few points, out of range or of the labelled view, don't-care.
    """

    FOUND = 0
    FALSE_ALARM = 1
    MISSED = 2
    MERGED = 3
    SPLIT = 4
    WRONG_LABEL = 5
    TWICE = 6
    WRONG_SHAPE = 7
    IGNORED = 8

    @property
    def word(self) -> str:
        """Short enough for a mark in a picture."""
        return _LOOK[self][0]

    @property
    def color(self) -> Color:
        """Different for every kind of colour vision; the mark says it in words, too."""
        return _LOOK[self][1]

    @property
    def is_failure(self) -> bool:
        """Whether it deserves a mark."""
        return self not in (Outcome.FOUND, Outcome.IGNORED)


_LOOK: dict[Outcome, tuple[str, Color]] = {
    Outcome.FOUND: ("found", (27, 217, 168)),
    Outcome.FALSE_ALARM: ("false", (248, 62, 30)),
    Outcome.MISSED: ("missed", (239, 91, 168)),
    Outcome.MERGED: ("merged", (255, 255, 111)),
    Outcome.SPLIT: ("split", (22, 177, 251)),
    Outcome.WRONG_LABEL: ("label", (236, 211, 255)),
    Outcome.TWICE: ("twice", (150, 112, 88)),
    Outcome.WRONG_SHAPE: ("shape", (34, 116, 255)),
    Outcome.IGNORED: ("ignored", (92, 99, 114)),
}


@dataclass(frozen=True, eq=False)
class Difference:
    """A result against the truth; failures are parallel arrays, the worst first.

    Attributes:
        prediction: `Outcome` of each prediction.
        truth: `Outcome` of each true object.
        mark: `Outcome` of each failure.
        mark_xy_m: Centre of what it is about, in the cloud's frame, metres.
        mark_truth: Index of the true object it is about, -1 for none.
        mark_prediction: Index of the prediction it is about, -1 for none.
        mark_text: What stands beside it, such as "missed, hidden".
        severity: How bad it is, 0..1, comparable within a kind.
        mark_involved: True objects that a merging prediction lies over, or predictions that are the parts of a split
            object; empty for other kinds.
        mark_measure: What its severity comes from, such as "score 0.37" or "12 points".
    """

    prediction: Int[np.ndarray, "k"]
    truth: Int[np.ndarray, "t"]
    mark: Int[np.ndarray, "m"]
    mark_xy_m: Float[np.ndarray, "m 2"]
    mark_truth: Int[np.ndarray, "m"]
    mark_prediction: Int[np.ndarray, "m"]
    mark_text: tuple[str, ...]
    severity: Float[np.ndarray, "m"]
    mark_involved: tuple[tuple[int, ...], ...]
    mark_measure: tuple[str, ...]

    def counts(self) -> dict[Outcome, int]:
        """How many true objects were found, and how many failures there are of each kind."""
        counts = {outcome: int(np.count_nonzero(self.mark == outcome)) for outcome in Outcome if outcome.is_failure}
        return {Outcome.FOUND: int(np.count_nonzero(self.truth == Outcome.FOUND)), **counts}

    def ignored_predictions(self) -> int:
        """How many predictions are neither right nor wrong."""
        return int(np.count_nonzero(self.prediction == Outcome.IGNORED))


def outcome_colors(outcomes: Int[np.ndarray, "n"]) -> list[Color]:
    """The colour of each."""
    return [Outcome(int(outcome)).color for outcome in outcomes]
