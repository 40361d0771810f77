"""The legend of the side panel; the same for every frame of a drive, so it is painted once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from jaxtyping import UInt8

from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.object_layers import draw_arrows_along, draw_swatch
from bevseg.drawing.palette import Color
from bevseg.drawing.panel import MARGIN_PX, heading
from bevseg.drawing.text import text_width
from bevseg.results.scene import CellState

_TOP_PX = 90.0
_ROW_PX = 23.0
_SECOND_X = 166.0
_ICON_PX = 26.0
_ICON_HIGH_PX = 13.0
_LINE_PX, _LINE_GAP_PX, _LEAST_GAP_PX = 11.0, 13.0, 8.5
_SAMPLE: Color = (176, 190, 206)

Icon = Callable[[Canvas, float, float], None]
"""Paints a sign into the box of `_ICON_PX` by `_ICON_HIGH_PX` whose left top corner is given; unscaled pixels."""


@dataclass(frozen=True)
class Chip:
    """One more entry of the legend: a filled patch or a dashed outline of a colour, and what it stands for."""

    text: str
    color: Color
    dashed: bool = False


@lru_cache(maxsize=8)
def panel_with_legend(width: int, height: int, ui: float, chips: tuple[Chip, ...]) -> UInt8[np.ndarray, "h w 3"]:
    """An empty panel with the legend at the top; the array is shared and cannot be written to."""
    canvas = Canvas(np.full((height, width, 3), palette.PANEL, np.uint8), BevView(0.0, 1.0), ui)
    canvas.image[:, : max(1, round(ui))] = palette.PANEL_EDGE
    heading(canvas, "LEGEND", top=_TOP_PX)
    for place, (icon, text) in enumerate(_entries(chips)):
        row, second = divmod(place, 2)
        left, baseline = (_SECOND_X if second else MARGIN_PX), _TOP_PX + 25 + row * _ROW_PX
        icon(canvas, left, baseline - _ICON_HIGH_PX + 2)
        x = (left + _ICON_PX + 9) * ui
        canvas.text(text, left=x, baseline=baseline * ui, size=12.5, color=palette.TEXT)
    canvas.image.flags.writeable = False
    return canvas.image


def legend_bottom(chips: tuple[Chip, ...]) -> float:
    """Baseline of the legend's last row, in pixels of a 720-pixel picture."""
    rows = (len(_entries(chips)) + 1) // 2
    return _TOP_PX + 25 + (rows - 1) * _ROW_PX


def _entries(chips: tuple[Chip, ...]) -> list[tuple[Icon, str]]:
    return list(ENTRIES) + [(partial(_chip, chip=chip), chip.text) for chip in chips]


def draw_legend_line(canvas: Canvas, entries: Sequence[tuple[Icon, str]], *, left: float, top: float) -> None:
    """Entries side by side, in pixels of a 720-pixel picture; the icons' upper edge is at `top`.

    They stand closer where there are many, and the last are left out where there is no room.
    """
    widths = [_ICON_PX + 6 + text_width(text, _LINE_PX) for _, text in entries]
    room = canvas.width / canvas.ui - 2 * left
    while len(widths) > 1 and sum(widths) + _LEAST_GAP_PX * (len(widths) - 1) > room:
        widths.pop()
    gap = min((room - sum(widths)) / max(len(widths) - 1, 1), _LINE_GAP_PX)
    for (icon, text), width in zip(entries, widths, strict=False):
        icon(canvas, left, top)
        x, baseline = left + _ICON_PX + 6, (top + _ICON_HIGH_PX - 2) * canvas.ui
        canvas.text(text, left=x * canvas.ui, baseline=baseline, size=_LINE_PX, color=palette.TEXT_QUIET)
        left += width + gap


def _part(canvas: Canvas, left: float, top: float, *, hidden_from: float) -> None:
    draw_swatch(
        canvas, left=left, top=top, width=_ICON_PX, height=_ICON_HIGH_PX, color=_SAMPLE, hidden_from=hidden_from
    )


def _ground(canvas: Canvas, left: float, top: float, *, state: CellState) -> None:
    corners = _corners(left, top, _ICON_PX, _ICON_HIGH_PX) * np.float32(canvas.ui)
    canvas.fill(corners, palette.ground_color(state))
    canvas.lines([corners], palette.mix(palette.PANEL_EDGE, palette.TEXT_QUIET, 0.5), closed=True)


def _box(canvas: Canvas, left: float, top: float) -> None:
    color = palette.mix(_SAMPLE, (255, 255, 255), 0.45)
    middle = top + _ICON_HIGH_PX / 2
    canvas.lines([_corners(left, top + 1, 20.0, 11.0) * np.float32(canvas.ui)], color, closed=True)
    tick = np.array([[left + 20, middle], [left + _ICON_PX, middle]], np.float32) * np.float32(canvas.ui)
    canvas.lines([tick], color, width=max(1, round(1.8 * canvas.ui)), closed=False)


def _hides(canvas: Canvas, left: float, top: float) -> None:
    middle = top + _ICON_HIGH_PX / 2
    ends = np.array([[left + 3, middle], [left + _ICON_PX, middle]], np.float32) * np.float32(canvas.ui)
    draw_arrows_along(canvas, ends[None])


def _share(canvas: Canvas, left: float, top: float) -> None:
    baseline = (top + _ICON_HIGH_PX - 2) * canvas.ui
    canvas.text("62%", left=left * canvas.ui, baseline=baseline, size=11.5, color=palette.ARROW)


def _points(canvas: Canvas, left: float, top: float) -> None:
    for column in range(5):
        place = np.array([left + 3 + 5 * column, top + _ICON_HIGH_PX / 2 + (column % 2) * 2 - 1], np.float32)
        canvas.disc(place * np.float32(canvas.ui), 1.1 * canvas.ui, palette.TEXT)


def _chip(canvas: Canvas, left: float, top: float, *, chip: Chip) -> None:
    corners = _corners(left, top, _ICON_PX, _ICON_HIGH_PX) * np.float32(canvas.ui)
    if chip.dashed:
        canvas.dashes(corners, chip.color, dash_px=3.0 * canvas.ui)
    else:
        canvas.fill(corners, chip.color)


def truth_entry(text: str) -> tuple[Icon, str]:
    """The dashed outline of true objects, and words beside it."""
    return partial(_chip, chip=Chip(text, palette.TEXT_QUIET, dashed=True)), text


ENTRIES: tuple[tuple[Icon, str], ...] = (
    (partial(_part, hidden_from=1.0), "visible part"),
    (partial(_part, hidden_from=0.0), "hidden part"),
    (_box, "box, heading"),
    (_hides, "hides"),
    (partial(_ground, state=CellState.FREE), "free ground"),
    (partial(_ground, state=CellState.OCCUPIED), "occupied"),
    (partial(_ground, state=CellState.HIDDEN), "hidden ground"),
    (partial(_ground, state=CellState.UNOBSERVED), "not observed"),
    (_points, "LiDAR points"),
    (_share, "share hidden"),
)
"""What every picture of objects is made of."""


def _corners(left: float, top: float, width: float, height: float) -> np.ndarray:
    right, bottom = left + width, top + height
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
