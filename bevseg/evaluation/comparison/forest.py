"""A forest plot: a row for each figure, its difference as a point and the interval as a line, all on one scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bevseg.drawing.markup import Html, join, tag
from bevseg.evaluation.comparison.compare import Difference
from bevseg.evaluation.comparison.comparison_tables import written
from bevseg.evaluation.comparison.figures import Figure
from bevseg.evaluation.report.html_tables import DASH
from bevseg.evaluation.report.names import words

MARKS = "▲ B is better, ▼ B is worse, ○ unclear: the interval holds 0."
"""What the marks stand for, for a legend in words."""

_ROW, _TOP, _BOTTOM = 24.0, 30.0, 34.0
_NAMES, _PLOT, _NUMBERS = 190.0, 520.0, 310.0
_LEAST_WIDTH = 720.0
"""What a narrow screen scrolls over, as the words would be too small to read."""
_EDGE = _NAMES + _PLOT
_VALUES, _CHANGE, _ENDS = 20.0, 168.0, 184.0
"""Columns of numbers beyond the plot's edge."""
_TONES = {"better": "found", "worse": "invented"}
_SIZE = 6.0
_STEPS = (1.0, 2.0, 5.0, 10.0)
_TICKS = 6
_LEAST_SIDE = 0.16
"""Share of the span that either side of 0 has at least."""


def forest(rows: Sequence[Difference], title: str, *, label: str) -> Html:
    """The plot; nothing where there are no rows.

    Args:
        rows: With a difference each, of one unit.
        title: Of the axis: what B gains.
        label: What a screen reader says of it.
    """
    if not rows:
        return Html()
    scale = _Scale.over(np.concatenate([_gains(row) for row in rows]))
    height = _TOP + _ROW * len(rows) + _BOTTOM
    marks = [_row(row, scale, _TOP + _ROW * (k + 0.5)) for k, row in enumerate(rows)]
    width = _NAMES + _PLOT + _NUMBERS
    plot = tag(
        "svg",
        _axis(scale, height, title),
        *marks,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=label,
        style=f"max-width:{width:g}px;min-width:{_LEAST_WIDTH:g}px",
    )
    return tag("div", plot, class_="scroll")


@dataclass(frozen=True)
class _Scale:
    """From gains to places across.

    Attributes:
        low: Gain at the left edge, below 0.
        high: Gain at the right edge, above 0.
    """

    low: float
    high: float

    @classmethod
    def over(cls, gains: Float[np.ndarray, "n"]) -> _Scale:
        """All that is there and 0, with some room on both of its sides for the words that stand there."""
        low, high = min(0.0, float(np.nanmin(gains))), max(0.0, float(np.nanmax(gains)))
        span = (high - low) or 1.0
        return cls(min(low - 0.04 * span, -_LEAST_SIDE * span), max(high + 0.04 * span, _LEAST_SIDE * span))

    @property
    def step(self) -> float:
        """Between two numbers along the axis, a round one."""
        raw = (self.high - self.low) / _TICKS
        power = 10.0 ** math.floor(math.log10(raw))
        return power * next(s for s in _STEPS if s * power >= raw * (1 - 1e-9))

    def at(self, gain: float) -> float:
        """Column of a gain."""
        return round(_NAMES + _PLOT * (gain - self.low) / (self.high - self.low), 1)

    @property
    def ticks(self) -> list[float]:
        """Gains that carry a number."""
        return [k * self.step for k in range(math.ceil(self.low / self.step), math.floor(self.high / self.step) + 1)]


def _gains(row: Difference) -> Float[np.ndarray, "3"]:
    """Difference and ends of the interval, above 0 where B is better."""
    values = np.array([row.difference, row.interval.low, row.interval.high])
    return values if row.figure.better == "higher" else -values


def _axis(scale: _Scale, height: float, title: str) -> Html:
    bottom = height - _BOTTOM + 4
    lines = [
        join(
            (
                tag(
                    "line",
                    x1=scale.at(tick),
                    x2=scale.at(tick),
                    y1=_TOP - 4,
                    y2=bottom,
                    class_="base-line" if tick == 0 else "grid-line",
                ),
                tag("text", _signed(tick), x=scale.at(tick), y=bottom + 14, class_="tick", text_anchor="middle"),
            )
        )
        for tick in scale.ticks
    ]
    heads = (
        ("\u25c2 B worse", scale.at(0.0) - 10, "end"),
        ("B better \u25b8", scale.at(0.0) + 10, "start"),
        ("A \u2192 B", _EDGE + _VALUES, "start"),
        ("B - A", _EDGE + _CHANGE, "end"),
        ("95 % interval", _EDGE + _ENDS, "start"),
    )
    headings = [tag("text", text, x=x, y=_TOP - 12, class_="axis", text_anchor=anchor) for text, x, anchor in heads]
    foot = tag("text", title, x=scale.at(0.0), y=bottom + 28, class_="axis", text_anchor="middle")
    return join((*lines, *headings, foot))


def _row(row: Difference, scale: _Scale, y: float) -> Html:
    gain, low, high = _gains(row).tolist()
    tone = _TONES.get(row.verdict, "quiet")
    name = _name(row.figure)
    ends = [written(row, end, signed=True) for end in (row.interval.low, row.interval.high)]
    numbers = (
        (f"{written(row, row.a)} \u2192 {written(row, row.b)}", _VALUES, "start"),
        (written(row, row.difference, signed=True), _CHANGE, "end"),
        (DASH if np.isnan(low) else f"{ends[0]} to {ends[1]}", _ENDS, "start"),
    )
    line = Html()
    if not np.isnan(low):
        whiskers = "".join(f"M{scale.at(end)} {y - 3}v6" for end in (low, high))
        line = tag("path", d=f"M{scale.at(low)} {y}H{scale.at(high)}{whiskers}", class_="line")
    return tag(
        "g",
        tag("title", f"{name}: B is {row.verdict}; {row.b_better} of {row.draws} draws are in its favour"),
        tag("text", name, x=_NAMES - 12, y=y + 4, class_="name", text_anchor="end"),
        line,
        _mark(row.verdict, scale.at(gain), y),
        *(tag("text", text, x=_EDGE + x, y=y + 4, text_anchor=anchor) for text, x, anchor in numbers),
        class_=f"t-{tone}",
    )


def _name(figure: Figure) -> str:
    category = words(figure.category)
    match figure.part:
        case "failures":
            return category
        case "points":
            return f"points: {category} {figure.measure}"
    return f"{category} {figure.measure}"


def _mark(verdict: str, x: float, y: float) -> Html:
    """Told apart by shape as well as by colour."""
    match verdict:
        case "better":
            return tag("path", d=f"M{x} {y - _SIZE}l{_SIZE} {2 * _SIZE}h{-2 * _SIZE}z", class_="marker")
        case "worse":
            return tag("path", d=f"M{x} {y + _SIZE}l{_SIZE} {-2 * _SIZE}h{-2 * _SIZE}z", class_="marker")
    return tag("circle", cx=x, cy=y, r=_SIZE - 1.5, style="fill:var(--panel);stroke:var(--tone);stroke-width:2")


def _signed(value: float) -> str:
    return f"{round(value, 6):+g}" if value else "0"
