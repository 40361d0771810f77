"""The vehicle that carries the sensor: it hides the ground near it and returns a few points itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class EgoBody:
    """Two boxes below the sensor, in its frame: the cabin with the roof, and the body with bonnet and boot.

    Attributes:
        roof_drop_m: From the sensor down to the roof.
        bonnet_drop_m: From the sensor down to the bonnet.
        front_m: From the sensor to the front of the vehicle.
        length_m: Of the vehicle.
        width_m: Of the vehicle.
    """

    roof_drop_m: float
    bonnet_drop_m: float
    front_m: float
    length_m: float
    width_m: float

    def distances(self, directions: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n"]:
        """How far each ray from the sensor goes until it meets the vehicle; infinite where it does not."""
        rear = self.front_m - self.length_m
        cabin_front, cabin_rear = self.front_m - 0.33 * self.length_m, rear + 0.08 * self.length_m
        cabin = (cabin_rear, cabin_front, 0.4 * self.width_m, self.roof_drop_m)
        body = (rear, self.front_m, 0.5 * self.width_m, self.bonnet_drop_m)
        distance = np.full(len(directions), np.inf)
        for box in (cabin, body):
            steep = np.flatnonzero(directions[:, 2] < _flattest(*box))
            distance[steep] = np.minimum(distance[steep], _box_entry(directions.take(steep, axis=0), *box))
        return distance


def draw_ego_body(rng: np.random.Generator, *, mount_height_m: float) -> EgoBody:
    """A car or van whose roof is between 0.2 and 0.5 m below the sensor."""
    roof_drop = float(rng.uniform(0.2, 0.5))
    length = float(rng.uniform(3.9, 5.0))
    return EgoBody(
        roof_drop_m=roof_drop,
        bonnet_drop_m=roof_drop + 0.36 * (mount_height_m - roof_drop),
        front_m=float(rng.uniform(0.42, 0.56)) * length,
        length_m=length,
        width_m=float(rng.uniform(1.7, 1.95)),
    )


def _flattest(rear: float, front: float, half_width: float, drop: float) -> float:
    """Which part of a unit vector points down, at the least, where a ray from above meets the box below -drop."""
    farthest = math.hypot(max(abs(rear), abs(front)), half_width)
    return -0.999 * drop / math.hypot(drop, farthest)


def _box_entry(
    directions: Float[np.ndarray, "n 3"], rear: float, front: float, half_width: float, drop: float
) -> Float[np.ndarray, "n"]:
    """Distance to the box below -drop from rays that start above it; infinite where they miss it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        enter = -drop / directions[:, 2].astype(np.float64)
        leave = np.full(len(directions), np.inf)
        for axis, low, high in ((0, rear, front), (1, -half_width, half_width)):
            slope = np.where(np.abs(directions[:, axis]) < 1e-9, 1e-9, directions[:, axis])
            enter = np.maximum(enter, np.minimum(low / slope, high / slope))
            leave = np.minimum(leave, np.maximum(low / slope, high / slope))
    return np.where(enter < leave, enter, np.inf)
