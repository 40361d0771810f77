"""How a run is doing: a progress bar for who watches, log lines for who does not, TensorBoard and tables for later."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch.utils.tensorboard import SummaryWriter

from bevseg.learning.run_folder import RunFolder

logger = logging.getLogger(__name__)


class RunLog:
    """Averages what the steps report and writes a row every `every` steps."""

    def __init__(self, folder: RunFolder, *, steps: int, first_step: int, every: int, batch_size: int) -> None:
        self._folder = folder
        self._every = every
        self._batch_size = batch_size
        self._tensorboard = SummaryWriter(str(folder.path / "tensorboard"), purge_step=first_step + 1)
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._bar = self._progress.add_task("training", total=steps, completed=first_step)
        self._sums: dict[str, float] = {}
        self._count = 0
        self._since = time.perf_counter()

    def __enter__(self) -> RunLog:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        self._tensorboard.close()

    def add(self, step: int, measured: Mapping[str, float]) -> None:
        """Takes in what step `step` (counted from 1) measured."""
        for name, value in measured.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        self._progress.update(self._bar, completed=step)
        if step % self._every == 0:
            self._write(step)

    def add_evaluation(self, step: int, row: Mapping[str, int | float]) -> None:
        """Writes a row of the learning curve; the time it took does not count as slow training."""
        self._folder.append_curve(row)
        self._plot("evaluation", step, row)
        logger.info("evaluation at step %d: %s", step, _joined(row))
        self._since = time.perf_counter()
        self._sums, self._count = {}, 0

    def _write(self, step: int) -> None:
        now = time.perf_counter()
        row = {name: total / self._count for name, total in self._sums.items()}
        row["frames_per_s"] = self._count * self._batch_size / max(now - self._since, 1e-9)
        self._folder.append_metrics({"step": step, **row})
        self._plot("training", step, row)
        text = _joined(row)
        self._progress.update(self._bar, description=f"loss {row['loss']:.4g} {row['frames_per_s']:.1f} frames/s")
        logger.info("step %d: %s", step, text)
        self._sums, self._count, self._since = {}, 0, now

    def _plot(self, group: str, step: int, row: Mapping[str, int | float]) -> None:
        for name, value in row.items():
            if math.isfinite(
                value
            ):  # a score that cannot be told (no such object in the frames) has no place in a plot
                self._tensorboard.add_scalar(f"{group}/{name}", value, step)


def _joined(row: Mapping[str, int | float]) -> str:
    return " ".join(f"{name} {value:.4g}" for name, value in row.items())
