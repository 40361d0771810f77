"""Where the vehicle was, from messages: odometry between two of them, and the tree of static transforms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation, Slerp

from bevseg.datasets.labels import DatasetError
from bevseg.geometry.frames import Transform
from bevseg.messages.pointcloud2 import stamp_of

MOST_EXTRAPOLATED_NS = 100_000_000
"""A scan before the first or after the last pose by up to this takes that pose: a vehicle moves 1 m at 10 m/s."""


@dataclass(frozen=True, eq=False)
class StampedPose:
    """The vehicle at one time; `quat_xyzw` as ROS orders it."""

    stamp_ns: int
    translation_m: Float64[np.ndarray, "3"]
    quat_xyzw: Float64[np.ndarray, "4"]


def pose_of_odometry(message: Any) -> StampedPose:
    """The pose of a nav_msgs/Odometry."""
    pose = message.pose.pose
    return StampedPose(stamp_of(message.header), _vector(pose.position), _quaternion(pose.orientation))


def pose_at(poses: Sequence[StampedPose], stamp_ns: int, *, where: str) -> Transform:
    """T_global_from_ego at a time, between the poses before and after it (linear, and along the great circle).

    Raises:
        DatasetError: The time lies outside the poses by more than `MOST_EXTRAPOLATED_NS`.
    """
    ordered = sorted(poses, key=lambda pose: pose.stamp_ns)
    first, last = ordered[0].stamp_ns, ordered[-1].stamp_ns
    beyond_ns = max(first - stamp_ns, stamp_ns - last)
    if beyond_ns > MOST_EXTRAPOLATED_NS:
        raise DatasetError(
            f"{where}: its stamp {stamp_ns} ns lies {beyond_ns * 1e-9:.3f} s outside the odometry near it "
            f"({first} to {last} ns); without poses: odometry_topic=''"
        )
    stamps = np.array([pose.stamp_ns - first for pose in ordered], np.float64)
    stamps, kept = np.unique(stamps, return_index=True)
    at = float(np.clip(stamp_ns - first, 0, stamps[-1]))
    rotations = Rotation.from_quat(np.stack([ordered[k].quat_xyzw for k in kept]))
    translations = np.stack([ordered[k].translation_m for k in kept])
    rotation = Slerp(stamps, rotations)(at) if len(kept) > 1 else rotations[0]
    translation = np.array([np.interp(at, stamps, translations[:, axis]) for axis in range(3)])
    return Transform.from_rotation_translation(rotation.as_matrix(), translation, dst="global", src="ego")


def static_transforms(messages: Sequence[Any]) -> dict[str, Transform]:
    """T_parent_from_child of every message of /tf_static, by the name of the child; later ones take precedence."""
    transforms = {}
    for message in messages:
        for stamped in message.transforms:
            child, parent = stamped.child_frame_id.lstrip("/"), stamped.header.frame_id.lstrip("/")
            quat_wxyz = np.roll(_quaternion(stamped.transform.rotation), 1)
            translation = _vector(stamped.transform.translation)
            transforms[child] = Transform.from_quaternion(quat_wxyz, translation, dst=parent, src=child)
    return transforms


def mounting(tree: Mapping[str, Transform], *, ego: str, sensor: str) -> Transform | None:
    """T_ego_from_lidar out of the tree of static transforms, or None where nothing connects the two frames."""
    to_ego, to_sensor = _to_root(tree, ego), _to_root(tree, sensor)
    if to_ego.dst != to_sensor.dst:
        return None
    matrix = (to_ego.inverse() @ to_sensor).matrix
    return Transform(matrix, "ego", "lidar")


def _to_root(tree: Mapping[str, Transform], frame: str) -> Transform:
    """T_root_from_frame."""
    path = Transform.identity(frame)
    seen = {frame}
    while path.dst in tree:
        path = tree[path.dst] @ path
        if path.dst in seen:
            raise DatasetError(f"/tf_static: the frames {sorted(seen)} hang on each other in a circle")
        seen.add(path.dst)
    return path


def _vector(message: Any) -> Float64[np.ndarray, "3"]:
    return np.array([message.x, message.y, message.z], np.float64)


def _quaternion(message: Any) -> Float64[np.ndarray, "4"]:
    return np.array([message.x, message.y, message.z, message.w], np.float64)
