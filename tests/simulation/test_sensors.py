"""Sensors by their data sheets, and files that describe none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.configuration import dump_yaml
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.sensors import SHIPPED, Fan, SensorError, find_sensor, shipped_sensors


@pytest.mark.parametrize(
    ("name", "beams", "lowest", "highest"),
    [
        ("at128", 128, -12.5, 12.9),
        ("hdl-32e", 32, -30.67, 10.67),
        ("hdl-64e", 64, -24.33, 2.0),
        ("os1-128", 128, -22.5, 22.5),
        ("pandar64", 64, -25.0, 15.0),
        ("vlp-16", 16, -15.0, 15.0),
        ("vlp-16-dual", 16, -15.0, 15.0),
        ("vlp-32c", 32, -25.0, 15.0),
    ],
)
def test_beams(name: str, beams: int, lowest: float, highest: float) -> None:
    sensor = find_sensor(name)
    assert sensor.name == name
    assert sensor.num_beams == beams
    assert sensor.beam_elevations_deg[0] == lowest
    assert sensor.beam_elevations_deg[-1] == highest


def test_every_sensor_that_ships_is_tested_here() -> None:
    marks = [mark for mark in test_beams.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    assert shipped_sensors() == tuple(row[0] for row in marks[0].args[1])


def test_directions_are_unit_vectors_ring_fastest_and_clockwise() -> None:
    sensor = find_sensor("vlp-16")
    directions = sensor.directions(0.3)
    assert directions.shape == (sensor.num_rays, 3)
    assert directions.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.degrees(np.arcsin(directions[:16, 2])), sensor.beam_elevations_deg, atol=1e-4)
    azimuth = np.arctan2(directions[::16, 1], directions[::16, 0])
    assert azimuth[0] == pytest.approx(0.3, abs=1e-5)
    assert azimuth[1] < azimuth[0]


def test_a_sector_is_swept_from_left_to_right() -> None:
    sensor = find_sensor("at128")
    first, shifted = sensor.directions(0.0)[::128], sensor.directions(np.pi)[::128]
    azimuth_deg = np.degrees(np.arctan2(first[:, 1], first[:, 0]))
    assert azimuth_deg[0] == pytest.approx(60.0, abs=1e-3)
    assert azimuth_deg[-1] == pytest.approx(-59.9, abs=1e-3)
    half_a_step = azimuth_deg - np.degrees(np.arctan2(shifted[:, 1], shifted[:, 0]))
    np.testing.assert_allclose(half_a_step, 0.05, atol=1e-3)


def test_staggered_beams_point_to_their_own_azimuth() -> None:
    sensor = find_sensor("os1-128")
    column = sensor.directions(0.0)[:4]
    np.testing.assert_allclose(np.degrees(np.arctan2(column[:, 1], column[:, 0])), [4.2, 1.4, -1.4, -4.2], atol=1e-3)


def test_a_sensor_of_ones_own_is_one_more_file(tmp_path: Path) -> None:
    mine = replace(find_sensor("vlp-16"), name="mine", elevations_deg=(-20.0, Fan(-10.0, 10.0, 5)), azimuth_steps=90)
    file = tmp_path / "mine.yaml"
    file.write_text(dump_yaml(mine))
    assert find_sensor(str(file)) == mine
    assert find_sensor(str(file)).beam_elevations_deg == (-20.0, -10.0, -5.0, 0.0, 5.0, 10.0)
    assert SimulationConfig(sensors=(str(file),)).sensors == (str(file),)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("elevations_deg: []", "elevations_deg must rise"),
        ("elevations_deg: [3.0, 1.0]", "elevations_deg must rise"),
        ("elevations_deg: [-91.0, 1.0]", "within -90..90"),
        ("elevations_deg: [{low_deg: 1.0, high_deg: 0.0, beams: 4}]", "fan"),
        ("azimuth_steps: 0", "rays"),
        ("azimuth_steps: 9000000", "rays"),
        ("azimuth_offsets_deg: [1.0]", "one value for each of 16 beams"),
        ("sector_deg: [10.0, -10.0]", "sector_deg"),
        ("min_range_m: 500.0", "min_range_m < max_range_m"),
        ("turn_s: 0.0", "turn_s"),
        ("reach_m: .nan", "reach_m"),
        ("returns: triple", "returns.*'first'.*'dual'.*got 'triple'"),
        ("returns: 2", "returns"),
        ("colour: red", "not a known key"),
        ("azimuth_steps: many", "azimuth_steps"),
    ],
)
def test_an_impossible_sensor_file_is_refused(tmp_path: Path, line: str, complaint: str) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(_replaced(dump_yaml(find_sensor("vlp-16")), line.split(":")[0], line))
    with pytest.raises(SensorError, match=complaint) as refused:
        find_sensor(str(file))
    assert "broken.yaml" in str(refused.value)


def _replaced(text: str, key: str, line: str) -> str:
    """The YAML with one key's lines (and those indented below it) exchanged."""
    kept, skipping = [], False
    for row in text.splitlines():
        starts = not row.startswith((" ", "-"))
        skipping = row.startswith(f"{key}:") or (skipping and not starts)
        if not skipping:
            kept.append(row)
    return "\n".join([*kept, line]) + "\n"


def test_an_unknown_name_lists_those_that_ship(tmp_path: Path) -> None:
    with pytest.raises(SensorError, match=r"no sensor called 'hdl-99'.*hdl-32e"):
        find_sensor("hdl-99")
    with pytest.raises(SensorError, match="cannot be read"):
        find_sensor(str(tmp_path / "none.yaml"))
    with pytest.raises(SensorError, match="no sensor called"):
        SimulationConfig(sensors=("hdl-99",))


def test_the_sensor_that_the_readme_shows_can_be_built(tmp_path: Path) -> None:
    readme = SHIPPED.with_name("README.md").read_text(encoding="utf-8")
    shown = readme.split("```yaml\n")[1].split("```")[0]
    file = tmp_path / "mine.yaml"
    file.write_text(shown)
    assert find_sensor(str(file)).num_beams == 31
