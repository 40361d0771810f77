"""Points as the sensor reports them: with noise, time, beam, and the truth about each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Integer, UInt8

from bevseg.results.classes import SemanticClass
from bevseg.simulation.beams import Beams
from bevseg.simulation.returns import Nearest
from bevseg.simulation.weather import Conditions

_NEAREST_GHOST_M = 3.0


@dataclass(frozen=True, eq=False)
class Points:
    """Points of one turn, each in the sensor's frame at the moment when it was measured, with truth.

    Attributes:
        xyz: Metres, float32.
        intensity: 0..1.
        time_s: Before the end of the turn, 0 or negative.
        ring: Beam of the firing, 0 the lowest.
        beam: Of the turn, firing by firing.
        semantic: `SemanticClass` of each point; 0 for reflections and the vehicle itself.
        instance: 1 + index of the object, 0 for none.
    """

    xyz: Float[np.ndarray, "n 3"]
    intensity: Float[np.ndarray, "n"]
    time_s: Float[np.ndarray, "n"]
    ring: Integer[np.ndarray, "n"]
    beam: Int[np.ndarray, "n"]
    semantic: UInt8[np.ndarray, "n"]
    instance: Integer[np.ndarray, "n"]

    def __len__(self) -> int:
        return len(self.xyz)

    def __getitem__(self, index: Bool[np.ndarray, "n"] | Int[np.ndarray, "m"]) -> Points:
        return Points(
            self.xyz[index], self.intensity[index], self.time_s[index], self.ring[index], self.beam[index],
            self.semantic[index], self.instance[index],
        )  # fmt: skip

    def __add__(self, other: Points) -> Points:
        """These points and then the others."""
        return Points(
            np.concatenate([self.xyz, other.xyz]),
            np.concatenate([self.intensity, other.intensity]),
            np.concatenate([self.time_s, other.time_s]),
            np.concatenate([self.ring, other.ring]),
            np.concatenate([self.beam, other.beam]),
            np.concatenate([self.semantic, other.semantic]),
            np.concatenate([self.instance, other.instance]),
        )


def measured(
    beams: Beams,
    nearest: Nearest,
    ray: Int[np.ndarray, "m"],
    conditions: Conditions,
    rng: np.random.Generator,
) -> Points:
    """The answers of some beams as points: with noise, and a few ground points mirrored to below the ground."""
    distance, semantic = nearest.distance_m[ray], nearest.semantic[ray]
    ground = (semantic >= SemanticClass.DRIVEABLE_SURFACE) & (semantic <= SemanticClass.TERRAIN)
    mirrored = rng.random(len(ray)) < conditions.ghost_share
    ghost = np.flatnonzero(mirrored & ground & (distance > _NEAREST_GHOST_M))
    distance[ghost] *= rng.uniform(1.05, 1.7, len(ray))[ghost]
    distance += rng.normal(0, beams.sensor.range_noise_m, len(ray))
    glow = 0.4 * np.clip(nearest.brightness[ray], 0, 4) ** 0.85 * np.exp(rng.normal(0, 0.2, len(ray)))
    firing, ring = np.divmod(beams.number[ray], beams.sensor.num_beams)
    instance = (nearest.owner[ray] + 1).astype(np.int32)
    semantic[ghost], instance[ghost] = SemanticClass.NOISE, 0
    return Points(
        xyz=np.stack([beams.local[:, axis][ray] * distance for axis in range(3)], axis=1).astype(np.float32),
        intensity=np.clip(glow, 0, 1).astype(np.float32),
        time_s=beams.sensor.firing_times_s()[firing].astype(np.float32),
        ring=ring.astype(np.int32),
        beam=beams.number[ray],
        semantic=semantic,
        instance=instance,
    )
