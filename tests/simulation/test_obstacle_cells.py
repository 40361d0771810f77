"""Triangles in cells: thin, upright, cut by heights, and as dense sampling finds them."""

from __future__ import annotations

import numpy as np

from bevseg.geometry.grid import BevGrid
from bevseg.simulation.materials import Material
from bevseg.simulation.obstacle_cells import ObstacleCells, obstacle_cells
from bevseg.simulation.shapes.mesh import Mesh, box

GRID = BevGrid(2.0, -3.0, 0.5, 12, 20)
HEIGHTS = (0.3, 2.5)


def _cells(*meshes: Mesh) -> ObstacleCells:
    corners = np.concatenate([m.vertices for m in meshes]).astype(np.float64)
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes[:-1])])
    triangles = np.concatenate([m.triangles + start for m, start in zip(meshes, starts, strict=True)])
    return obstacle_cells(corners, triangles, GRID, heights_m=HEIGHTS)


def test_an_upright_wall_fills_the_cells_that_it_runs_through() -> None:
    wall = box((4.2, 0.1, 0.0), (0.001, 3.0, 6.0), Material.BRICK)  # from y = -1.4 to 1.6
    found = _cells(wall)
    rows, columns = np.divmod(found.cell, GRID.width)
    assert set(columns.tolist()) == {4}
    assert rows.tolist() == list(range(3, 10))
    np.testing.assert_allclose(found.low_m, 0.3)
    np.testing.assert_allclose(found.high_m, 2.5)


def test_what_is_low_or_high_stands_in_no_ones_way() -> None:
    kerb = box((4.2, 0.1, 0.0), (1.0, 1.0, 0.29), Material.CONCRETE)
    crown = box((5.2, 3.1, 2.6), (1.0, 1.0, 3.0), Material.FOLIAGE)
    assert len(_cells(kerb, crown).cell) == 0
    low_table = box((4.25, 0.25, 0.35), (0.1, 0.1, 0.1), Material.WOOD)
    found = _cells(kerb, low_table)
    assert found.cell.tolist() == [6 * GRID.width + 4]
    np.testing.assert_allclose([found.low_m[0], found.high_m[0]], [0.35, 0.45], atol=1e-6)


def test_what_lies_off_the_grid_is_left_out_and_what_reaches_in_is_not() -> None:
    off = box((-5.0, 0.0, 0.0), (1.0, 1.0, 2.0), Material.BRICK)
    across = box((2.1, -3.1, 0.0), (40.0, 0.4, 2.0), Material.BRICK)  # along the lower edge and beyond both ends
    rows, columns = np.divmod(_cells(off, across).cell, GRID.width)
    assert set(rows.tolist()) == {0}
    assert columns.tolist() == list(range(12))


def test_any_triangles_against_dense_sampling() -> None:
    rng = np.random.default_rng(4)
    corners = rng.uniform((1.0, -4.0, -0.5), (9.0, 8.0, 3.5), (60, 3))
    corners[30:36, 2] = 1.0  # lying flat
    corners[36:39, 0] = 5.1  # upright
    triangles = np.arange(60).reshape(-1, 3)
    found = obstacle_cells(corners, triangles, GRID, heights_m=HEIGHTS)
    weights = rng.dirichlet(np.ones(3), 60_000)
    points = np.einsum("nc,tcd->tnd", weights, corners[triangles]).reshape(-1, 3)
    points = points[(points[:, 2] >= HEIGHTS[0]) & (points[:, 2] <= HEIGHTS[1])]
    cell = GRID.flat_cells_of(points[:, :2])
    hit = np.unique(cell[cell >= 0])
    assert np.isin(hit, found.cell).all()
    assert len(found.cell) - len(hit) <= 0.01 * len(hit)  # those that a corner just reaches into
    assert (np.diff(found.cell) > 0).all()


def test_nothing() -> None:
    found = obstacle_cells(np.zeros((0, 3)), np.zeros((0, 3), np.int64), GRID, heights_m=HEIGHTS)
    assert len(found.cell) == len(found.low_m) == len(found.high_m) == 0
