"""Recordings in Rerun (https://rerun.io): as one file, or live in its viewer, in the browser where there is no display.

Nothing leaves the machine: the viewer listens on the loopback interface alone, and its usage statistics are off.
"""

from __future__ import annotations

import errno
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bevseg.evaluation.frame_scores import Scoring
from bevseg.replay.difference import with_differences
from bevseg.replay.frames import BrokenFrame, Frame
from bevseg.replay.pictures import Look
from bevseg.replay.rerun_frames import FrameLogger
from bevseg.replay.rerun_layout import layout
from bevseg.replay.rerun_server import Viewer
from bevseg.whole_files import remove_abandoned, unfinished_path

if TYPE_CHECKING:
    import rerun as rr

_APPLICATION = "bevseg"


@dataclass(frozen=True)
class RerunView:
    """How a recording is shown.

    Attributes:
        look: Layers, and what the colour of a point tells.
        names: Of the results, one or two.
        scoring: Which objects count; None where results are not compared with the truth.
    """

    look: Look
    names: tuple[str, ...]
    scoring: Scoring | None = None

    def open_stream(self) -> rr.RecordingStream:
        """A new stream, to be connected before anything is logged; errors in what is logged are raised.

        Raises:
            ModuleNotFoundError: Rerun is not installed.
        """
        import rerun as rr

        rr.set_strict_mode(True)
        return rr.RecordingStream(_APPLICATION, recording_id=uuid.uuid4())

    def log_all(self, stream: rr.RecordingStream, frames: Iterable[Frame | BrokenFrame]) -> Iterator[int]:
        """Logs the layout, then one frame a step, and counts them."""
        stream.send_recording_name(self.look.title)
        stream.send_blueprint(layout(self.names, self.look, compared=self.scoring is not None))
        logger = FrameLogger(stream, self.look)
        for count, frame in enumerate(frames, 1):
            logger.log(frame if isinstance(frame, BrokenFrame) else with_differences(frame, self.scoring))
            yield count


@contextmanager
def write_rerun(path: Path, frames: Iterable[Frame | BrokenFrame], view: RerunView) -> Iterator[Iterator[int]]:
    """An .rrd file of all frames, which appears when the `with` block ends well, or not at all.

    What was logged is written frame by frame, so that memory does not grow with the recording.

    Args:
        path: Ends in .rrd.
        frames: In order.
        view: How they are shown.

    Yields:
        An iterator to be run to its end, which writes one frame a step and counts them.

    Raises:
        ModuleNotFoundError: Rerun is not installed.
        OSError: The file cannot be written.
    """
    stream = view.open_stream()
    remove_abandoned(path)
    with unfinished_path(path) as unfinished:
        stream.save(unfinished)
        try:
            yield _written(stream, unfinished, view.log_all(stream, frames))
        finally:
            stream.disconnect()


def _written(stream: rr.RecordingStream, path: Path, steps: Iterable[int]) -> Iterator[int]:
    """Waits after each step until it is in the file: Rerun itself is silent about a disk that is full."""
    size = 0
    for step in steps:
        stream.flush(blocking=True)
        before, size = size, path.stat().st_size
        if size <= before:
            raise OSError(errno.ENOSPC, f"Rerun stopped writing after {size} bytes: is the disk full?")
        yield step


def stream_rerun(viewer: Viewer, frames: Iterable[Frame | BrokenFrame], view: RerunView) -> Iterator[int]:
    """Sends one frame a step to a viewer that runs, and counts them; all have arrived at the end."""
    stream = view.open_stream()
    stream.connect_grpc(viewer.data_url)
    yield from view.log_all(stream, frames)
    stream.flush(blocking=True)
    stream.disconnect()
