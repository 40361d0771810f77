"""Masks, boxes, arrows and labels, each on an empty canvas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.object_layers import (
    draw_arrows,
    draw_boxes,
    draw_dashed_boxes,
    draw_labels,
    draw_masks,
    draw_swatch,
)
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import Scene

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
COLORS = [RED, GREEN, BLUE]


def _canvas() -> Canvas:
    """20 pixels a metre; x from 6 to 30, y from -12 to 8."""
    return Canvas(np.zeros((480, 400, 3), np.uint8), BevView(6.0, 30.0, -2.0), 1.0)


def _patch(canvas: Canvas, x_m: float, y_m: float, *, reach: int = 8) -> np.ndarray:
    column, row = np.round(canvas.to_pixels(np.array([x_m, y_m]))).astype(int)
    return canvas.image[row - reach : row + reach, column - reach : column + reach].astype(float)


def test_visible_part_is_even_and_hidden_part_is_striped(scene: Scene) -> None:
    canvas = _canvas()
    draw_masks(canvas, scene.instances, COLORS)
    seen, left, right = _patch(canvas, 14.0, 0.0), _patch(canvas, 21.0, 0.95), _patch(canvas, 21.0, -0.15)
    assert seen[..., 0].std() < 1
    assert seen[..., 0].mean() == pytest.approx(0.62 * 255, abs=2)
    assert left[..., 1].std() < right[..., 1].std()
    assert right[..., 1].max() > 180
    assert right[..., 1].min() < 40


def test_masks_take_no_objects_and_empty_masks(scene: Scene, empty_scene: Scene) -> None:
    canvas = _canvas()
    draw_masks(canvas, empty_scene.instances, [])
    assert not canvas.image.any()
    gone = replace(scene.instances, amodal=scene.instances.visible[np.array([2, 2, 2])])
    draw_masks(canvas, gone, COLORS)  # three times the pedestrian's mask
    assert not _patch(canvas, 14.0, 0.0).any()


def test_boxes_have_a_tick_ahead(scene: Scene) -> None:
    canvas = _canvas()
    draw_boxes(canvas, scene.instances.boxes[:1], [RED])
    ahead, behind = _patch(canvas, 16.65, 0.0, reach=3), _patch(canvas, 11.35, 0.0, reach=3)
    assert ahead.max() > 200
    assert not behind.any()
    assert not _patch(canvas, 14.0, 0.0).any()


def test_dashed_boxes_outside_the_view_are_left_out(scene: Scene) -> None:
    canvas = _canvas()
    draw_dashed_boxes(canvas, scene.instances.boxes + np.array([500, 0, 0, 0, 0, 0, 0], np.float32), color=RED)
    assert not canvas.image.any()
    draw_dashed_boxes(canvas, scene.instances.boxes, color=RED)
    assert canvas.image[..., 0].any()


def test_arrow_points_from_near_to_far(scene: Scene) -> None:
    canvas = _canvas()
    draw_arrows(canvas, scene.instances.boxes, scene.occlusion, at_least=0.2)
    rows, columns = np.nonzero((canvas.image == palette.ARROW).all(axis=2))
    start, end = canvas.to_pixels(np.array([[16.3, 0.1], [18.8, 0.25]]))
    assert rows.min() == pytest.approx(end[1], abs=4)
    assert rows.max() == pytest.approx(start[1], abs=6)
    near_tip, near_start = columns[rows < rows.min() + 8], columns[rows > rows.max() - 2]
    assert np.ptp(near_tip) > np.ptp(near_start) - 2


def test_no_arrow_below_the_threshold_and_none_to_what_is_not_shown(scene: Scene) -> None:
    canvas = _canvas()
    draw_arrows(canvas, scene.instances.boxes, scene.occlusion, at_least=0.7)
    assert not canvas.image.any()
    moved = scene.instances.boxes + np.array([100, 0, 0, 0, 0, 0, 0], np.float32)
    draw_arrows(canvas, moved, scene.occlusion, at_least=0.2)
    assert not canvas.image.any()


def test_a_fan_of_arrows_is_thinned_and_the_number_of_the_others_stands_on_what_hides_them() -> None:
    far = [[25.0, y_m, 0, 2, 2, 2, 0] for y_m in (-8.0, -6.0, -4.0, -2.0, 0.0, 2.0)]
    boxes = np.array([[10.0, -3.0, 0, 4, 2, 2, 0], *far], np.float32)
    graph = OcclusionGraph(
        occluder=np.zeros(6, np.int32),
        occluded=np.arange(1, 7, dtype=np.int32),
        hidden_fraction=np.array([0.9, 0.3, 0.8, 0.7, 0.4, 0.6], np.float32),
        rank=np.arange(7, dtype=np.int32),
        visible_fraction=np.full(7, 0.5, np.float32),
    )

    def is_yellow(at_least: float, x_m: float, y_m: float) -> bool:
        canvas = _canvas()
        draw_arrows(canvas, boxes, graph, at_least=at_least)
        return bool((_patch(canvas, x_m, y_m) == palette.ARROW).all(axis=2).any())

    assert [is_yellow(0.2, 24.0, y_m) for _, y_m, *_ in far] == [True, False, True, True, False, True]
    assert is_yellow(0.2, 10.0, -3.0), "+2"
    assert not is_yellow(0.5, 10.0, -3.0), "four arrows are all"


def test_arrow_between_boxes_at_one_place_is_drawn(scene: Scene) -> None:
    canvas = _canvas()
    draw_arrows(canvas, np.repeat(scene.instances.boxes[:1], 3, axis=0), scene.occlusion, at_least=0.2)
    assert canvas.image.any()


def test_hidden_share_is_written_beside_hidden_objects_alone(scene: Scene) -> None:
    canvas = _canvas()
    only_car = scene.instances[np.array([0])]
    draw_labels(canvas, only_car, [RED], hidden_from=0.2)
    assert canvas.image.any()
    assert not (canvas.image == palette.ARROW).all(axis=2).any()
    draw_labels(canvas, scene.instances, COLORS, hidden_from=0.2)
    assert (canvas.image == palette.ARROW).all(axis=2).any()


def test_small_objects_and_unknown_fractions_get_no_figures(scene: Scene) -> None:
    far = Canvas(np.zeros((480, 400, 3), np.uint8), BevView(0.0, 480.0), 1.0)  # one pixel a metre
    draw_labels(far, scene.instances, COLORS, hidden_from=0.2)
    assert not far.image.any()
    canvas = _canvas()
    unknown = replace(scene.instances, visible_fraction=np.full(3, np.nan, np.float32))
    draw_labels(canvas, unknown, COLORS, hidden_from=0.2)
    assert not (canvas.image == palette.ARROW).all(axis=2).any()


def test_swatch_is_split_where_the_hidden_part_begins() -> None:
    canvas = _canvas()
    draw_swatch(canvas, left=10.0, top=10.0, width=100.0, height=20.0, color=RED, hidden_from=0.5)
    assert canvas.image[12:28, 14:58, 0].std() < 1
    assert canvas.image[12:28, 64:106, 0].std() > 40
    assert not canvas.image[:, 115:].any()
