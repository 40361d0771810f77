"""Conditions of one frame: haze, wet roads, rain, reflections, lost beams, and the vehicle in the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.ego_body import EgoBody, draw_ego_body
from bevseg.simulation.sensors import SensorSpec


@dataclass(frozen=True)
class Conditions:
    """What changes from frame to frame.

    Attributes:
        reach_factor: Multiplies the sensor's reach (haze, age, dirt).
        wet: 0 dry to 1 wet: how much of the road's light is mirrored away.
        ghost_share: Share of ground points that appear below the ground.
        lost_share: Share of beams that never come back.
        drops_share: Share of beams that a drop of rain or fog turns back near the sensor.
        ego_body: The vehicle below the sensor where it is in the way.
    """

    reach_factor: float
    wet: float
    ghost_share: float
    lost_share: float
    drops_share: float
    ego_body: EgoBody | None


def draw_conditions(rng: np.random.Generator, config: SimulationConfig, sensor: SensorSpec) -> Conditions:
    """Reach, wetness, reflections and losses of one frame."""
    carried = rng.random() < config.ego_vehicle
    wet = rng.random() < 0.15
    return Conditions(
        reach_factor=float(rng.uniform(0.75, 1.25)),
        wet=float(rng.uniform(0.3, 1.0)) if wet else 0.0,
        ghost_share=config.ghost_share * float(rng.random() ** 2),
        lost_share=float(rng.uniform(0.0, 0.06)),
        drops_share=float(rng.uniform(0.0, 0.02)) if wet else 0.0,
        ego_body=draw_ego_body(rng, mount_height_m=sensor.mount_height_m) if carried else None,
    )


def drop_distances(conditions: Conditions, num_rays: int, rng: np.random.Generator) -> Float[np.ndarray, "n"]:
    """Where drops turn beams back: a few, most of them within some metres; infinite for all other rays."""
    distance = np.full(num_rays, np.inf)
    hit = np.flatnonzero(rng.random(num_rays, dtype=np.float32) < conditions.drops_share)
    distance[hit] = 1.0 + rng.exponential(4.0, len(hit))
    return distance
