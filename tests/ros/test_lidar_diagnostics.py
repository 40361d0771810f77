from __future__ import annotations

from dataclasses import replace

import pytest

from bevseg_ros.accounting import Account
from bevseg_ros.diagnostics import InputState
from bevseg_ros.gathering import GroupCounts
from bevseg_ros.lidar_diagnostics import LidarReport, lidars_status, merge_status
from bevseg_ros.policies import Level

NOTHING = Account(0, 0, 0, 0, {}, 0, {})
TOPICS = ("/top", "/left")
GROUPS = GroupCounts(closed=7, complete=5, missing=(0, 2), last_spread_ms=1.5, last_wait_ms=20.0)


def report(topic: str, account: Account = NOTHING, **changes: float) -> LidarReport:
    stream = InputState(topic, topic.strip("/"), 10.0, 0.05, 0.05, 0, 3, 0, 0)
    return LidarReport(replace(stream, **changes), 0, account, NOTHING)  # type: ignore[arg-type]


def test_each_lidar_is_told_of_below_its_topic() -> None:
    status = lidars_status([report("/top"), report("/left")], GROUPS, active=True, stall_timeout_s=0.5)
    assert (status.level, status.message) == (Level.OK, "clouds of 2 LiDARs arrive")
    expected = {"frame_id": "left", "input_rate_hz": "10.00", "lost_before_arrival_by_stamps": "3", "state": "arrives"}
    assert {name: status.values[f"/left.{name}"] for name in expected} == expected
    idle = lidars_status([report("/top"), report("/left")], GROUPS, active=False, stall_timeout_s=0.5)
    assert (idle.level, idle.message, idle.values["/top.state"]) == (Level.OK, "not active", "inactive")


@pytest.mark.parametrize(
    ("left", "state", "level", "message"),
    [
        (report("/left", waiting_s=0.7), "stalled", Level.ERROR, "no cloud on /left for 0.70 s"),
        (report("/left", incompatible_qos=1), "incompatible_qos", Level.ERROR, "a publisher on /left"),
        (report("/left", lost_by_middleware=2), "message_lost", Level.WARN, "/left: the middleware lost 2"),
        (
            report("/left", Account(4, 1, 0, 0, {"late_partner": 2, "bad_type": 1}, 0, {})),
            "bad_type",
            Level.ERROR,
            "/left: 2 x late_partner, 1 x bad_type",
        ),
    ],
)
def test_the_worst_lidar_gives_the_level(left: LidarReport, state: str, level: Level, message: str) -> None:
    status = lidars_status([report("/top"), left], GROUPS, active=True, stall_timeout_s=0.5)
    assert (status.level, status.values["/left.state"], status.values["/top.state"]) == (level, state, "arrives")
    assert message in status.message


def test_another_clock_is_an_error() -> None:
    groups = replace(GROUPS, apart=frozenset({1}))
    status = lidars_status([report("/top"), report("/left")], groups, active=True, stall_timeout_s=0.5)
    assert (status.level, status.values["/left.state"]) == (Level.ERROR, "clock_apart")
    assert status.message == "/left is on another clock than the other LiDARs"


@pytest.mark.parametrize(
    ("new", "level", "message"),
    [
        ({}, Level.OK, "clouds of all LiDARs come together"),
        ({"incomplete_group": 2, "late_partner": 2}, Level.WARN, "2 results lack LiDARs; the last one: /left (late)"),
        ({"late_partner": 1}, Level.WARN, "see merge.timeout_s"),
        ({"required_missing": 1, "incomplete_group": 1}, Level.ERROR, "the last group lacks: /left (late)"),
    ],
)
def test_how_clouds_come_together(new: dict[str, int], level: Level, message: str) -> None:
    status = merge_status(TOPICS, GROUPS, left_out=["/left (late)"], new=new, active=True)
    assert status.level == level
    assert message in status.message
    assert (status.values["complete"], status.values["missing./left"]) == ("5", "2")
    again = merge_status(TOPICS, GROUPS, left_out=[], new={"incomplete_group": 1}, active=True)
    assert "all are there again" in again.message
