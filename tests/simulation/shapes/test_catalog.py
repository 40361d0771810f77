"""Every kind of object has shapes of believable size, and every class has kinds."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.results.classes import THING_CLASSES, SemanticClass
from bevseg.simulation.shapes.catalog import KINDS, kinds_of, shapes_of

MEAN_SIZE_LWH_M = {
    SemanticClass.CAR: (4.63, 1.96, 1.74),
    SemanticClass.TRUCK: (6.93, 2.51, 2.84),
    SemanticClass.BUS: (11.1, 2.93, 3.46),
    SemanticClass.TRAILER: (12.3, 2.9, 3.9),
    SemanticClass.CONSTRUCTION_VEHICLE: (6.4, 2.85, 3.2),
    SemanticClass.PEDESTRIAN: (0.73, 0.67, 1.77),
    SemanticClass.MOTORCYCLE: (2.11, 0.77, 1.47),
    SemanticClass.BICYCLE: (1.7, 0.6, 1.3),
    SemanticClass.TRAFFIC_CONE: (0.41, 0.41, 1.07),
    SemanticClass.BARRIER: (0.5, 2.5, 1.0),
}
"""nuScenes' means; a barrier is short along its heading."""


@pytest.mark.parametrize("label", THING_CLASSES)
def test_mean_size_is_near_the_published_one(label: SemanticClass) -> None:
    kinds, cumulative = kinds_of(label)
    weights = np.diff(cumulative, prepend=0.0)
    means = [np.mean([s.size_lwh_m for s in shapes_of(int(k))], axis=0) for k in kinds]
    mean = np.average(means, axis=0, weights=weights)
    np.testing.assert_allclose(mean, MEAN_SIZE_LWH_M[label], rtol=0.3)


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=[k.name for k in KINDS])
def test_shapes_fill_the_unit_box(kind: int) -> None:
    for shape in shapes_of(kind):
        for mesh in (shape.mesh, shape.coarse_mesh):
            assert len(mesh.triangles) >= 12
            np.testing.assert_allclose(mesh.high - mesh.low, 0.985, atol=1e-5)
            assert mesh.low[2] == pytest.approx(0.0, abs=1e-6)


def test_posture_chooses_among_the_kinds() -> None:
    ridden, _ = kinds_of(SemanticClass.BICYCLE, ridden=True)
    parked, _ = kinds_of(SemanticClass.BICYCLE, ridden=False)
    assert {KINDS[int(k)].name for k in ridden} == {"ridden_bicycle"}
    assert {KINDS[int(k)].name for k in parked} == {"bicycle"}


def test_shapes_do_not_depend_on_the_order_of_first_use() -> None:
    before = shapes_of(3)[0].mesh.vertices.copy()
    shapes_of.cache_clear()
    shapes_of(5)
    np.testing.assert_array_equal(shapes_of(3)[0].mesh.vertices, before)
