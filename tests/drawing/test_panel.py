"""Legend and table of the side panel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.legend import Chip, legend_bottom, panel_with_legend
from bevseg.drawing.panel import draw_foot, draw_table, draw_title, panel_width
from bevseg.results.scene import Scene

COLORS = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


def _panel(height: int = 720) -> Canvas:
    return Canvas(np.full((height, 316, 3), palette.PANEL, np.uint8), BevView(0.0, 1.0), 1.0)


def _rows_painted(canvas: Canvas) -> np.ndarray:
    return np.flatnonzero((canvas.image != palette.PANEL).any(axis=(1, 2)))


def test_panel_takes_at_most_two_fifths() -> None:
    assert panel_width(1280, 1.0) == 316
    assert panel_width(1920, 1.5) == 474
    assert panel_width(400, 1.0) == 160


def test_legend_grows_with_its_chips() -> None:
    chips = tuple(Chip(f"class {k}", (10 * k, 200, 0)) for k in range(5))
    assert legend_bottom(chips) > legend_bottom(())
    plain, full = panel_with_legend(316, 720, 1.0, ()), panel_with_legend(316, 720, 1.0, chips)
    assert (full == (40, 200, 0)).all(axis=2).sum() > 100
    below = slice(int(legend_bottom(())) + 8, None)
    assert (plain[below, 4:] == palette.PANEL).all()


def test_legend_is_painted_once_and_cannot_be_changed() -> None:
    first = panel_with_legend(316, 720, 1.0, ())
    assert first is panel_with_legend(316, 720, 1.0, ())
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 0


def test_table_lists_the_nearest_first(scene: Scene) -> None:
    canvas = _panel()
    draw_table(canvas, scene.instances, COLORS, top=100.0)
    chips = canvas.image[:, 20:31].astype(int)
    first_row = [int(np.flatnonzero(chips[110:, 5, c] > 120).min()) for c in range(3)]
    assert first_row[0] < first_row[2] < first_row[1]  # 14.0 m, 15.0 m, 21.0 m


def test_table_takes_what_it_has_room_for(scene: Scene, empty_scene: Scene) -> None:
    one, places = scene.instances, np.zeros(200, np.int64)
    many = replace(
        one,
        id=np.arange(1, 201, dtype=np.int32),
        label=one.label[places],
        score=one.score[places],
        boxes=one.boxes[places],
        velocity_mps=one.velocity_mps[places],
        amodal=one.amodal[places],
        visible=one.visible[places],
        visible_fraction=one.visible_fraction[places],
    )
    canvas = _panel(300)
    draw_table(canvas, many, [COLORS[0]] * 200, top=100.0)
    assert 240 < _rows_painted(canvas).max() <= 300 - 30
    short = _panel(120)
    draw_table(short, many, [COLORS[0]] * 200, top=100.0)
    assert _rows_painted(short).max() < 106
    none = _panel()
    draw_table(none, empty_scene.instances, [], top=100.0)
    assert _rows_painted(none).max() < 106


def test_unknown_visible_fraction_has_no_bar(scene: Scene) -> None:
    known, unknown = _panel(), _panel()
    draw_table(known, scene.instances, COLORS, top=100.0)
    blind = replace(scene.instances, visible_fraction=np.full(3, np.nan, np.float32))
    draw_table(unknown, blind, COLORS, top=100.0)
    bar = (slice(110, 180), slice(181, 217))
    assert (known.image[bar] != palette.PANEL).any()
    assert (unknown.image[bar] == palette.PANEL).all()


def test_title_and_foot_stay_at_their_ends(scene: Scene) -> None:
    canvas = _panel()
    draw_title(canvas, scene, "frame 7")
    draw_foot(canvas, scene, 34_720)
    rows = _rows_painted(canvas)
    assert rows.min() < 36
    assert not ((rows > 70) & (rows < 680)).any()
    assert rows.max() > 690
