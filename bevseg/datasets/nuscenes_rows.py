"""Rows of nuScenes' tables as arrays in our frames: pure, without the tables around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64, UInt8
from scipy.optimize import linear_sum_assignment

from bevseg.datasets.labels import DatasetError
from bevseg.datasets.sample import Annotations
from bevseg.geometry.boxes import points_in_box
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.points.input_frame import InputFrame

Row = Mapping[str, Any]
"""One row of a table."""

_INSTANCES_A_CATEGORY = 1000
_FORWARD_COSINE = np.cos(np.pi / 4)


def pose_of(row: Row, *, dst: str, src: str) -> Transform:
    """The transform of a row with a translation in metres and a rotation as a quaternion w, x, y, z."""
    quat_wxyz = np.array(row["rotation"], dtype=np.float64)
    return Transform.from_quaternion(quat_wxyz, np.array(row["translation"], dtype=np.float64), dst=dst, src=src)


def forward_axis(T_ego_from_input: Transform, *, where: str) -> InputFrame:
    """Which of the sensor's axes looks ahead.

    nuScenes' LIDAR_TOP has y forward; sets in its schema that put the points into the vehicle's axes have x forward.

    Raises:
        DatasetError: Neither axis is within 45 degrees of the vehicle's x axis.
    """
    ahead_x, ahead_y = T_ego_from_input.matrix[0, :2]
    if max(ahead_x, ahead_y) < _FORWARD_COSINE:
        raise DatasetError(
            f"{where}: its calibration turns neither x nor y of the sensor ahead (their shares are {ahead_x:.2f} and "
            f"{ahead_y:.2f}); expected a lidar with x or y forward"
        )
    return "x-forward" if ahead_x > ahead_y else "y-forward"


def boxes_in_lidar(rows: Sequence[Row], T_lidar_from_global: Transform) -> Float64[np.ndarray, "k 7"]:
    """Boxes `(x, y, z, l, w, h, yaw)` of rows of `sample_annotation`, which have the size w, l, h.

    Centre and heading are turned in full, as by the devkit's `get_sample_data`; roll and pitch of the box are lost.
    """
    if not rows:
        return np.zeros((0, 7))
    center = T_lidar_from_global.apply(np.array([row["translation"] for row in rows], dtype=np.float64))
    size_wlh = np.array([row["size"] for row in rows], dtype=np.float64)
    heading = _x_axes(np.array([row["rotation"] for row in rows], dtype=np.float64))
    heading = heading @ T_lidar_from_global.matrix[:3, :3].T
    yaw = np.arctan2(heading[:, 1], heading[:, 0])
    return np.column_stack([center, size_wlh[:, [1, 0, 2]], yaw])


def instances_of_boxes(
    numbers: Int64[np.ndarray, "n"], cloud: PointCloud, truth: Annotations, class_of_index: UInt8[np.ndarray, "size"]
) -> Int64[np.ndarray, "n"]:
    """1 + the box of each point's panoptic number; numbers that fit no box count on beyond the boxes.

    The tables do not say which number is which box, so the pairs that share most points are taken; both must be of the
    same class.

    Args:
        numbers: 1000 times the index of the category plus the number of the instance in its scene; 0 for none.
        cloud: The points.
        truth: The boxes.
        class_of_index: The class of each category's index.
    """
    objects, inverse = np.unique(numbers, return_inverse=True)
    shared = np.zeros((len(truth), len(objects)), np.int64)
    for k, box in enumerate(truth.boxes):
        shared[k] = np.bincount(inverse[points_in_box(cloud.xyz, box)], minlength=len(objects))
    same_class = truth.label[:, None] == class_of_index[objects // _INSTANCES_A_CATEGORY]
    shared = np.where(same_class & (objects != 0), shared, 0)
    box, column = linear_sum_assignment(shared, maximize=True)
    met = shared[box, column] > 0
    instance_of = np.zeros(len(objects), np.int64)
    instance_of[column[met]] = box[met] + 1
    left = np.flatnonzero((instance_of == 0) & (objects != 0))
    instance_of[left] = len(truth) + 1 + np.arange(len(left))
    return np.asarray(instance_of[inverse], np.int64)


def _x_axes(quat_wxyz: Float64[np.ndarray, "k 4"]) -> Float64[np.ndarray, "k 3"]:
    """Where each rotation turns the x axis."""
    w, x, y, z = (quat_wxyz / np.linalg.norm(quat_wxyz, axis=1, keepdims=True)).T
    return np.stack([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)], axis=1)
