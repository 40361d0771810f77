"""The beams of one turn and the luck that each of them has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bevseg.geometry.frames import Transform
from bevseg.simulation.raycast import MAX_LAYERS
from bevseg.simulation.sensors import SensorSpec

_FIRST_M = 0.3
"""Nothing nearer than this is hit: the housing of the sensor."""


@dataclass(frozen=True, eq=False)
class Beams:
    """All beams of one turn.

    Attributes:
        sensor: What sends them.
        origin_m: Where they start, in the world.
        local: Unit vectors in the sensor's frame, float32.
        directions: The same in the world.
        chance: Evenly drawn in 0..1 for each beam and surface on its way: whether it passes.
        luck: Evenly drawn in 0..1 for each beam: how strong a signal must be to be seen.
    """

    sensor: SensorSpec
    origin_m: Float[np.ndarray, "3"]
    local: Float[np.ndarray, "n 3"]
    directions: Float[np.ndarray, "n 3"]
    chance: Float[np.ndarray, "n layers"]
    luck: Float[np.ndarray, "n"]

    def __len__(self) -> int:
        return len(self.local)

    @property
    def start_m(self) -> Float[np.ndarray, "n"]:
        """How far along each beam the first thing may be met."""
        return np.full(len(self), _FIRST_M)


def send_beams(sensor: SensorSpec, T_world_from_lidar: Transform, rng: np.random.Generator) -> Beams:
    """One turn that begins at any azimuth."""
    local = sensor.directions(float(rng.uniform(0, 2 * np.pi)))
    return Beams(
        sensor=sensor,
        origin_m=T_world_from_lidar.translation_m,
        local=local,
        directions=(local @ T_world_from_lidar.matrix[:3, :3].T).astype(np.float32),
        chance=rng.random((len(local), MAX_LAYERS), dtype=np.float32),
        luck=rng.random(len(local), dtype=np.float32),
    )
