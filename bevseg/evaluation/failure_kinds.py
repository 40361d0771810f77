"""The kinds of failures: each object that was missed and each prediction that is wrong has one of them for its reason.

The errors are those of the matching (`FrameMatches`): *missed* objects, *wrong* predictions; ignored truth and ignored
predictions are no errors. Reasons are sought in this order, and an error that has found one is out of the search, so
that those of all kinds add up to the missed and the wrong ones. "Found" and "right" are the matching's, too; masks are
amodal, on the grid of the rule.

1. CLASS_CONFUSION: a missed object and a wrong prediction whose IoU reaches the rule's threshold, paired to the largest
   sum of IoU: the mask is right and the group (or class) is not. Also, without being an error of the matching by group,
   a right prediction of another class than its object. Severity: the score; half of it where the group is right.
2. OVER_MERGE: a prediction that covers at least half of each of two or more true objects, one of which was missed. It
   accounts for those missed ones, and for itself if it is wrong. Severity: missed share of the objects merged.
3. DUPLICATE: a wrong prediction half of which or more lies in the mask of a right one, or whose IoU with an object that
   was found reaches the threshold. Severity: its score.
4. OVER_SPLIT: an object in which two or more predictions lie with at least half of their mask each: the one that found
   it, if any, and wrong ones. It accounts for the wrong ones, and for the object if it was missed. Severity: 1 less the
   largest part's share of what the parts cover.
5. HALO: a missed object and a wrong prediction of its category, with an IoU of 0.1 or half of the prediction within the
   object, whose mask is more than one cell too wide on every side (`MaskRelations.too_wide`). Also, without being an
   error of the matching, a right prediction that is so wide and has no other name. Severity: share of the mask outside.
6. MISPLACED: such a pair without a halo: too small, too large to some side, shifted, turned. Severity: 1 less the IoU.
7. MISSED_HIDDEN, MISSED_SMALL, MISSED_OTHER: of the missed objects left, those of which less than 0.4 is visible, then
   those with a footprint below 1 m2 or fewer than 20 points, then the rest. Severity: n / (n + 20) of n points: nothing
   excuses missing an object that returned many.
8. FALSE_ALARM: the wrong predictions left. Severity: the score.

Merged, split, missed and noise regions, each by the cover of at least half, are the classes of Hoover et al., "An
experimental comparison of range image segmentation algorithms", PAMI 1996; classification, localization, duplicate,
background and missed errors, and the IoU of 0.1, those of TIDE (Bolya et al., ECCV 2020). 0.4 ends the lowest band of
visibility in nuScenes. The severities are our own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from jaxtyping import Bool, Float, Int

MOST = 0.5
"""Share of a mask from which on it is covered, held or within."""
LEAST_IOU = 0.1
"""IoU from which on a prediction is an attempt at an object."""
HIDDEN_BELOW = 0.4
"""Visible fraction below which an object is hidden."""
SMALL_M2 = 1.0
"""Footprint below which an object is small, square metres."""
FEW_POINTS = 20
"""Points below which an object is small in the scan, whatever its size."""


class FailureKind(IntEnum):
    """What a failure is called; the definitions are at the head of this file."""

    CLASS_CONFUSION = 0
    OVER_MERGE = 1
    DUPLICATE = 2
    OVER_SPLIT = 3
    HALO = 4
    MISPLACED = 5
    MISSED_HIDDEN = 6
    MISSED_SMALL = 7
    MISSED_OTHER = 8
    FALSE_ALARM = 9

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, eq=False)
class Failures:
    """Failures as parallel arrays; one that involves several objects or predictions names the one hit worst.

    Attributes:
        kind: `FailureKind` of each.
        truth: Index of the true object, -1 for none.
        prediction: Index of the prediction, -1 for none.
        label: `SemanticClass` of the true object; without one, of the prediction.
        xy_m: Its centre in the cloud's frame, metres.
        range_m: Distance of that from the frame's origin, metres.
        severity: How bad it is, 0..1, comparable within a kind.
    """

    kind: Int[np.ndarray, "n"]
    truth: Int[np.ndarray, "n"]
    prediction: Int[np.ndarray, "n"]
    label: Int[np.ndarray, "n"]
    xy_m: Float[np.ndarray, "n 2"]
    range_m: Float[np.ndarray, "n"]
    severity: Float[np.ndarray, "n"]

    @classmethod
    def empty(cls) -> Failures:
        none = np.zeros(0, np.int64)
        return cls(none, none, none, none, np.zeros((0, 2)), np.zeros(0), np.zeros(0))

    def __len__(self) -> int:
        return len(self.kind)

    def __getitem__(self, index: Bool[np.ndarray, "n"] | Int[np.ndarray, "m"]) -> Failures:
        return Failures(*(getattr(self, name.name)[index] for name in fields(self)))

    def __add__(self, other: Failures) -> Failures:
        """These, then the others."""
        names = [name.name for name in fields(self)]
        return Failures(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))


@dataclass(frozen=True, eq=False)
class FrameFailures:
    """The failures of one frame, and which of them accounts for each error.

    Attributes:
        failures: What went wrong.
        of_truth: Which failure accounts for each missed object; -1 for objects that were found or ignored.
        of_prediction: Which failure accounts for each wrong prediction; -1 for the others.
        involved: For each failure, the true objects that a merging prediction covers, or the predictions that are the
            parts of a split object; empty for other kinds.
    """

    failures: Failures
    of_truth: Int[np.ndarray, "truth"]
    of_prediction: Int[np.ndarray, "prediction"]
    involved: tuple[tuple[int, ...], ...] = ()
