from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bevseg.geometry.grid import BevGrid, VoxelGrid

FORWARD = BevGrid(x_min_m=2.0, y_min_m=-3.0, cell_m=0.5, width=8, height=4)
"""Not centred, not square, x_min above 0."""


def test_edges_of_a_grid_ahead_of_the_sensor() -> None:
    assert (FORWARD.x_max_m, FORWARD.y_max_m) == (6.0, -1.0)
    assert FORWARD.shape == (4, 8)
    assert FORWARD.num_cells == 32


def test_cells_are_row_then_column_and_half_open() -> None:
    places = np.array([[2.0, -3.0], [2.5, -3.0], [2.0, -2.5], [5.99, -1.01], [6.0, -2.0], [1.99, -2.0], [3.0, -1.0]])
    np.testing.assert_array_equal(FORWARD.cells_of(places)[:4], [[0, 0], [0, 1], [1, 0], [3, 7]])
    np.testing.assert_array_equal(FORWARD.contains(places), [True] * 4 + [False] * 3)
    np.testing.assert_array_equal(FORWARD.flat_cells_of(places), [0, 1, 8, 31, -1, -1, -1])


@pytest.mark.parametrize("far_m", [1e6, -1e6, 1e30, -1e30])
def test_places_beyond_what_an_integer_holds_lie_outside(far_m: float) -> None:
    places = np.array([[far_m, -2.0], [3.0, far_m], [3.0, -2.0]], np.float32)
    np.testing.assert_array_equal(FORWARD.flat_cells_of(places), [-1, -1, 18])


def test_negative_places_are_floored_not_cut() -> None:
    grid = BevGrid.square(half_extent_m=1.0, cell_m=0.5)
    np.testing.assert_array_equal(grid.cells_of(np.array([[-0.1, -1.1]])), [[-1, 1]])


@given(st.integers(0, FORWARD.num_cells - 1))
def test_the_centre_of_a_cell_lies_in_it(cell: int) -> None:
    flat = np.array([cell])
    np.testing.assert_array_equal(FORWARD.flat_cells_of(FORWARD.centers_of(flat)), flat)


def test_x_and_y_at_fractional_places() -> None:
    np.testing.assert_allclose(FORWARD.x_of(np.array([0.0, 0.5, 8.0])), [2.0, 2.25, 6.0])
    np.testing.assert_allclose(FORWARD.y_of(np.array([0.0, 4.0])), [-3.0, -1.0])


def test_no_points_have_no_cells() -> None:
    none = np.zeros((0, 2))
    assert FORWARD.flat_cells_of(none).shape == (0,)
    assert FORWARD.contains(none).shape == (0,)
    assert FORWARD.centers_of(np.zeros(0, np.int64)).shape == (0, 2)


def test_coarser_covers_the_same_rectangle() -> None:
    coarse = FORWARD.coarser(2)
    assert coarse == BevGrid(2.0, -3.0, 1.0, 4, 2)
    assert (coarse.x_max_m, coarse.y_max_m) == (FORWARD.x_max_m, FORWARD.y_max_m)


def test_coarser_rejects_a_factor_that_does_not_divide() -> None:
    with pytest.raises(ValueError, match="3"):
        FORWARD.coarser(3)


def test_square_is_centred() -> None:
    grid = BevGrid.square(half_extent_m=51.2, cell_m=0.4)
    assert grid.shape == (256, 256)
    assert grid.x_min_m == grid.y_min_m == -51.2


@pytest.mark.parametrize(
    "bad", [{"cell_m": 0.0}, {"cell_m": -1.0}, {"cell_m": float("nan")}, {"width": 0}, {"height": 0}]
)
def test_rejects_grids_without_cells(bad: dict[str, float]) -> None:
    good = {"x_min_m": 0.0, "y_min_m": 0.0, "cell_m": 1.0, "width": 2, "height": 2}
    with pytest.raises(ValueError, match="cell size above 0"):
        BevGrid(**{**good, **bad})  # type: ignore[arg-type]


def test_layers_of_a_voxel_grid() -> None:
    voxels = VoxelGrid(FORWARD, z_min_m=-2.0, layer_m=0.25, depth=3)
    assert voxels.shape == (3, 4, 8)
    assert voxels.z_max_m == -1.25
    np.testing.assert_array_equal(voxels.layers(np.array([-2.01, -2.0, -1.26, -1.25])), [-1, 0, 2, 3])
    np.testing.assert_allclose(voxels.z_of(np.array([0.0, 1.5])), [-2.0, -1.625])


@pytest.mark.parametrize("bad", [{"layer_m": 0.0}, {"depth": 0}])
def test_rejects_voxel_grids_without_layers(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="needs layers"):
        VoxelGrid(**{"bev": FORWARD, "z_min_m": 0.0, "layer_m": 0.5, "depth": 1, **bad})  # type: ignore[arg-type]
