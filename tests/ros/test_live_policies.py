"""Each thing that can go wrong with a cloud, sent to a live node: what becomes of it, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bevseg.messages.fields import PointCloud2Fields, PointFieldFields, TimeFields
from bevseg.messages.fill import generated_class, make_message
from bevseg_ros.policies import CONDITIONS, DROP_REASONS

pytestmark = pytest.mark.ros

Change = Callable[[PointCloud2Fields], PointCloud2Fields]


def without(name: str) -> Change:
    return lambda cloud: replace(cloud, fields=tuple(field for field in cloud.fields if field.name != name))


def with_field(name: str, **changes: Any) -> Change:
    def change(cloud: PointCloud2Fields) -> PointCloud2Fields:
        return replace(
            cloud, fields=tuple(replace(field, **changes) if field.name == name else field for field in cloud.fields)
        )

    return change


def filled(columns: slice, value: float) -> Change:
    """The same number in those bytes of every point."""

    def change(cloud: PointCloud2Fields) -> PointCloud2Fields:
        data = cloud.data.copy().reshape(-1, cloud.point_step)
        data[:, columns] = np.full((columns.stop - columns.start) // 4, value, "<f4").view(np.uint8)
        return replace(cloud, data=data.ravel(), is_dense=False)

    return change


def byte_swapped(cloud: PointCloud2Fields) -> PointCloud2Fields:
    """The payload in the other byte order, with a flag that does not say so."""
    data = cloud.data.copy().reshape(-1, cloud.point_step)
    swapped = data[:, :16].reshape(-1, 4, 4)[:, :, ::-1].reshape(-1, 16)
    return replace(cloud, data=np.concatenate([swapped, data[:, 17:15:-1], data[:, 18:]], axis=1).ravel())


BROKEN: dict[str, Change] = {
    "missing_field": without("y"),
    "duplicate_field": lambda cloud: replace(cloud, fields=(*cloud.fields, PointFieldFields("x", 0, 7))),
    "bad_type": with_field("z", datatype=99),
    "bad_count": with_field("x", count=3),
    "field_outside_point": with_field("z", offset=18),
    "wrong_endianness": byte_swapped,
    "wrong_values": lambda cloud: replace(cloud, data=np.full(len(cloud.data), 0x71, np.uint8)),
    "bad_size": lambda cloud: replace(cloud, point_step=0),
    "size_mismatch": lambda cloud: replace(cloud, row_step=cloud.row_step - 1),
    "truncated": lambda cloud: replace(cloud, data=cloud.data[:-100]),
    "absurd_size": lambda cloud: replace(cloud, width=2**32 - 1, height=2**32 - 1),
    "no_finite_points": filled(slice(0, 12), np.nan),
    "bad_stamp": lambda cloud: replace(cloud, header=replace(cloud.header, stamp=TimeFields(-1, 0))),
    "bad_time": lambda cloud: replace(cloud, fields=(*cloud.fields, PointFieldFields("t", 0, 7))),
    "bad_intensity": filled(slice(12, 16), 1e30),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_what_cannot_be_read_is_dropped_for_a_named_reason(live: Any, reason: str) -> None:
    tables = live.table()
    broken = BROKEN[reason](live.scans.fields())
    outcome = live.feed(make_message(broken))
    level, message, values = live.driver.last("accounting")
    assert dict(outcome.dropped) == {reason: 1}
    assert (level, message) == (DROP_REASONS[reason].level, f"1 x {reason}")
    assert values["last_error"].startswith(f"{reason}: ") or reason == "bad_stamp"
    assert live.feed(live.scans.message()).published == 1
    live.driver.wait_for(lambda: tables, "objects of the next cloud")


def test_more_bytes_than_sizes_say_are_a_mismatch(live: Any) -> None:
    live.table()
    fields = live.scans.fields()
    longer = replace(fields, data=np.concatenate([fields.data, np.zeros(7, np.uint8)]))
    assert dict(live.feed(make_message(longer)).dropped) == {"size_mismatch": 1}


def test_big_endian_clouds_are_read_as_they_say(live: Any) -> None:
    tables = live.table()
    fields = live.scans.fields(1)
    live.feed(make_message(replace(byte_swapped(fields), is_bigendian=True)), make_message(live.scans.fields(1)))
    live.driver.wait_for(lambda: len(tables) == 2, "both")
    assert tables[0].data == tables[1].data
    assert len(tables[0].data) > 0


def test_an_empty_cloud_gives_an_explicit_empty_result(live: Any) -> None:
    tables = live.table()
    maps = live.driver.subscribe("output/visibility", generated_class("nav_msgs/msg/OccupancyGrid"))
    fields = live.scans.fields()
    empty = replace(fields, width=0, row_step=0, data=fields.data[:0])
    outcome = live.feed(make_message(empty))
    assert (outcome.published, dict(outcome.remarks)) == (1, {"empty_cloud": 1})
    live.driver.wait_for(lambda: tables and maps, "an empty result")
    assert (tables[0].width, len(tables[0].data)) == (0, 0)
    assert tables[0].header.stamp == make_message(empty).header.stamp
    assert set(maps[0].data) == {-1}


@pytest.mark.parametrize(
    ("step_s", "counted"),
    [
        (0.0, {"duplicate_stamp": 1}),
        (-0.4, {"out_of_order": 1}),
        (-900.0, {"clock_jump_back": 1}),
        (900.0, {"clock_jump_forward": 1}),
    ],
)
def test_stamps_that_do_not_follow(live: Any, step_s: float, counted: dict[str, int]) -> None:
    live.table()
    live.feed(live.scans.message())
    outcome = live.feed(live.scans.message(stamp_ns=live.scans.next_stamp_ns(step_s)))
    assert {**outcome.dropped, **outcome.remarks} == counted
    assert outcome.published == (0 if outcome.dropped else 1)
    live.scans.next_stamp_ns(max(0.0, -step_s) if outcome.dropped else 0.0)
    assert live.feed(live.scans.message()).published == 1


def test_results_follow_a_change_of_frame(live: Any) -> None:
    tables = live.table()
    live.feed(live.scans.message(frame="front"))
    outcome = live.feed(live.scans.message(frame="rear"))
    assert (outcome.published, dict(outcome.remarks)) == (1, {"frame_changed": 1})
    live.driver.wait_for(lambda: len(tables) == 2, "both")
    assert [table.header.frame_id for table in tables] == ["front", "rear"]


def test_a_stalled_sensor_is_an_error_until_clouds_come_again(live: Any) -> None:
    live.table()
    assert live.driver.set_parameters({"stall_timeout_s": 0.2}) == [""]
    live.feed(live.scans.message())
    live.driver.spin(0.4)
    level, message, values = live.driver.diagnostics("input", after=2)
    assert (level, values["topic"]) == (CONDITIONS["sensor_stalled"].level, "/bevseg/input/pointcloud")
    assert "no cloud on /bevseg/input/pointcloud" in message
    assert int(values["stalls"]) > 0
    live.driver.set_parameters({"stall_timeout_s": 600.0})
    live.feed(live.scans.message())
    assert live.driver.diagnostics("input", after=2)[0] == 0
    live.driver.set_parameters({"stall_timeout_s": 0.5})


def test_under_overload_the_newest_cloud_is_taken(live: Any) -> None:
    tables = live.table()
    live.begin()
    messages = [live.scans.message(index) for index in range(12)]
    for message in messages:
        live.driver.clouds.publish(message)
        live.driver.spin(0.01)
    live.driver.wait_for(lambda: tables and tables[-1].header.stamp == messages[-1].header.stamp, "the newest")
    outcome = live.outcome(1)
    assert outcome.superseded > 0
    assert 1 <= len(tables) <= outcome.published  # a reader that is slow itself is given the newest table alone
    assert outcome.received == outcome.published + outcome.superseded


def test_what_was_lost_before_it_arrived_is_estimated_from_stamps(live: Any) -> None:
    live.use({"stall_timeout_s": 600.0})
    for _ in range(8):
        live.feed(live.scans.message())
    before = int(live.driver.diagnostics("input", after=2)[2]["lost_before_arrival_by_stamps"])
    live.scans.next_stamp_ns(0.3)
    live.feed(live.scans.message())
    _, _, values = live.driver.diagnostics("input", after=2)
    assert int(values["lost_before_arrival_by_stamps"]) - before == 3
    assert float(values["input_rate_hz"]) == pytest.approx(10)


def test_a_publisher_with_another_quality_of_service_is_reported(live: Any) -> None:
    from rclpy.qos import QoSProfile, ReliabilityPolicy

    live.use({"reliable_input": True})
    kind = generated_class("sensor_msgs/msg/PointCloud2")
    unreliable = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    publisher = live.driver.node.create_publisher(kind, "/bevseg/input/pointcloud", unreliable)
    live.driver.wait_for(lambda: live.driver.diagnostics("input")[2]["incompatible_qos"] == "1", "the report")
    assert live.driver.diagnostics("input")[0] == CONDITIONS["incompatible_qos"].level
    live.driver.node.destroy_publisher(publisher)
