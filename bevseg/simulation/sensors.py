"""Spinning LiDARs by their data sheets: beam angles, azimuth steps, range, mounting height."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

SensorName = Literal["hdl-32e", "hdl-64e", "pandar64", "vlp-32c", "vlp-16"]


@dataclass(frozen=True)
class SensorSpec:
    """One spinning LiDAR as it is mounted.

    Attributes:
        name: Its name.
        elevations_deg: Angle of each beam above the horizon, ring 0 first (lowest), degrees.
        azimuth_steps: Firings a turn.
        mount_height_m: Height above the ground in the set that the sensor is known from.
        reach_m: Range at which a tenth-reflecting target is still seen half of the time.
        max_range_m: Nothing is reported beyond.
        min_range_m: Nothing is reported nearer.
        range_noise_m: Standard deviation of the measured range.
        turn_s: Duration of one turn.
    """

    name: SensorName
    elevations_deg: tuple[float, ...]
    azimuth_steps: int
    mount_height_m: float
    reach_m: float
    max_range_m: float
    min_range_m: float = 1.0
    range_noise_m: float = 0.015
    turn_s: float = 0.1

    @property
    def num_beams(self) -> int:
        return len(self.elevations_deg)

    @property
    def num_rays(self) -> int:
        return self.num_beams * self.azimuth_steps

    def directions(self, first_azimuth_rad: float) -> Float[np.ndarray, "ray 3"]:
        """Unit vectors of one turn, azimuth by azimuth (clockwise as the sensors spin), ring fastest; float32."""
        elevation = np.radians(np.array(self.elevations_deg))
        azimuth = first_azimuth_rad - np.arange(self.azimuth_steps) * (2 * np.pi / self.azimuth_steps)
        directions = np.empty((self.azimuth_steps, self.num_beams, 3), dtype=np.float32)
        directions[..., 0] = np.cos(azimuth)[:, None] * np.cos(elevation)
        directions[..., 1] = np.sin(azimuth)[:, None] * np.cos(elevation)
        directions[..., 2] = np.sin(elevation)
        return directions.reshape(-1, 3)


def _evenly(low: float, high: float, count: int) -> tuple[float, ...]:
    return tuple(float(v) for v in np.linspace(low, high, count))


_PANDAR64 = (-25.0, -19.0, *_evenly(-14.0, -7.0, 8), *_evenly(-6.0, 2.0, 49), 3.0, 5.0, 8.0, 11.0, 15.0)
"""Hesai Pandar64 user manual, vertical angles of the 64 channels."""

_VLP32C = (
    -25.0, -15.639, -11.31, -8.843, -7.254, -6.148, -5.333, -4.667, -4.0, -3.667, -3.333, -3.0, -2.667, -2.333, -2.0,
    -1.667, -1.333, -1.0, -0.667, -0.333, 0.0, 0.333, 0.667, 1.0, 1.333, 1.667, 2.333, 3.333, 4.667, 7.0, 10.333, 15.0,
)  # fmt: skip
"""Velodyne VLP-32C user manual, vertical angles of the 32 channels."""

SENSORS: dict[SensorName, SensorSpec] = {
    "hdl-32e": SensorSpec(
        "hdl-32e", _evenly(-30.67, 10.67, 32), 1085, 1.84, reach_m=55.0, max_range_m=100.0, turn_s=0.05
    ),
    "hdl-64e": SensorSpec(
        "hdl-64e", _evenly(-24.33, -8.83, 32) + _evenly(-8.33, 2.0, 32), 2083, 1.73, reach_m=60.0, max_range_m=120.0
    ),
    "pandar64": SensorSpec("pandar64", _PANDAR64, 1800, 2.15, reach_m=90.0, max_range_m=200.0, min_range_m=0.5),
    "vlp-32c": SensorSpec("vlp-32c", _VLP32C, 1800, 1.9, reach_m=80.0, max_range_m=200.0),
    "vlp-16": SensorSpec("vlp-16", _evenly(-15.0, 15.0, 16), 1800, 1.85, reach_m=50.0, max_range_m=100.0),
}
