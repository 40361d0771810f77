"""`bevseg bench --opening`: how soon `bevseg replay` shows the first frame of a long recording, and its memory.

Each recording is written into a folder of its own, which is removed when it is measured. `bevseg replay` is a new
process each time, as a user starts it; its time is all that passes until it has ended with the picture of the first
frame on disk. What was written a moment ago comes from memory: the disk is not timed.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bevseg.commands.long_recordings import LAYOUTS, Layout, write_long
from bevseg.commands.output import ExitCode, console, print_json
from bevseg.evaluation.command_usage import Usage, measure_command

if TYPE_CHECKING:
    import argparse

    from rich.table import Table

_FRAMES = 10_000
_PLAYED = 600
_STARTS = 3
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Opening:
    """What was measured of one recording.

    Attributes:
        layout: Of its files.
        kind: As what `bevseg replay` recognised it.
        frames: That it found.
        starts_s: From the start of the process to its end, with the first frame drawn; of each start.
        memory_mb: Of the process that plays it, over time; in 10^6 bytes.
        index: Of the very first start, which indexes tables; None for layouts that have none.
    """

    layout: Layout
    kind: str
    frames: int
    starts_s: tuple[float, ...]
    memory_mb: tuple[float, ...]
    index: Usage | None = None

    @property
    def early_mb(self) -> float:
        """Most memory in the second quarter of the time, when all is loaded."""
        looks = len(self.memory_mb)
        return max(self.memory_mb[looks // 4 : looks // 2 + 1])

    @property
    def late_mb(self) -> float:
        """Most memory in the last quarter of the time."""
        return max(self.memory_mb[-len(self.memory_mb) // 4 :])

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "layout": self.layout,
            "kind": self.kind,
            "frames": self.frames,
            "first_frame_s": round(statistics.median(self.starts_s), 2),
            "slowest_s": round(max(self.starts_s), 2),
            "early_mb": round(self.early_mb, 1),
            "late_mb": round(self.late_mb, 1),
            "index_s": self.index and round(self.index.wall_s, 2),
            "index_mb": self.index and round(self.index.peak_mb, 1),
        }


def measure_opening(args: argparse.Namespace) -> ExitCode:
    """Writes long recordings one after the other; opens and plays each in processes of its own."""
    import rosbags.rosbag2  # noqa: F401 (that it is missing shall be known now, not minutes later)

    screen, frames = console(args), _FRAMES if args.frames is None else args.frames
    openings = []
    for layout in LAYOUTS:
        screen.print(f"{layout}: writing, opening and playing {frames:,} frames ...", markup=False)
        with TemporaryDirectory(prefix="bevseg-bench-") as scratch:
            openings.append(_measured(layout, write_long(layout, frames, Path(scratch)), Path(scratch)))
    played = min(_PLAYED, frames)
    if args.json:
        print_json({"starts": _STARTS, "played": played, "rows": [opening.as_json() for opening in openings]})
        return ExitCode.OK
    screen.print(_table(openings, played))
    for opening in openings:
        if opening.index is not None:
            screen.print(
                f"{opening.layout}: its tables were indexed before that, once, in {opening.index.wall_s:.1f} s and "
                f"{opening.index.peak_mb:.0f} MB",
                markup=False,
            )
    return ExitCode.OK


def _measured(layout: Layout, recording: Path, scratch: Path) -> Opening:
    """The very first start, where there are tables to index, with no index there; then the starts, then the playing."""
    index = _replayed(recording, "0", scratch / "index") if layout == "nuscenes" else None
    starts = [_replayed(recording, "0", scratch / f"start{start}") for start in range(_STARTS)]
    told = json.loads(starts[0].output)
    played = _replayed(recording, ",".join(map(str, range(min(_PLAYED, told["frames"])))), scratch / "played.mp4")
    return Opening(
        layout=layout,
        kind=told["kind"],
        frames=told["frames"],
        starts_s=tuple(start.wall_s for start in starts),
        memory_mb=played.memory_mb,
        index=index,
    )


def _replayed(recording: Path, frames: str, output: Path) -> Usage:
    """`bevseg replay` of some frames, in one process, with indices beside the output.

    Raises:
        OSError: It fails, as for a frame that it cannot read.
    """
    command = [sys.executable, "-m", "bevseg", "replay", str(recording), "--frames", frames, "--output", str(output)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(output.parent / "cache")}
    return measure_command([*command, "--workers", "1", "--json"], interval_s=_LOOK_EVERY_S, environment=environment)


def _table(openings: Sequence[Opening], played: int) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    title = f"Seconds to the first frame, {_STARTS} starts; MB of memory over {played} frames, 2nd and last quarter"
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left")
    headings = ("recording", "frames", "median", "slowest", "early MB", "late MB")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 else "right")
    for opening in openings:
        times = (f"{seconds:.2f}" for seconds in (statistics.median(opening.starts_s), max(opening.starts_s)))
        memory = (f"{megabytes:.0f}" for megabytes in (opening.early_mb, opening.late_mb))
        table.add_row(opening.layout, f"{opening.frames:,}", *times, *memory)
    return table
