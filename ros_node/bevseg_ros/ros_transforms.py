"""Who tells where the sensor is: parameters, a topic, or tf2 where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from geometry_msgs.msg import TransformStamped
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time

from bevseg.messages.pointcloud2 import stamp_of
from bevseg_ros.parameters import Settings
from bevseg_ros.transforms import MountPose, Tf2Transforms, TransformHistory, TransformSource, transform_of

TOPIC = "~/input/transform"


def make_transforms(node: Node, settings: Settings) -> tuple[TransformSource | None, Callable[[], None]]:
    """The source that the parameters ask for, None where no transform is needed, and how to give it back.

    Raises:
        ImportError: It is tf, and tf2_ros is not installed.
    """
    if settings.base_frame is None:
        return None, lambda: None
    match settings.transform_source:
        case "mount":
            mount = settings.mount
            return MountPose(settings.base_frame, mount.frame, mount.xyz_m, mount.roll_pitch_yaw_rad), lambda: None
        case "topic":
            return _from_topic(node, settings.base_frame)
        case "tf":
            return _from_tf(node, settings.base_frame)


def _from_topic(node: Node, base_frame: str) -> tuple[TransformSource, Callable[[], None]]:
    history = TransformHistory(base_frame)

    def take(message: TransformStamped) -> None:
        try:
            T_base_from_sensor = transform_of(message.transform, message.header.frame_id, message.child_frame_id)
        except ValueError as error:
            node.get_logger().error(
                f"a transform on {node.resolve_topic_name(TOPIC)} is none: {error}", throttle_duration_sec=5.0
            )
            return
        history.add(stamp_of(message.header), T_base_from_sensor)

    subscription = node.create_subscription(TransformStamped, TOPIC, take, 100)
    return history, lambda: _destroyed(node, subscription)


def _destroyed(node: Node, subscription: Any) -> None:
    node.destroy_subscription(subscription)


def _from_tf(node: Node, base_frame: str) -> tuple[TransformSource, Callable[[], None]]:
    try:
        import tf2_ros
    except ImportError as error:
        raise ImportError(
            "transform_source is 'tf', but tf2_ros is not installed: use 'mount' or 'topic', or install tf2_ros"
        ) from error
    buffer = tf2_ros.Buffer(node=node)
    listener = tf2_ros.TransformListener(buffer, node)

    def lookup(base: str, frame: str, stamp_ns: int, timeout_s: float) -> object:
        time = Time(nanoseconds=stamp_ns, clock_type=node.get_clock().clock_type)
        return buffer.lookup_transform(base, frame, time, timeout=Duration(seconds=timeout_s)).transform

    source = Tf2Transforms(base_frame, lookup, buffer.clear, tf2_ros.ExtrapolationException, tf2_ros.TransformException)
    return source, listener.unregister
