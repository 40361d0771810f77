"""The ground between the corners of its net, as rays from above find it."""

from __future__ import annotations

import numpy as np

from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.ground_net import GroundNet
from bevseg.simulation.layout.world import StaticPieces, build_world
from bevseg.simulation.raycast import RayScene
from bevseg.simulation.shapes.assemble import Assembly
from bevseg.simulation.shapes.mesh import Mesh


def _bare_ground(seed: int) -> StaticPieces:
    """The ground of a hilly world without anything on it."""
    static = build_world(
        np.random.default_rng(seed), SimulationConfig(any_heading=0.0), density=0.0, range_m=20.0
    ).static
    whole = static.pieces
    ground = whole.piece == 0
    mesh = Mesh(whole.mesh.vertices, whole.mesh.triangles[ground], whole.mesh.material[ground])
    return StaticPieces(Assembly(mesh, whole.piece[ground], 1), static.semantic[:1], static.tint[:1])


def test_rays_from_above_meet_it_there() -> None:
    static = _bare_ground(1)
    net = GroundNet.of(static)
    x, y = np.random.default_rng(2).uniform(-55, 55, (2, 400))
    scene, down = RayScene(static.pieces), np.array([[0.0, 0.0, -1.0]], np.float32)
    met = [scene.nearest(np.array([a, b, 50.0]), down, np.zeros(1)) for a, b in zip(x, y, strict=True)]
    height = np.array([50 - hits.distance_m[0] for hits in met])
    assert np.ptp(height) > 0.1
    np.testing.assert_allclose(net.at(x, y), height, atol=1e-4)


def test_beyond_its_edge_it_goes_on() -> None:
    net = GroundNet.of(_bare_ground(1))
    edge, beyond = net.at(np.array([59.0, 60.0, 61.0]), np.full(3, 3.0)), net.at(np.zeros(0), np.zeros(0))
    assert abs(edge[0] + edge[2] - 2 * edge[1]) < 0.2
    assert beyond.shape == (0,)
