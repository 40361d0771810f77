"""The simulator's speed, by sensor and by stage."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from bevseg.simulation.benchmark import STAGES, CpuStopwatch, SensorSpeed, benchmark_simulator
from bevseg.simulation.config import SimulationConfig

CONFIG = SimulationConfig(seed=3, sensors=("vlp-16", "hdl-32e"), density=(0.0, 0.1), range_m=30.0)


def test_every_sensor_is_measured_stage_by_stage() -> None:
    speeds = benchmark_simulator(CONFIG, frames=2, warmup=1)
    assert [speed.sensor for speed in speeds] == ["vlp-16", "hdl-32e"]
    for speed in speeds:
        assert list(speed.stages_ms) == list(STAGES)
        assert all(elapsed > 0 for elapsed in speed.stages_ms.values())
        assert sum(speed.stages_ms.values()) <= speed.frame_ms
        assert speed.frames == 2
        assert speed.points > 1000


def test_what_is_not_done_takes_no_time() -> None:
    (speed,) = benchmark_simulator(replace(CONFIG, sensors=("vlp-16",), occlusion=False), frames=1, warmup=0)
    assert list(speed.stages_ms) == [stage for stage in STAGES if stage != "truth"]


def test_plain_values() -> None:
    speed = SensorSpeed("vlp-16", frames=4, points=20000.25, frame_ms=40.0, stages_ms={"world": 8.12345})
    assert speed.frames_a_second == 25.0
    stored = json.loads(json.dumps(speed.as_json()))
    assert stored["frames_a_second"] == 25.0
    assert stored["points"] == 20000
    assert stored["stages_ms"] == {"world": 8.123}


def test_sleep_is_no_work() -> None:
    watch = CpuStopwatch()
    with watch.stage("asleep"):
        time.sleep(0.05)
    with watch.stage("at work"):
        sum(range(1_000_000))
    assert watch.stages_ms["asleep"] < 25
    assert watch.stages_ms["at work"] > 0


@pytest.mark.parametrize(("frames", "warmup"), [(0, 0), (1, -1)])
def test_nothing_to_measure_is_an_error(frames: int, warmup: int) -> None:
    with pytest.raises(ValueError, match="1 or more frames"):
        benchmark_simulator(CONFIG, frames=frames, warmup=warmup)
