"""Whole worlds: nothing overlaps, and neighbours of one class stand close as in streets."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.results.classes import SemanticClass
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.layout.plan import rectangles_overlap
from bevseg.simulation.layout.world import GROUND_PIECE, World, build_world
from bevseg.simulation.materials import Material
from bevseg.simulation.shapes.catalog import KIND_INDEX


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return [
        build_world(np.random.default_rng([5, k]), SimulationConfig(any_heading=0.2), density=0.6, range_m=50.0)
        for k in range(4)
    ]


def test_vehicles_do_not_overlap(worlds: list[World]) -> None:
    for world in worlds:
        boxes = world.objects.boxes[:, [0, 1, 3, 4, 6]].tolist()
        for k, one in enumerate(boxes):
            for other in boxes[:k]:
                shrunk = (other[0], other[1], other[2] - 0.12, other[3] - 0.12, other[4])
                assert not rectangles_overlap(tuple(one), shrunk)


def test_the_vehicle_has_its_own_place(worlds: list[World]) -> None:
    for world in worlds:
        x, y, yaw = world.ego_pose
        ego = (x, y, 4.5, 1.9, yaw)
        assert not any(rectangles_overlap(ego, tuple(b)) for b in world.objects.boxes[:, [0, 1, 3, 4, 6]].tolist())


def test_the_vehicle_stands_on_the_road(worlds: list[World]) -> None:
    for world in worlds:
        x, y, _ = world.ego_pose
        found = world.surface.classes(np.array([x]), np.array([y]))
        assert found[0] == SemanticClass.DRIVEABLE_SURFACE


def test_static_pieces_carry_their_class(worlds: list[World]) -> None:
    for world in worlds:
        static = world.static
        assert static.semantic[GROUND_PIECE] == 0
        assert (static.pieces.mesh.material[static.pieces.piece == GROUND_PIECE] == Material.EARTH).all()
        beyond = set(np.unique(np.delete(static.semantic, GROUND_PIECE)).tolist())
        assert beyond <= {SemanticClass.MANMADE, SemanticClass.VEGETATION}
        assert len(static.semantic) == len(static.tint) == len(static.pieces)


def test_density_fills_the_street() -> None:
    counts = [
        np.mean(
            [
                len(
                    build_world(
                        np.random.default_rng([6, k]), SimulationConfig(any_heading=0.0), density=d, range_m=50.0
                    ).objects
                )
                for k in range(4)
            ]
        )
        for d in (0.0, 1.0)
    ]
    assert counts[1] > 2 * counts[0]


def test_decoys_stand_off_the_road_and_are_no_objects() -> None:
    def world(amount: float) -> World:
        rng = np.random.default_rng(6)
        return build_world(rng, SimulationConfig(any_heading=0.0, decoys=amount), density=0.3, range_m=50.0)

    bare, full = world(0.0), world(1.0)
    assert len(full.static.pieces) != len(bare.static.pieces)
    stuff = np.delete(full.static.semantic, GROUND_PIECE)
    assert set(np.unique(stuff)) <= {int(SemanticClass.MANMADE), int(SemanticClass.VEGETATION)}
    mesh = full.static.pieces.mesh
    middle = mesh.vertices[mesh.triangles[full.static.pieces.piece != GROUND_PIECE]].mean(axis=1)
    low = middle[middle[:, 2] < 1.0]
    on_road = full.surface.classes(low[:, 0], low[:, 1]) == SemanticClass.DRIVEABLE_SURFACE
    assert on_road.mean() < 0.02


def test_bystanders_stand_right_beside_other_things_and_do_not_overlap_them() -> None:
    def world(amount: float) -> World:
        config = SimulationConfig(any_heading=0.0, bystanders=amount)
        return build_world(np.random.default_rng(8), config, density=0.3, range_m=50.0)

    bare, full = world(0.0), world(1.0)
    assert np.array_equal(full.objects.boxes[: len(bare.objects)], bare.objects.boxes)  # they come last
    extra = full.objects[np.arange(len(bare.objects), len(full.objects))]
    assert (extra.label == SemanticClass.PEDESTRIAN).all()
    assert 30 < len(extra) < 160
    boxes = full.objects.boxes[:, [0, 1, 3, 4, 6]].tolist()
    for k in range(len(bare.objects), len(boxes)):
        assert not any(rectangles_overlap(tuple(boxes[k]), tuple(other)) for other in boxes[:k])


def test_an_articulated_bus_is_two_sections_end_to_end() -> None:
    front, rear = KIND_INDEX["bus_front_section"], KIND_INDEX["bus_rear_section"]
    pairs = 0
    for seed in range(20):
        config = SimulationConfig(any_heading=0.0, articulated_buses=1.0)
        objects = build_world(np.random.default_rng(seed), config, density=1.0, range_m=60.0).objects
        for k in np.flatnonzero(objects.kind == rear).tolist():
            assert objects.kind[k - 1] == front
            apart_m = float(np.hypot(*(objects.boxes[k, :2] - objects.boxes[k - 1, :2])))
            assert 0 < apart_m - (objects.boxes[k, 3] + objects.boxes[k - 1, 3]) / 2 + 0.3 < 1.0
            assert abs(objects.boxes[k, 6] - objects.boxes[k - 1, 6]) <= np.radians(25) + 1e-6
            pairs += 1
    assert pairs >= 2
