"""Three LiDARs on a live node: what comes together, what is missing, late, stalled or wrong, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from bevseg.messages.fields import HeaderFields, TimeFields
from bevseg.messages.fill import generated_class, make_message
from bevseg.messages.outputs import OUTPUTS
from bevseg.messages.pointcloud2 import decode_pointcloud2
from bevseg.pipeline import BevSegmenter
from bevseg.points.cloud import PointCloud
from bevseg.points.sensors import merge_sensors
from bevseg_ros.accounting import Account
from bevseg_ros.policies import CONDITIONS, DROP_REASONS, REMARKS
from bevseg_ros.transforms import MountPose

pytestmark = pytest.mark.ros

MOUNTS = (
    MountPose("base_link", "top", (0.9, 0.0, 1.8), (0.0, 0.02, 0.0)),
    MountPose("base_link", "left", (2.0, 0.8, 0.9), (0.01, 0.0, 1.2)),
    MountPose("base_link", "right", (2.0, -0.8, 0.9), (0.0, 0.0, -1.2)),
)
TOPICS = ("/bevseg/input/pointcloud", "/left", "/right")
TIMEOUT_S = 1.5
"""Far longer than clouds that are sent together take, also where the machine has other work."""
MERGED = {
    "base_frame": "base_link",
    "mount.frame": "top",
    "mount.x": 0.9,
    "mount.z": 1.8,
    "mount.pitch": 0.02,
    "merge.topics": ["/left", "/right"],
    "merge.frames": ["left", "right"],
    "merge.mounts": [2.0, 0.8, 0.9, 0.01, 0.0, 1.2, 2.0, -0.8, 0.9, 0.0, 0.0, -1.2],
    "merge.timeout_s": TIMEOUT_S,
    "stall_timeout_s": 600.0,
}


@dataclass
class Rig:
    """Publishers of three LiDARs, each of which sees a third of the points of a scene."""

    live: Any
    scans: Any
    publishers: list[Any] = field(default_factory=list)
    sent: dict[int, Any] = field(default_factory=dict)

    def send(self, *lidars: int, stamp_ns: int | None = None, changed: dict[int, dict[str, Any]] | None = None) -> int:
        """Clouds of one stamp, those in `changed` with other fields."""
        stamp_ns = self.live.scans.next_stamp_ns() if stamp_ns is None else stamp_ns
        for lidar in lidars:
            fields = self.scans.fields(lidar, frame=MOUNTS[lidar].frame, stamp_ns=stamp_ns)
            self.sent[lidar] = make_message(replace(fields, **(changed or {}).get(lidar, {})))
            self.publishers[lidar].publish(self.sent[lidar])
        return int(stamp_ns)

    def hear(self) -> None:
        """Waits until the node listens to all of them."""
        publishers = self.publishers
        self.live.driver.wait_for(lambda: all(p.get_subscription_count() for p in publishers), "the node to listen")

    def group(self, *lidars: int, stamp_ns: int | None = None, **options: Any) -> Account:
        """What became of clouds of one stamp."""
        self.live.begin()
        self.send(*lidars, stamp_ns=stamp_ns, **options)
        outcome: Account = self.live.outcome(len(lidars))
        return outcome

    def merged(self, *lidars: int) -> PointCloud:
        """The clouds that were sent last, merged without the node."""
        clouds = [
            decode_pointcloud2(self.sent[lidar]).transformed(
                MOUNTS[lidar].T_base_from_sensor(MOUNTS[lidar].frame, 0, 0.0)
            )
            for lidar in lidars
        ]
        return merge_sensors(clouds, lidars)

    def status(self, name: str) -> Any:
        return self.live.driver.last(name)


def seen_by(number: int, cloud: PointCloud) -> PointCloud:
    """A third of a scene as that LiDAR has it in its own frame."""
    T_base_from_top = replace(MOUNTS[0].T_base_from_sensor("top", 0, 0.0), src="lidar")
    T_base_from_own = MOUNTS[number].T_base_from_sensor(MOUNTS[number].frame, 0, 0.0)
    return cloud[number::3].transformed(T_base_from_top).transformed(T_base_from_own.inverse())


@pytest.fixture
def rig(running: Any, simulated_clouds: list[PointCloud], scans: Any) -> Iterator[Rig]:
    running.use(MERGED)
    made = Rig(running, type(scans)([seen_by(number, simulated_clouds[1]) for number in range(3)]))
    kind = generated_class("sensor_msgs/msg/PointCloud2")
    made.publishers = [running.driver.clouds, *(running.driver.node.create_publisher(kind, t, 10) for t in TOPICS[1:])]
    made.hear()
    running.table()
    yield made
    running.driver.unsubscribe()
    for publisher in made.publishers[1:]:
        running.driver.node.destroy_publisher(publisher)


def test_merged_clouds_give_the_pipelines_direct_result(rig: Rig, direct: BevSegmenter) -> None:
    specs = {spec.name: spec for spec in OUTPUTS if spec.name in ("objects_table", "points", "visibility")}
    received = {
        name: rig.live.driver.subscribe(f"output/{name}", generated_class(spec.type_name))
        for name, spec in specs.items()
    }
    stamp_ns = rig.live.scans.next_stamp_ns()
    rig.live.begin()
    rig.send(2, 1, stamp_ns=stamp_ns + 30_000_000)
    rig.send(0, stamp_ns=stamp_ns)
    assert rig.live.outcome(3).published == 3
    rig.live.driver.wait_for(lambda: all(received.values()), "all outputs")
    cloud = rig.merged(0, 1, 2)
    scene = direct.segment(cloud)
    assert len(scene.instances) > 3
    header = HeaderFields(TimeFields.from_ns(stamp_ns), "base_link")
    for name, spec in specs.items():
        (message,) = received[name]
        wanted = make_message(spec.make(scene, cloud, header))
        assert message.header == wanted.header, name
        assert bytes(np.asarray(message.data).tobytes()) == bytes(np.asarray(wanted.data).tobytes()), name
    level, message, values = rig.live.driver.diagnostics("merge", after=2)
    assert (level, message, values["last_left_out"]) == (0, "clouds of all LiDARs come together", "")
    assert float(values["last_spread_ms"]) == pytest.approx(30)
    level, message, values = rig.status("input")
    assert (level, message) == (0, "clouds of 3 LiDARs arrive")
    assert [values[f"{topic}.frame_id"] for topic in TOPICS] == ["top", "left", "right"]
    assert [values[f"{topic}.state"] for topic in TOPICS] == ["arrives"] * 3


def test_a_missing_partner_is_named_and_the_others_are_published(rig: Rig, direct: BevSegmenter) -> None:
    tables = rig.live.table()
    outcome = rig.group(0, 1)
    assert (outcome.published, dict(outcome.remarks)) == (2, {"incomplete_group": 1})
    level, message, values = rig.status("merge")
    assert level == REMARKS["incomplete_group"].level
    assert "/right (no cloud in time)" in message
    assert float(values["last_wait_ms"]) >= TIMEOUT_S * 1e3
    assert int(values["missing./right"]) >= 1
    rig.live.driver.wait_for(lambda: tables, "objects")
    assert tables[0].width == len(direct.segment(rig.merged(0, 1)).instances)
    assert rig.group(0, 1, 2).published == 3
    assert rig.live.driver.diagnostics("merge", after=2)[0] == 0


def test_without_the_reference_the_next_lidar_gives_the_stamp(rig: Rig) -> None:
    tables = rig.live.table()
    outcome = rig.group(1, 2)
    assert (outcome.published, dict(outcome.remarks)) == (2, {"incomplete_group": 1})
    rig.live.driver.wait_for(lambda: tables, "objects")
    assert tables[0].header == replace_frame(rig.sent[1].header)
    assert f"{TOPICS[0]} (no cloud in time)" in rig.status("merge")[1]


def replace_frame(header: Any) -> Any:
    made = type(header)(stamp=header.stamp)
    made.frame_id = "base_link"
    return made


def test_a_partner_that_comes_too_late_is_dropped_by_name(rig: Rig) -> None:
    stamp_ns = rig.live.scans.next_stamp_ns()
    assert rig.group(0, 1, stamp_ns=stamp_ns).published == 2
    outcome = rig.group(2, stamp_ns=stamp_ns)
    assert dict(outcome.dropped) == {"late_partner": 1}
    level, message, values = rig.status("input")
    assert (level, values["/right.state"]) == (DROP_REASONS["late_partner"].level, "late_partner")
    assert "/right: 1 x late_partner" in message
    assert "late_partner=" in values["/right.dropped"]
    assert rig.status("merge")[0] == DROP_REASONS["late_partner"].level


def test_when_all_partners_are_late_the_reference_is_published(rig: Rig) -> None:
    rig.live.begin()
    for count in (1, 2):
        stamp_ns = rig.send(0)
        rig.live.outcome(3 * count - 2)
        rig.send(1, 2, stamp_ns=stamp_ns)
        outcome = rig.live.outcome(3 * count)
    assert (outcome.published, dict(outcome.dropped)) == (2, {"late_partner": 4})
    assert dict(outcome.remarks) == {"incomplete_group": 2}


def test_a_stalled_lidar_is_an_error_and_is_not_waited_for(rig: Rig) -> None:
    assert rig.group(0, 1, 2).published == 3
    assert rig.live.driver.set_parameters({"stall_timeout_s": 0.3}) == [""]
    rig.live.driver.spin(0.4)
    first = rig.group(0, 1)
    assert first.published == 2
    assert float(rig.status("merge")[2]["last_wait_ms"]) >= TIMEOUT_S * 1e3
    assert rig.group(0, 1).published == 2
    level, message, values = rig.live.driver.diagnostics("input")
    assert (level, values["/right.state"]) == (CONDITIONS["sensor_stalled"].level, "stalled")
    assert "no cloud on /right" in message
    assert float(rig.status("merge")[2]["last_wait_ms"]) < TIMEOUT_S * 1e3
    assert rig.live.driver.set_parameters({"stall_timeout_s": 600.0}) == [""]
    assert rig.group(0, 1, 2).published == 3


def test_a_lidar_whose_place_is_not_known_is_dropped_by_name(rig: Rig) -> None:
    stamp_ns = rig.live.scans.next_stamp_ns()
    elsewhere = HeaderFields(TimeFields.from_ns(stamp_ns), "bumper")
    outcome = rig.group(0, 1, 2, stamp_ns=stamp_ns, changed={2: {"header": elsewhere}})
    assert (outcome.published, dict(outcome.dropped)) == (2, {"no_transform": 1})
    assert dict(outcome.remarks) == {"incomplete_group": 1, "frame_changed": outcome.remarks.get("frame_changed", 0)}
    assert "/right: mount poses are those of" in rig.status("accounting")[2]["last_error"]
    assert "/right (no_transform)" in rig.status("merge")[1]
    assert rig.live.driver.diagnostics("transform")[0] == 2
    assert rig.group(0, 1, 2).published == 3
    assert rig.live.driver.diagnostics("transform")[0] == 0


def test_wrong_fields_of_one_lidar_leave_the_others(rig: Rig) -> None:
    fields = rig.scans.fields(1).fields
    outcome = rig.group(0, 1, 2, changed={1: {"fields": tuple(each for each in fields if each.name != "y")}})
    assert (outcome.published, dict(outcome.dropped)) == (2, {"missing_field": 1})
    assert "/left (missing_field)" in rig.status("merge")[1]
    assert rig.status("input")[2]["/left.state"] == "missing_field"


def test_a_lidar_whose_clock_jumps_joins_nothing_until_it_is_back(rig: Rig) -> None:
    assert rig.group(0, 1, 2).published == 3
    stamp_ns = rig.live.scans.next_stamp_ns()
    outcome = rig.group(2, stamp_ns=stamp_ns + 900_000_000_000)
    assert (dict(outcome.dropped), dict(outcome.remarks)) == ({"clock_apart": 1}, {"clock_jump_forward": 1})
    level, message, values = rig.live.driver.diagnostics("input", after=2)
    assert (level, values["/right.state"]) == (DROP_REASONS["clock_apart"].level, "clock_apart")
    assert "/right is on another clock" in message
    assert rig.group(0, 1, stamp_ns=stamp_ns).published == 2
    rig.live.begin()
    stamp_ns = rig.send(2)
    rig.live.driver.account_pending(1)  # on topics of their own the others could overtake it, and would not wait for it
    rig.send(0, 1, stamp_ns=stamp_ns)
    outcome = rig.live.outcome(3)
    assert (outcome.published, dict(outcome.remarks)) == (3, {"clock_jump_back": 1})
    assert rig.live.driver.diagnostics("input", after=2)[2]["/right.state"] == "arrives"


def test_when_all_clocks_jump_back_groups_begin_anew(rig: Rig) -> None:
    assert rig.group(0, 1, 2).published == 3
    stamp_ns = rig.live.scans.next_stamp_ns() - 500_000_000_000
    outcome = rig.group(0, 1, 2, stamp_ns=stamp_ns)
    assert (outcome.published, dict(outcome.remarks)) == (3, {"clock_jump_back": 3})
    assert rig.group(0, 1, 2).published == 3


def test_under_overload_whole_groups_are_superseded(rig: Rig) -> None:
    rig.live.begin()
    for _ in range(8):
        rig.send(0, 1, 2)
        rig.live.driver.spin(0.02)
    outcome = rig.live.outcome(3)
    assert outcome.superseded > 0
    assert outcome.received == outcome.published + outcome.superseded + sum(outcome.dropped.values())


def test_clouds_that_wait_when_the_node_is_deactivated_are_accounted_for(rig: Rig) -> None:
    rig.live.use({**MERGED, "merge.timeout_s": 5.0})
    rig.hear()
    rig.live.begin()
    rig.send(0, 2)
    rig.live.driver.account_pending(2)
    assert rig.live.driver.change_state("deactivate")
    assert dict(rig.live.outcome(2).dropped) == {"deactivated": 2}


def test_offsets_and_lidars_without_which_there_is_no_result(rig: Rig) -> None:
    wanted = {"merge.offsets_s": [0.04, -0.04], "merge.tolerance_s": 0.02, "merge.required": ["/left"]}
    rig.live.use({**MERGED, **wanted})
    rig.hear()
    stamp_ns = rig.live.scans.next_stamp_ns()
    rig.live.begin()
    for lidar, offset_ms in enumerate((0, 40, -40)):
        rig.send(lidar, stamp_ns=stamp_ns + offset_ms * 1_000_000)
    assert rig.live.outcome(3).published == 3
    outcome = rig.group(0, stamp_ns=rig.live.scans.next_stamp_ns(1.0))
    assert dict(outcome.dropped) == {"required_missing": 1}
    level, message, _ = rig.status("merge")
    assert level == DROP_REASONS["required_missing"].level
    assert "/left (no cloud in time)" in message
    assert "no usable cloud of /left" in rig.status("accounting")[2]["last_error"]


@pytest.mark.parametrize("topics", [["/left", "/bevseg/input/pointcloud"], ["/left", "no topic"]])
def test_topics_that_cannot_be_are_refused_at_configure(rig: Rig, topics: list[str]) -> None:
    rig.live.release()
    assert rig.live.driver.set_parameters({"merge.topics": topics}) == [""]
    assert not rig.live.driver.change_state("configure")
    assert "merge.topics" in rig.live.driver.diagnostics("model", after=2)[1]
    assert rig.live.driver.set_parameters({"merge.topics": ["/left", "/right"]}) == [""]
