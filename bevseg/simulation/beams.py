"""The beams of one turn and the luck that each of them has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from bevseg.geometry.frames import Transform
from bevseg.simulation.raycast import MAX_LAYERS, origins_of
from bevseg.simulation.sensors import SensorSpec
from bevseg.simulation.shutter import SensorPath

_FIRST_M = 0.3
"""Nothing nearer than this is hit: the housing of the sensor."""


@dataclass(frozen=True, eq=False)
class Beams:
    """Beams of one turn, all or some of them, in the order in which they are sent.

    Attributes:
        sensor: What sends them.
        number: Of each beam within the turn: firing by firing, ring fastest.
        origin_m: Where they start, in the world: one place for all of them, or one each.
        local: Unit vectors in the sensor's frame at the moment of the firing, float32.
        directions: The same in the world.
        chance: Evenly drawn in 0..1 for each beam and surface on its way: whether it passes.
        luck: Evenly drawn in 0..1 for each beam: how strong a signal must be to be seen.
    """

    sensor: SensorSpec
    number: Int[np.ndarray, "n"]
    origin_m: Float[np.ndarray, "... 3"]
    local: Float[np.ndarray, "n 3"]
    directions: Float[np.ndarray, "n 3"]
    chance: Float[np.ndarray, "n layers"]
    luck: Float[np.ndarray, "n"]

    def __len__(self) -> int:
        return len(self.local)

    def __getitem__(self, index: slice | Int[np.ndarray, "m"]) -> Beams:
        return Beams(
            self.sensor, self.number[index], origins_of(self.origin_m, index), self.local[index],
            self.directions[index], self.chance[index], self.luck[index],
        )  # fmt: skip

    @property
    def start_m(self) -> Float[np.ndarray, "n"]:
        """How far along each beam the first thing may be met."""
        return np.full(len(self), _FIRST_M)


def send_beams(
    sensor: SensorSpec, T_world_from_lidar: Transform, rng: np.random.Generator, path: SensorPath | None = None
) -> Beams:
    """One turn that begins at any azimuth; along the path that the sensor takes, or in one instant.

    `T_world_from_lidar` is the pose at the end of the turn.
    """
    local = sensor.directions(float(rng.uniform(0, 2 * np.pi)))
    rotation, place_m = T_world_from_lidar.matrix[:3, :3], T_world_from_lidar.translation_m
    if path is None:
        origin, at_stamp = place_m, local
    else:
        origin = np.repeat(place_m + path.place_m @ rotation.T, sensor.num_beams, axis=0)
        at_stamp = path.directions_at_stamp(local)
    return Beams(
        sensor=sensor,
        number=np.arange(len(local)),
        origin_m=origin,
        local=local,
        directions=(at_stamp @ rotation.T).astype(np.float32),
        chance=rng.random((len(local), MAX_LAYERS), dtype=np.float32),
        luck=rng.random(len(local), dtype=np.float32),
    )
