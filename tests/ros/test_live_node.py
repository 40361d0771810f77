"""The node as a process, driven through real services and fed through real DDS; every output against the pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bevseg.geometry.frames import Transform
from bevseg.messages.fields import HeaderFields, TimeFields
from bevseg.messages.fill import generated_class, make_message
from bevseg.messages.maps import grid_metadata
from bevseg.messages.outputs import OUTPUTS
from bevseg.messages.pointcloud2 import decode_pointcloud2, stamp_of
from bevseg.pipeline import BevSegmenter
from bevseg.results.classes import SemanticClass
from bevseg.results.scene import Scene
from bevseg_ros.policies import CONDITIONS
from bevseg_ros.selection import only_classes
from bevseg_ros.timing import DEBUG_TOPICS
from bevseg_ros.transforms import MountPose

pytestmark = pytest.mark.ros

STANDARD = {spec.name: spec for spec in OUTPUTS if spec.package in ("sensor_msgs", "nav_msgs", "visualization_msgs")}


def expected(name: str, message: Any, scene: Scene, cloud: Any) -> Any:
    """The message that the pipeline's result makes, as it is after a way over the wire (float32 where it says so)."""
    header = HeaderFields(TimeFields.from_ns(stamp_of(message.header)), cloud.frame)
    return over_the_wire(make_message(STANDARD[name].make(scene, cloud, header)))


def over_the_wire(message: Any) -> Any:
    from rclpy.serialization import deserialize_message, serialize_message

    return deserialize_message(serialize_message(message), type(message))


def test_every_output_is_the_pipelines_direct_result(live: Any, direct: BevSegmenter) -> None:
    received = {
        name: live.driver.subscribe(f"output/{name}", generated_class(spec.type_name))
        for name, spec in STANDARD.items()
    }
    grids = live.driver.subscribe("output/grid", generated_class("nav_msgs/msg/MapMetaData"), latched=True)
    message = live.scans.message(1, frame="os_sensor")
    live.driver.clouds.publish(message)
    live.driver.wait_for(lambda: all(received.values()) and grids, "all outputs")
    cloud = decode_pointcloud2(message)
    scene = direct.segment(cloud)
    assert len(scene.instances) > 3
    for name in STANDARD:
        assert received[name] == [expected(name, message, scene, cloud)], name
    expected_grid = over_the_wire(make_message(grid_metadata(direct.config.grid)))
    expected_grid.map_load_time = grids[0].map_load_time
    assert grids == [expected_grid]


def test_nothing_is_computed_that_nobody_is_subscribed_to(live: Any) -> None:
    outcome = live.feed(live.scans.message(), live.scans.message())
    assert (outcome.received, outcome.unsubscribed, outcome.published) == (2, 2, 0)


def test_results_in_the_vehicles_frame_by_its_mount(live: Any, direct: BevSegmenter) -> None:
    mount = {"mount.frame": "roof", "mount.x": 0.9, "mount.z": 1.8, "mount.roll": 0.02, "mount.yaw": 1.0}
    box = [-1.0, 4.0, -1.0, 1.0, 0.1, 2.0]
    live.use({"base_frame": "base_link", **mount, "ego_box": box, "range_m": 40.0})
    tables, points = (
        live.table(),
        live.driver.subscribe("output/points", generated_class("sensor_msgs/msg/PointCloud2")),
    )
    message = live.scans.message(frame="roof")
    assert live.feed(message).published == 1
    pose = MountPose("base_link", "roof", (0.9, 0.0, 1.8), (0.02, 0.0, 1.0))
    moved = decode_pointcloud2(message).transformed(pose.T_base_from_sensor("roof", 0, 0.0))
    in_box = ((moved.xyz > box[::2]) & (moved.xyz < box[1::2])).all(axis=1)
    far = (moved.xyz[:, :2].astype("f8") ** 2).sum(axis=1) > 1600
    assert in_box.any()
    assert far.any()
    cloud = moved[~in_box & ~far]
    scene = direct.segment(cloud)
    live.driver.wait_for(lambda: tables and points, "both outputs")
    assert tables == [expected("objects_table", message, scene, cloud)]
    assert points == [expected("points", message, scene, cloud)]
    assert tables[0].header.frame_id == "base_link"
    assert Transform.identity("roof").matrix.tolist() != pose.T_base_from_sensor("roof", 0, 0.0).matrix.tolist()


def test_debug_topics_and_diagnostics_say_how_long_it_took(live: Any) -> None:
    live.table()
    floats = {
        name: live.driver.subscribe(f"debug/{name}", generated_class("std_msgs/msg/Float64")) for name in DEBUG_TOPICS
    }
    live.feed(live.scans.message(), live.scans.message())
    live.driver.wait_for(lambda: all(floats.values()), "all debug topics")
    stages = [floats[f"processing_time/{stage}_ms"][-1].data for stage in ("preprocess", "inference", "postprocess")]
    assert floats["processing_time/total_ms"][-1].data == pytest.approx(sum(stages))
    assert min(stages) > 0
    _, _, values = live.driver.diagnostics("processing_time_status", after=2)
    assert list(values) == [
        "is_processing_time_ms_in_expected_range",
        "processing_time_ms",
        "is_consecutive_processing_delay_in_range",
        "consecutive_processing_delay_ms",
    ]
    assert float(values["processing_time_ms"]) == pytest.approx(sum(stages), abs=0.01)
    level, _, latency = live.driver.diagnostics("latency")
    assert level == 0
    assert {"processing_time/inference_ms.p50", "pipeline_latency_ms.p99"} <= set(latency)
    assert live.driver.diagnostics("model")[2]["model"] == "bevseg-s on cpu in bf16"
    assert float(live.driver.diagnostics("process")[2]["memory_mb"]) > 100


