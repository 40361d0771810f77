from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bevseg.geometry.frames import Transform
from bevseg_ros.accounting import Account
from bevseg_ros.diagnostics import (
    InputState,
    accounting_status,
    input_status,
    latency_status,
    model_status,
    odometry_status,
    outputs_status,
    process_status,
    processing_time_status,
    tracking_status,
    transform_status,
)
from bevseg_ros.following import FollowingState
from bevseg_ros.policies import DROP_REASONS, Level
from bevseg_ros.timing import DEBUG_TOPICS, CloudTimes, RecentTimes
from bevseg_ros.transforms import TransformHistory

NOTHING = Account(0, 0, 0, 0, {}, 0, {})
INPUT = InputState("/points", "lidar", 10.0, 0.05, 0.05, 0, 0, 0, 0)


def test_levels_are_those_of_what_is_new() -> None:
    account = Account(9, 4, 1, 1, {"truncated": 1, "late_transform": 2}, 0, {"empty_cloud": 1})
    status = accounting_status(account, NOTHING, points_clipped=7, last_error="truncated: too short")
    assert status.level == Level.ERROR
    assert status.message.startswith("1 x truncated; 2 x late_transform; 1 x empty_cloud; 1 superseded")
    assert {f"dropped.{reason}" for reason in DROP_REASONS} <= set(status.values)
    assert (status.values["dropped.late_transform"], status.values["points_clipped"]) == ("2", "7")
    again = accounting_status(account, account, points_clipped=0, last_error="")
    assert (again.level, again.message) == (Level.OK, "every cloud is accounted for")
    assert (
        accounting_status(replace(account, received=10), account, points_clipped=0, last_error="").level == Level.ERROR
    )


@pytest.mark.parametrize(
    ("changes", "level", "message"),
    [
        ({}, Level.OK, "clouds arrive"),
        ({"waiting_s": 0.7}, Level.ERROR, "no cloud on /points for 0.70 s"),
        ({"incompatible_qos": 1}, Level.ERROR, "QoS"),
        ({"lost_by_middleware": 5}, Level.WARN, "lost 3 clouds"),
    ],
)
def test_the_stream_of_clouds(changes: dict[str, Any], level: Level, message: str) -> None:
    status = input_status(replace(INPUT, **changes), active=True, stall_timeout_s=0.5, lost_before=2)
    assert status.level == level
    assert message in status.message
    assert status.values["input_rate_hz"] == "10.00"


def test_a_node_that_is_not_active_misses_nothing() -> None:
    state = replace(INPUT, waiting_s=99.0, age_s=None)
    status = input_status(state, active=False, stall_timeout_s=0.5, lost_before=0)
    assert (status.level, status.message, status.values["age_s"]) == (Level.OK, "not active", "never")


def times(total_ms: float) -> CloudTimes:
    return CloudTimes(1.0, total_ms - 3.0, 2.0, total_ms + 5, 100.0)


def test_slow_clouds_are_a_warning_and_in_a_row_an_error() -> None:
    recent = RecentTimes()
    limits = {"max_processing_ms": 200.0, "max_delay_ms": 1000.0}
    assert processing_time_status(recent, now_s=0.0, **limits).level == Level.OK
    levels = []
    for now_s, total_ms in ((10.0, 50.0), (10.5, 300.0), (11.4, 300.0), (11.6, 300.0), (11.7, 50.0)):
        recent.add(times(total_ms), now_s=now_s, max_processing_ms=200.0)
        levels.append(processing_time_status(recent, now_s=now_s, **limits).level)
    assert levels == [Level.OK, Level.WARN, Level.WARN, Level.ERROR, Level.OK]
    status = processing_time_status(recent, now_s=12.0, **limits)
    assert status.values == {
        "is_processing_time_ms_in_expected_range": "True",
        "processing_time_ms": "50.000",
        "is_consecutive_processing_delay_in_range": "True",
        "consecutive_processing_delay_ms": "0.000",
    }


