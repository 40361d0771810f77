"""Rotations as quaternions in the order w, x, y, z."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def quat_wxyz_of(rotation: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "4"]:
    """The unit quaternion of a rotation matrix, with w >= 0.

    Of the four rows of 4 q q^T, which are all the quaternion up to a factor, the one with the largest diagonal is
    taken: it never divides by a small number (Shepperd, "Quaternion from rotation matrix", 1978).
    """
    (a, b, c), (d, e, f), (g, h, i) = rotation.tolist()
    rows = np.array(
        [
            [1 + a + e + i, h - f, c - g, d - b],
            [h - f, 1 + a - e - i, b + d, c + g],
            [c - g, b + d, 1 - a + e - i, f + h],
            [d - b, c + g, f + h, 1 - a - e + i],
        ]
    )
    quat = rows[int(np.argmax(np.diagonal(rows)))]
    return quat / np.linalg.norm(quat) * (1.0 if quat[0] >= 0 else -1.0)


def quat_wxyz_of_yaw(yaw_rad: float) -> Float[np.ndarray, "4"]:
    """The unit quaternion of a turn about z, counter-clockwise from +x."""
    return np.array([np.cos(yaw_rad / 2), 0.0, 0.0, np.sin(yaw_rad / 2)])
