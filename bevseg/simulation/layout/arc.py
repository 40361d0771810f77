"""Motion along an arc of a circle: where somebody is who goes on, or was before, at one speed and curvature."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from bevseg.geometry.boxes import wrap_angle


def along_arc(
    pose: Float[np.ndarray, "mover 3"], way_m: Float[np.ndarray, "mover"], curvature_per_m: Float[np.ndarray, "mover"]
) -> Float[np.ndarray, "mover 3"]:
    """Each pose `(x, y, yaw)` gone on along its arc by its way; back along it where the way is negative."""
    turn = curvature_per_m * way_m
    chord = way_m * np.sinc(turn / (2 * np.pi))
    middle = pose[:, 2] + turn / 2
    x, y = pose[:, 0] + chord * np.cos(middle), pose[:, 1] + chord * np.sin(middle)
    return np.stack([x, y, wrap_angle(pose[:, 2] + turn)], axis=1)
