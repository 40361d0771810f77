"""What became of each file of a batch: as tables on the screen, or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bevseg.commands.objects import ObjectRow, object_table
from bevseg.commands.output import ExitCode

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_MOST_ROWS = 20
"""A longer table says less than its last lines."""


@dataclass(frozen=True)
class FrameDone:
    """A file that was segmented.

    Attributes:
        file: As it was named.
        results: Path of what was written, without `.json`, `.npz` and `.png`.
        points: Points in the file, those without finite coordinates left out.
        dropped: Points without finite coordinates.
        objects: Those found, the nearest first.
        model_ms: Time of all stages of the model, milliseconds.
        note: What is strange about the file, or None.
    """

    file: str
    results: str
    points: int
    dropped: int
    objects: tuple[ObjectRow, ...]
    model_ms: float
    note: str | None


@dataclass(frozen=True)
class FrameFailed:
    """A file of which there is no result; `is_defect` where bevseg is to blame rather than the file."""

    file: str
    error: str
    is_defect: bool = False


@dataclass(frozen=True)
class Batch:
    """All files of one run, in the order they were taken, and how long it took."""

    done: Sequence[FrameDone]
    failed: Sequence[FrameFailed]
    wall_s: float

    @property
    def exit_code(self) -> ExitCode:
        """What the shell learns."""
        if any(failure.is_defect for failure in self.failed):
            return ExitCode.DEFECT
        if not self.failed:
            return ExitCode.OK
        return ExitCode.PARTIAL if self.done else ExitCode.REFUSED

    def as_json(self) -> dict[str, object]:
        """Plain values, ready for `print_json`."""
        return {
            "wall_s": round(self.wall_s, 3),
            "frames": [
                {**vars(frame), "objects": len(frame.objects), "model_ms": round(frame.model_ms, 2)}
                for frame in self.done
            ],
            "failures": [{"file": failure.file, "error": failure.error} for failure in self.failed],
        }


def print_batch(batch: Batch, screen: Console, *, output: str) -> None:
    """The objects of a single scan, or a line for each of many, and the sum of all; failures go to stderr."""
    if len(batch.done) == 1:
        screen.print(object_table(list(batch.done[0].objects), title=batch.done[0].file))
    elif batch.done:
        screen.print(_table(batch.done[:_MOST_ROWS]))
    if len(batch.done) > _MOST_ROWS:
        screen.print(f"... and {len(batch.done) - _MOST_ROWS} more")
    for frame in batch.done:
        if frame.note:
            screen.print(f"note: {frame.file}: {frame.note}", markup=False)
    if batch.done:
        model_ms = sum(frame.model_ms for frame in batch.done) / len(batch.done)
        screen.print(
            f"{len(batch.done)} of {len(batch.done) + len(batch.failed)} files done in {batch.wall_s:.1f} s, "
            f"of which the model took {model_ms:.0f} ms a scan"
        )
        screen.print(f"results  {output}", markup=False)
    print_failures(batch.failed)


def print_failures(failures: Sequence[FrameFailed]) -> None:
    """One line a failure on stderr, each with the file's name."""
    if not failures:
        return
    sys.stderr.write(f"bevseg: {len(failures)} failed:\n")
    for failure in failures:
        name = "" if failure.file in failure.error else f"{failure.file}: "
        sys.stderr.write(f"  {name}{failure.error}\n")


def _table(frames: Sequence[FrameDone]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    table.add_column("scan", overflow="fold")
    for heading in ("points", "objects", "model"):
        table.add_column(heading, justify="right")
    for frame in frames:
        table.add_row(escape(frame.file), f"{frame.points:,}", str(len(frame.objects)), f"{frame.model_ms:.0f} ms")
    return table
