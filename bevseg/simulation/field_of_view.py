"""What a sensor can ever cover: its range, its elevations and its sector, however many beams are in between."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from bevseg.simulation.sensors import SensorSpec


def covers(
    sensor: SensorSpec, directions: Float[np.ndarray, "n 3"], distance_m: Float[np.ndarray, "n"]
) -> Bool[np.ndarray, "n"]:
    """Whether something so far along each direction lies between the outermost beams and within range.

    Args:
        sensor: Whose beams.
        directions: Unit vectors in the sensor's frame.
        distance_m: Along each.
    """
    low, high = np.sin(np.radians(sensor.beam_elevations_deg))[[0, -1]]
    rise = directions[:, 2]
    inside: np.ndarray = (rise >= low) & (rise <= high)
    inside &= (distance_m > sensor.min_range_m) & (distance_m < sensor.max_range_m)
    if not sweeps_all_around(sensor):
        inside &= _in_sector(sensor, directions)
    return inside


def sweeps_all_around(sensor: SensorSpec) -> bool:
    """Whether its beams point everywhere in the course of a turn."""
    right, left = sensor.sector_deg
    return left - right == 360


def _in_sector(sensor: SensorSpec, directions: Float[np.ndarray, "n 3"]) -> Bool[np.ndarray, "n"]:
    """Whether a beam of the elevation of each direction is swept over it."""
    right, left = sensor.sector_deg
    azimuth = np.degrees(np.arctan2(directions[:, 1], directions[:, 0]))
    if sensor.azimuth_offsets_deg:
        elevation = np.degrees(np.arcsin(np.clip(directions[:, 2], -1, 1)))
        azimuth -= np.interp(elevation, sensor.beam_elevations_deg, sensor.azimuth_offsets_deg)
    inside: np.ndarray = (azimuth - right) % 360 <= left - right
    return inside
