"""What lies between the outermost beams."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bevseg.simulation.field_of_view import covers, sweeps_all_around
from bevseg.simulation.sensors import find_sensor

AHEAD = find_sensor("at128")


def _towards(azimuth_deg: list[float], elevation_deg: list[float]) -> np.ndarray:
    a, e = np.radians(azimuth_deg), np.radians(elevation_deg)
    return np.stack([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)], axis=1)


def test_elevations_and_sector() -> None:
    directions = _towards([0, 0, 0, 0, 59, 61, -59, -61, 180], [-12, -13, 12.8, 13, 0, 0, 0, 0, 0])
    inside = covers(AHEAD, directions, np.full(9, 20.0))
    assert inside.tolist() == [True, False, True, False, True, False, True, False, False]


def test_ranges() -> None:
    sensor = replace(find_sensor("vlp-16"), min_range_m=1.0, max_range_m=50.0)
    assert sweeps_all_around(sensor)
    directions = _towards([0, 100, 200], [0, 0, 0])
    assert covers(sensor, directions, np.array([0.9, 20.0, 51.0])).tolist() == [False, True, False]


def test_beams_that_point_aside_shift_the_sector() -> None:
    beams = AHEAD.num_beams
    shifted = replace(AHEAD, azimuth_offsets_deg=tuple(np.linspace(-5, 5, beams)))
    low, high = AHEAD.beam_elevations_deg[0] + 0.01, AHEAD.beam_elevations_deg[-1] - 0.01
    directions = _towards([57, 57, -63, -63], [low, high, low, high])
    assert covers(shifted, directions, np.full(4, 9.0)).tolist() == [False, True, True, False]


def test_nothing() -> None:
    assert covers(AHEAD, np.zeros((0, 3)), np.zeros(0)).shape == (0,)
