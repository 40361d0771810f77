"""Rigid transforms whose names cancel: `T_global_from_ego @ T_ego_from_lidar` is `T_global_from_lidar`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


class FrameError(ValueError):
    """Two transforms, or a transform and its data, do not share the frame between them."""


@dataclass(frozen=True, eq=False)
class Transform:
    """`T_dst_from_src`: maps points of frame `src` into frame `dst` (REP-103: x forward, y left, z up, metres).

    Attributes:
        matrix: Homogeneous rigid matrix, rotation in `[:3, :3]`, translation in metres in `[:3, 3]`.
        dst: Name of the frame that the result is in.
        src: Name of the frame that the argument is in.

    Raises:
        ValueError: The matrix is not a rigid transform (rotation not orthonormal, or bottom row not 0 0 0 1).
    """

    matrix: Float[np.ndarray, "4 4"]
    dst: str
    src: str

    def __post_init__(self) -> None:
        matrix = np.asarray(self.matrix, dtype=np.float64)
        if matrix.shape != (4, 4):
            raise ValueError(f"a transform needs a 4 x 4 matrix, got shape {matrix.shape}")
        rotation = matrix[:3, :3]
        rigid = np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4) and np.linalg.det(rotation) > 0
        if not rigid or not np.allclose(matrix[3], (0, 0, 0, 1)):
            raise ValueError(f"T_{self.dst}_from_{self.src} is not a rigid transform:\n{matrix}")
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def identity(cls, frame: str) -> Transform:
        return cls(np.eye(4), frame, frame)

    @classmethod
    def from_rotation_translation(
        cls, rotation: Float[np.ndarray, "3 3"], translation_m: Float[np.ndarray, "3"], *, dst: str, src: str
    ) -> Transform:
        matrix = np.eye(4)
        matrix[:3, :3] = rotation
        matrix[:3, 3] = translation_m
        return cls(matrix, dst, src)

    @classmethod
    def from_quaternion(
        cls, quat_wxyz: Float[np.ndarray, "4"], translation_m: Float[np.ndarray, "3"], *, dst: str, src: str
    ) -> Transform:
        """Builds the transform from a quaternion in the order w, x, y, z (nuScenes' order; ROS has x, y, z, w)."""
        norm = float(np.linalg.norm(quat_wxyz))
        if not np.isfinite(norm) or norm < 1e-6:
            raise ValueError(f"a rotation needs a quaternion of non-zero length, got {quat_wxyz}")
        w, x, y, z = np.asarray(quat_wxyz, dtype=np.float64) / norm
        rotation = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        )
        return cls.from_rotation_translation(rotation, np.asarray(translation_m, np.float64), dst=dst, src=src)

    @classmethod
    def from_yaw(cls, yaw_rad: float, translation_m: Float[np.ndarray, "3"], *, dst: str, src: str) -> Transform:
        """Builds a rotation about z by `yaw_rad` (counter-clockwise from +x), then a translation in metres."""
        c, s = np.cos(yaw_rad), np.sin(yaw_rad)
        rotation = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        return cls.from_rotation_translation(rotation, np.asarray(translation_m, np.float64), dst=dst, src=src)

    def __matmul__(self, other: Transform) -> Transform:
        if self.src != other.dst:
            raise FrameError(
                f"T_{self.dst}_from_{self.src} @ T_{other.dst}_from_{other.src}: "
                f"'{self.src}' and '{other.dst}' must be the same frame"
            )
        return Transform(self.matrix @ other.matrix, self.dst, other.src)

    def inverse(self) -> Transform:
        rotation = self.matrix[:3, :3].T
        return Transform.from_rotation_translation(rotation, -rotation @ self.matrix[:3, 3], dst=self.src, src=self.dst)

    def apply(self, xyz_m: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Moves points from `src` to `dst`; the result has the dtype of the argument."""
        moved = xyz_m @ self.matrix[:3, :3].T + self.matrix[:3, 3]
        return np.asarray(moved, dtype=xyz_m.dtype)

    @property
    def translation_m(self) -> Float[np.ndarray, "3"]:
        return self.matrix[:3, 3]

    @property
    def yaw_rad(self) -> float:
        """Heading of the `src` x axis in `dst`, counter-clockwise from +x, in (-pi, pi]."""
        return float(np.arctan2(self.matrix[1, 0], self.matrix[0, 0]))


def angle_between_rad(first: Transform, second: Transform) -> float:
    """The one turn that leads from the axes of one transform to those of another, 0 to pi, sharp also where small.

    By the Frobenius norm of the difference of two rotations, which is sqrt(8) sin(angle / 2).
    """
    chord = np.linalg.norm(second.matrix[:3, :3] - first.matrix[:3, :3]) / np.sqrt(8)
    return float(2 * np.arcsin(min(chord, 1.0)))
