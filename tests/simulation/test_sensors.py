"""Beam tables of the data sheets."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.simulation.sensors import SENSORS, SensorName


@pytest.mark.parametrize(
    ("name", "beams", "lowest", "highest"),
    [
        ("hdl-32e", 32, -30.67, 10.67),
        ("hdl-64e", 64, -24.33, 2.0),
        ("pandar64", 64, -25.0, 15.0),
        ("vlp-32c", 32, -25.0, 15.0),
        ("vlp-16", 16, -15.0, 15.0),
    ],
)
def test_beams(name: SensorName, beams: int, lowest: float, highest: float) -> None:
    sensor = SENSORS[name]
    assert sensor.num_beams == beams
    assert sensor.elevations_deg[0] == lowest
    assert sensor.elevations_deg[-1] == highest
    assert (np.diff(sensor.elevations_deg) > 0).all()


def test_directions_are_unit_vectors_ring_fastest_and_clockwise() -> None:
    sensor = SENSORS["vlp-16"]
    directions = sensor.directions(0.3)
    assert directions.shape == (sensor.num_rays, 3)
    assert directions.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.degrees(np.arcsin(directions[:16, 2])), sensor.elevations_deg, atol=1e-4)
    azimuth = np.arctan2(directions[::16, 1], directions[::16, 0])
    assert azimuth[0] == pytest.approx(0.3, abs=1e-5)
    assert azimuth[1] < azimuth[0]
