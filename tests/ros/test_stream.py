from __future__ import annotations

import pytest

from bevseg_ros.stream import Stream, StreamLimits, Verdict

START_NS = 1_700_000_000_000_000_000


def after(step_s: float, *, arrival_s: float = 0.1, frame: str = "lidar") -> Verdict:
    stream = Stream(StreamLimits(back_s=1.0, forward_s=5.0))
    assert stream.judge(START_NS, "lidar", 50.0) == Verdict()
    return stream.judge(START_NS + round(step_s * 1e9), frame, 50.0 + arrival_s)


@pytest.mark.parametrize(
    ("step_s", "verdict"),
    [
        (0.1, Verdict()),
        (0.0, Verdict(drop="duplicate_stamp")),
        (-0.9, Verdict(drop="out_of_order")),
        (-1.0, Verdict(remarks=("clock_jump_back",), restart=True)),
        (5.0, Verdict()),
        (5.2, Verdict(remarks=("clock_jump_forward",), restart=True)),
    ],
)
def test_how_stamps_follow(step_s: float, verdict: Verdict) -> None:
    assert after(step_s) == verdict


def test_a_pause_of_the_sensor_is_no_jump_of_the_clock() -> None:
    assert after(60.0, arrival_s=59.0) == Verdict()


def test_another_frame_begins_another_stream() -> None:
    assert after(0.1, frame="rear") == Verdict(remarks=("frame_changed",), restart=True)
    assert after(-9.0, frame="rear") == Verdict(remarks=("clock_jump_back", "frame_changed"), restart=True)


def test_what_is_dropped_changes_nothing() -> None:
    stream = Stream()
    stream.judge(START_NS, "lidar", 0.0)
    assert stream.judge(START_NS - 1, "rear", 0.1).drop == "out_of_order"
    assert stream.judge(START_NS, "lidar", 0.2).drop == "duplicate_stamp"
    assert stream.judge(START_NS + 1, "lidar", 0.3) == Verdict()