def test_percentiles_of_each_stage() -> None:
    recent = RecentTimes()
    assert latency_status(recent).message == "no cloud yet"
    for total_ms in range(10, 110):
        recent.add(times(float(total_ms)), now_s=0.0, max_processing_ms=1e3)
    kept = recent.copy()
    recent.add(times(1e6), now_s=0.0, max_processing_ms=1e9)
    values = latency_status(kept).values
    assert float(values["processing_time/total_ms.p50"]) == pytest.approx(59.5)
    assert float(values["processing_time/total_ms.p99"]) == pytest.approx(108.01)
    assert {f"{name}.p50" for name in DEBUG_TOPICS} == {name for name in values if name.endswith("p50")}
    assert "cyclic_time_ms" not in replace(times(5.0), cyclic_ms=None).by_name()


def test_where_the_sensor_is() -> None:
    assert transform_status(None, "mount", error="", failing=False).values["source"] == "none"
    assert transform_status("base_link", "topic", error="late", failing=True).level == Level.ERROR
    assert transform_status("base_link", "topic", error="late", failing=False).message == "known again"


def test_what_has_come_on_topics_of_places() -> None:
    known = TransformHistory("odom", "odometry", src="base_link")
    assert "newest_stamp_s" not in transform_status("base_link", "mount", error="", failing=False).values
    told = transform_status("base_link", "topic", error="", failing=False, arrivals=known.arrivals())
    assert (told.values["arrived"], told.values["newest_stamp_s"]) == ("0", "none")
    assert odometry_status(known).message == "no pose of 'base_link' in 'odom' has arrived"
    known.add(7, Transform.identity("map"))
    assert odometry_status(known).message.endswith("; 1 lead elsewhere, the last from 'map' to 'map'")
    known.add(1_500_000_000, Transform.from_yaw(0.0, np.zeros(3), dst="odom", src="base_link"))
    status = odometry_status(known)
    assert (status.level, status.message) == (Level.OK, "1 poses have arrived")
    assert status.values == {
        "base_frame": "base_link",
        "odometry_frame": "odom",
        "arrived": "1",
        "newest_stamp_s": "1.500000000",
        "ignored": "1",
        "last_ignored": "'map' to 'map'",
    }
    known.forget()
    assert odometry_status(known).message == "no pose has arrived since the clock jumped back"


def test_who_takes_results() -> None:
    assert outputs_status({"output/points": 0, "output/grid": 0}).message == "nobody is subscribed"
    status = outputs_status({"output/points": 2, "output/grid": 0})
    assert (status.message, status.values["output/points"]) == ("1 of 2 topics have subscribers", "2")


def test_how_objects_are_followed() -> None:
    assert tracking_status("none", FollowingState()).message == "off: objects have no track ids"
    fine = tracking_status("odometry", FollowingState(tracks=7, begun_anew=1, error="late"))
    assert (fine.level, fine.message) == (Level.OK, "7 objects are followed")
    assert fine.values == {"source": "odometry", "tracks": "7", "begun_anew": "1", "last_error": "late"}
    failing = tracking_status("odometry", FollowingState(tracks=7, error="late", failing=True))
    assert (failing.level, failing.message) == (Level.WARN, "late")


def test_the_model_and_the_process() -> None:
    fine = model_status("active", "bevseg-s on cpu", errors_in_a_row=0, reloads=1, error="what it once said")
    assert (fine.level, fine.message) == (Level.OK, "bevseg-s on cpu")
    assert model_status("active", "bevseg-s", errors_in_a_row=1, reloads=0, error="bad").level == Level.ERROR
    assert model_status("unconfigured", "", errors_in_a_row=0, reloads=0, error="no file").message == "no file"
    assert model_status("unconfigured", "", errors_in_a_row=0, reloads=0, error="").message == "unconfigured"
    assert process_status(memory_mb=1.0, peak_memory_mb=2.0, same_name=1).level == Level.OK
    assert "2 nodes have this name" in process_status(memory_mb=1.0, peak_memory_mb=2.0, same_name=2).message
