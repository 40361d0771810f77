"""Free, occupied, hidden and unobserved ground, on scenes worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.ground_cells import GroundCells
from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.occlusion.visibility import VisibilityConfig
from bevseg.results.classes import SemanticClass
from bevseg.results.scene import CellState, VisibilityMap
from bevseg.simulation.ego_body import EgoBody
from bevseg.simulation.ground_map import OBSTACLE_HEIGHTS_M, Viewpoint, ground_cells
from bevseg.simulation.layout.objects import Objects
from bevseg.simulation.layout.surface import Surface
from bevseg.simulation.layout.world import StaticPieces
from bevseg.simulation.materials import Material
from bevseg.simulation.sensors import SensorSpec, find_sensor
from bevseg.simulation.shapes.assemble import Assembly
from bevseg.simulation.shapes.mesh import Mesh, box, quad

GRID = BevGrid(-10.0, -12.0, 0.5, 60, 50)
FREE, OCCUPIED, HIDDEN, UNOBSERVED = CellState.FREE, CellState.OCCUPIED, CellState.HIDDEN, CellState.UNOBSERVED
HEIGHT_M = 2.0
ALL_AROUND = replace(find_sensor("hdl-64e"), elevations_deg=(-60.0, 20.0))
FLAT = Surface((), (), SemanticClass.TERRAIN, 0.0, (0.0, 0.0), np.zeros((0, 4)), (0.0, 0.0), np.zeros((0, 4)), 0.0)


@pytest.fixture(autouse=True)
def _no_road(monkeypatch: pytest.MonkeyPatch) -> None:
    """Surfaces of worlds have a main road; the flat one here has none, and lies at height 0 everywhere."""
    monkeypatch.setattr(Surface, "standing", lambda self, x_m, y_m: np.zeros(len(x_m)))


def _flat_ground() -> Mesh:
    corners = np.array([[-60.0, -60, 0], [60, -60, 0], [-60, 60, 0], [60, 60, 0]])
    return Mesh.of(corners, np.array([[0, 1, 3], [0, 3, 2]]), Material.EARTH)


def _truth(
    *pieces: Mesh, sensor: SensorSpec = ALL_AROUND, body: EgoBody | None = None, tilt_rad: float = 0.0
) -> GroundCells:
    """A flat world with some things, seen from 2 m above the origin."""
    count = 1 + len(pieces)
    static = StaticPieces(Assembly.of(_flat_ground(), *pieces), np.zeros(count, np.uint8), np.ones(count, np.float32))
    c, s = np.cos(tilt_rad), np.sin(tilt_rad)
    rotation = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    T = Transform.from_rotation_translation(rotation, np.array([0, 0, HEIGHT_M]), dst="global", src="lidar")
    return ground_cells(static, FLAT, _no_objects(), Viewpoint(sensor, T, body), GRID)


def _no_objects() -> Objects:
    none = np.zeros(0)
    index = np.zeros(0, np.int64)
    return Objects(index, index, np.zeros((0, 7)), none, none, none, index)


def _at(truth: GroundCells, x: float, y: float) -> CellState:
    return CellState(int(truth.visibility.state.ravel()[GRID.flat_cells_of(np.array([[x, y]]))[0]]))


def _along(truth: GroundCells, y: float, state: CellState) -> list[float]:
    """Middles along x, ahead of the sensor, of the cells in a row that have a state."""
    row = int(GRID.rows(np.array([y]))[0])
    columns = np.flatnonzero(truth.visibility.state[row] == state)
    return [x for x in GRID.x_of(columns + 0.5).tolist() if x > 0]


def test_bare_ground_is_free_but_below_the_lowest_beam() -> None:
    truth = _truth()
    assert not truth.obstacle.any()
    radius = HEIGHT_M / np.tan(np.radians(60))
    x, y = GRID.centers_of(np.arange(GRID.num_cells)).T
    expected = np.where(np.hypot(x, y) < radius, UNOBSERVED, FREE).reshape(GRID.shape)
    np.testing.assert_array_equal(truth.visibility.state, expected)


def test_the_shadow_of_a_low_wall_ends_where_the_line_over_its_top_meets_the_ground() -> None:
    wall = box((5.2, 0.0, 0.0), (0.1, 40.0, 1.2), Material.BRICK)
    truth = _truth(wall)
    assert _along(truth, 0.1, OCCUPIED) == [5.25]
    end = 5.25 * HEIGHT_M / (HEIGHT_M - 1.2)
    hidden = _along(truth, 0.1, HIDDEN)
    assert hidden == np.arange(5.75, end, 0.5).tolist()
    assert _at(truth, 14.3, 0.1) == FREE
    assert _at(truth, 2.3, 0.1) == FREE


def test_a_high_wall_hides_all_behind_it_and_what_stands_there_is_known_to_stand_there() -> None:
    wall, behind = (
        box((5.2, 0.0, 0.0), (0.1, 6.0, 6.0), Material.BRICK),
        box((9.2, 0.1, 0), (0.2, 0.2, 1), Material.WOOD),
    )
    truth = _truth(wall, behind)
    assert _along(truth, 0.1, HIDDEN)[-1] == 19.75
    assert _at(truth, 9.2, 0.1) == HIDDEN
    assert truth.obstacle.ravel()[GRID.flat_cells_of(np.array([[9.2, 0.1]]))[0]]
    assert _at(truth, 9.2, 9.2) == FREE  # past its end
    tall = _truth(wall, box((9.2, 0.1, 0), (0.2, 0.2, 9.0), Material.WOOD))
    assert _at(tall, 9.2, 0.1) == HIDDEN  # only its part above the wall is seen, which is no obstacle


def test_over_a_low_wall_the_top_of_what_stands_behind_is_seen() -> None:
    low, post = box((5.2, 0.0, 0.0), (0.1, 9.0, 1.2), Material.BRICK), box((9.2, 0.1, 0), (0.2, 0.2, 2), Material.WOOD)
    truth = _truth(low, post)
    assert _at(truth, 9.2, 0.1) == OCCUPIED
    assert _at(truth, 8.2, 0.1) == _at(truth, 10.2, 0.1) == HIDDEN


def test_below_a_crown_and_behind_a_fence_the_ground_is_free_and_behind_a_hedge_it_is_not() -> None:
    crown = box((5.2, 0.1, 2.6), (3.0, 3.0, 3.0), Material.FOLIAGE)
    assert _at(_truth(crown), 5.2, 0.1) == FREE
    fence = _truth(box((5.2, 0.0, 0.0), (0.02, 9.0, 1.8), Material.WIRE_MESH))
    assert (_at(fence, 5.2, 0.1), _at(fence, 7.2, 0.1)) == (OCCUPIED, FREE)
    hedge = _truth(box((5.2, 0.0, 0.0), (0.8, 9.0, 1.8), Material.HEDGE))
    assert (_at(hedge, 4.9, 0.1), _at(hedge, 7.2, 0.1)) == (OCCUPIED, HIDDEN)
    thin = _truth(box((5.2, 0.0, 0.0), (0.3, 9.0, 1.8), Material.FOLIAGE))
    assert _at(thin, 7.2, 0.1) == FREE  # most beams come through so few leaves


def test_ground_behind_one_pane_is_free_and_behind_two_it_is_hidden() -> None:
    panes = [box((x, 0.0, 0.0), (0.001, 9.0, 1.8), Material.GLASS) for x in (5.2, 6.2)]
    single = quad(np.array([[5.2, -4, 0], [5.2, 4, 0], [5.2, 4, 1.8], [5.2, -4, 1.8]]), Material.GLASS)
    assert _at(_truth(single), 7.2, 0.1) == FREE
    behind = _truth(*panes)
    assert (_at(behind, 5.2, 0.1), _at(behind, 7.2, 0.1)) == (OCCUPIED, HIDDEN)


def test_a_kerb_high_thing_is_ground() -> None:
    truth = _truth(box((5.2, 0.0, 0.0), (1.0, 1.0, 0.2), Material.CONCRETE))
    assert not truth.obstacle.any()
    assert OCCUPIED not in truth.visibility.state


def test_the_own_vehicle_hides_ground() -> None:
    steep = replace(ALL_AROUND, elevations_deg=(-89.0, 20.0))
    body = EgoBody(roof_drop_m=0.4, bonnet_drop_m=1.0, front_m=2.0, length_m=4.5, width_m=1.8)
    truth = _truth(sensor=steep, body=body)
    assert _at(truth, 1.2, 0.1) == HIDDEN
    assert _at(truth, 3.3, 0.1) == HIDDEN  # before the bonnet
    assert _at(truth, 9.2, 0.1) == FREE
    assert not truth.obstacle.any()


def test_sectors_and_ranges_leave_the_rest_unobserved() -> None:
    ahead = replace(find_sensor("at128"), elevations_deg=(-60.0, 10.0), max_range_m=15.0)
    truth = _truth(box((9.2, 0.1, 0), (0.2, 0.2, 2), Material.WOOD), sensor=ahead)
    assert _at(truth, -5.2, 0.2) == UNOBSERVED
    assert _at(truth, 2.2, 8.2) == UNOBSERVED
    assert _at(truth, 17.2, 0.2) == UNOBSERVED
    assert _at(truth, 9.2, 0.1) == OCCUPIED
    assert _at(truth, 12.2, 0.1) == HIDDEN
    assert _at(truth, 5.2, -5.2) == FREE
    behind = _truth(box((-5.2, 0.1, 0), (0.2, 0.2, 2), Material.WOOD), sensor=ahead)
    assert _at(behind, -5.2, 0.1) == UNOBSERVED
    assert behind.obstacle.sum() == 1


def test_a_tilted_sensor_has_a_tilted_grid() -> None:
    """The cells are columns along the sensor's own z axis: ten metres ahead and 2 degrees down, 0.07 m nearer."""
    post = box((10.0, 0.1, 0.0), (0.04, 0.04, 1.0), Material.WOOD)
    upright, tilted = _truth(post), _truth(post, tilt_rad=np.radians(2))
    assert _at(upright, 10.01, 0.1) == OCCUPIED
    assert np.argwhere(tilted.obstacle).tolist() == [[24, 40]]  # x = 10.0 to 10.5: the sensor's axis leans back
    assert _at(tilted, 10.01, 0.1) == OCCUPIED
    assert _at(tilted, 15.0, -3.0) == FREE


def test_obstacle_heights_are_those_of_the_pipeline() -> None:
    config = VisibilityConfig()
    assert (config.obstacle_min_m, config.obstacle_max_m) == OBSTACLE_HEIGHTS_M


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="obstacle must have the grid's shape"):
        GroundCells(VisibilityMap(GRID, np.zeros(GRID.shape, np.uint8)), np.zeros((3, 4), bool))
