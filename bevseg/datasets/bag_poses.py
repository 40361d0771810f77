"""Where the vehicle was, from messages of odometry: at one of them, and between two."""

from __future__ import annotations

from collections.abc import Sequence
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


def _vector(message: Any) -> Float64[np.ndarray, "3"]:
    return np.array([message.x, message.y, message.z], np.float64)


def _quaternion(message: Any) -> Float64[np.ndarray, "4"]:
    return np.array([message.x, message.y, message.z, message.w], np.float64)
