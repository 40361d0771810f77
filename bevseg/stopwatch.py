"""Time by stage, wall clock, in milliseconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopwatch:
    """Collects how long each named stage took; a stage entered twice counts both times.

    Attributes:
        stages_ms: Milliseconds of each stage, in the order they first ran.
    """

    def __init__(self, synchronize: Callable[[], object] | None = None) -> None:
        """`synchronize` waits for a device that runs behind (`torch.cuda.synchronize`) before the clock is read."""
        self.stages_ms: dict[str, float] = {}
        self._synchronize = synchronize

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times the block."""
        start = time.perf_counter()
        yield
        if self._synchronize is not None:
            self._synchronize()
        elapsed_ms = (time.perf_counter() - start) * 1e3
        self.stages_ms[name] = self.stages_ms.get(name, 0.0) + elapsed_ms
