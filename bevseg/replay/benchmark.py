"""How fast a recording is replayed: stage by stage on one core, then as a video on all of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bevseg.drawing.video import VideoWriter
from bevseg.replay.difference import with_differences
from bevseg.replay.export import Tally, read_ahead, write_video
from bevseg.replay.frames import BrokenFrame, Frame
from bevseg.replay.pictures import FramePainter
from bevseg.replay.recording import Recording


@dataclass(frozen=True)
class ReplaySpeed:
    """What was measured.

    Attributes:
        frames: Of the video.
        points: Of a scan, in the mean.
        objects: Of a result, in the mean.
        stored_kb: Of a stored result, the largest, 1000 bytes.
        stages_ms: CPU time of each stage for a frame in the middle, one core.
        workers: Processes that drew the video.
        first_s: Until the first picture was drawn, which starts the processes.
        video_s: The whole video, wall clock.
    """

    frames: int
    points: float
    objects: float
    stored_kb: float
    stages_ms: dict[str, float]
    workers: int
    first_s: float
    video_s: float

    @property
    def frames_per_s(self) -> float:
        """Drawn and written, once the processes run."""
        return (self.frames - 1) / max(self.video_s - self.first_s, 1e-9)

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "frames": self.frames,
            "points": round(self.points),
            "objects": round(self.objects, 1),
            "stored_kb": round(self.stored_kb, 1),
            "stages_ms": {stage: round(ms, 1) for stage, ms in self.stages_ms.items()},
            "workers": self.workers,
            "first_s": round(self.first_s, 2),
            "video_s": round(self.video_s, 2),
            "frames_per_s": round(self.frames_per_s, 1),
        }


def benchmark_replay(
    recording: Recording, painter: FramePainter, *, stored: Path, scratch: Path, workers: int
) -> ReplaySpeed:
    """Measures on all frames of a recording.

    Args:
        recording: With stored results.
        painter: Draws it.
        stored: Folder of the results' files.
        scratch: Folder that videos go to.
        workers: Processes that draw.

    Raises:
        OSError: A frame cannot be read.
    """
    frames, stages_ms = _stages(recording, painter, scratch / "one.mp4")
    start = time.perf_counter()
    marks: list[float] = []
    read = read_ahead(recording, range(len(recording)), Tally())
    with write_video(scratch / "all.mp4", read, painter, frames_per_s=10.0, workers=workers) as drawn:
        marks.extend(time.perf_counter() - start for _ in drawn)
    sizes = [sum(Path(f"{stored / frame.name}{end}").stat().st_size for end in (".json", ".npz")) for frame in frames]
    return ReplaySpeed(
        frames=len(frames),
        points=float(np.mean([len(frame.cloud) for frame in frames])),
        objects=float(np.mean([len(frame.predictions[0].scene.instances) for frame in frames])),
        stored_kb=max(sizes) / 1000,
        stages_ms=stages_ms,
        workers=workers,
        first_s=marks[0],
        video_s=time.perf_counter() - start,
    )


def _stages(recording: Recording, painter: FramePainter, path: Path) -> tuple[list[Frame], dict[str, float]]:
    """Every frame, one stage after the other in this process."""
    frames: list[Frame] = []
    clock: list[list[float]] = []
    with VideoWriter(path, frames_per_s=10.0) as video:
        for index in range(len(recording)):
            marks = [time.process_time()]
            frame = recording.read(index, with_difference=False)
            if isinstance(frame, BrokenFrame):
                raise OSError(f"frame {index} cannot be read: {frame.reason}")
            marks.append(time.process_time())
            judged = with_differences(frame, recording.scoring)
            marks.append(time.process_time())
            picture = replace(painter, scoring=None)(judged)
            marks.append(time.process_time())
            video.write(picture)
            marks.append(time.process_time())
            frames.append(frame)
            clock.append(marks)
    middle = np.median(np.diff(np.array(clock), axis=1), axis=0) * 1e3
    return frames, dict(zip(("read", "compare", "draw", "encode"), middle.tolist(), strict=True))
