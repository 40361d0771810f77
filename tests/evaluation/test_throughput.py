from __future__ import annotations

import time

import numpy as np
import pytest

from bevseg.evaluation.throughput import Throughput, Timed
from bevseg.points.cloud import PointCloud


def test_the_middle_is_not_moved_by_a_slow_start() -> None:
    measured = Throughput.of([500.0, 20.0, 20.0, 20.0, 20.0])
    assert measured.median_ms == 20.0
    assert measured.p90_ms > 100
    assert measured.scans_per_s == 50.0
    assert "5 scans, 20 ms" in measured.as_text()
    assert measured.as_json() == {"scans": 5, "median_ms": 20.0, "p90_ms": measured.p90_ms, "scans_per_s": 50.0}


def test_without_scans_there_is_no_speed() -> None:
    nothing = Throughput.of([])
    assert np.isnan(nothing.scans_per_s)
    assert nothing.as_json() == {"scans": 0, "median_ms": None, "p90_ms": None, "scans_per_s": None}


def test_a_timed_method_gives_what_the_method_gives() -> None:
    calls: list[int] = []

    def segment(cloud: PointCloud) -> int:
        time.sleep(0.002)
        return len(cloud)

    timed = Timed(segment, on_call=lambda: calls.append(1))
    assert [timed(PointCloud.empty()), timed(PointCloud.from_xyz(np.zeros((3, 3), np.float32)))] == [0, 3]
    assert len(calls) == 2
    assert timed.throughput().num_scans == 2
    assert timed.throughput().median_ms >= 2


def test_a_method_that_fails_is_not_counted() -> None:
    def fail(_: PointCloud) -> int:
        raise ValueError("broken")

    timed = Timed(fail, on_call=lambda: None)
    with pytest.raises(ValueError, match="broken"):
        timed(PointCloud.empty())
    assert timed.throughput().num_scans == 0
