"""Charts as inline SVG. Tones are classes of the style sheet (`t-vehicle`), so that they follow light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bevseg.drawing.markup import Html, join, tag
from bevseg.evaluation.report.chart_frame import Axis, Frame
from bevseg.evaluation.report.html_tables import figure

_LABEL_STEP = 14.0
"""Least distance of two labels at the ends of lines."""
_LABEL_ROOM = 124.0
_GAP = 0.24
"""Share of a cluster's width that is left free around its bars."""


@dataclass(frozen=True, eq=False)
class Line:
    """A line of a chart; it is broken where y is NaN.

    Attributes:
        name: Written at its end; empty for none.
        tone: Its colour.
        x: From left to right.
        y: Value at each x.
        hints: What a pointer on each point shows.
        radii: Of a marker at each point; empty for a line alone.
        dashed: Whether it is dashed.
    """

    name: str
    tone: str
    x: Float[np.ndarray, "n"]
    y: Float[np.ndarray, "n"]
    hints: Sequence[str] = ()
    radii: Sequence[float] = ()
    dashed: bool = False


@dataclass(frozen=True)
class Bar:
    """A bar of a chart.

    Attributes:
        value: Height of its strong part; NaN for none.
        tone: Its colour.
        hint: What a pointer on it shows.
        pale: Height of a pale bar behind it; NaN for none.
    """

    value: float
    tone: str
    hint: str
    pale: float = float("nan")


@dataclass(frozen=True)
class Cluster:
    """Bars that stand together, with a name and a note (their number, say) below."""

    name: str
    note: str
    bars: Sequence[Bar]


def line_chart(lines: Sequence[Line], x: Axis, y: Axis, *, label: str, diagonal: bool = False) -> Html:
    """Lines with their names at their ends.

    Args:
        lines: Of the chart.
        x: Axis across.
        y: Axis upwards.
        label: What a screen reader says of the chart.
        diagonal: Whether a quiet line marks where y equals x.
    """
    frame = Frame(x, y, right=_LABEL_ROOM if any(line.name for line in lines) else 14.0)
    marks = [_path(frame, line) for line in lines]
    if diagonal:
        ends = f"M{frame.at_x(x.low)} {frame.at_y(x.low)}L{frame.at_x(x.high)} {frame.at_y(x.high)}"
        marks.insert(0, tag("path", d=ends, class_="quiet-line"))
    return frame.draw(*marks, _end_labels(frame, lines), label=label)


def column_chart(clusters: Sequence[Cluster], x_title: str, y: Axis, *, label: str) -> Html:
    """Clusters of bars side by side; a bar of nothing leaves its place empty.

    Args:
        clusters: From left to right.
        x_title: Title of the axis across.
        y: Axis upwards.
        label: What a screen reader says of the chart.
    """
    frame = Frame(Axis(x_title, 0.0, float(max(len(clusters), 1)), 0.0), y)
    marks: list[Html] = []
    for k, cluster in enumerate(clusters):
        middle, bottom = frame.at_x(k + 0.5), frame.bottom_edge
        marks.append(tag("text", cluster.name, x=middle, y=bottom + 14, class_="tick", text_anchor="middle"))
        marks.append(tag("text", cluster.note, x=middle, y=bottom + 26, class_="tick faint", text_anchor="middle"))
        width = (1 - _GAP) / max(len(cluster.bars), 1)
        for b, bar in enumerate(cluster.bars):
            marks.append(_bar(frame, k + _GAP / 2 + b * width, width, bar))
    return frame.draw(*marks, label=label)


def stacked_columns(columns: Sequence[Sequence[Bar]], x: Axis, y: Axis, *, label: str, height: float = 150.0) -> Html:
    """Columns of equal width over the whole of the x axis, each of bars on top of each other.

    Args:
        columns: From left to right.
        x: Axis across.
        y: Axis upwards.
        label: What a screen reader says of the chart.
        height: Of the picture, in its units.
    """
    frame = Frame(x, y, height=height, right=_LABEL_ROOM if height < 200 else 14.0)
    width = (x.high - x.low) / max(len(columns), 1)
    marks = []
    for k, parts in enumerate(columns):
        below = 0.0
        for part in parts:
            left, right = frame.at_x(x.low + k * width) + 0.5, frame.at_x(x.low + (k + 1) * width) - 0.5
            marks.append(_rect(frame, (left, right), (below, below + part.value), part))
            below += part.value
    return frame.draw(*marks, label=label)


