"""Scores as rows, as a table for the terminal and as JSON: always with the number of objects they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from bevseg.evaluation.calibration import Reliability
from bevseg.evaluation.scores import MatchCounts

JsonRow = dict[str, str | int | float | None]


@dataclass(frozen=True)
class ScoreRow:
    """The figures of one category of one source at one IoU threshold; NaN where there is nothing to measure."""

    source: str
    category: str
    iou_threshold: float
    num_truth: int
    true_positives: int
    false_positives: int
    false_negatives: int
    precision: float
    recall: float
    f1: float
    sq: float
    pq: float


def rows_of(
    counts: MatchCounts, names: Sequence[str | None], *, source: str, iou_threshold: float
) -> tuple[ScoreRow, ...]:
    """One row for each category.

    Args:
        counts: What was counted.
        names: Name of each category, None for those to leave out.
        source: What it was counted on.
        iou_threshold: At which IoU a pair matched.
    """
    if len(names) != len(counts):
        raise ValueError(f"expected a name for each of {len(counts)} categories, got {len(names)}")
    precision, recall, f1, sq, pq = counts.precision, counts.recall, counts.f1, counts.sq, counts.pq
    return tuple(
        ScoreRow(
            source=source,
            category=name,
            iou_threshold=iou_threshold,
            num_truth=int(counts.num_truth[k]),
            true_positives=int(counts.true_positives[k]),
            false_positives=int(counts.false_positives[k]),
            false_negatives=int(counts.false_negatives[k]),
            precision=float(precision[k]),
            recall=float(recall[k]),
            f1=float(f1[k]),
            sq=float(sq[k]),
            pq=float(pq[k]),
        )
        for k, name in enumerate(names)
        if name is not None
    )


def score_table(rows: Sequence[ScoreRow], *, title: str) -> Table:
    """The rows for a terminal of 80 columns; a dash stands where there is nothing to measure.

    P is precision, R recall; F1 is the RQ of PQ = SQ x RQ.
    """
    table = _table(title, ("source", "objects"), ("IoU", "truth", "TP", "FP", "FN", "P", "R", "F1", "SQ", "PQ"))
    for row in rows:
        figures = (row.precision, row.recall, row.f1, row.sq, row.pq)
        counts = (row.num_truth, row.true_positives, row.false_positives, row.false_negatives)
        table.add_row(
            row.source,
            row.category,
            f"{row.iou_threshold:g}",
            *map(str, counts),
            *(figure(value) for value in figures),
        )
    return table


def figure_table(figures: Mapping[str, Sequence[int | float]], headings: Sequence[str], *, title: str) -> Table:
    """Named figures in columns for a terminal; a dash stands for NaN, and numbers of things are whole.

    Args:
        figures: The figures of each row by its name.
        headings: Of the names, then of each figure.
        title: What the table tells.
    """
    return text_table({name: [figure(v) for v in values] for name, values in figures.items()}, headings, title=title)


def text_table(rows: Mapping[str, Sequence[str]], headings: Sequence[str], *, title: str) -> Table:
    """The same for what is written already: counts beside figures, say."""
    table = _table(title, headings[:1], headings[1:])
    for name, values in rows.items():
        table.add_row(name, *values)
    return table


def calibration_table(sources: Mapping[str, Reliability], names: Sequence[str | None]) -> Table:
    """Expected calibration error of the scores of each source, category by category; a dash where nothing was found.

    Args:
        sources: What was counted on each source.
        names: Name of each category, None for those to leave out.
    """
    figures = {
        source: [float(e) for e, name in zip(found.error, names, strict=True) if name]
        for source, found in sources.items()
    }
    headings = ["source", *(name for name in names if name)]
    return figure_table(figures, headings, title="Calibration: how far scores are from the share that is right")


def json_reliability(found: Reliability, names: Sequence[str | None]) -> dict[str, dict[str, object]]:
    """By category: the error, and for each bin of scores the number of predictions and how many of them are right."""
    return {
        name: {
            "error": json_number(float(found.error[k])),
            "count": found.count[k].tolist(),
            "right": found.right[k].tolist(),
        }
        for k, name in enumerate(names)
        if name
    }


def _table(title: str, names: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0, pad_edge=False)
    for heading in names:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def json_rows(rows: Sequence[ScoreRow]) -> list[JsonRow]:
    """The rows as JSON can hold them: None for NaN."""
    return [{key: json_number(value) for key, value in asdict(row).items()} for row in rows]


def json_number(value: str | int | float) -> str | int | float | None:
    """The value, or None for NaN, which JSON does not know."""
    return None if isinstance(value, float) and np.isnan(value) else value


def figure(value: int | float) -> str:
    """Three decimals, an integer as it is, or a dash where there is nothing to measure."""
    if isinstance(value, int):
        return str(value)
    return "-" if np.isnan(value) else f"{value:.3f}"
