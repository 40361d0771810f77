"""The frames that changed most from run A to run B, and which failures came and went there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment

from bevseg.evaluation.comparison.frame_counts import FrameCounts
from bevseg.evaluation.comparison.pairing import PairedSource
from bevseg.evaluation.failure_kinds import FailureKind, Failures

Run = Literal["A", "B"]

LISTED = 10
"""Frames that gained most, and as many that lost most."""

_SAME_PLACE_M = 2.0
"""Invented objects of both runs that are no farther apart are one failure that stayed."""
_NEVER = 1e6


@dataclass(frozen=True, eq=False)
class FrameChange:
    """One frame.

    Attributes:
        name: Of the frame.
        place: In the source of run A.
        errors_a: Wrong and missed objects in run A, in class groups at IoU 0.5.
        errors_b: The same in run B.
        iou_gain: By how much the sum of IoU of the found objects is larger in B.
        appeared: Failures that B has and A has not, by kind.
        vanished: Failures that A has and B has not, by kind.
        appeared_at_m: Where they are, x and y in the cloud's frame; the worst twenty of each kind.
        vanished_at_m: Likewise.
        without_result: Which of A and B had no result for the frame.
    """

    name: str
    place: int
    errors_a: int
    errors_b: int
    iou_gain: float
    appeared: Mapping[FailureKind, int]
    vanished: Mapping[FailureKind, int]
    appeared_at_m: Float[np.ndarray, "appeared 2"]
    vanished_at_m: Float[np.ndarray, "vanished 2"]
    without_result: tuple[Run, ...] = ()

    @property
    def gain(self) -> int:
        """Errors that B has less."""
        return self.errors_a - self.errors_b


@dataclass(frozen=True, eq=False)
class ChangedFrames:
    """Those that gained most, the most first, and those that lost most."""

    gained: tuple[FrameChange, ...]
    lost: tuple[FrameChange, ...]


def changed_frames(paired: PairedSource, *, listed: int = LISTED) -> ChangedFrames:
    """Frames with fewer errors in B and with more; of as many errors by the IoU of what was found, then by name."""
    gain = paired.a.errors - paired.b.errors
    iou_gain = (paired.b.objects - paired.a.objects)[:, 0, 3].sum(axis=1)
    order = np.lexsort((np.arange(len(gain)), -iou_gain, -gain))
    up, down = order[gain[order] > 0], order[gain[order] < 0][::-1]
    return ChangedFrames(
        *(tuple(_change(paired, int(k), float(iou_gain[k])) for k in chosen[:listed]) for chosen in (up, down))
    )


def _change(paired: PairedSource, frame: int, iou_gain: float) -> FrameChange:
    a, b = paired.a, paired.b
    runs: dict[Run, FrameCounts] = {"A": a, "B": b}
    list_a, list_b = a.failure_lists[frame], b.failure_lists[frame]
    pairs = _stayed(list_a, list_b)
    stayed = np.bincount(list_a.kind[pairs.a], minlength=len(FailureKind))
    gone, new = (counts.failures[frame].astype(np.int64) - stayed for counts in (a, b))
    return FrameChange(
        name=a.names[frame],
        place=int(paired.place[frame]),
        errors_a=int(a.errors[frame]),
        errors_b=int(b.errors[frame]),
        iou_gain=iou_gain,
        appeared={kind: int(new[kind]) for kind in FailureKind if new[kind]},
        vanished={kind: int(gone[kind]) for kind in FailureKind if gone[kind]},
        appeared_at_m=np.delete(list_b.xy_m, pairs.b, axis=0).astype(np.float64),
        vanished_at_m=np.delete(list_a.xy_m, pairs.a, axis=0).astype(np.float64),
        without_result=tuple(run for run in runs if a.names[frame] in runs[run].without_result),
    )


class _Stayed(NamedTuple):
    """Positions of failures that both runs have, in the list of each."""

    a: Int[np.ndarray, "pair"]
    b: Int[np.ndarray, "pair"]


def _stayed(a: Failures, b: Failures) -> _Stayed:
    """Failures of one kind, and of one true object or, without one, at one place."""
    away = np.linalg.norm(a.xy_m[:, None] - b.xy_m, axis=2)
    same = (a.kind[:, None] == b.kind) & (a.truth[:, None] == b.truth)
    same &= (a.truth[:, None] >= 0) | (away <= _SAME_PLACE_M)
    in_a, in_b = linear_sum_assignment(np.where(same, away, _NEVER))
    kept = same[in_a, in_b]
    return _Stayed(in_a[kept], in_b[kept])
