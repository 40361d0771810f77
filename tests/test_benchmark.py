"""Timing loop and percentiles, with a stand-in for the model."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from bevseg.benchmark import READ, BenchReport, Payload, Percentiles, Run, benchmark, cpu_name, peak_rss_mb
from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.points.raw_points import PointFileError
from bevseg.results.instances import Instances
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import PointLabels, Scene, VisibilityMap

GRID = BevGrid(2.0, -1.0, 0.5, 6, 4)


def _payload(points: int) -> Payload:
    return Payload(f"{points}.bin", np.full((points, 4), 0.5, "<f4").tobytes())


@dataclass
class StandIn:
    """Takes two milliseconds, of which it calls one a stage, and remembers the clouds."""

    points: list[int] = field(default_factory=list)

    def __call__(self, cloud: PointCloud) -> Scene:
        self.points.append(len(cloud))
        time.sleep(0.002)
        none = np.zeros(0, np.int32)
        return Scene(
            0,
            cloud.frame,
            Instances.empty(GRID),
            OcclusionGraph(none, none, np.zeros(0, np.float32), none, np.zeros(0, np.float32)),
            VisibilityMap(GRID, np.zeros(GRID.shape, np.uint8)),
            PointLabels(np.zeros(len(cloud), np.uint8), np.zeros(len(cloud), np.int32)),
            {"think": 1.0},
        )


def test_payloads_take_turns_and_the_warm_up_is_not_counted() -> None:
    model = StandIn()
    report = benchmark(model, [_payload(3), _payload(7), _payload(5)], repeats=4, warmup=1)
    assert model.points == [3, 7, 5, 3, 7]
    assert [run.points for run in report.runs] == [7, 5, 3, 7]
    assert (report.frames, report.points) == (3, 6)
    assert list(report.stages_ms) == [READ, "think"]
    assert report.stages_ms["think"] == Percentiles(1.0, 1.0, 1.0, 1.0)
    assert report.end_to_end_ms.p50 >= 2.0 + report.stages_ms[READ].p50
    assert report.peak_rss_mb >= 10


def test_fewer_runs_than_payloads_are_as_many_frames() -> None:
    assert benchmark(StandIn(), [_payload(1), _payload(2)], repeats=1, warmup=0).frames == 1


def test_an_empty_scan_is_timed_too() -> None:
    assert benchmark(StandIn(), [_payload(0)], repeats=1, warmup=0).points == 0


def test_columns_and_axes_reach_the_reader() -> None:
    cloud = Payload("a.bin", np.array([7, 1, 2, 3], "<f4").tobytes(), "_,x,y,z", "y-forward").read()
    np.testing.assert_array_equal(cloud.xyz, [[2, -1, 3]])


@pytest.mark.parametrize(("payloads", "repeats", "warmup"), [(0, 1, 0), (1, 0, 0), (1, 1, -1)])
def test_nothing_to_run_is_refused(payloads: int, repeats: int, warmup: int) -> None:
    with pytest.raises(ValueError, match=f"got {payloads}, {repeats} and {warmup}"):
        benchmark(StandIn(), [_payload(1)] * payloads, repeats=repeats, warmup=warmup)


def test_a_broken_payload_is_an_error_and_not_a_fast_run() -> None:
    with pytest.raises(PointFileError, match="cut off"):
        benchmark(StandIn(), [Payload("a.bin", b"123")], repeats=1, warmup=0)


def test_percentiles_are_times_that_were_measured() -> None:
    assert Percentiles.of([float(value) for value in range(100, 0, -1)]) == Percentiles(50.0, 90.0, 99.0, 100.0)
    assert Percentiles.of([3.0, 1.0]) == Percentiles(1.0, 3.0, 3.0, 3.0)
    assert Percentiles.of([2.5]) == Percentiles(2.5, 2.5, 2.5, 2.5)


def test_reports_add_up_run_by_run() -> None:
    one = BenchReport(1, (Run(10, 4.0, {"a": 1.0, "b": 2.0}),), 100.0)
    two = BenchReport(2, (Run(20, 6.0, {"a": 3.0, "b": 0.5}), Run(31, 8.0, {"a": 5.0, "b": 0.25})), 90.0)
    both = one + two
    assert (both.frames, both.points, both.peak_rss_mb) == (3, 20, 100.0)
    assert both.as_json() == {
        "frames": 3,
        "runs": 3,
        "points": 20,
        "end_to_end_ms": {"p50": 6.0, "p90": 8.0, "p99": 8.0, "max": 8.0},
        "stages_ms": {
            "a": {"p50": 3.0, "p90": 5.0, "p99": 5.0, "max": 5.0},
            "b": {"p50": 0.5, "p90": 2.0, "p99": 2.0, "max": 2.0},
        },
        "peak_rss_mb": 100.0,
    }


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="Linux alone tells")
def test_the_peak_is_that_of_this_process_whoever_started_it() -> None:
    """One that holds 500 MB starts another, which holds 300 MB for a moment."""
    inner = (
        "from bevseg.benchmark import peak_rss_mb\n"
        "before = peak_rss_mb(); bytearray(b'x') * 300_000_000; print(before, peak_rss_mb())"
    )
    outer = (
        "import subprocess, sys\n"
        f"held = bytearray(b'x') * 500_000_000; subprocess.run([sys.executable, '-c', {inner!r}], check=True)"
    )
    done = subprocess.run([sys.executable, "-c", outer], capture_output=True, text=True, check=True)
    before, after = map(float, done.stdout.split())
    assert 10 < before < 400
    assert after - before == pytest.approx(300, abs=50)


def test_elsewhere_the_system_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_file", lambda self: False)
    assert peak_rss_mb() > 10


def test_the_cpu_has_a_name() -> None:
    assert cpu_name().strip() == cpu_name() != ""
