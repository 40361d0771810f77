"""Beams pass glass, go into leaves, and meet the nearest surface."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.simulation.materials import FREE_PATH_M, PASS_PROBABILITY, Material
from bevseg.simulation.raycast import Hits, RayScene, concatenated, first_returns
from bevseg.simulation.shapes.mesh import box, ellipsoid, joined, quad

ORIGIN = np.array([0.0, 0.0, 1.0])


def _ahead(count: int) -> np.ndarray:
    return np.tile(np.array([[1.0, 0.0, 0.0]], np.float32), (count, 1))


def _wall(x: float, material: Material) -> RayScene:
    return RayScene(box((x + 0.05, 0, 0), (0.1, 4, 3), material))


def test_nearest_surface_and_its_slant() -> None:
    scene = _wall(7.0, Material.CONCRETE)
    slanting = np.array([[1.0, 0, 0], [np.cos(0.2), np.sin(0.2), 0], [-1.0, 0, 0]], np.float32)
    hits = scene.nearest(ORIGIN, slanting, np.zeros(3))
    assert hits.ray.tolist() == [0, 1]
    np.testing.assert_allclose(hits.distance_m, [7.0, 7.0 / np.cos(0.2)], rtol=1e-5)
    np.testing.assert_allclose(hits.cosine, [1.0, np.cos(0.2)], rtol=1e-5)


def test_start_hides_what_is_nearer() -> None:
    scene = RayScene(
        joined([box((5.05, 0, 0), (0.1, 4, 3), Material.PAINT), box((9.05, 0, 0), (0.1, 4, 3), Material.PAINT)])
    )
    hits = scene.nearest(ORIGIN, _ahead(1), np.array([6.0]))
    assert hits.distance_m[0] == pytest.approx(9.0, abs=1e-4)


def test_empty_scene_and_no_rays() -> None:
    empty = RayScene(joined([]))
    assert len(empty.nearest(ORIGIN, _ahead(3), np.zeros(3))) == 0
    assert len(_wall(5.0, Material.PAINT).nearest(ORIGIN, _ahead(0), np.zeros(0))) == 0
    assert len(concatenated([])) == 0
    assert len(Hits.empty()) == 0


def test_glass_lets_its_share_of_beams_through() -> None:
    pane = quad(np.array([(5.0, -2, 0), (5.0, 2, 0), (5.0, 2, 3), (5.0, -2, 3)]), Material.GLASS)
    scene = RayScene(joined([pane, box((8.05, 0, 0), (0.1, 4, 3), Material.CONCRETE)]))
    rng = np.random.default_rng(0)
    hits = first_returns(scene, ORIGIN, _ahead(4000), rng.random((4000, 6)), np.zeros(4000))
    assert len(hits) == 4000
    through = (hits.distance_m > 7).mean()
    assert through == pytest.approx(PASS_PROBABILITY[Material.GLASS], abs=0.03)


def test_leaves_return_from_inside() -> None:
    crown = ellipsoid((10.0, 0, 1.0), (3.0, 3.0, 3.0), Material.FOLIAGE, around=16, rings=9)
    scene = RayScene(joined([crown, box((20.05, 0, 0), (0.1, 4, 3), Material.CONCRETE)]))
    rng = np.random.default_rng(0)
    hits = first_returns(scene, ORIGIN, _ahead(4000), rng.random((4000, 6)), np.zeros(4000))
    inside = hits.distance_m < 13.1
    entered = hits.distance_m[inside] - 7.0
    assert entered.min() > -0.1
    assert inside.mean() == pytest.approx(1 - np.exp(-6.0 / FREE_PATH_M[Material.FOLIAGE]), abs=0.02)
    assert np.median(entered) == pytest.approx(np.log(2) * FREE_PATH_M[Material.FOLIAGE], rel=0.15)
    np.testing.assert_allclose(hits.distance_m[~inside], 20.0, atol=1e-3)


def test_a_wall_inside_a_medium_is_met_first() -> None:
    hedge = box((6.0, 0, 0), (2.0, 4, 3), Material.HEDGE)
    scene = RayScene(joined([hedge, box((5.25, 0, 0), (0.1, 4, 3), Material.BRICK)]))
    chance = np.full((1, 6), 0.999)
    hits = first_returns(scene, ORIGIN, _ahead(1), chance, np.zeros(1))
    assert hits.distance_m[0] == pytest.approx(5.2, abs=1e-3)
