"""Roads as arcs, and the classes and heights of the ground."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.results.classes import SemanticClass
from bevseg.simulation.layout.surface import Patch, Road, Surface

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
