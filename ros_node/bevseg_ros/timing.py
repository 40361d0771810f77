"""How long clouds took lately, and for how long they have been slow."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

_KEPT = 200
"""Clouds that percentiles are taken over."""


@dataclass(frozen=True)
class CloudTimes:
    """What one cloud took.

    Attributes:
        preprocess_ms: Decoding, transform and cropping.
        inference_ms: The model.
        postprocess_ms: Making and publishing messages.
        pipeline_latency_ms: From the stamp of the cloud to its last result, on the node's clock.
        cyclic_ms: Since the result before, None for the first.
    """

    preprocess_ms: float
    inference_ms: float
    postprocess_ms: float
    pipeline_latency_ms: float
    cyclic_ms: float | None

    @property
    def total_ms(self) -> float:
        return self.preprocess_ms + self.inference_ms + self.postprocess_ms

    def by_name(self) -> dict[str, float]:
        """By the names that debug topics have, without the time since the result before where there was none."""
        named = {
            "processing_time/preprocess_ms": self.preprocess_ms,
            "processing_time/inference_ms": self.inference_ms,
            "processing_time/postprocess_ms": self.postprocess_ms,
            "processing_time/total_ms": self.total_ms,
            "pipeline_latency_ms": self.pipeline_latency_ms,
        }
        return named if self.cyclic_ms is None else {**named, "cyclic_time_ms": self.cyclic_ms}


DEBUG_TOPICS = tuple(CloudTimes(0, 0, 0, 0, 0).by_name())
"""Below `~/debug/`, one std_msgs/Float64 each."""


@dataclass
class RecentTimes:
    """Times of the last clouds; not for several threads at once."""

    last: CloudTimes | None = None
    slow_since_s: float | None = None
    _values: dict[str, deque[float]] = field(default_factory=dict, repr=False)

    def add(self, times: CloudTimes, *, now_s: float, max_processing_ms: float) -> None:
        """Takes the times of a cloud that was just finished; `now_s` is on a clock that never jumps."""
        self.last = times
        for name, value in times.by_name().items():
            self._values.setdefault(name, deque(maxlen=_KEPT)).append(value)
        if times.total_ms <= max_processing_ms:
            self.slow_since_s = None
        elif self.slow_since_s is None:
            self.slow_since_s = now_s

    def copy(self) -> RecentTimes:
        """The same values, which stay as they are."""
        values = {name: deque(kept, maxlen=_KEPT) for name, kept in self._values.items()}
        return RecentTimes(self.last, self.slow_since_s, values)

    def slow_for_ms(self, now_s: float) -> float:
        """For how long every cloud has been slow, 0 where the last one was not."""
        return 0.0 if self.slow_since_s is None else (now_s - self.slow_since_s) * 1e3

    def percentiles(self) -> Mapping[str, tuple[float, float]]:
        """p50 and p99 of the last clouds, by the names of the debug topics."""
        return {
            name: (float(np.percentile(values, 50)), float(np.percentile(values, 99)))
            for name, values in self._values.items()
        }
