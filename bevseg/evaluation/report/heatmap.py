"""A confusion matrix as a table whose cells are shaded by their share of the row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Integer

from bevseg.drawing.markup import Html, tag
from bevseg.evaluation.report.html_tables import figure, share


def heatmap(counts: Integer[np.ndarray, "truth prediction"], names: Sequence[str], *, percent: bool) -> Html:
    """Rows are what is there, columns what was said of it; those in which nothing was counted are left out.

    Args:
        counts: Of pairs of truth and prediction.
        names: Of rows and columns alike.
        percent: Whether cells hold percents of their row rather than counts; a pointer on a cell shows both.
    """
    rows, columns = np.flatnonzero(counts.any(axis=1)), np.flatnonzero(counts.any(axis=0))
    if not len(rows):
        return Html()
    shown = np.union1d(rows, columns)  # each class of the truth has a column, also where it was never said
    corner = tag("th", "truth ↓   said →", class_="corner")
    headings = [tag("th", tag("span", names[k]), scope="col") for k in shown.tolist()]
    body = [
        tag("tr", tag("th", names[t], scope="row"), *_cells(counts, names, t, shown.tolist(), percent))
        for t in rows.tolist()
    ]
    table = tag("table", tag("thead", tag("tr", corner, *headings)), tag("tbody", *body), class_="heat")
    return tag("div", table, class_="scroll")


def _cells(
    counts: Integer[np.ndarray, "truth prediction"], names: Sequence[str], truth: int, shown: list[int], percent: bool
) -> list[Html]:
    total = int(counts[truth].sum())
    cells = []
    for said in shown:
        count = int(counts[truth, said])
        if not count:
            cells.append(tag("td", "·", class_="none"))
            continue
        hint = f"{names[truth]} said to be {names[said]}: {figure(count)} of {figure(total)} ({share(count, total)})"
        text = _percent(count / total) if percent else figure(count)
        kind = "right" if truth == said else "wrong"
        cells.append(tag("td", text, class_=kind, title=hint, style=f"--share:{count / total:.3f}"))
    return cells


def _percent(part: float) -> str:
    return "<1" if part < 0.005 else f"{100 * part:.0f}"
