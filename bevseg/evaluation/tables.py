"""Scores as rows, as a table for the terminal and as JSON: always with the number of objects they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from rich.table import Table

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
    precision: float
    recall: float
    f1: float
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
    precision, recall, f1, pq = counts.precision, counts.recall, counts.f1, counts.pq
    return tuple(
        ScoreRow(
            source=source,
            category=name,
            iou_threshold=iou_threshold,
            num_truth=int(counts.num_truth[k]),
            true_positives=int(counts.true_positives[k]),
            false_positives=int(counts.false_positives[k]),
            precision=float(precision[k]),
            recall=float(recall[k]),
            f1=float(f1[k]),
            pq=float(pq[k]),
        )
        for k, name in enumerate(names)
        if name is not None
    )


def score_table(rows: Sequence[ScoreRow], *, title: str) -> Table:
    """The rows for a terminal; a dash stands where there is nothing to measure."""
    table = Table(title=title)
    table.add_column("source")
    table.add_column("objects")
    for heading in ("IoU", "truth", "right", "wrong", "precision", "recall", "F1", "PQ"):
        table.add_column(heading, justify="right")
    for row in rows:
        figures = (_figure(value) for value in (row.precision, row.recall, row.f1, row.pq))
        counts = (str(n) for n in (row.num_truth, row.true_positives, row.false_positives))
        table.add_row(row.source, row.category, f"{row.iou_threshold:g}", *counts, *figures)
    return table


def json_rows(rows: Sequence[ScoreRow]) -> list[JsonRow]:
    """The rows as JSON can hold them: None for NaN."""
    return [{key: json_number(value) for key, value in asdict(row).items()} for row in rows]


def json_number(value: str | int | float) -> str | int | float | None:
    """The value, or None for NaN, which JSON does not know."""
    return None if isinstance(value, float) and np.isnan(value) else value


def _figure(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"
