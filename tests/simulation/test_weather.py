"""Conditions of a frame, and the vehicle below the sensor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.ego_body import EgoBody, draw_ego_body
from bevseg.simulation.sensors import find_sensor
from bevseg.simulation.weather import draw_conditions, drop_distances

BODY = EgoBody(roof_drop_m=0.4, bonnet_drop_m=0.9, front_m=2.0, length_m=4.5, width_m=1.8)


def test_conditions_stay_within_their_ranges() -> None:
    rng = np.random.default_rng(0)
    config = SimulationConfig(ghost_share=0.01, ego_vehicle=0.5)
    drawn = [draw_conditions(rng, config, find_sensor("hdl-32e")) for _ in range(200)]
    assert all(0.7 < c.reach_factor < 1.3 and 0 <= c.ghost_share <= 0.01 and c.lost_share < 0.1 for c in drawn)
    assert 0.3 < np.mean([c.ego_body is not None for c in drawn]) < 0.7
    assert all(c.drops_share == 0 for c in drawn if c.wet == 0)


def test_drops_turn_back_their_share() -> None:
    config = SimulationConfig()
    wet = replace(draw_conditions(np.random.default_rng(0), config, find_sensor("vlp-16")), drops_share=0.1)
    distance = drop_distances(wet, 20_000, np.random.default_rng(1))
    hit = np.isfinite(distance)
    assert hit.mean() == pytest.approx(0.1, abs=0.01)
    assert distance[hit].min() >= 1.0
    assert np.isinf(drop_distances(replace(wet, drops_share=0.0), 10, np.random.default_rng(1))).all()


def test_ego_body_hides_what_is_below_and_nothing_else() -> None:
    down, ahead = np.radians(-60), np.radians(-28)
    rays = np.array(
        [
            [np.cos(down), 0, np.sin(down)],
            [np.cos(ahead), 0, np.sin(ahead)],
            [0, np.cos(ahead), np.sin(ahead)],
            [1.0, 0, 0],
        ],
        np.float32,
    )
    distance = BODY.distances(rays)
    assert distance[0] == pytest.approx(0.4 / np.sin(np.radians(60)), rel=1e-5)
    assert distance[1] == pytest.approx(0.9 / np.sin(np.radians(28)), rel=1e-5)
    assert np.isinf(distance[2:]).all()
    assert BODY.distances(np.zeros((0, 3), np.float32)).shape == (0,)


def test_drawn_bodies_fit_below_the_sensor() -> None:
    body = draw_ego_body(np.random.default_rng(3), mount_height_m=1.8)
    assert 0 < body.roof_drop_m < body.bonnet_drop_m < 1.8
    assert body.length_m > body.front_m > 0
