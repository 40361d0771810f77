"""Who hides whom: counted on a scene whose answer is known."""

from __future__ import annotations

import numpy as np

from bevseg.simulation.beams import Beams
from bevseg.simulation.materials import Material
from bevseg.simulation.raycast import RayScene, first_returns
from bevseg.simulation.sensors import find_sensor
from bevseg.simulation.shapes.assemble import Assembly
from bevseg.simulation.shapes.mesh import box
from bevseg.simulation.truth import (
    OcclusionCounts,
    count_occlusion,
    hits_behind,
    occlusion_graph,
    visible_fraction,
)


def _beams(azimuths_rad: np.ndarray) -> Beams:
    directions = np.stack([np.cos(azimuths_rad), np.sin(azimuths_rad), np.zeros(len(azimuths_rad))], axis=1)
    directions = directions.astype(np.float32)
    n = len(directions)
    origin = np.array([0.0, 0.0, 1.0])
    return Beams(find_sensor("vlp-16"), np.arange(n), origin, directions, directions, np.ones((n, 6)), np.zeros(n))


def test_every_object_on_a_ray_is_found_once() -> None:
    boxes = np.array([[x, 0, 1, 1, w, 2, 0.0] for x, w in ((5.0, 1.0), (10.0, 8.0), (20.0, 8.0))])
    meshes = [box((b[0], b[1], 0), (b[3], b[4], b[5]), Material.CLOTH) for b in boxes]
    scene = RayScene(Assembly.of(*meshes))
    beams = _beams(np.array([0.0, 0.15, 0.5]))
    first = first_returns(scene, beams.origin_m, beams.directions, beams.chance, beams.start_m)
    hits = hits_behind(scene, beams, beams.chance, boxes, first)
    found = sorted(zip(hits.ray.tolist(), hits.piece.tolist(), strict=True))
    assert found == [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2)]
    np.testing.assert_allclose(hits.distance_m[hits.ray == 0], [4.5, 9.5, 19.5], rtol=1e-4)


def test_counts_and_fractions() -> None:
    objects = np.array([0, 0, 0, 0, 1, 1, 2])
    visible = np.array([True, True, True, False, False, True, False])
    front = np.array([0, 0, 0, -1, 0, 1, 1])
    counts = count_occlusion(objects, visible, front, 4)
    assert counts.possible.tolist() == [4, 2, 1, 0]
    assert counts.visible.tolist() == [3, 1, 0, 0]
    np.testing.assert_array_equal(np.argwhere(counts.hidden_by), [[0, 1], [1, 2]])
    np.testing.assert_allclose(visible_fraction(counts), [0.75, 0.5, 0.0, np.nan])
    graph = occlusion_graph(counts, np.array([5.0, 9.0, 12.0, 1.0]))
    assert graph.occluder.tolist() == [0, 1]
    np.testing.assert_allclose(graph.hidden_fraction, [0.5, 1.0])
    assert graph.rank.tolist() == [1, 2, 3, 0]


def test_no_objects() -> None:
    none = np.zeros(0, np.int64)
    counts = OcclusionCounts(none, none, np.zeros((0, 0), np.int64))
    assert len(occlusion_graph(counts, np.zeros(0)).rank) == 0
