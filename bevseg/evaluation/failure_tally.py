"""Failures of many frames: how many of each kind, what they account for, and the worst of each kind by frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from rich.table import Table

from bevseg.evaluation.failure_kinds import FailureKind, Failures, FrameFailures
from bevseg.evaluation.scores import exact_sum, ratio
from bevseg.evaluation.tables import figure, json_number, text_table
from bevseg.results.classes import GROUP_OF_CLASS, ClassGroup, SemanticClass

WORST_KEPT = 20
"""Failures of each kind that are kept by name, so that memory does not grow with the frames."""

_KINDS = len(FailureKind)


@dataclass(frozen=True, eq=False)
class FailureTally:
    """What a set of frames adds up to; tallies of two sets of frames add with `+`, in any order and grouping.

    Attributes:
        num_frames: Frames looked at.
        count: Failures of each kind among the objects of each class group.
        missed: Missed objects that each kind accounts for.
        wrong: Wrong predictions that each kind accounts for.
        severity_sum: Sum of the severities of each kind.
        worst: The worst `WORST_KEPT` of each kind, kind by kind and worst first.
        worst_frame: Name of the frame of each of these.
    """

    num_frames: int
    count: Int[np.ndarray, "kind group"]
    missed: Int[np.ndarray, "kind"]
    wrong: Int[np.ndarray, "kind"]
    severity_sum: Float[np.ndarray, "kind"]
    worst: Failures
    worst_frame: tuple[str, ...]

    @classmethod
    def zero(cls) -> FailureTally:
        none = np.zeros(_KINDS, np.int64)
        by_group = np.zeros((_KINDS, len(ClassGroup)), np.int64)
        return cls(0, by_group, none, none, np.zeros(_KINDS), Failures.empty(), ())

    def __add__(self, other: FailureTally) -> FailureTally:
        worst, frames = _worst(self.worst + other.worst, self.worst_frame + other.worst_frame)
        return FailureTally(
            self.num_frames + other.num_frames,
            self.count + other.count,
            self.missed + other.missed,
            self.wrong + other.wrong,
            self.severity_sum + other.severity_sum,
            worst,
            frames,
        )

    @property
    def total(self) -> Int[np.ndarray, "kind"]:
        """Failures of each kind."""
        return self.count.sum(axis=1)

    @property
    def mean_severity(self) -> Float[np.ndarray, "kind"]:
        """Of each kind; NaN where there are none."""
        return ratio(self.severity_sum, self.total)

    def as_json(self) -> dict[str, object]:
        """By kind: counts, mean severity, and the worst with the names of their frames, worst first."""
        return {
            kind.label: {
                "count": int(self.total[kind]),
                "by_group": {group.label: int(self.count[kind, group]) for group in ClassGroup},
                "missed_objects": int(self.missed[kind]),
                "wrong_predictions": int(self.wrong[kind]),
                "mean_severity": json_number(float(self.mean_severity[kind])),
                "worst": [self._as_json(place) for place in np.flatnonzero(self.worst.kind == kind).tolist()],
            }
            for kind in FailureKind
        }

    def _as_json(self, place: int) -> dict[str, object]:
        failure = self.worst
        return {
            "frame": self.worst_frame[place],
            "severity": round(float(failure.severity[place]), 4),
            "class": SemanticClass(int(failure.label[place])).label,
            "x_m": round(float(failure.xy_m[place, 0]), 2),
            "y_m": round(float(failure.xy_m[place, 1]), 2),
            "range_m": round(float(failure.range_m[place]), 2),
            "truth": int(failure.truth[place]),
            "prediction": int(failure.prediction[place]),
        }


def tally_frame(frame: FrameFailures, name: str) -> FailureTally:
    """The failures of one frame, which is called `name`."""
    failures = frame.failures
    group = GROUP_OF_CLASS[failures.label]
    size = _KINDS * len(ClassGroup)
    worst, frames = _worst(failures, (name,) * len(failures))
    return FailureTally(
        num_frames=1,
        count=np.bincount(failures.kind * len(ClassGroup) + group, minlength=size).reshape(_KINDS, len(ClassGroup)),
        missed=_accounted(failures, frame.of_truth),
        wrong=_accounted(failures, frame.of_prediction),
        severity_sum=np.array([exact_sum(failures.severity[failures.kind == kind]) for kind in FailureKind]),
        worst=worst,
        worst_frame=frames,
    )


def failure_tables(
    tally: FailureTally, parts: Mapping[str, Int[np.ndarray, "kind"]], *, title: str
) -> tuple[Table, Table]:
    """For a terminal: how many failures of each kind and the errors they account for, and the worst of each kind.

    Args:
        tally: Of all frames.
        parts: Failures of each kind in each part (a class group, a dataset), by its name.
        title: What was looked at.
    """
    columns = (*parts.values(), tally.total, tally.missed, tally.wrong)
    counts = {
        kind.label: [*(str(int(column[kind])) for column in columns), figure(float(tally.mean_severity[kind]))]
        for kind in FailureKind
    }
    sums = {"sum": [*(str(int(column.sum())) for column in columns), "-"]}
    headings = ("failure", *parts, "all", "FN", "FP", "severity")
    kinds, first = np.unique(tally.worst.kind, return_index=True)
    examples = {
        FailureKind(kind).label: [
            tally.worst_frame[place],
            SemanticClass(int(tally.worst.label[place])).label,
            f"{tally.worst.range_m[place]:.0f}",
            figure(float(tally.worst.severity[place])),
        ]
        for kind, place in zip(kinds.tolist(), first.tolist(), strict=True)
    }
    return (
        text_table({**counts, **sums}, headings, title=title),
        text_table(examples, ("worst", "frame", "object", "at m", "severity"), title="The worst failure of each kind"),
    )


def _accounted(failures: Failures, failure_of: Int[np.ndarray, "error"]) -> Int[np.ndarray, "kind"]:
    """How many errors the failures of each kind account for."""
    return np.bincount(failures.kind[failure_of[failure_of >= 0]], minlength=_KINDS)


def _worst(failures: Failures, frames: tuple[str, ...]) -> tuple[Failures, tuple[str, ...]]:
    """The worst of each kind, ties by name of frame and place in it: in whichever order tallies are added."""
    name = np.array(frames, dtype=np.str_)
    order = np.lexsort((failures.prediction, failures.truth, name, -failures.severity, failures.kind))
    kind = failures.kind[order]
    place_in_kind = np.arange(len(order)) - np.searchsorted(kind, kind)
    kept = order[place_in_kind < WORST_KEPT]
    return failures[kept], tuple(frames[place] for place in kept.tolist())
