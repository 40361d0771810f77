"""What is left out because something nearer hides it would never have been the nearest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.geometry.frames import Transform
from bevseg.simulation.beams import Beams, send_beams
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.ground import earliest_m, meet_ground
from bevseg.simulation.layout.world import GROUND_PIECE, World, build_world
from bevseg.simulation.raycast import RayScene
from bevseg.simulation.returns import (
    Nearest,
    Returns,
    meet_surroundings,
    nearest_of,
    noise_returns,
    surroundings_returns,
)
from bevseg.simulation.sensors import find_sensor


def _world(kerb_m: float) -> World:
    world = build_world(np.random.default_rng(4), SimulationConfig(any_heading=0.0), density=0.3, range_m=40.0)
    return replace(world, plan=replace(world.plan, surface=replace(world.surface, kerb_m=kerb_m)))


def _beams(world: World) -> Beams:
    x, y, yaw = world.ego_pose
    z = float(world.surface.height(np.array([x]), np.array([y]))[0])
    pose = Transform.from_yaw(yaw, np.array([x, y, z + 1.8]), dst="global", src="lidar")
    return send_beams(find_sensor("vlp-16"), pose, np.random.default_rng(5))


def _returns(values: list[tuple[int, float, int]]) -> Returns:
    ray, distance, owner = (np.array(column) for column in zip(*values, strict=True))
    return Returns(ray, distance, owner, np.full(len(ray), owner[0], np.uint8), np.full(len(ray), owner[0] / 10))


def test_the_nearest_of_several_kinds() -> None:
    first, second = _returns([(0, 5.0, 1), (2, 7.0, 1), (3, 4.0, 1)]), _returns([(3, 4.0, 2), (2, 6.0, 2)])
    nearest = nearest_of([first, second], 5)
    assert nearest.distance_m.tolist() == [5.0, np.inf, 6.0, 4.0, np.inf]
    assert nearest.owner.tolist() == [1, -1, 2, 1, -1]
    assert nearest.semantic.tolist() == [1, 0, 2, 1, 0]
    assert nearest.brightness.tolist() == [0.1, 0, 0.2, 0.1, 0]


def test_noise_is_where_a_distance_is_known() -> None:
    noise = noise_returns(np.array([np.inf, 2.0, np.inf]))
    assert (noise.ray.tolist(), noise.distance_m.tolist(), noise.owner.tolist()) == ([1], [2.0], [-1])
    assert len(noise_returns(np.full(3, np.inf)).ray) == 0


@pytest.mark.parametrize("kerb_m", [0.02, 0.18])
def test_ground_is_never_nearer_than_said(kerb_m: float) -> None:
    world = _world(kerb_m)
    beams = _beams(world)
    hits = meet_surroundings(RayScene(world.static.pieces), world.surface, beams, np.full(len(beams), np.inf))
    flat = hits[hits.piece == GROUND_PIECE]
    ground = meet_ground(world.surface, beams, flat, beams.chance[flat.ray, -1])
    assert len(flat) > 1000
    assert (earliest_m(world.surface, flat) <= ground.distance_m).all()


@pytest.mark.parametrize("kerb_m", [0.02, 0.18])
def test_looking_less_far_changes_nothing_nearer(kerb_m: float) -> None:
    world = _world(kerb_m)
    beams = _beams(world)
    scene = RayScene(world.static.pieces)

    def nearest(within: np.ndarray) -> Nearest:
        met = meet_surroundings(scene, world.surface, beams, within)
        return nearest_of(surroundings_returns(world.static, world.surface, beams, met, within, wet=0.5), len(beams))

    within = np.random.default_rng(6).uniform(-5, 60, len(beams))
    found, expected = nearest(within), nearest(np.full(len(beams), np.inf))
    near = expected.distance_m <= within
    assert 0.1 < near.mean() < 0.9
    np.testing.assert_array_equal(found.distance_m <= within, near)
    for name in ("distance_m", "semantic", "brightness"):
        np.testing.assert_array_equal(getattr(found, name)[near], getattr(expected, name)[near])
