"""Nothing is placed where something stands already."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.geometry.boxes import footprint_corners
from bevseg.results.classes import SemanticClass
from bevseg.simulation.layout.plan import Plan, rectangles_overlap
from bevseg.simulation.layout.roads import draw_world_plan


@pytest.fixture
def plan() -> Plan:
    rng = np.random.default_rng(1)
    return Plan(draw_world_plan(rng, density=0.5).surface, rng)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ((0.0, 0.0, 1.0, 1.0, 0.7), True),
        ((2.4, 0.0, 1.0, 1.0, 0.0), True),
        ((2.6, 0.0, 1.0, 1.0, 0.0), False),
        ((2.6, 0.0, 1.0, 1.0, np.pi / 4), True),
        ((2.5, 1.5, 1.0, 1.0, np.pi / 4), False),
    ],
)
def test_rectangles(other: tuple[float, ...], expected: bool) -> None:
    one = (0.0, 0.0, 4.0, 2.0, 0.0)
    assert rectangles_overlap(one, other) is expected
    assert rectangles_overlap(other, one) is expected


def test_a_taken_place_is_refused(plan: Plan) -> None:
    first, second = (plan.draw_object(SemanticClass.CAR) for _ in range(2))
    assert plan.place(first, 30.0, 5.0, 0.3)
    assert not plan.place(second, 31.0, 5.0, 1.0)
    assert plan.place(second, 30.0, 9.0, 0.3)
    objects = plan.objects()
    assert len(objects) == 2
    assert objects.track_id.tolist() == [1, 2]
    assert objects.boxes[0, 3] == pytest.approx(first.length_m)


def test_objects_stand_on_the_ground(plan: Plan) -> None:
    plan.place(plan.draw_object(SemanticClass.PEDESTRIAN), 12.0, -3.0, 0.0)
    box = plan.objects().boxes[0]
    x, y = box[:1], box[1:2]
    ground = plan.surface.height(x, y) + plan.surface.standing(x, y)
    assert box[2] - box[5] / 2 == pytest.approx(ground[0])


def test_empty_plan_has_no_objects(plan: Plan) -> None:
    objects = plan.objects()
    assert len(objects) == 0
    assert len(objects.assembly(plan.surface, seen_from_m=(0.0, 0.0))) == 0


def test_mesh_of_an_object_fills_its_box(plan: Plan) -> None:
    plan.place(plan.draw_object(SemanticClass.CAR), 12.0, -3.0, 0.6)
    objects = plan.objects()
    pieces = objects.assembly(plan.surface, seen_from_m=(0.0, 0.0))
    vertices = pieces.mesh.vertices
    corners = footprint_corners(objects.boxes)[0]
    np.testing.assert_allclose(vertices[:, :2].min(axis=0), corners.min(axis=0), atol=0.35)
    np.testing.assert_allclose(vertices[:, :2].max(axis=0), corners.max(axis=0), atol=0.35)
    assert (pieces.piece == 0).all()
    assert len(pieces) == 1