def test_slow_clouds_are_reported(live: Any) -> None:
    live.table()
    assert live.driver.set_parameters({"max_processing_time_ms": 1.0, "max_consecutive_delay_ms": 600_000.0}) == [
        "",
        "",
    ]
    live.feed(live.scans.message())
    level, message, values = live.driver.diagnostics("processing_time_status", after=2)
    assert (level, values["is_processing_time_ms_in_expected_range"]) == (CONDITIONS["slow"].level, "False")
    assert "the last cloud took" in message
    assert live.driver.set_parameters({"max_consecutive_delay_ms": 1.0}) == [""]
    live.feed(live.scans.message(), live.scans.message())
    level, message, values = live.driver.diagnostics("processing_time_status", after=2)
    assert (level, values["is_consecutive_processing_delay_in_range"]) == (CONDITIONS["slow_for_long"].level, "False")
    assert "slow" in message
    live.driver.set_parameters({"max_processing_time_ms": 60_000.0, "max_consecutive_delay_ms": 1000.0})
    live.feed(live.scans.message())
    assert live.driver.diagnostics("processing_time_status", after=2)[0] == 0
    live.driver.set_parameters({"max_processing_time_ms": 200.0})


def test_thresholds_and_classes_change_while_it_runs(live: Any, direct: BevSegmenter) -> None:
    tables = live.table()
    wanted = {"classes": ["car", "truck"], "min_score.vehicle": 0.9}
    assert live.driver.set_parameters(wanted) == ["", ""]
    message = live.scans.message(1)
    live.feed(message)
    cloud = decode_pointcloud2(message)
    scene = direct.segment(cloud)
    sure = scene.instances[(scene.instances.score >= 0.9) & (scene.instances.label == SemanticClass.CAR)]
    live.driver.wait_for(lambda: tables, "objects")
    assert 0 < tables[0].width < len(scene.instances)
    assert tables[0].width >= len(sure)
    back = [spec.label for spec in SemanticClass if spec.is_thing]
    assert live.driver.set_parameters({"classes": back, "min_score.vehicle": -1.0}) == ["", ""]
    tables.clear()
    again = live.scans.message(1)
    live.feed(again)
    live.driver.wait_for(lambda: tables, "objects")
    assert tables == [expected("objects_table", again, only_classes(scene, list(SemanticClass)[1:11]), cloud)]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("checkpoint", "other.safetensors", "clean up the node"),
        ("base_frame", "base_link", "clean up the node"),
        ("range_m", -1.0, "range"),
        ("min_score.vehicle", -0.5, "score of 0..1"),
        ("classes", ["car", "boat"], "boat"),
        ("ego_box", [1.0, 0.0, 0.0, 0.0, 0.0, 0.0], "minimum below its maximum"),
        ("device", 3, "type"),
        ("no_such_parameter", 3, "declared"),
    ],
)
def test_parameters_are_refused_with_a_reason(live: Any, name: str, value: Any, reason: str) -> None:
    refusals = live.driver.set_parameters({name: value})
    assert reason in refusals[0]


def test_the_lifecycle_through_its_services(live: Any) -> None:
    driver = live.driver
    assert driver.state() == "active"
    assert not driver.change_state("configure")
    assert not driver.change_state("cleanup")
    assert driver.change_state("deactivate")
    assert driver.state() == "inactive"
    level, message, _ = driver.diagnostics("input", after=2)
    assert (level, message) == (0, "not active")
    assert driver.change_state("activate")
    assert driver.change_state("deactivate")
    assert driver.change_state("cleanup")
    assert driver.state() == "unconfigured"
    assert not driver.change_state("activate")
    assert driver.state() == "unconfigured"


def test_configure_fails_with_the_reason_and_can_be_tried_again(live: Any) -> None:
    live.release()
    assert live.driver.set_parameters({"checkpoint": "/nowhere/at_all.safetensors"}) == [""]
    assert not live.driver.change_state("configure")
    assert live.driver.state() == "unconfigured"
    level, message, _ = live.driver.diagnostics("model", after=2)
    assert level == 2
    assert "no checkpoint at /nowhere/at_all.safetensors" in message
    live.driver.set_parameters({"checkpoint": "bevseg-s", "base_frame": "base_link", "transform_source": "tf"})
    assert not live.driver.change_state("configure")
    assert "tf2_ros is not installed" in live.driver.diagnostics("model", after=2)[1]
    live.driver.set_parameters({"base_frame": "base_link", "transform_source": "mount"})
    assert not live.driver.change_state("configure")
    assert "mount.frame" in live.driver.diagnostics("model", after=2)[1]
    assert live.driver.set_parameters({"base_frame": ""}) == [""]
    assert live.driver.change_state("configure")
    assert live.driver.diagnostics("model", after=2)[:2] == (0, "bevseg-s on cpu in bf16")


def test_the_node_talks_on_the_loopback_interface_alone(live: Any) -> None:
    folder = Path(f"/proc/{live.node.process.pid}/fd")
    sockets = {link.readlink().name for link in folder.iterdir() if str(link.readlink()).startswith("socket:")}
    table = Path("/proc/net/udp").read_text(encoding="ascii").splitlines()[1:]
    rows = [line.split() for line in table]
    bound = {row[1].partition(":")[0] for row in rows if f"socket:[{row[9]}]" in sockets}
    loopback, multicast_of_dds = "0100007F", "0100FFEF"
    assert loopback in bound
    assert bound <= {loopback, multicast_of_dds}
