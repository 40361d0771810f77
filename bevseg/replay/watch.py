"""A folder that grows while it is watched: its frames as they are complete, until nothing more comes."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bevseg.datasets.source import Source


@dataclass(frozen=True)
class Watch:
    """How a folder is watched.

    Attributes:
        folder: The files of the frames lie directly in it; names sort in the order of time.
        reopen: Opens what lies in it by now.
        idle_s: Without a new frame for so long the stream has ended, seconds.
        settle_s: The newest file is complete when nobody has written to it for so long, seconds.
        every_s: How often is looked, seconds.
    """

    folder: Path
    reopen: Callable[[], Source]
    idle_s: float = 10.0
    settle_s: float = 0.5
    every_s: float = 0.2

    def new_frames(
        self, opened: Callable[[Source], object], *, stop: Callable[[], bool] = lambda: False
    ) -> Iterator[int]:
        """The places of frames, each once, as they are complete.

        Args:
            opened: Called with the source that holds the frames to come.
            stop: Asked again and again; ends the watching.
        """
        shown, since = 0, time.monotonic()
        while not stop():
            looked = time.monotonic()  # before the look: one that was held up for long may have missed a frame
            ready = self._ready(opened)
            if ready > shown:
                yield from range(shown, ready)
                shown, since = ready, time.monotonic()
            elif looked - since >= self.idle_s:
                return
            else:
                time.sleep(self.every_s)

    def _ready(self, opened: Callable[[Source], object]) -> int:
        """How many frames are complete: all but the newest, while it may still be written to."""
        source = self.reopen()
        opened(source)
        newest = max(map(_written_at, self.folder.iterdir()), default=0.0)
        return len(source) if time.time() - newest >= self.settle_s else len(source) - 1


def _written_at(path: Path) -> float:
    """When a file was last written to, seconds since the epoch; 0 for what is no file, or none any more."""
    try:
        status = path.stat()
    except FileNotFoundError:  # whoever writes it has given it its final name meanwhile
        return 0.0
    return status.st_mtime if stat.S_ISREG(status.st_mode) else 0.0
