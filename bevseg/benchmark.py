"""How fast a model is: from the bytes of a point file in memory to its scene, stage by stage, wall clock."""

from __future__ import annotations

import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bevseg.points.cloud import PointCloud
from bevseg.points.formats import read_points_bytes
from bevseg.points.input_frame import InputFrame
from bevseg.results.scene import Scene

Segment = Callable[[PointCloud], Scene]

READ = "read"
"""Stage in front of the model's own: from bytes to a point cloud."""


@dataclass(frozen=True)
class Payload:
    """A point file in memory, with what `read_points_bytes` has to be told of it."""

    name: str
    data: bytes
    columns: str | None = None
    input_frame: InputFrame | None = None
    intensity_full_scale: float | None = None

    def read(self) -> PointCloud:
        """The cloud.

        Raises:
            PointFileError: The file does not hold what its name promises.
        """
        return read_points_bytes(
            self.data,
            name=self.name,
            columns=self.columns,
            input_frame=self.input_frame,
            intensity_full_scale=self.intensity_full_scale,
        ).cloud


@dataclass(frozen=True)
class Percentiles:
    """Times that were measured, milliseconds: at least the stated share of all runs took no longer."""

    p50: float
    p90: float
    p99: float
    max: float

    @classmethod
    def of(cls, elapsed_ms: Sequence[float]) -> Percentiles:
        """Of one run or more."""
        return cls(*np.percentile(elapsed_ms, (50, 90, 99, 100), method="inverted_cdf").tolist())


@dataclass(frozen=True)
class Run:
    """One scan from bytes to scene; the stages leave out what lies between them."""

    points: int
    end_to_end_ms: float
    stages_ms: Mapping[str, float]


@dataclass(frozen=True)
class BenchReport:
    """What was measured.

    Attributes:
        frames: Different scans.
        runs: Every timed run, in order.
        peak_rss_mb: Most memory that the process ever held, from its start on, MB.
    """

    frames: int
    runs: tuple[Run, ...]
    peak_rss_mb: float

    @property
    def points(self) -> int:
        """Of the scan in the middle."""
        return round(float(np.median([run.points for run in self.runs])))

    @property
    def end_to_end_ms(self) -> Percentiles:
        return Percentiles.of([run.end_to_end_ms for run in self.runs])

    @property
    def stages_ms(self) -> dict[str, Percentiles]:
        """In the order in which they run."""
        return {stage: Percentiles.of([run.stages_ms[stage] for run in self.runs]) for stage in self.runs[0].stages_ms}

    def __add__(self, other: BenchReport) -> BenchReport:
        """Both as one, as if the scans had come in turn."""
        return BenchReport(self.frames + other.frames, self.runs + other.runs, max(self.peak_rss_mb, other.peak_rss_mb))

    def as_json(self) -> dict[str, object]:
        """Plain values; times in milliseconds."""
        return {
            "frames": self.frames,
            "runs": len(self.runs),
            "points": self.points,
            "end_to_end_ms": _rounded(self.end_to_end_ms),
            "stages_ms": {stage: _rounded(times) for stage, times in self.stages_ms.items()},
            "peak_rss_mb": round(self.peak_rss_mb, 1),
        }


def benchmark(segment: Segment, payloads: Sequence[Payload], *, repeats: int, warmup: int) -> BenchReport:
    """Takes the payloads in turn, `warmup` times unmeasured and then `repeats` times.

    Raises:
        ValueError: There is nothing to run.
        PointFileError: A payload cannot be read.
    """
    if not payloads or repeats < 1 or warmup < 0:
        raise ValueError(
            f"expected a payload, 1 or more repeats and 0 or more runs of warm-up, "
            f"got {len(payloads)}, {repeats} and {warmup}"
        )
    runs = [_run(segment, payloads[k % len(payloads)]) for k in range(warmup + repeats)]
    return BenchReport(min(len(payloads), repeats), tuple(runs[warmup:]), peak_rss_mb())


def peak_rss_mb() -> float:
    """Most memory that this process has held so far, MB (10^6 bytes)."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    # Elsewhere. On Linux this is no less than what the process held that started this one.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def cpu_name() -> str:
    """The CPU's name as its maker has it, where the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines() if cpuinfo.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _run(segment: Segment, payload: Payload) -> Run:
    start = time.perf_counter()
    cloud = payload.read()
    read_ms = (time.perf_counter() - start) * 1e3
    scene = segment(cloud)
    end_to_end_ms = (time.perf_counter() - start) * 1e3
    return Run(len(cloud), end_to_end_ms, {READ: read_ms, **scene.timings_ms})


def _rounded(times: Percentiles) -> dict[str, float]:
    return {name: round(value, 3) for name, value in asdict(times).items()}
