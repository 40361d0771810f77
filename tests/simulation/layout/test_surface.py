"""Roads as arcs, and the classes and heights of the ground."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.results.classes import SemanticClass
from bevseg.simulation.layout.road import Road
from bevseg.simulation.layout.roads import draw_world_plan
from bevseg.simulation.layout.surface import Patch, Surface

ROAD = Road(
    x_m=3.0, y_m=-2.0, heading_rad=0.4, curvature_per_m=0.01, half_width_m=4.0, sidewalk_left_m=2.0,
    sidewalk_right_m=0.0, start_m=-50.0, end_m=60.0, median_m=0.0, lane_m=3.0, lanes=1, parking_m=0.0,
)  # fmt: skip
STRAIGHT = replace(ROAD, x_m=0.0, y_m=0.0, heading_rad=0.0, curvature_per_m=0.0)


def _surface(**changes: object) -> Surface:
    plain = Surface(
        roads=(STRAIGHT,), patches=(), base=SemanticClass.TERRAIN, kerb_m=0.15, slope=(0.0, 0.0),
        waves=np.zeros((0, 4)), bank=(0.0, 0.0), bumps=np.zeros((0, 4)), camber=0.0,
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("curvature", [0.0, 0.01, -0.012])
def test_road_coordinates_round_trip(curvature: float) -> None:
    road = replace(ROAD, curvature_per_m=curvature)
    for s, d in ((0.0, 0.0), (25.0, 3.0), (-40.0, -5.5)):
        x, y, _ = road.pose_at(s, d)
        back_s, back_d = road.to_road(np.array([x]), np.array([y]))
        assert back_s[0] == pytest.approx(s, abs=1e-6)
        assert back_d[0] == pytest.approx(d, abs=1e-6)


def test_positive_curvature_bends_left() -> None:
    x, y, heading = replace(STRAIGHT, curvature_per_m=0.02).pose_at(20.0, 0.0)
    assert y > 0
    assert x < 20
    assert heading == pytest.approx(0.4)


def test_classes_across_the_road() -> None:
    patch = Patch(10.0, 9.0, 6.0, 4.0, 0.0, SemanticClass.OTHER_FLAT)
    surface = _surface(patches=(patch,), roads=(replace(STRAIGHT, median_m=0.5),))
    y = np.array([0.0, 3.9, 5.0, 9.0, 20.0, -3.0, -4.1])
    found = surface.classes(np.full(7, 10.0), y)
    names = [SemanticClass(c).label for c in found]
    road, other = "driveable_surface", "other_flat"
    assert names == [other, road, "sidewalk", other, "terrain", road, "terrain"]


def test_road_ends() -> None:
    found = _surface().classes(np.array([59.0, 61.0, -51.0]), np.zeros(3))
    assert (found == [SemanticClass.DRIVEABLE_SURFACE, SemanticClass.TERRAIN, SemanticClass.TERRAIN]).all()


def test_crossing_road_cuts_sidewalk_and_median() -> None:
    crossing = replace(STRAIGHT, x_m=10.0, heading_rad=np.pi / 2)
    surface = _surface(roads=(replace(STRAIGHT, median_m=0.5), crossing))
    found = surface.classes(np.array([10.0, 10.0]), np.array([5.0, 0.0]))
    assert (found == SemanticClass.DRIVEABLE_SURFACE).all()


def test_no_points_have_no_classes() -> None:
    assert _surface().classes(np.zeros(0), np.zeros(0)).shape == (0,)


def test_heights() -> None:
    x, y = np.array([0.0, 10.0, 10.0]), np.array([0.0, 0.0, 10.0])
    surface = _surface(slope=(0.02, 0.0), bank=(0.5, 0.0), camber=0.02)
    np.testing.assert_allclose(surface.height(x, y), [0.0, 0.2, 0.2 + 0.5 * 4.0])
    np.testing.assert_allclose(surface.relief(x, np.array([0.0, 2.0, 30.0])), [0.0, -0.04, -0.08])
    np.testing.assert_allclose(surface.standing(x, np.array([0.0, 5.0, 30.0])), [0.0, 0.15 - 0.08, 0.15 - 0.08])


@pytest.fixture(scope="module")
def grounds() -> list[Surface]:
    """Of all kinds: with side roads, medians, parking lots and bends to both sides, and one with straight roads."""
    drawn = [draw_world_plan(np.random.default_rng([8, k]), density=0.5).surface for k in range(12)]
    crossing = replace(STRAIGHT, x_m=10.0, heading_rad=np.pi / 2, start_m=0.0)
    return [*drawn, replace(drawn[0], roads=(replace(STRAIGHT, median_m=0.5), crossing))]


def _places(count: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.random.default_rng(3).uniform(-90, 90, (2, count))
    return x, y


def test_single_places_are_what_many_at_once_are(grounds: list[Surface]) -> None:
    x, y = _places(600)
    for surface in grounds:
        driveable = [surface.is_driveable(*place) for place in zip(x.tolist(), y.tolist(), strict=True)]
        np.testing.assert_array_equal(driveable, surface.classes(x, y) == SemanticClass.DRIVEABLE_SURFACE)
        assert 0 < sum(driveable) < 600
        for road in surface.roads:
            located = [road.locate(*place) for place in zip(x.tolist(), y.tolist(), strict=True)]
            np.testing.assert_allclose(np.transpose(located), road.to_road(x, y), rtol=1e-12, atol=1e-9)


def test_places_on_a_road_are_those_within_its_edges(grounds: list[Surface]) -> None:
    x, y = _places(3000)
    for surface in grounds:
        paved = np.zeros(len(x), dtype=bool)
        for road in surface.roads:
            s, d = road.to_road(x, y)
            wide = np.where(d > 0, road.sidewalk_left_m, road.sidewalk_right_m) + road.half_width_m
            expected = np.flatnonzero((s >= road.start_m) & (s <= road.end_m) & (np.abs(d) <= wide))
            found, across = road.places_on(x, y)
            np.testing.assert_array_equal(found, expected)
            np.testing.assert_array_equal(across, d[expected])
            paved[found] = True
        assert [surface.is_paved(*place) for place in zip(x.tolist(), y.tolist(), strict=True)] == paved.tolist()


def test_the_last_patch_that_holds_a_place_is_its_ground(grounds: list[Surface]) -> None:
    x, y = _places(3000)
    for drawn in grounds:
        surface = replace(drawn, roads=(replace(ROAD, x_m=1e4),))
        expected = np.full(len(x), surface.base, np.uint8)
        for patch in surface.patches:
            expected[patch.holds(x, y)] = patch.surface
        np.testing.assert_array_equal(surface.classes(x, y), expected)


@pytest.mark.parametrize("within_m", [0.2, 3.0])
def test_the_cheap_test_overlooks_no_driveable_place(grounds: list[Surface], within_m: float) -> None:
    x, y = _places(400)
    angle = np.linspace(0, 2 * np.pi, 24)
    for surface in grounds:
        for place in zip(x.tolist(), y.tolist(), strict=True):
            if not surface.may_be_driveable(*place, within_m):
                around = place[0] + within_m * np.cos(angle), place[1] + within_m * np.sin(angle)
                assert (surface.classes(*around) != SemanticClass.DRIVEABLE_SURFACE).all()
