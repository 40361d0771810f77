"""How much of each object lies outside of all that the sensor can ever cover."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32

from bevseg.geometry.boxes import footprint_corners
from bevseg.geometry.clipping import area_in_disc, cut_by_half_plane
from bevseg.simulation.field_of_view import sweeps_all_around
from bevseg.simulation.sensors import SensorSpec


def truncation(boxes: Float[np.ndarray, "k 7"], sensor: SensorSpec, *, range_m: float) -> Float32[np.ndarray, "k"]:
    """Share of each box's footprint outside of the sensor's sector, or farther than its range or than `range_m`.

    What is hidden is not truncated, nor what lies between two beams or below the lowest. Exact to a millionth.

    Args:
        boxes: In the sensor's frame.
        sensor: Whose sector and maximum range.
        range_m: Up to which distance things are simulated.
    """
    outline = footprint_corners(boxes.astype(np.float64))
    radius_m = min(sensor.max_range_m, range_m)
    covered = _area_in_sector(outline, sensor, radius_m)
    share = np.clip(1 - covered / (boxes[:, 3] * boxes[:, 4]), 0, 1)
    return np.round(share, 6).astype(np.float32)  # whole objects have exactly 0, whatever the last bits are


def _area_in_sector(outline: Float[np.ndarray, "k 4 2"], sensor: SensorSpec, radius_m: float) -> Float[np.ndarray, "k"]:
    """Area within the radius and the sector; of a sector beyond 180 degrees, what the gap leaves."""
    if sweeps_all_around(sensor):
        return area_in_disc(outline, radius_m)
    right, left = np.radians(sensor.sector_deg)
    if left - right <= np.pi:
        return area_in_disc(_in_wedge(outline, right, left), radius_m)
    return area_in_disc(outline, radius_m) - area_in_disc(_in_wedge(outline, left, right), radius_m)


def _in_wedge(outline: Float[np.ndarray, "k n 2"], right_rad: float, left_rad: float) -> Float[np.ndarray, "k m 2"]:
    """What lies to the left of one direction and to the right of another, at most 180 degrees from it."""
    for normal in ((-np.sin(right_rad), np.cos(right_rad)), (np.sin(left_rad), -np.cos(left_rad))):
        outline = cut_by_half_plane(outline, np.array(normal))
    return outline
