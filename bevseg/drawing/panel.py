"""The side panel: title, legend, and a table of the nearest objects."""

from __future__ import annotations

import numpy as np

from bevseg.drawing import palette
from bevseg.drawing.canvas import Canvas
from bevseg.drawing.labels import short_name
from bevseg.drawing.object_layers import draw_swatch
from bevseg.drawing.palette import Color
from bevseg.drawing.text import shortened
from bevseg.results.instances import Instances
from bevseg.results.scene import Scene

_WIDTH_PX = 316
MARGIN_PX = 20.0
_ROW_PX = 22.0
_FOOT_PX = 34
_BAR_PX = 38.0

_RANGE_X, _BAR_X, _HIDDEN_X, _SCORE_X = 168.0, 180.0, 256.0, 296.0
"""Right ends of the table's columns, and the left end of the bars, in pixels of a 720-pixel picture."""


def panel_width(picture_width: int, ui: float) -> int:
    """Pixels that the panel takes, at most two fifths of the picture."""
    return min(round(_WIDTH_PX * ui), picture_width * 2 // 5)


def draw_title(canvas: Canvas, scene: Scene, title: str) -> None:
    """Name of the frame, then what is in it."""
    ui = canvas.ui
    instances = scene.instances
    mostly_hidden = int(np.count_nonzero(instances.visible_fraction < 0.5))
    found = f"{len(instances)} object{'' if len(instances) == 1 else 's'}"
    size = 19.0
    name = shortened(title or "Scene", size * ui, canvas.width - 2 * MARGIN_PX * ui)
    canvas.text(name, left=MARGIN_PX * ui, baseline=36 * ui, size=size, color=palette.TEXT)
    summary = f"{found}, {mostly_hidden} more than half hidden"
    canvas.text(summary, left=MARGIN_PX * ui, baseline=58 * ui, size=12.5, color=palette.TEXT_QUIET)


def draw_table(canvas: Canvas, instances: Instances, colors: list[Color], *, top: float) -> None:
    """The nearest objects from `top` (pixels of a 720-pixel picture) down, as many as there is room for."""
    ui = canvas.ui
    heading(canvas, "NEAREST OBJECTS", top=top)
    for name, x in (("range", _RANGE_X), ("hidden", _HIDDEN_X), ("score", _SCORE_X)):
        canvas.text(name, left=x * ui, baseline=top * ui, size=10.5, color=palette.TEXT_QUIET, align_right=True)
    room = int((canvas.height / ui - _FOOT_PX - top - 8) // _ROW_PX)
    range_m = np.hypot(instances.boxes[:, 0], instances.boxes[:, 1])
    for row, k in enumerate(np.argsort(range_m, kind="stable")[: max(room, 0)]):
        _draw_row(canvas, instances, int(k), colors[k], baseline=top + 26 + row * _ROW_PX)


def _draw_row(canvas: Canvas, instances: Instances, k: int, color: Color, *, baseline: float) -> None:
    ui = canvas.ui
    draw_swatch(canvas, left=MARGIN_PX, top=baseline - 10, width=11.0, height=11.0, color=color, hidden_from=1.0)
    cells = (
        (f"{instances.id[k]}", MARGIN_PX + 38, palette.TEXT_QUIET),
        (f"{np.hypot(*instances.boxes[k, :2]):.0f} m", _RANGE_X, palette.TEXT),
        (f"{instances.score[k]:.2f}", _SCORE_X, palette.TEXT),
    )
    for text, x, tone in cells:
        canvas.text(text, left=x * ui, baseline=baseline * ui, size=12.5, color=tone, align_right=True)
    name = short_name(int(instances.label[k]))
    canvas.text(name, left=(MARGIN_PX + 45) * ui, baseline=baseline * ui, size=12.5, color=palette.TEXT)
    _draw_hidden(canvas, float(instances.visible_fraction[k]), color, baseline=baseline)


def _draw_hidden(canvas: Canvas, visible_fraction: float, color: Color, *, baseline: float) -> None:
    """A bar, filled as far as the object is seen and hatched for the rest, and the hidden share in figures."""
    ui = canvas.ui
    if np.isnan(visible_fraction):
        text, tone = "?", palette.TEXT_QUIET
    else:
        draw_swatch(
            canvas, left=_BAR_X, top=baseline - 9, width=_BAR_PX, height=9.0, color=color, hidden_from=visible_fraction
        )
        text = f"{100 * (1 - visible_fraction):.0f}%"
        tone = palette.TEXT if visible_fraction < 0.95 else palette.TEXT_QUIET
    canvas.text(text, left=_HIDDEN_X * ui, baseline=baseline * ui, size=12.5, color=tone, align_right=True)


def draw_foot(canvas: Canvas, scene: Scene, num_points: int) -> None:
    """Points, and the time that the stages took where it was measured."""
    ui = canvas.ui
    text = f"{num_points:,} points"
    total_ms = sum(scene.timings_ms.values())
    if total_ms > 0:
        text += f"  ·  {total_ms:.0f} ms a frame"
    canvas.text(text, left=MARGIN_PX * ui, baseline=canvas.height - 15 * ui, size=11.5, color=palette.TEXT_QUIET)


def heading(canvas: Canvas, text: str, *, top: float) -> None:
    """A quiet heading; `top` is its baseline in pixels of a 720-pixel picture."""
    canvas.text(text, left=MARGIN_PX * canvas.ui, baseline=top * canvas.ui, size=10.5, color=palette.TEXT_QUIET)
