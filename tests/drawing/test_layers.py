"""Ground, rings, points and the own vehicle."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.layers import (
    draw_ego,
    draw_ground,
    draw_points,
    draw_ring_labels,
    draw_rings,
    ego_rect,
    point_colors,
    ring_label_rects,
)
from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.results.scene import CellState, PointLabels, Scene, VisibilityMap


def _canvas(view: BevView | None = None) -> Canvas:
    """10 pixels a metre; x from -4 to 20, y from -10 to 10."""
    return Canvas(np.zeros((240, 200, 3), np.uint8), view or BevView(-4.0, 20.0), 1.0)


def _at(canvas: Canvas, x_m: float, y_m: float) -> tuple[int, ...]:
    column, row = np.round(canvas.to_pixels(np.array([x_m, y_m]))).astype(int)
    return tuple(int(c) for c in canvas.image[row, column])


def test_ground_lies_where_its_cells_are() -> None:
    grid = BevGrid(x_min_m=4.0, y_min_m=-6.0, cell_m=1.0, width=12, height=8)  # x to 16, y to 2
    state = np.full(grid.shape, CellState.FREE, np.uint8)
    state[0, :] = CellState.HIDDEN  # y from -6 to -5
    state[:, 11] = CellState.OCCUPIED  # x from 15 to 16
    canvas = _canvas()
    canvas.image[...] = 255
    draw_ground(canvas, VisibilityMap(grid, state))
    for x_m, y_m, state_there in ((10.0, -2.0, CellState.FREE), (10.0, -5.5, CellState.HIDDEN)):
        np.testing.assert_allclose(_at(canvas, x_m, y_m), palette.ground_color(state_there), atol=2)
    np.testing.assert_allclose(_at(canvas, 15.5, -2.0), palette.ground_color(CellState.OCCUPIED), atol=6)
    assert _at(canvas, 2.0, -2.0) == palette.BACKGROUND
    assert _at(canvas, 10.0, 4.0) == palette.BACKGROUND


def test_rings_go_through_their_ranges() -> None:
    canvas = _canvas()
    draw_rings(canvas)
    assert max(_at(canvas, 10.0, 0.0)) > 20
    assert max(_at(canvas, 0.0, -9.95)) > 20
    assert max(_at(canvas, 5.0, 0.0)) == 0
    before = canvas.image.copy()
    draw_rings(canvas)  # adds again: the stored rings were not changed by the first
    assert int(canvas.image.max()) <= 2 * int(before.max())


def test_points_are_painted_where_they_lie() -> None:
    canvas = _canvas()
    xy_m = np.array([[8.05, 4.05], [0.05, -9.95], [19.99, 9.99], [500.0, 0.0], [-4.5, 0.0]], np.float32)
    colors = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [255, 255, 255]], np.uint8)
    draw_points(canvas, xy_m, colors)
    assert _at(canvas, 8.05, 4.05)[0] > 200
    assert _at(canvas, 0.05, -9.95)[1] > 200
    assert _at(canvas, 19.95, 9.95)[2] > 30
    assert not (canvas.image.min(axis=2) > 50).any()  # the white ones lie outside
    assert canvas.image[..., 0].astype(int).sum() < 4 * 255


def test_no_points_leave_the_picture_as_it_is() -> None:
    canvas = _canvas()
    draw_points(canvas, np.zeros((0, 2), np.float32), np.zeros((0, 3), np.uint8))
    assert not canvas.image.any()


def test_point_colours(cloud: PointCloud, scene: Scene) -> None:
    by_height = point_colors(cloud, scene.points, "height")
    by_object = point_colors(cloud, scene.points, "object")
    by_class = point_colors(cloud, scene.points, "class")
    np.testing.assert_array_equal(by_height[3], by_object[3])
    assert (by_object[0] != by_height[0]).any()
    np.testing.assert_array_equal(by_object[0], by_object[1])
    np.testing.assert_array_equal(by_class, palette.class_colors()[scene.points.semantic])


@pytest.mark.parametrize("coloring", ["height", "object", "class"])
def test_no_points_have_no_colours(coloring: str) -> None:
    labels = PointLabels(np.zeros(0, np.uint8), np.zeros(0, np.int32))
    assert point_colors(PointCloud.empty(), labels, coloring).shape == (0, 3)  # type: ignore[arg-type]


def test_height_is_measured_from_the_sensor() -> None:
    low = PointCloud.from_xyz(np.array([[5, 0, 0.0]], np.float32))
    raised = PointCloud.from_xyz(np.array([[5, 0, 1.8]], np.float32), sensor_origin_m=(0.0, 0.0, 1.8))
    labels = PointLabels(np.zeros(1, np.uint8), np.zeros(1, np.int32))
    np.testing.assert_array_equal(point_colors(low, labels, "height"), point_colors(raised, labels, "height"))


def test_ego_points_ahead_and_stays_in_its_rectangle() -> None:
    canvas = _canvas(BevView(-4.0, 8.0))
    draw_ego(canvas)
    assert _at(canvas, 1.0, 0.0) == palette.EGO
    assert _at(canvas, -1.0, 0.0) != palette.EGO
    rows, columns = np.nonzero(canvas.image.any(axis=2))
    rect = ego_rect(canvas)
    assert rect.left - 2 <= columns.min() <= rect.left + 1
    assert rect.top - 2 <= rows.min() <= rect.top + 1
    assert rect.right - 1 <= columns.max() <= rect.right + 2
    assert rect.bottom - 1 <= rows.max() <= rect.bottom + 2


def test_ring_labels_stand_wholly_in_the_picture_and_are_told() -> None:
    canvas = Canvas(np.zeros((240, 240, 3), np.uint8), BevView(-24.0, 24.0), 1.0)
    places = ring_label_rects(canvas)
    assert len(places) == 5, "three rings at two bearings, of which one would be cut"
    draw_ring_labels(canvas)
    for place in places:
        assert 0 <= place.left < place.right <= 240
        assert 0 <= place.top < place.bottom <= 240
        canvas.image[int(place.top) : int(place.bottom) + 2, int(place.left) : int(place.right) + 2] = 0
    assert not canvas.image.any()
