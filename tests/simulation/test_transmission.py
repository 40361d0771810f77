"""Shares of light behind glass and in leaves, worked out by hand."""

from __future__ import annotations

import numpy as np

from bevseg.simulation.materials import FREE_PATH_M, PASS_PROBABILITY, Material
from bevseg.simulation.raycast import RayScene
from bevseg.simulation.shapes.assemble import Assembly
from bevseg.simulation.shapes.mesh import Mesh, box, quad
from bevseg.simulation.transmission import transmitted_share

ORIGIN = np.array([0.0, 0.0, 1.0])
GLASS = float(PASS_PROBABILITY[Material.GLASS])
HEDGE_M = float(FREE_PATH_M[Material.HEDGE])


def _pane(x: float, material: Material) -> Mesh:
    return quad(np.array([[x, -3, -3], [x, 3, -3], [x, 3, 3], [x, -3, 3]]), material)


def _share(*meshes: Mesh, end_m: float = 20.0, least: float = 1e-3) -> float:
    scene = RayScene(Assembly.of(*meshes))
    ahead = np.array([[1.0, 0.0, 0.0]], np.float32)
    return float(transmitted_share(scene, ORIGIN, ahead, np.zeros(1), np.array([end_m]), least=least)[0])


def test_panes_multiply() -> None:
    panes = [_pane(x, Material.GLASS) for x in (5.0, 6.0, 7.0)]
    np.testing.assert_allclose([_share(*panes), _share(*panes, end_m=6.5)], [GLASS**3, GLASS**2], rtol=1e-5)
    assert _share(*panes, end_m=4.0) == 1.0
    assert _share(_pane(5.0, Material.WIRE_MESH), panes[1]) < GLASS


def test_no_more_is_followed_than_is_asked_for() -> None:
    panes = [_pane(x, Material.GLASS) for x in (5.0, 6.0, 7.0)]
    np.testing.assert_allclose(_share(*panes, least=0.5), GLASS**2, rtol=1e-5)


def test_in_a_medium_the_share_falls_with_the_way() -> None:
    hedge = box((5.5, 0.0, -1.0), (1.0, 4.0, 4.0), Material.HEDGE)
    np.testing.assert_allclose(_share(hedge), np.exp(-1.0 / HEDGE_M), rtol=1e-3)
    np.testing.assert_allclose(_share(hedge, end_m=5.3), np.exp(-0.3 / HEDGE_M), rtol=1e-3)
    two = _share(hedge, box((8.5, 0.0, -1.0), (1.0, 4.0, 4.0), Material.HEDGE), least=1e-9)
    np.testing.assert_allclose(two, np.exp(-2.0 / HEDGE_M), rtol=1e-3)


def test_nothing_passes_what_is_solid_and_no_rays_have_no_shares() -> None:
    assert _share(_pane(5.0, Material.BRICK)) == 0.0
    scene, none = RayScene(Assembly.of()), np.zeros(0)
    assert len(transmitted_share(scene, ORIGIN, np.zeros((0, 3), np.float32), none, none, least=0.5)) == 0
