"""How long a method takes for a scan, measured while it is scored."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from bevseg.evaluation.tables import json_number
from bevseg.points.cloud import PointCloud

Result = TypeVar("Result")


@dataclass(frozen=True)
class Throughput:
    """Wall clock of one scan after the other, on the machine at hand and beside whatever else it was doing.

    Attributes:
        num_scans: Scans timed.
        median_ms: Of one scan; NaN without scans. The first one, which warms up caches, hardly moves it.
        p90_ms: What nine scans of ten stay below.
    """

    num_scans: int
    median_ms: float
    p90_ms: float

    @classmethod
    def of(cls, elapsed_ms: Sequence[float]) -> Throughput:
        if not elapsed_ms:
            return cls(0, float("nan"), float("nan"))
        median_ms, p90_ms = np.quantile(elapsed_ms, (0.5, 0.9)).tolist()
        return cls(len(elapsed_ms), median_ms, p90_ms)

    @property
    def scans_per_s(self) -> float:
        """By the median."""
        return 1e3 / self.median_ms

    def as_text(self) -> str:
        """One line for people."""
        return (
            f"{self.num_scans} scans, {self.median_ms:.0f} ms each in the middle ({self.scans_per_s:.1f} scans/s), "
            f"nine of ten below {self.p90_ms:.0f} ms"
        )

    def as_json(self) -> dict[str, str | int | float | None]:
        """The figures as JSON can hold them."""
        figures = {"median_ms": self.median_ms, "p90_ms": self.p90_ms, "scans_per_s": self.scans_per_s}
        return {"scans": self.num_scans, **{name: json_number(value) for name, value in figures.items()}}


class Timed(Generic[Result]):
    """A method whose calls are timed."""

    def __init__(self, segment: Callable[[PointCloud], Result], *, on_call: Callable[[], object]) -> None:
        """Takes anything that maps a cloud to a result, and what is told of each call when it is over."""
        self._segment = segment
        self._on_call = on_call
        self._elapsed_ms: list[float] = []

    def __call__(self, cloud: PointCloud) -> Result:
        start = time.perf_counter()
        result = self._segment(cloud)
        self._elapsed_ms.append((time.perf_counter() - start) * 1e3)
        self._on_call()
        return result

    def throughput(self) -> Throughput:
        """Of the calls so far."""
        return Throughput.of(self._elapsed_ms)
