"""Who tells where the sensor is (parameters, a topic, or tf2 where it is installed), and how the vehicle moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from geometry_msgs.msg import TransformStamped
from nav_msgs.msg import Odometry
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time

from bevseg.messages.pointcloud2 import stamp_of
from bevseg_ros.following import Following, StandingFrame
from bevseg_ros.motion import Motion
from bevseg_ros.settings import Settings, moves_clouds, needs_odometry
from bevseg_ros.transforms import (
    MountPose,
    MountPoses,
    Tf2Transforms,
    TransformHistory,
    TransformSource,
    rigid_transform,
    transform_of,
)

TOPIC = "~/input/transform"
ODOMETRY_TOPIC = "~/input/odometry"


@dataclass(frozen=True)
class Places:
    """Who knows where the sensor and the vehicle are.

    Attributes:
        transforms: From the sensor to the vehicle; None where results stay in the frame of the clouds.
        odometry: Poses of the vehicle as they arrive; None where nobody asks for them.
        motion: Moves clouds by it; None where they are not moved.
        following: Follows objects; None where they are not followed.
        release: Gives the subscriptions back.
    """

    transforms: TransformSource | None = None
    odometry: TransformHistory | None = None
    motion: Motion | None = None
    following: Following | None = None
    release: Callable[[], None] = lambda: None

    def forget(self) -> None:
        """The clock has jumped: what is known belongs to another time."""
        if self.transforms is not None:
            self.transforms.forget()
        if self.odometry is not None:
            self.odometry.forget()


def find_places(node: Node, settings: Settings) -> Places:
    """What the parameters ask for.

    Raises:
        ImportError: It is tf, and tf2_ros is not installed.
    """
    standing = Following(StandingFrame()) if settings.tracking == "fixed" else None
    if settings.base_frame is None:
        return Places(following=standing)
    transforms, release_transforms = _transforms(node, settings, settings.base_frame)
    if not needs_odometry(settings):
        return Places(transforms, following=standing, release=release_transforms)
    odometry, release_odometry = _odometry(node, settings, settings.base_frame)
    motion = Motion(odometry, settings.base_frame, settings.transform_timeout_s, settings.deskew, settings.sweeps)

    def release() -> None:
        release_transforms()
        release_odometry()

    return Places(
        transforms=transforms,
        odometry=odometry,
        motion=motion if moves_clouds(settings) else None,
        following=Following(odometry) if settings.tracking == "odometry" else standing,
        release=release,
    )


def _transforms(node: Node, settings: Settings, base_frame: str) -> tuple[TransformSource, Callable[[], None]]:
    match settings.transform_source:
        case "mount":
            mounts = [settings.mount, *(settings.merge.mounts if settings.merge else ())]
            poses = [MountPose(base_frame, each.frame, each.xyz_m, each.roll_pitch_yaw_rad) for each in mounts]
            return poses[0] if len(poses) == 1 else MountPoses(tuple(poses)), lambda: None
        case "topic":
            return _from_topic(node, base_frame)
        case "tf":
            return _from_tf(node, base_frame)


def _odometry(node: Node, settings: Settings, base_frame: str) -> tuple[TransformHistory, Callable[[], None]]:
    history = TransformHistory(settings.odometry_frame, "odometry", src=base_frame)

    def take(message: Odometry) -> None:
        pose = message.pose.pose
        try:
            T_odom_from_base = rigid_transform(
                pose.orientation, pose.position, message.header.frame_id, message.child_frame_id
            )
        except ValueError as error:
            name = node.resolve_topic_name(ODOMETRY_TOPIC)
            node.get_logger().error(f"a pose on {name} is none: {error}", throttle_duration_sec=5.0)
            return
        history.add(stamp_of(message.header), T_odom_from_base)

    subscription = node.create_subscription(Odometry, ODOMETRY_TOPIC, take, 100)
    return history, lambda: _destroyed(node, subscription)


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
