import numpy as np
import pytest

from bevseg.geometry.grid import BevGrid
from bevseg.occlusion.polar import PolarGrid, running_max

GRID = BevGrid(x_min_m=10.0, y_min_m=-4.0, cell_m=0.5, width=40, height=12)


def _polar(x_m: float, y_m: float) -> PolarGrid:
    return PolarGrid.around(GRID, origin_x_m=x_m, origin_y_m=y_m, bins=360)


@pytest.mark.parametrize(
    ("origin", "range_min_m", "farthest_m"),
    [
        ((12.0, 0.0), 0.0, np.hypot(18, 4)),
        ((0.0, 0.0), 10.0, np.hypot(30, 4)),
        ((7.0, 6.0), np.hypot(3, 4), np.hypot(23, 10)),
        ((40.0, 0.0), 10.0, np.hypot(30, 4)),
    ],
)
def test_steps_cover_the_grid_from_inside_and_outside(
    origin: tuple[float, float], range_min_m: float, farthest_m: float
) -> None:
    polar = _polar(*origin)

    assert polar.range_min_m == pytest.approx(range_min_m)
    assert 0 <= polar.range_min_m + polar.steps * polar.step_m - farthest_m < polar.step_m
    lookup = polar.lookup(GRID)
    assert lookup.shape == (GRID.num_cells,)
    assert lookup.min() >= polar.bins, "no cell lies in the row of what is nearer than the grid"
    assert lookup.max() < polar.rows * polar.bins


def test_lookup_is_the_place_of_each_cell_centre() -> None:
    polar = _polar(12.0, 0.0)
    cell = GRID.flat_cells_of(np.array([[15.2, 1.1]]))
    center = GRID.centers_of(cell)[0]
    azimuth, range_m = np.arctan2(center[1], center[0] - 12), np.hypot(center[0] - 12, center[1])

    row, bin_ = divmod(int(polar.lookup(GRID)[cell[0]]), polar.bins)

    assert row == 1 + int(range_m / 0.5)
    assert bin_ == int(np.degrees(azimuth) + 180)


def test_bins_wrap() -> None:
    azimuth = np.radians([-180, -179.5, 0.5, 179.5, 180, 190.5, -190.5, 530.5, -530.5])

    assert _polar(0.0, 0.0).bins_of(azimuth).tolist() == [0, 0, 180, 359, 0, 10, 349, 350, 9]


def test_bins_of_float32_stay_in_range_at_pi() -> None:
    polar = PolarGrid.around(GRID, origin_x_m=0.0, origin_y_m=0.0, bins=720)
    bins = polar.bins_of(np.array([np.pi, -np.pi, np.nextafter(np.float32(np.pi), 0)], np.float32))

    assert ((bins >= 0) & (bins < 720)).all()


def test_rows_are_clipped_at_both_ends() -> None:
    polar = _polar(0.0, 0.0)

    assert polar.rows_of(np.array([0.0, 9.99, 10.0, 10.5, 1e6, np.inf])).tolist() == [
        0,
        0,
        1,
        2,
        polar.steps,
        polar.steps,
    ]


def test_ranges_and_azimuths_are_from_the_origin() -> None:
    polar = _polar(7.0, 6.0)
    xy = np.array([[10.0, 10.0], [7.0, 5.0]])

    np.testing.assert_allclose(polar.ranges_of(xy), [5.0, 1.0])
    np.testing.assert_allclose(polar.azimuths_of(xy), [np.arctan2(4, 3), -np.pi / 2])


@pytest.mark.parametrize("shape", [(0, 3), (1, 4), (9, 5)])
def test_running_max(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(0).integers(0, 100, shape)
    before = values.copy()

    np.testing.assert_array_equal(running_max(values), np.maximum.accumulate(values, axis=0))
    np.testing.assert_array_equal(values, before)
