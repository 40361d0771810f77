"""The share of a footprint that no beam can ever reach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.simulation.sensors import SensorSpec, find_sensor
from bevseg.simulation.truncation import truncation

AHEAD = find_sensor("at128")
"""It sweeps from 60 degrees to the right to 60 degrees to the left."""


def _box(x: float, y: float, yaw: float = 0.0) -> np.ndarray:
    return np.array([[x, y, 0.0, 4.0, 2.0, 1.5, yaw]])


def _share(sensor: SensorSpec, box: np.ndarray, *, range_m: float = 70.0) -> float:
    return float(truncation(box, sensor, range_m=range_m)[0])


def test_a_sector_cuts_what_lies_on_its_edge() -> None:
    edge = np.radians(60)
    assert _share(AHEAD, _box(20, 0)) == 0
    assert _share(AHEAD, _box(-20, 0)) == 1
    assert _share(AHEAD, _box(20 * np.cos(edge), 20 * np.sin(edge), edge)) == pytest.approx(0.5, abs=1e-6)
    # Half a metre of two lies beyond the edge, which runs along the box.
    inward = 0.5 * np.array([np.sin(edge), -np.cos(edge)])
    x, y = 20 * np.array([np.cos(edge), np.sin(edge)]) + inward
    assert _share(AHEAD, _box(x, y, edge)) == pytest.approx(0.25, abs=1e-6)
    assert _share(AHEAD, _box(x, -y, -edge)) == pytest.approx(0.25, abs=1e-6)


def test_sectors_beyond_a_half_turn() -> None:
    wide = replace(AHEAD, sector_deg=(-120.0, 120.0))
    edge = np.radians(120)
    assert _share(wide, _box(-20, 0)) == 1
    assert _share(wide, _box(0, 20)) == 0
    assert _share(wide, _box(20 * np.cos(edge), 20 * np.sin(edge), edge)) == pytest.approx(0.5, abs=1e-6)


def test_all_around_only_the_range_cuts() -> None:
    sensor = find_sensor("hdl-64e")
    assert _share(sensor, _box(-20, 3, 1.0)) == 0
    assert 0.48 < _share(sensor, _box(70, 0)) < 0.52
    assert 0.48 < _share(sensor, _box(0, 70, np.pi / 2)) < 0.52
    near = replace(sensor, max_range_m=30.0)
    assert _share(near, _box(40, 0)) == 1
    assert _share(near, _box(28, 0)) == pytest.approx(0.0, abs=0.02)


def test_no_objects() -> None:
    assert truncation(np.zeros((0, 7)), AHEAD, range_m=70.0).shape == (0,)
