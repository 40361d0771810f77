"""Beams pass glass, go into leaves, and meet the nearest surface."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bevseg.simulation.materials import FREE_PATH_M, PASS_PROBABILITY, Material
from bevseg.simulation.raycast import Hits, RayScene, concatenated, first_returns
from bevseg.simulation.shapes.assemble import Assembly
from bevseg.simulation.shapes.mesh import Mesh, box, ellipsoid, quad

ORIGIN = np.array([0.0, 0.0, 1.0])


def _ahead(count: int) -> np.ndarray:
    return np.tile(np.array([[1.0, 0.0, 0.0]], np.float32), (count, 1))


def _wall(x: float, material: Material) -> Mesh:
    return box((x + 0.05, 0, 0), (0.1, 4, 3), material)


def _scene(*meshes: Mesh) -> RayScene:
    return RayScene(Assembly.of(*meshes))


def test_nearest_surface_and_its_slant() -> None:
    scene = _scene(_wall(7.0, Material.CONCRETE))
    slanting = np.array([[1.0, 0, 0], [np.cos(0.2), np.sin(0.2), 0], [-1.0, 0, 0]], np.float32)
    hits = scene.nearest(ORIGIN, slanting, np.zeros(3))
    assert hits.ray.tolist() == [0, 1]
    np.testing.assert_allclose(hits.distance_m, [7.0, 7.0 / np.cos(0.2)], rtol=1e-5)
    np.testing.assert_allclose(hits.cosine, [1.0, np.cos(0.2)], rtol=1e-5)


def test_whether_anything_is_met_on_the_way() -> None:
    scene = _scene(_wall(5.0, Material.GLASS), _wall(9.0, Material.METAL))
    start, end = np.array([0.0, 0.0, 6.0, 6.0, 9.5, 3.0]), np.array([4.9, 5.1, 8.9, 9.1, 99.0, -np.inf])
    assert scene.meets(ORIGIN, _ahead(6), start, end).tolist() == [False, True, False, True, False, False]
    assert scene.meets(ORIGIN, _ahead(0), np.zeros(0), np.zeros(0)).shape == (0,)
    assert not _scene().meets(ORIGIN, _ahead(2), np.zeros(2), np.full(2, 9.0)).any()


def test_start_hides_what_is_nearer() -> None:
    scene = _scene(_wall(5.0, Material.PAINT), _wall(9.0, Material.METAL))
    hits = scene.nearest(ORIGIN, _ahead(1), np.array([6.0]))
    assert hits.distance_m[0] == pytest.approx(9.0, abs=1e-4)
    assert (hits.piece[0], hits.material[0]) == (1, Material.METAL)


def test_nothing_is_met_beyond_the_end() -> None:
    scene = _scene(_wall(5.0, Material.PAINT), _wall(9.0, Material.METAL))
    start, end = np.array([0.0, 0.0, 6.0, 6.0]), np.array([4.9, 5.1, 8.9, -np.inf])
    assert scene.nearest(ORIGIN, _ahead(4), start, end).ray.tolist() == [1]


def test_empty_scene_and_no_rays() -> None:
    empty = _scene()
    assert len(empty.nearest(ORIGIN, _ahead(3), np.zeros(3))) == 0
    assert len(_scene(_wall(5.0, Material.PAINT)).nearest(ORIGIN, _ahead(0), np.zeros(0))) == 0
    assert len(concatenated([])) == 0
    assert len(Hits.empty()) == 0


def test_glass_lets_its_share_of_beams_through() -> None:
    pane = quad(np.array([(5.0, -2, 0), (5.0, 2, 0), (5.0, 2, 3), (5.0, -2, 3)]), Material.GLASS)
    scene = _scene(pane, _wall(8.0, Material.CONCRETE))
    rng = np.random.default_rng(0)
    hits = first_returns(scene, ORIGIN, _ahead(4000), rng.random((4000, 6)), np.zeros(4000))
    assert len(hits) == 4000
    through = (hits.distance_m > 7).mean()
    assert through == pytest.approx(PASS_PROBABILITY[Material.GLASS], abs=0.03)


def test_leaves_return_from_inside() -> None:
    crown = ellipsoid((10.0, 0, 1.0), (3.0, 3.0, 3.0), Material.FOLIAGE, around=16, rings=9)
    scene = _scene(crown, _wall(20.0, Material.CONCRETE))
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
    scene = _scene(hedge, _wall(5.2, Material.BRICK))
    chance = np.full((1, 6), 0.999)
    hits = first_returns(scene, ORIGIN, _ahead(1), chance, np.zeros(1))
    assert hits.distance_m[0] == pytest.approx(5.2, abs=1e-3)


def test_an_end_takes_nothing_from_in_front_of_it() -> None:
    """Leaves answer before the end even where the only thing behind them, which makes them answer, is beyond."""
    crown = ellipsoid((10.0, 0, 1.0), (3.0, 3.0, 3.0), Material.FOLIAGE, around=16, rings=9)
    pane = quad(np.array([(5.0, -2, 0), (5.0, 2, 0), (5.0, 2, 3), (5.0, -2, 3)]), Material.GLASS)
    scene = _scene(pane, crown, _wall(20.0, Material.CONCRETE))
    chance = np.random.default_rng(0).random((2000, 6))
    everything = first_returns(scene, ORIGIN, _ahead(2000), chance, np.zeros(2000))
    for end_m in (4.0, 6.0, 7.5, 10.0, 19.0):
        near = first_returns(scene, ORIGIN, _ahead(2000), chance, np.zeros(2000), np.full(2000, end_m))
        found, expected = (
            sorted(zip(h.ray.tolist(), h.distance_m.tolist(), h.material.tolist(), strict=True))
            for h in (near[near.distance_m < end_m], everything[everything.distance_m < end_m])
        )
        assert found == expected
        assert len(expected) > 0 or end_m == 4.0


def test_scenes_of_any_size_may_follow_each_other() -> None:
    """Rows that one scene has handed to Embree are written anew for the next; larger and smaller ones, in any order."""
    fine = ellipsoid((10.0, 0, 1.0), (1.0, 1.0, 1.0), Material.PAINT, around=40, rings=40)
    for meshes in ([fine] * 3, [_wall(5.0, Material.PAINT)], [fine] * 12, [_wall(6.0, Material.PAINT), fine]):
        scenes = [_scene(*meshes), _scene(_wall(4.0, Material.PAINT))]
        distances = [scene.nearest(ORIGIN, _ahead(1), np.zeros(1)).distance_m[0] for scene in scenes]
        assert distances == pytest.approx([min(float(mesh.low[0]) for mesh in meshes), 4.0], abs=1e-2)


def test_threads_have_rows_of_their_own() -> None:
    def distance(k: int) -> float:
        sphere = ellipsoid((10.0 + k, 0, 1.0), (1.0, 1.0, 1.0), Material.PAINT, around=20 + k, rings=20)
        return float(_scene(sphere).nearest(ORIGIN, _ahead(1), np.zeros(1)).distance_m[0])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(distance, range(64))) == pytest.approx([9.0 + k for k in range(64)], abs=0.1)