def histogram(values: Float[np.ndarray, "n"], x_title: str, *, bins: int = 24, label: str) -> Html:
    """How many values lie where; the last bin holds all beyond the 99th percentile, so that one does not hide many.

    Args:
        values: At least one.
        x_title: What they are, with their unit.
        bins: Columns.
        label: What a screen reader says of the chart.
    """
    x = Axis.up_to(x_title, float(np.quantile(values, 0.99)) * 1.02)
    place = np.minimum((values / x.high * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    ends = np.linspace(0, x.high, bins + 1)
    columns = [
        [Bar(float(n), "1", f"{ends[k]:.0f} to {ends[k + 1]:.0f}: {n}")] if n else []
        for k, n in enumerate(count.tolist())
    ]
    return stacked_columns(columns, x, Axis.counting("scans", float(count.max())), label=label, height=220.0)


def share_bars(rows: Sequence[tuple[str, Sequence[Bar]]], *, label: str) -> Html:
    """A bar for each row, from left to right of its parts, with the name before and the sum behind it.

    Args:
        rows: Name and parts of each; all are drawn to the scale of the largest.
        label: What a screen reader says of the chart.
    """
    step, left, room = 25.0, 118.0, 420.0 - 118.0 - 48.0
    largest = max((sum(part.value for part in parts) for _, parts in rows), default=0.0) or 1.0
    marks: list[Html] = []
    for k, (name, parts) in enumerate(rows):
        y, at = 4 + k * step, left
        marks.append(tag("text", name, x=left - 8, y=y + 14, class_="name", text_anchor="end"))
        for part in parts:
            width = part.value / largest * room
            shape = {"x": round(at, 1), "y": y, "width": round(max(width - 1, 0.5), 1), "height": 18}
            marks.append(tag("rect", tag("title", part.hint), class_=f"t-{part.tone} bar", **shape))
            at += width
        total = sum(part.value for part in parts)
        marks.append(tag("text", figure(round(total)), x=round(at + 6, 1), y=y + 14, class_="name"))
    height = 8 + step * max(len(rows), 1)
    return tag("svg", *marks, viewBox=f"0 0 420 {height:g}", role="img", aria_label=label)


def _path(frame: Frame, line: Line) -> Html:
    known = ~np.isnan(line.y)
    places = [
        (frame.at_x(x), frame.at_y(y)) for x, y in zip(line.x[known].tolist(), line.y[known].tolist(), strict=True)
    ]
    follows = np.concatenate([[False], known[:-1]])[known]
    steps = [f"{'L' if joined else 'M'}{x} {y}" for joined, (x, y) in zip(follows.tolist(), places, strict=True)]
    marks = [tag("path", d="".join(steps), class_=f"t-{line.tone} line{' dashed' if line.dashed else ''}")]
    hints = [line.hints[k] for k in np.flatnonzero(known).tolist()] if line.hints else []
    radii = [line.radii[k] for k in np.flatnonzero(known).tolist()] if line.radii else [5.0] * len(hints)
    kind = f"t-{line.tone} {'marker' if line.radii else 'touch'}"
    for (x, y), radius, hint in zip(places, radii, hints, strict=True) if hints else ():
        marks.append(tag("circle", tag("title", hint), cx=x, cy=y, r=round(radius, 1), class_=kind))
    return join(marks)


def _end_labels(frame: Frame, lines: Sequence[Line]) -> Html:
    """Names at the ends of their lines, moved apart where they would cover each other."""
    ends = []
    for line in lines:
        known = np.flatnonzero(~np.isnan(line.y))
        if line.name and len(known):
            ends.append((frame.at_y(float(line.y[known[-1]])), line))
    ends.sort(key=lambda end: end[0])
    rows: list[float] = []
    for y, _ in ends:
        rows.append(max(y + 4, rows[-1] + _LABEL_STEP if rows else 0.0))
    overhang = max(rows[-1] - frame.bottom_edge, 0.0) if rows else 0.0
    for k in range(len(rows) - 1, -1, -1):
        limit = frame.bottom_edge if k == len(rows) - 1 else rows[k + 1] - _LABEL_STEP
        rows[k] = min(rows[k], limit) if overhang else rows[k]
    return join(
        tag("text", line.name, x=frame.right_edge + 8, y=round(y, 1), class_=f"t-{line.tone} label")
        for y, (_, line) in zip(rows, ends, strict=True)
    )


def _bar(frame: Frame, left: float, width: float, bar: Bar) -> Html:
    sides = (frame.at_x(left) + 0.5, frame.at_x(left + width) - 0.5)
    marks = []
    if not np.isnan(bar.pale):
        marks.append(_rect(frame, sides, (0.0, bar.pale), bar, kind="pale bar"))
    if not np.isnan(bar.value):
        marks.append(_rect(frame, sides, (0.0, bar.value), bar))
    return join(marks)


def _rect(frame: Frame, sides: tuple[float, float], ends: tuple[float, float], bar: Bar, *, kind: str = "bar") -> Html:
    bottom, top = (frame.at_y(end) for end in ends)
    return tag(
        "rect",
        tag("title", bar.hint),
        x=round(sides[0], 1),
        y=top,
        width=round(max(sides[1] - sides[0], 0.5), 1),
        height=round(max(bottom - top, 1.0), 1),
        class_=f"t-{bar.tone} {kind}",
    )
