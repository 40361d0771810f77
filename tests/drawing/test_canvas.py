"""Metres to pixels, and the strokes of the canvas."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.drawing.canvas import BevView, Canvas, polygon_alpha
from bevseg.drawing.text import text_alpha
from bevseg.geometry.grid import BevGrid


def _canvas(*, width: int = 200, height: int = 100, view: BevView | None = None) -> Canvas:
    return Canvas(np.zeros((height, width, 3), np.uint8), view or BevView(5.0, 15.0, -3.0), 1.0)


def test_corners_of_the_view_are_corners_of_the_picture() -> None:
    canvas = _canvas()  # 10 pixels a metre: y from -13 to 7
    assert canvas.pixels_per_m == 10
    top_left, bottom_right = canvas.to_pixels(np.array([[15.0, 7.0], [5.0, -13.0]]))
    np.testing.assert_allclose(top_left, [-0.5, -0.5], atol=1e-4)
    np.testing.assert_allclose(bottom_right, [199.5, 99.5], atol=1e-4)


def test_to_pixels_keeps_the_shape_and_takes_nothing() -> None:
    canvas = _canvas()
    assert canvas.to_pixels(np.zeros((3, 4, 2))).shape == (3, 4, 2)
    assert canvas.to_pixels(np.zeros((0, 2))).shape == (0, 2)
    one = canvas.to_pixels(np.array([10.0, 0.0]))
    np.testing.assert_allclose(one, canvas.to_pixels(np.array([[10.0, 0.0]]))[0])


def test_shows_what_lies_in_the_view() -> None:
    xy_m = np.array([[10.0, -3.0], [4.5, -3.0], [10.0, 7.4], [30.0, 0.0]])
    canvas = _canvas()
    np.testing.assert_array_equal(canvas.shows(xy_m), [True, False, False, False])
    np.testing.assert_array_equal(canvas.shows(xy_m, margin_m=1.0), [True, True, True, False])


def test_view_of_a_grid_holds_all_of_it() -> None:
    grid = BevGrid(x_min_m=4.0, y_min_m=-16.0, cell_m=0.4, width=100, height=60)
    assert BevView.of_grid(grid, aspect=2.0) == BevView(4.0, 44.0, -4.0)
    wide = BevView.of_grid(grid, aspect=0.5)  # 24 m across need 48 m ahead
    assert wide == BevView(0.0, 48.0, -4.0)


def test_a_view_without_extent_is_refused() -> None:
    with pytest.raises(ValueError, match="x_min_m < x_max_m"):
        BevView(3.0, 3.0)


def test_blend_mixes_and_cuts_off_at_the_edge() -> None:
    canvas = _canvas()
    canvas.image[...] = 100
    canvas.blend(np.full((4, 6), 255, np.uint8), left=-2, top=98, color=(200, 0, 100), opacity=0.5)
    np.testing.assert_allclose(canvas.image[99, 0].astype(int), [150, 50, 100], atol=1)
    np.testing.assert_array_equal(canvas.image[97, 0], 100)
    np.testing.assert_array_equal(canvas.image[98, 4], 100)
    before = canvas.image.copy()
    canvas.blend(np.full((4, 6), 255, np.uint8), left=500, top=0, color=(200, 0, 100))
    np.testing.assert_array_equal(canvas.image, before)


@pytest.mark.parametrize(("left", "top"), [(20, 30), (-3, 96), (500, 0), (-40, 10)])
@pytest.mark.parametrize("opacity", [0.55, 1.0])
def test_an_even_shade_is_that_of_full_coverage(left: int, top: int, opacity: float) -> None:
    shaded, blended = _canvas(), _canvas()
    for canvas in (shaded, blended):
        canvas.image[...] = np.arange(200 * 3).reshape(200, 3) % 256
    shaded.shade(left=left, top=top, width=9, height=7, color=(200, 3, 100), opacity=opacity)
    blended.blend(np.full((7, 9), 255, np.uint8), left=left, top=top, color=(200, 3, 100), opacity=opacity)
    np.testing.assert_array_equal(shaded.image, blended.image)


@pytest.mark.parametrize(("left", "top"), [(20, 30), (-3, 30), (20, 95)])
def test_kept_letters_are_those_that_are_blended(left: int, top: int) -> None:
    kept, blended = _canvas(), _canvas()
    for canvas in (kept, blended):
        canvas.image[...] = (13, 77, 201)
    for _ in range(2):
        kept.write("car 12", left=left, top=top, size=11.5, color=(200, 3, 100))
        blended.blend(text_alpha("car 12", 11.5), left=left, top=top, color=(200, 3, 100))
    np.testing.assert_array_equal(kept.image, blended.image)


def test_each_path_and_polygon_has_its_own_color() -> None:
    canvas = _canvas()
    corners = np.array([[[10.0, 10.0], [30.0, 10.0], [30.0, 30.0]], [[60.0, 10.0], [80.0, 10.0], [80.0, 30.0]]])
    canvas.fill_each(corners, [(255, 0, 0), (0, 0, 255)])
    canvas.lines_each(corners, [(0, 255, 0), (9, 9, 9)], closed=True)
    np.testing.assert_array_equal(canvas.image[15, 26], (255, 0, 0))
    np.testing.assert_array_equal(canvas.image[15, 76], (0, 0, 255))
    np.testing.assert_allclose(canvas.image[10, 20].astype(int), (0, 255, 0), atol=30)
    before = canvas.image.copy()
    canvas.lines_each(corners[:0], [], closed=False)
    canvas.fill_each(corners[:0], [])
    np.testing.assert_array_equal(canvas.image, before)


def test_full_and_no_coverage_are_exact() -> None:
    canvas = _canvas()
    canvas.image[...] = (13, 77, 201)
    canvas.blend(np.array([[0, 255]], np.uint8), left=10, top=10, color=(200, 3, 100))
    np.testing.assert_array_equal(canvas.image[10, 10], (13, 77, 201))
    np.testing.assert_array_equal(canvas.image[10, 11], (200, 3, 100))


def test_fill_lines_and_disc_paint_where_they_should() -> None:
    canvas = _canvas()
    canvas.fill(np.array([[20.0, 20.0], [40.0, 20.0], [40.0, 30.0], [20.0, 30.0]]), (255, 0, 0))
    canvas.lines([np.array([[60.0, 50.0], [90.0, 50.0]]), np.zeros((1, 2))], (0, 255, 0), closed=False)
    canvas.disc(np.array([150.0, 60.0]), 5.0, (0, 0, 255))
    np.testing.assert_array_equal(canvas.image[25, 30], (255, 0, 0))
    assert canvas.image[50, 75, 1] > 200
    np.testing.assert_array_equal(canvas.image[60, 152], (0, 0, 255))
    assert not canvas.image[0, 0].any()


def test_shapes_far_outside_do_no_harm() -> None:
    canvas = _canvas()
    canvas.lines([np.array([[-1e9, 1e9], [1e12, 5e9]])], (255, 255, 255), closed=False)
    assert not canvas.image.any()


def test_dashes_leave_gaps() -> None:
    canvas = _canvas()
    square = np.array([[20.0, 20.0], [80.0, 20.0], [80.0, 80.0], [20.0, 80.0]])
    canvas.dashes(square, (255, 255, 255), dash_px=5.0)
    edge = canvas.image[20, 22:79, 0]
    assert 0.3 < (edge > 128).mean() < 0.7
    assert not canvas.image[50, 40:60].any()


def test_text_ends_where_it_is_aligned() -> None:
    left, right = _canvas(), _canvas()
    left.text("10 m", left=50.0, baseline=50.0, size=12.0, color=(255, 255, 255))
    right.text("10 m", left=50.0, baseline=50.0, size=12.0, color=(255, 255, 255), align_right=True)
    assert np.flatnonzero(left.image.any(axis=(0, 2))).min() >= 50
    assert np.flatnonzero(right.image.any(axis=(0, 2))).max() <= 50
    assert np.flatnonzero(left.image.any(axis=(1, 2))).max() in (49, 50)  # letters stand on the baseline


def test_polygon_alpha_cuts_holes() -> None:
    square = np.array([[10, 10], [30, 10], [30, 30], [10, 30]], np.float32)
    hole = np.array([[15, 15], [25, 15], [25, 25], [15, 25]], np.float32)
    alpha = polygon_alpha([square, hole], left=5, top=5, shape=(40, 40))
    assert alpha[7, 7] == 255
    assert alpha[15, 15] == 0
    assert alpha[35, 35] == 0
