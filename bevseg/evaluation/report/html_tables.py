"""Tables for a page: sorted by a click on a heading, figures with equal digits, and a dash for figures of nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bevseg.drawing.markup import Html, tag

Value = str | int | float

DASH = "\u2013"
"""Stands for a figure of nothing."""
_LONG = 34
"""Characters beyond which words go on in another line."""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        heading: At its head.
        about: What the figure is, shown when a pointer rests on the heading.
        bar: Whether figures of 0..1 are drawn as bars behind the digits, too.
        digits: Behind the point of figures that are not whole.
    """

    heading: str
    about: str = ""
    bar: bool = False
    digits: int = 3


@dataclass(frozen=True)
class Row:
    """A row; it is hidden while a reader looks at another source than `source`."""

    cells: Sequence[Value]
    source: str | None = None


def html_table(columns: Sequence[Column], rows: Sequence[Row], *, caption: str = "") -> Html:
    """A table; nothing where there are no rows.

    Raises:
        ValueError: A row has more or fewer cells than there are columns.
    """
    if not rows:
        return Html()
    for row in rows:
        if len(row.cells) != len(columns):
            raise ValueError(f"a row of {len(columns)} cells expected, got {len(row.cells)}: {list(row.cells)}")
    numeric = [all(not isinstance(row.cells[k], str) for row in rows) for k in range(len(columns))]
    headings = [_heading(column, is_number) for column, is_number in zip(columns, numeric, strict=True)]
    body = [
        tag("tr", *(_cell(v, c) for v, c in zip(row.cells, columns, strict=True)), data_source=row.source)
        for row in rows
    ]
    table = tag(
        "table",
        tag("caption", caption) if caption else Html(),
        tag("thead", tag("tr", *headings)),
        tag("tbody", *body),
        class_="sortable",
    )
    return tag("div", table, class_="scroll")


def figure(value: int | float, *, digits: int = 3) -> str:
    """Digits for people: whole numbers in groups of three, others rounded, a dash where there is nothing to measure."""
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f")
    return DASH if math.isnan(value) else f"{value:.{digits}f}"


def share(part: int, whole: int) -> str:
    """A part of a whole in percent; a dash of nothing."""
    return f"{100 * part / whole:.0f}\u00a0%" if whole else DASH


def _heading(column: Column, is_number: bool) -> Html:
    button = tag("button", column.heading, type="button", title=column.about or None)
    return tag("th", button, scope="col", class_="n" if is_number else None, aria_sort="none")


def _cell(value: Value, column: Column) -> Html:
    if isinstance(value, str):
        return tag("td", value, class_="long" if len(value) > _LONG else None)
    if isinstance(value, float) and math.isnan(value):
        return tag("td", DASH, class_="n quiet", data_value="", title="nothing to measure")
    bar = f"--bar:{min(max(value, 0), 1):.3f}" if column.bar else None
    text = figure(value, digits=column.digits)
    return tag("td", text, class_="n bar" if column.bar else "n", data_value=float(value), style=bar)
