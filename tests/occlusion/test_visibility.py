from dataclasses import dataclass, replace

import numpy as np
import pytest

from bevseg.geometry.grid import BevGrid
from bevseg.occlusion.visibility import VisibilityConfig, VisibilityMapper, visibility_map
from bevseg.points.cloud import PointCloud
from bevseg.results.scene import CellState, VisibilityMap

SENSOR_HEIGHT_M = 1.8
GRID = BevGrid(x_min_m=-10.0, y_min_m=-30.0, cell_m=0.25, width=240, height=200)


@dataclass(frozen=True)
class Screen:
    """An upright screen along an arc around the sensor."""

    range_m: float
    height_m: float
    from_deg: float
    to_deg: float


def _scan(*screens: Screen, max_range_m: float = 80.0, origin: tuple[float, float] = (0.0, 0.0)) -> PointCloud:
    """A dense scan of flat ground (z = -1.8) with screens on it."""
    azimuth, elevation = np.meshgrid(np.radians(np.arange(-180, 180, 0.2)), np.radians(np.arange(-25, 3, 0.3)))
    azimuth, slope = azimuth.ravel(), np.tan(elevation.ravel())
    with np.errstate(divide="ignore"):
        range_m = np.where(slope < 0, -SENSOR_HEIGHT_M / slope, np.inf)
    for screen in screens:
        z = slope * screen.range_m + SENSOR_HEIGHT_M
        hit = (z >= 0) & (z <= screen.height_m) & (screen.range_m < range_m)
        hit &= (np.degrees(azimuth) >= screen.from_deg) & (np.degrees(azimuth) <= screen.to_deg)
        range_m = np.where(hit, screen.range_m, range_m)
    seen = range_m <= max_range_m
    range_m, azimuth, slope = range_m[seen], azimuth[seen], slope[seen]
    x, y = origin[0] + range_m * np.cos(azimuth), origin[1] + range_m * np.sin(azimuth)
    xyz = np.stack([x, y, range_m * slope], axis=1).astype(np.float32)
    return PointCloud.from_xyz(xyz, sensor_origin_m=(*origin, 0.0))


def _height(cloud: PointCloud) -> np.ndarray:
    return cloud.xyz[:, 2] + np.float32(SENSOR_HEIGHT_M)


def _map(cloud: PointCloud, grid: BevGrid = GRID) -> VisibilityMap:
    return visibility_map(cloud, _height(cloud), grid)


def _states(visibility: VisibilityMap, *, at_m: list[float], azimuth_deg: float = 0.0) -> list[CellState]:
    direction = np.array([np.cos(np.radians(azimuth_deg)), np.sin(np.radians(azimuth_deg))])
    cells = visibility.grid.flat_cells_of(np.array(at_m)[:, None] * direction)
    assert (cells >= 0).all()
    return [CellState(int(state)) for state in visibility.state.ravel()[cells]]


FREE, OCCUPIED, HIDDEN, UNOBSERVED = CellState.FREE, CellState.OCCUPIED, CellState.HIDDEN, CellState.UNOBSERVED


def test_an_empty_cloud_leaves_everything_unobserved() -> None:
    visibility = _map(PointCloud.empty())

    assert (visibility.state == UNOBSERVED).all()


def test_open_ground_is_free_up_to_the_last_return() -> None:
    visibility = _map(_scan(max_range_m=20.0))

    assert _states(visibility, at_m=[3, 10, 19, 22, 40]) == [FREE, FREE, FREE, UNOBSERVED, UNOBSERVED]


def test_a_screen_higher_than_the_sensor_hides_all_behind_it() -> None:
    visibility = _map(_scan(Screen(12.1, 2.4, -10, 10)))

    assert _states(visibility, at_m=[4, 11, 12.1, 13, 25, 48]) == [FREE, FREE, OCCUPIED, HIDDEN, HIDDEN, HIDDEN]
    assert _states(visibility, at_m=[4, 20, 25], azimuth_deg=20) == [FREE, FREE, FREE]


@pytest.mark.parametrize("height_m", [0.6, 0.9, 1.2])
def test_a_low_screen_hides_up_to_where_its_shadow_ends(height_m: float) -> None:
    end_m = 12.1 * SENSOR_HEIGHT_M / (SENSOR_HEIGHT_M - height_m)
    visibility = _map(_scan(Screen(12.1, height_m, -10, 10)))
    states = _states(visibility, at_m=np.arange(14.0, 48, 0.5).tolist())

    first_seen_m = 14.0 + 0.5 * states.index(FREE)
    assert first_seen_m == pytest.approx(end_m, rel=0.12)
    assert set(states[: states.index(FREE)]) == {HIDDEN}
    assert HIDDEN not in states[states.index(FREE) + 4 :]


