"""How a point file's own axes turn into x forward, y left, z up."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float, Float32

from bevseg.geometry.frames import Transform

InputFrame = Literal["x-forward", "y-forward"]
"""x-forward: x forward, y left (REP-103, KITTI). y-forward: x right, y forward (nuScenes' LIDAR_TOP, PandaSet)."""

INPUT_FRAMES: tuple[InputFrame, ...] = ("x-forward", "y-forward")

_QUARTER_TURN = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def T_lidar_from_input(input_frame: InputFrame) -> Transform:  # noqa: N802 (names of transforms cancel)
    """Turns the frame "input" of a point file into the x-forward frame "lidar"; the origin stays.

    Raises:
        ValueError: `input_frame` is not one of `INPUT_FRAMES`.
    """
    if input_frame not in INPUT_FRAMES:
        raise ValueError(f"input_frame must be one of {', '.join(INPUT_FRAMES)}, got '{input_frame}'")
    rotation = np.eye(3) if input_frame == "x-forward" else _QUARTER_TURN
    return Transform.from_rotation_translation(rotation, np.zeros(3), dst="lidar", src="input")


def to_x_forward(xyz_m: Float[np.ndarray, "n 3"], input_frame: InputFrame) -> Float32[np.ndarray, "n 3"]:
    """The same points in x forward, y left, z up, contiguous float32; exact, as no coordinate is multiplied."""
    turned = np.empty((len(xyz_m), 3), np.float32)
    if input_frame == "x-forward":
        for axis in range(3):  # three strided copies take a third of the time of one over the rows
            turned[:, axis] = xyz_m[:, axis]
    else:
        turned[:, 0] = xyz_m[:, 1]
        turned[:, 1] = -xyz_m[:, 0]
        turned[:, 2] = xyz_m[:, 2]
    return turned


def to_input_frame(xyz_m: Float[np.ndarray, "n 3"], input_frame: InputFrame) -> Float32[np.ndarray, "n 3"]:
    """The way back: x-forward points in the axes of a file."""
    if input_frame == "x-forward":
        return xyz_m.astype(np.float32)
    return np.stack([-xyz_m[:, 1], xyz_m[:, 0], xyz_m[:, 2]], axis=1).astype(np.float32)
