from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.evaluation.comparison.changed_frames import FrameChange, changed_frames
from bevseg.evaluation.comparison.comparison_tables import kinds_words
from bevseg.evaluation.comparison.finished_run import FinishedRun
from bevseg.evaluation.comparison.frame_counts import FrameCounts
from bevseg.evaluation.comparison.pairing import PairedSource, pair_runs
from bevseg.evaluation.failure_kinds import FailureKind, Failures

WriteRun = Callable[..., Path]
HALO, ALARM, SMALL = FailureKind.HALO, FailureKind.FALSE_ALARM, FailureKind.MISSED_SMALL


def _failures(*entries: tuple[FailureKind, int, float]) -> Failures:
    """Kind, true object (-1 for none), and x."""
    n = len(entries)
    return Failures(
        kind=np.array([kind for kind, _, _ in entries], np.int64),
        truth=np.array([truth for _, truth, _ in entries], np.int64),
        prediction=np.arange(n),
        label=np.full(n, 4),
        xy_m=np.array([[x, 0.0] for _, _, x in entries]).reshape(-1, 2),
        range_m=np.zeros(n),
        severity=np.zeros(n),
    )


def _with(counts: FrameCounts, failures: Failures) -> FrameCounts:
    total = np.bincount(failures.kind, minlength=len(FailureKind)).astype(np.float64)
    return replace(counts, failure_lists=(failures,) * len(counts), failures=np.tile(total, (len(counts), 1)))


def _only_change(paired: PairedSource, a: Failures, b: Failures) -> FrameChange:
    paired = replace(paired, a=_with(paired.a, a), b=_with(paired.b, b))
    changed = changed_frames(paired)
    return (*changed.gained, *changed.lost)[0]


@pytest.fixture(scope="module")
def paired(write_run: WriteRun) -> PairedSource:
    runs = [FinishedRun.open(write_run(name, {"s": range(8)}, method=k)) for k, name in ((1, "a"), (2, "b"))]
    return pair_runs(*runs)[0]


def test_those_that_gained_most_come_first_and_those_without_change_not_at_all(paired: PairedSource) -> None:
    changed = changed_frames(paired)
    gain = dict(zip(paired.a.names, (paired.a.errors - paired.b.errors).tolist(), strict=True))
    gained, lost = [f.gain for f in changed.gained], [f.gain for f in changed.lost]
    assert gained == sorted((g for g in gain.values() if g > 0), reverse=True)
    assert lost == sorted(g for g in gain.values() if g < 0)
    assert all(gain[f.name] == f.gain for f in (*changed.gained, *changed.lost))
    assert len(changed_frames(paired, listed=1).gained) == 1


def test_failures_of_the_same_object_or_place_stay_and_others_come_and_go(paired: PairedSource) -> None:
    a = _failures((HALO, 0, 5.0), (HALO, 1, 9.0), (ALARM, -1, 20.0), (ALARM, -1, 30.0), (SMALL, 2, 1.0))
    b = _failures((ALARM, -1, 31.5), (ALARM, -1, 50.0), (HALO, 1, 9.4), (SMALL, 3, 1.0))
    change = _only_change(paired, a, b)
    assert change.vanished == {HALO: 1, SMALL: 1, ALARM: 1}
    assert change.appeared == {SMALL: 1, ALARM: 1}
    assert sorted(change.vanished_at_m[:, 0]) == [1.0, 5.0, 20.0]
    assert sorted(change.appeared_at_m[:, 0]) == [1.0, 50.0]
    assert kinds_words(change.vanished) == "1 halo, 1 missed_small, 1 false_alarm"


def test_no_failures_on_one_side(paired: PairedSource) -> None:
    change = _only_change(paired, _failures(), _failures((HALO, 0, 5.0), (ALARM, -1, 5.0), (ALARM, -1, 7.0)))
    assert (change.vanished, kinds_words(change.vanished)) == ({}, "-")
    assert kinds_words(change.appeared) == "2 false_alarm, 1 halo"
    assert change.vanished_at_m.shape == (0, 2)