def test_a_higher_screen_hides_more() -> None:
    hidden = [int((_map(_scan(Screen(12.1, h, -10, 10))).state == HIDDEN).sum()) for h in (0.5, 0.8, 1.1, 1.5, 2.2)]

    assert hidden == sorted(hidden)
    assert hidden[0] < hidden[-1] / 4


def test_what_was_hit_behind_a_screen_is_known() -> None:
    """A return through glass: the cell is known, its neighbours stay hidden."""
    cloud = _scan(Screen(12.1, 2.4, -10, 10))
    more = np.array([[20.1, 0.1, -1.8], [30.1, 0.1, -0.8]], np.float32)
    cloud = PointCloud.from_xyz(np.concatenate([cloud.xyz, more]))

    assert _states(_map(cloud), at_m=[19.6, 20.1, 29.6, 30.1]) == [HIDDEN, FREE, HIDDEN, OCCUPIED]


def test_the_place_beside_an_obstacle_is_not_behind_it() -> None:
    visibility = _map(_scan(Screen(12.1, 2.4, -0.6, 0.6)))

    assert _states(visibility, at_m=[12.1], azimuth_deg=4.0) == [FREE]


@pytest.mark.parametrize(
    ("point", "why"),
    [
        ([12.0, 0.1, 3.0], "above what stands in the way"),
        ([6.0, 0.1, -4.0], "a reflection below ground"),
        ([1.2, 0.1, -0.6], "the sensor's own vehicle"),
    ],
)
def test_returns_that_say_nothing_about_the_ground(point: list[float], why: str) -> None:
    cloud = _scan()
    with_point = PointCloud.from_xyz(np.concatenate([cloud.xyz, np.array([point], np.float32)]))

    np.testing.assert_array_equal(_map(with_point).state, _map(cloud).state, err_msg=why)


def test_a_point_of_unknown_height_is_left_out() -> None:
    cloud = _scan(Screen(12.1, 2.4, -10, 10))
    heights = np.where(np.hypot(cloud.xyz[:, 0], cloud.xyz[:, 1]) < 12.2, _height(cloud), np.nan).astype(np.float32)

    assert _states(visibility_map(cloud, heights, GRID), at_m=[20], azimuth_deg=20) == [UNOBSERVED]


def test_one_empty_azimuth_bin_is_bridged_and_five_are_not() -> None:
    cloud = _scan(Screen(12.1, 2.4, -10, 10))
    azimuth_deg = np.degrees(np.arctan2(cloud.xyz[:, 1], cloud.xyz[:, 0]))

    def without(low_deg: float, high_deg: float) -> VisibilityMap:
        return _map(cloud[(azimuth_deg < low_deg) | (azimuth_deg >= high_deg)])

    assert _states(without(0, 0.5), at_m=[11, 14, 30], azimuth_deg=0.25) == [FREE, HIDDEN, HIDDEN]
    assert _states(without(-1, 1.5), at_m=[11, 14, 30], azimuth_deg=0.25) == [UNOBSERVED] * 3


@pytest.mark.parametrize("origin", [(3.3, -7.7), (15.0, 12.0)])
def test_rays_start_at_the_sensor(origin: tuple[float, float]) -> None:
    """Moved with its sensor, a scan gives the same map on the moved grid."""
    moved_grid = BevGrid(-10 + origin[0], -30 + origin[1], 0.25, 240, 200)
    at_rest = _map(_scan(Screen(12.1, 0.9, -30, 50)))
    moved = _map(_scan(Screen(12.1, 0.9, -30, 50), origin=origin), moved_grid)

    assert (at_rest.state == moved.state).mean() > 0.995, "cells on the border of a bin may round the other way"


@pytest.mark.parametrize("origin_x_m", [-25.0, 0.0])
def test_a_grid_that_does_not_hold_the_sensor(origin_x_m: float) -> None:
    """A screen before the grid casts its shadow into it."""
    grid = BevGrid(x_min_m=15.0, y_min_m=-5.0, cell_m=0.25, width=40, height=40)
    screen = Screen(10.0 - origin_x_m, 2.4, -3, 3)
    visibility = _map(_scan(screen, origin=(origin_x_m, 0.0)), grid)

    assert _states(visibility, at_m=[15.2, 20, 24]) == [HIDDEN, HIDDEN, HIDDEN]
    assert not (visibility.state == UNOBSERVED).all()


