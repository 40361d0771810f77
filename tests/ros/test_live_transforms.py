"""Where the sensor is, when a live node does not know it, knows it too late, or only for later."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from bevseg.geometry.frames import Transform
from bevseg.messages.clouds import objects_table
from bevseg.messages.fields import HeaderFields, TimeFields
from bevseg.messages.fill import generated_class, make_message
from bevseg.messages.pointcloud2 import decode_pointcloud2, stamp_of
from bevseg.pipeline import BevSegmenter

pytestmark = pytest.mark.ros


@pytest.fixture
def tell(live: Any) -> Any:
    """Publishes transforms from the sensor to the vehicle."""
    live.use({"base_frame": "base_link", "transform_source": "topic", "transform_timeout_s": 1.5})
    kind = generated_class("geometry_msgs/msg/TransformStamped")
    publisher = live.driver.node.create_publisher(kind, "/bevseg/input/transform", 10)
    live.driver.wait_for(publisher.get_subscription_count, "the node to listen to transforms")

    def tell(stamp_ns: int, x: float, yaw: float, *, quaternion_length: float = 1.0) -> None:
        message = kind(child_frame_id="lidar")
        message.header.frame_id = "base_link"
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 1_000_000_000)
        message.transform.translation.x = x
        turn = message.transform.rotation
        turn.x, turn.y, turn.z, turn.w = (Rotation.from_euler("z", yaw).as_quat() * quaternion_length).tolist()
        publisher.publish(message)
        if quaternion_length:
            live.driver.wait_for_stamp("transform", stamp_ns)

    yield tell
    live.driver.node.destroy_publisher(publisher)


def at(second: float, start_ns: int) -> int:
    return start_ns + round(second * 1e9)


def test_transforms_that_are_missing_early_late_and_in_time(live: Any, tell: Any, direct: BevSegmenter) -> None:
    tables = live.table()
    start_ns = live.scans.next_stamp_ns(5.0)

    def cloud_at(second: float) -> Any:
        return live.scans.message(1, stamp_ns=at(second, start_ns))

    assert dict(live.feed(cloud_at(0.0)).dropped) == {"no_transform": 1}
    level, message, values = live.driver.diagnostics("transform")
    assert (level, values["source"]) == (2, "topic")
    assert "no transform from 'lidar' to 'base_link'" in message

    tell(at(0.05, start_ns), 1.0, 0.0, quaternion_length=0.0)
    assert dict(live.feed(cloud_at(0.1)).dropped) == {"no_transform": 1}

    tell(at(1.0, start_ns), 1.0, 0.2)
    assert dict(live.feed(cloud_at(0.5)).dropped) == {"future_transform": 1}

    tell(at(1.2, start_ns), 3.0, 0.6)
    between = cloud_at(1.1)
    assert live.feed(between).published == 1
    live.driver.wait_for(lambda: tables, "objects")
    turned = Rotation.from_euler("z", 0.4).as_matrix()
    T_base_from_lidar = Transform.from_rotation_translation(turned, np.array([2.0, 0, 0]), dst="base_link", src="lidar")
    scene = direct.segment(decode_pointcloud2(between).transformed(T_base_from_lidar))
    header = HeaderFields(TimeFields.from_ns(stamp_of(between.header)), "base_link")
    assert tables[0].width == len(scene.instances) > 3
    ours = np.frombuffer(tables[0].data, "<f4").reshape(-1, tables[0].point_step // 4)[:, :7]
    theirs = np.frombuffer(make_message(objects_table(scene, header)).data, "<f4").reshape(len(ours), -1)[:, :7]
    np.testing.assert_allclose(ours, theirs, atol=1e-3)
    assert live.driver.diagnostics("transform", after=2)[:2] == (0, "known again")

    assert dict(live.feed(cloud_at(2.0)).dropped) == {"late_transform": 1}

    live.begin()
    live.driver.clouds.publish(cloud_at(3.0))
    live.driver.spin(0.1)
    tell(at(3.1, start_ns), 3.0, 0.6)
    assert live.outcome(1).published == 1

    outcome = live.feed(cloud_at(-60.0))
    assert (dict(outcome.remarks), dict(outcome.dropped)) == ({"clock_jump_back": 1}, {"no_transform": 1})
    live.scans.next_stamp_ns(5.0)


def test_a_mount_holds_for_its_own_frame_alone(live: Any) -> None:
    live.use({"base_frame": "base_link", "mount.frame": "roof"})
    live.table()
    live.feed(live.scans.message(frame="roof"))
    outcome = live.feed(live.scans.message(frame="bumper"))
    assert (dict(outcome.remarks), dict(outcome.dropped)) == ({"frame_changed": 1}, {"no_transform": 1})
    assert "mount.frame" in live.driver.diagnostics("accounting")[2]["last_error"]


def test_clouds_are_joined_by_odometry_and_never_without(live: Any, direct: BevSegmenter) -> None:
    live.use({"base_frame": "base_link", "mount.frame": "lidar", "sweeps": 2})
    kind = generated_class("nav_msgs/msg/Odometry")
    publisher = live.driver.node.create_publisher(kind, "/bevseg/input/odometry", 10)
    live.driver.wait_for(publisher.get_subscription_count, "the node to listen to odometry")
    live.table()
    first, second = live.scans.message(0), live.scans.message(1)
    assert dict(live.feed(live.scans.message()).dropped) == {"no_odometry": 1}
    for x, message in ((5.0, first), (6.0, second)):
        pose = kind(child_frame_id="base_link")
        pose.header.frame_id, pose.header.stamp = "odom", message.header.stamp
        pose.pose.pose.position.x = x
        publisher.publish(pose)
    live.driver.wait_for_stamp("odometry", stamp_of(second.header))
    assert dict(live.feed(live.scans.message()).dropped) == {"late_odometry": 1}
    live.driver.node.destroy_publisher(publisher)
    live.use({"base_frame": "base_link", "mount.frame": "lidar", "deskew": True})
    assert dict(live.feed(live.scans.message()).dropped) == {"no_point_times": 1}
