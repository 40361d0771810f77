"""How fast the simulator is on one core, sensor by sensor, and where its time goes.

All times are CPU time of the process, so what else runs on the machine counts little.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.source import simulate_frame
from bevseg.stopwatch import Stopwatch

STAGES = {
    "world": "roads, traffic and surroundings, and the triangles of all that stands still",
    "tree": "triangles into Embree and its search trees, of surroundings and of objects",
    "beams": "directions and luck of all beams",
    "mesh": "triangles of the objects",
    "rays": "rays against objects, ground and surroundings",
    "returns": "kerbs and bumps of the ground, brightness, what the sensor sees, second echoes",
    "truth": "rays on behind each object; who hides whom; the ground's cells where they are asked for",
    "sample": "noise, points and annotations",
}
"""What each stage is about, in the order in which they run; `truth` only where it is asked for."""


@dataclass(frozen=True)
class SensorSpeed:
    """What frames of one sensor take, in the mean.

    Attributes:
        sensor: Its name.
        frames: How many were measured.
        points: Of a frame.
        frame_ms: CPU time of a frame.
        stages_ms: Of which each stage took so much; some of a frame lies between them.
    """

    sensor: str
    frames: int
    points: float
    frame_ms: float
    stages_ms: Mapping[str, float]

    @property
    def frames_a_second(self) -> float:
        """Of one core."""
        return 1e3 / self.frame_ms

    def as_json(self) -> dict[str, object]:
        """Plain values; times in milliseconds."""
        return {
            "sensor": self.sensor,
            "frames": self.frames,
            "points": round(self.points),
            "frames_a_second": round(self.frames_a_second, 2),
            "frame_ms": round(self.frame_ms, 3),
            "stages_ms": {stage: round(elapsed, 3) for stage, elapsed in self.stages_ms.items()},
        }


def benchmark_simulator(config: SimulationConfig, *, frames: int, warmup: int) -> tuple[SensorSpeed, ...]:
    """Simulates frames 0 .. `frames` - 1 with each sensor, after some that are not measured.

    The first frames of a process also build the shapes that all later ones share.

    Raises:
        ValueError: There is nothing to measure.
    """
    if frames < 1 or warmup < 0:
        raise ValueError(f"expected 1 or more frames and 0 or more of warm-up, got {frames} and {warmup}")
    return tuple(_measure(replace(config, sensors=(sensor,)), frames, warmup) for sensor in config.sensors)


def _measure(config: SimulationConfig, frames: int, warmup: int) -> SensorSpeed:
    config = replace(config, frames=frames + warmup)
    for index in range(frames, frames + warmup):
        simulate_frame(config, index)
    watch, start = CpuStopwatch(), time.process_time()
    points = sum(len(simulate_frame(config, index, watch=watch).cloud) for index in range(frames))
    frame_ms = (time.process_time() - start) * 1e3 / frames
    stages_ms = {stage: elapsed / frames for stage, elapsed in watch.stages_ms.items()}
    return SensorSpeed(config.sensors[0], frames, points / frames, frame_ms, stages_ms)


class CpuStopwatch(Stopwatch):
    """Counts the time that the process, all its threads together, was at work instead of the time on the wall."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times the block."""
        start = time.process_time()
        yield
        elapsed_ms = (time.process_time() - start) * 1e3
        self.stages_ms[name] = self.stages_ms.get(name, 0.0) + elapsed_ms