def _two_sweeps(first: PointCloud, second: PointCloud) -> PointCloud:
    return PointCloud(
        xyz=np.concatenate([first.xyz, second.xyz]),
        frame="lidar",
        stamp_ns=0,
        sensor_origins_m=np.concatenate([first.sensor_origins_m, second.sensor_origins_m]),
        intensity=None,
        time_s=np.zeros(len(first) + len(second), np.float32),
        ring=None,
        sweep=np.repeat(np.array([0, 1], np.int32), [len(first), len(second)]),
    )


def test_over_two_sweeps_the_stronger_evidence_stays() -> None:
    screened, near = _scan(Screen(12.1, 2.4, -10, 10)), _scan(max_range_m=20.0, origin=(0.5, 0.0))
    visibility = _map(_two_sweeps(screened, near))

    assert _states(visibility, at_m=[12.1, 16, 30]) == [OCCUPIED, FREE, HIDDEN]
    swapped = _map(_two_sweeps(near, screened))
    np.testing.assert_array_equal(swapped.state, visibility.state)


def test_the_horizon_tells_what_lines_of_sight_end_before_a_range() -> None:
    cloud = _scan(Screen(12.1, 0.9, -10, 10), Screen(20.1, 1.5, -10, 10))
    observation = VisibilityMapper(GRID).observe(cloud, _height(cloud))
    azimuths = np.zeros(4)

    slopes = observation.horizon.slope_before(azimuths, np.array([11.0, 14.0, 19.0, 25.0]))

    assert slopes[0] == -np.inf
    np.testing.assert_allclose(slopes[1:3], (0.9 - 1.8) / 12.1, atol=0.006)
    np.testing.assert_allclose(slopes[3], (1.5 - 1.8) / 20.1, atol=0.006)
    np.testing.assert_array_equal(observation.visibility.state, _map(cloud).state)
    np.testing.assert_array_equal(
        VisibilityMapper(GRID).horizon(cloud, _height(cloud)).slope, observation.horizon.slope
    )


def test_sensors_of_one_time_each_have_a_horizon() -> None:
    screened, free = _scan(Screen(12.1, 2.4, -10, 10)), _scan(max_range_m=20.0, origin=(0.5, 0.0))
    together = replace(_two_sweeps(screened, free), sweep_of_origin=np.zeros(2, np.int32))
    observation = VisibilityMapper(GRID).observe(together, _height(together))
    ahead = [horizon.slope_before(np.zeros(1), np.array([18.0]))[0] for horizon in observation.horizons]
    assert observation.horizon is observation.horizons[0]
    assert ahead[0] > 0
    assert ahead[1] == -np.inf
    np.testing.assert_array_equal(observation.visibility.state, _map(_two_sweeps(screened, free)).state)
    assert len(VisibilityMapper(GRID).observe(_two_sweeps(screened, free), _height(together)).horizons) == 1


def test_the_horizon_of_an_empty_cloud_is_open() -> None:
    observation = VisibilityMapper(GRID).observe(PointCloud.empty(), np.zeros(0, np.float32))

    assert (observation.horizon.slope == -np.inf).all()


def test_a_mapper_gives_the_same_map_whatever_origins_it_has_met() -> None:
    mapper = VisibilityMapper(BevGrid(-5.0, -5.0, 1.0, 10, 12))
    cloud = _scan(Screen(4.1, 2.4, -10, 10))
    first = mapper.visibility(cloud, _height(cloud))
    for k in range(40):
        other = _scan(origin=(0.1 * k, 0.0))
        mapper.visibility(other, _height(other))

    np.testing.assert_array_equal(mapper.visibility(cloud, _height(cloud)).state, first.state)
    assert len(mapper._lookups) <= 16


@pytest.mark.usefixtures("shapes_unchecked")
def test_heights_must_fit_the_cloud() -> None:
    with pytest.raises(ValueError, match="one entry a point"):
        visibility_map(_scan(), np.zeros(3, np.float32), GRID)


@pytest.mark.parametrize(
    "wrong",
    [
        {"obstacle_min_m": 2.5},
        {"obstacle_min_m": -0.1},
        {"below_ground_m": -1.0},
        {"min_range_m": -1.0},
        {"azimuth_bins": 4},
    ],
)
def test_a_config_that_makes_no_sense_is_rejected(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="got"):
        VisibilityConfig(**wrong)  # type: ignore[arg-type]
