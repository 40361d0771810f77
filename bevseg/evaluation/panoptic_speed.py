"""How much sooner our panoptic counts are there than those of nuScenes' own evaluator, on the same labels."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from bevseg.evaluation.official.panoptic import count_panoptic_officially, official_scan
from bevseg.evaluation.panoptic import count_panoptic
from bevseg.evaluation.scores import MatchCounts
from bevseg.results.classes import NUM_CLASSES
from bevseg.results.scene import PointLabels

LabelledScans = Sequence[tuple[PointLabels, PointLabels]]
"""Predicted and true labels of each scan."""


@dataclass(frozen=True)
class PanopticSpeed:
    """What a scan takes, in the mean over the scans; of each scan the best round counts, as for either evaluator.

    Attributes:
        scans: How many there were.
        points: Of a scan, in the mean.
        rounds: How often each evaluator counted all of them.
        official_ms: nuScenes' evaluator.
        ours_ms: `count_panoptic`.
        equal: Whether both counted the same, with sums of IoU that differ by less than 1e-9.
    """

    scans: int
    points: float
    rounds: int
    official_ms: float
    ours_ms: float
    equal: bool

    @property
    def ratio(self) -> float:
        """How many times as fast ours is."""
        return self.official_ms / self.ours_ms

    def as_json(self) -> dict[str, object]:
        """Plain values; times in milliseconds."""
        return {**asdict(self), "ratio": self.ratio}


def benchmark_panoptic(scans: LabelledScans, *, rounds: int) -> PanopticSpeed:
    """Counts all scans with one evaluator, then with the other, in turn: what else runs on the machine slows both.

    Raises:
        ModuleNotFoundError: The extra `datasets` is not installed.
        ValueError: There is nothing to measure.
    """
    if not scans or rounds < 1:
        raise ValueError(f"expected at least one scan and one round, got {len(scans)} and {rounds}")
    official_scans = [official_scan(*scan) for scan in scans]
    official, ours = count_panoptic_officially(official_scans), _count(scans)
    turns = [
        (
            [_seconds(count_panoptic_officially, [scan]) for scan in official_scans],
            [_seconds(count_panoptic, *scan) for scan in scans],
        )
        for _ in range(rounds)
    ]
    official_s, ours_s = np.min(turns, axis=0).mean(axis=1).tolist()
    return PanopticSpeed(
        scans=len(scans),
        points=float(np.mean([len(truth.semantic) for _, truth in scans])),
        rounds=rounds,
        official_ms=official_s * 1e3,
        ours_ms=ours_s * 1e3,
        equal=_are_equal(official, ours),
    )


def _count(scans: LabelledScans) -> MatchCounts:
    return sum((count_panoptic(*scan) for scan in scans), start=MatchCounts.zero(NUM_CLASSES))


def _seconds(work: Callable[..., object], *arguments: object) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def _are_equal(a: MatchCounts, b: MatchCounts) -> bool:
    integers = ("true_positives", "false_positives", "false_negatives")
    same = all(np.array_equal(getattr(a, name), getattr(b, name)) for name in integers)
    return same and np.allclose(a.iou_sum, b.iou_sum, rtol=0, atol=1e-9)
