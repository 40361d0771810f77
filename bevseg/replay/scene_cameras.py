"""Where a camera stands that looks at a scene in three dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32

from bevseg.drawing.perspective import ChaseCamera

Preset = Literal["behind", "above", "side"]


@dataclass(frozen=True, eq=False)
class Eye:
    """A camera: where it is, what it looks at and what is up in its picture; metres in the cloud's frame."""

    place: Float32[np.ndarray, "3"]
    target: Float32[np.ndarray, "3"]
    up: Float32[np.ndarray, "3"]


def eye_of(preset: Preset, ground_z_m: float) -> Eye:
    """The camera of a preset, over a ground of that height."""
    chase = ChaseCamera()
    match preset:
        case "behind":
            place = (-chase.behind_m, 0.0, ground_z_m + chase.above_m)
            target = (place[0] + np.cos(chase.down_rad), 0.0, place[2] - np.sin(chase.down_rad))
            up = (0.0, 0.0, 1.0)
        case "above":
            place, target, up = (10.0, 0.0, ground_z_m + 62.0), (10.0, 0.0, ground_z_m), (1.0, 0.0, 0.0)
        case "side":
            place, target, up = (8.0, -38.0, ground_z_m + 20.0), (10.0, 0.0, ground_z_m), (0.0, 0.0, 1.0)
    return Eye(*(np.array(part, np.float32) for part in (place, target, up)))
