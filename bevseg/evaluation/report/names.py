"""Names of the code as people read them."""

from __future__ import annotations

from bevseg.evaluation.failure_kinds import FailureKind

MEANING: dict[FailureKind, str] = {
    FailureKind.CLASS_CONFUSION: "the mask is right, its class is not",
    FailureKind.OVER_MERGE: "one prediction covers two or more objects",
    FailureKind.DUPLICATE: "a second prediction of an object that was found",
    FailureKind.OVER_SPLIT: "one object was given in two or more pieces",
    FailureKind.HALO: "right in place, more than one cell too wide all round",
    FailureKind.MISPLACED: "an attempt at the object: shifted, turned, too small or too large",
    FailureKind.MISSED_HIDDEN: "nothing there, and less than 40 % of the object is visible",
    FailureKind.MISSED_SMALL: "nothing there; footprint under 1 m² or fewer than 20 points",
    FailureKind.MISSED_OTHER: "nothing there, though the object is large and well seen",
    FailureKind.FALSE_ALARM: "a prediction where no object is",
}
"""In a few words; `failure_kinds` has the definitions."""


def words(label: str) -> str:
    """A label as people write it."""
    return label.replace("_", " ").replace("two wheeler", "two-wheeler")
