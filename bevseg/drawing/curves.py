"""Two distributions in one small plot: cumulated shares against values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bevseg.drawing import palette
from bevseg.drawing.canvas import Canvas
from bevseg.drawing.palette import Color

_MAX_STEPS = 200
_TICKS = 4


@dataclass(frozen=True, eq=False)
class Curve:
    """The values of one side, and how they are painted."""

    values: Float[np.ndarray, "n"]
    color: Color


@dataclass(frozen=True)
class PlotPlace:
    """Where in a picture a plot lies, pixels; the title stands above, the ticks of the value axis below."""

    left: float
    top: float
    width: float
    height: float


def draw_cumulated(canvas: Canvas, place: PlotPlace, curves: list[Curve], *, title: str, note: str, unit: str) -> None:
    """Draws the cumulated share of each curve, from the first to the last hundredth of all values.

    Args:
        canvas: Painted over.
        place: The frame of the axes.
        curves: Any number; those without values are left out.
        title: Above, at the left.
        note: Above, at the right.
        unit: Of the values; counts ("points") are laid out by their logarithm.
    """
    ui = canvas.ui
    baseline = place.top - 7 * ui
    canvas.text(title, left=place.left, baseline=baseline, size=12.5, color=palette.TEXT)
    canvas.text(
        note, left=place.left + place.width, baseline=baseline, size=12.5, color=palette.TEXT_QUIET, align_right=True
    )
    filled = [curve for curve in curves if len(curve.values)]
    _draw_frame(canvas, place)
    if not filled:
        canvas.text(
            "no values", left=place.left + 8 * ui, baseline=place.top + 20 * ui, size=11.5, color=palette.TEXT_QUIET
        )
        return
    scale = _Scale.of(np.concatenate([curve.values for curve in filled]), logarithmic=unit == "points")
    _draw_ticks(canvas, place, scale, unit)
    for curve in filled:
        share = np.linspace(0, 1, _MAX_STEPS)
        x = place.left + scale.position(np.quantile(curve.values, share)) * place.width
        steps = np.stack([x, place.top + (1 - share) * place.height], axis=1)
        canvas.lines([steps], curve.color, width=2, closed=False)


@dataclass(frozen=True)
class _Scale:
    """The value axis, from the first to the last hundredth."""

    low: float
    high: float
    logarithmic: bool

    @classmethod
    def of(cls, values: Float[np.ndarray, "n"], *, logarithmic: bool) -> _Scale:
        low, high = (float(v) for v in np.percentile(values, [1, 99]))
        return cls(low, high if high > low else low + 1.0, logarithmic)

    def position(self, values: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        """Share of the axis, 0..1."""
        low, high, at = (np.log(v) if self.logarithmic else v for v in (self.low, self.high, values))
        return np.clip((at - low) / (high - low), 0, 1)

    def ticks(self) -> list[float]:
        if self.logarithmic:
            return [float(v) for v in np.geomspace(self.low, self.high, _TICKS)]
        return [float(v) for v in np.linspace(self.low, self.high, _TICKS)]


def _draw_frame(canvas: Canvas, place: PlotPlace) -> None:
    right, bottom = place.left + place.width, place.top + place.height
    corners = np.array([[place.left, place.top], [right, place.top], [right, bottom], [place.left, bottom]])
    canvas.fill(corners, palette.PANEL)
    middle = place.top + place.height / 2
    canvas.lines([np.array([[place.left, middle], [right, middle]])], palette.PANEL_EDGE, closed=False)
    canvas.lines([corners], palette.PANEL_EDGE, closed=True)


def _draw_ticks(canvas: Canvas, place: PlotPlace, scale: _Scale, unit: str) -> None:
    ticks = scale.ticks()
    baseline = place.top + place.height + 15 * canvas.ui
    for k, value in enumerate(ticks):
        last = k == len(ticks) - 1
        text = _number(value) + (f" {unit}" if last else "")
        x = place.left + float(scale.position(np.array([value]))[0]) * place.width
        canvas.text(text, left=x, baseline=baseline, size=10.5, color=palette.TEXT_QUIET, align_right=last)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
