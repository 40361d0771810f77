"""The scores of an evaluation as CSV, for spreadsheets and data frames; frames come from their files one by one.

scores.csv      a row for each source, category and IoU threshold
frames.csv      a row for each frame
failures.csv    a row for each failure that was kept: of each frame the worst 20 of each kind
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from bevseg.evaluation.failure_kinds import FailureKind
from bevseg.evaluation.failure_tally import FailureTally
from bevseg.evaluation.frame_scores import IOU_THRESHOLDS, Scores
from bevseg.evaluation.run import EvaluatedSource, RunFolder, frame_scores
from bevseg.evaluation.summary import SourceScores, Summary
from bevseg.evaluation.tables import ScoreRow
from bevseg.results.classes import ClassGroup, SemanticClass
from bevseg.whole_files import unfinished_path

Cell = str | int | float

_COUNTS = ("true_positives", "false_positives", "false_negatives")
_FRAME_COLUMNS = (
    "source",
    "frame",
    "drive",
    *(f"{group.label}_{count}" for group in ClassGroup for count in _COUNTS),
    "mean_point_iou",
    "failures",
    "total_ms",
)
_FAILURE_COLUMNS = (
    "source", "frame", "kind", "severity", "class", "x_m", "y_m", "range_m", "truth", "prediction",
)  # fmt: skip


@dataclass(frozen=True)
class ScoredSource:
    """A source and its frames.

    Attributes:
        source: What was scored.
        drives: The drive of each of its frames, "" where the source does not know.
    """

    source: EvaluatedSource
    drives: Sequence[str]


def write_csv_files(folder: RunFolder, summary: Summary, sources: Sequence[ScoredSource]) -> None:
    """Writes the three files into the folder of the evaluation.

    Raises:
        ScoreFileError: The scores of a frame are missing or damaged.
    """
    rows = [row for source in summary.sources for row in source.rows()]
    with _table(folder.path / "scores.csv", [field.name for field in fields(ScoreRow)]) as score_rows:
        score_rows(astuple(row) for row in rows)
    with (
        _table(folder.path / "frames.csv", _FRAME_COLUMNS) as frame_rows,
        _table(folder.path / "failures.csv", _FAILURE_COLUMNS) as failure_rows,
    ):
        for scored in sources:
            source = scored.source
            for drive, scores in zip(scored.drives, frame_scores(folder, source, len(scored.drives)), strict=True):
                frame_rows([_frame_row(source, scores, drive)])
                failure_rows(_failure_rows(source.name, scores.diagnosis.failures))


def _frame_row(source: EvaluatedSource, scores: Scores, drive: str) -> tuple[Cell, ...]:
    objects = scores.objects[IOU_THRESHOLDS[0]]
    counts = [int(getattr(objects, count)[group]) for group in ClassGroup for count in _COUNTS]
    mean_iou = SourceScores(source.name, source.scoring, scores).point_iou()["mean"]
    total_ms = float(scores.timings_ms["total"][0]) if "total" in scores.timings_ms else float("nan")
    return (
        source.name,
        _own_name(scores.masks.classes.amodal.frames[0].frame, source.name),
        drive,
        *counts,
        mean_iou,
        int(scores.diagnosis.failures.total.sum()),
        total_ms,
    )


def _failure_rows(source: str, tally: FailureTally) -> Iterable[tuple[Cell, ...]]:
    failure = tally.worst
    for k, frame in enumerate(tally.worst_frame):
        yield (
            source,
            _own_name(frame, source),
            FailureKind(int(failure.kind[k])).label,
            float(failure.severity[k]),
            SemanticClass(int(failure.label[k])).label,
            *(float(x) for x in failure.xy_m[k]),
            float(failure.range_m[k]),
            int(failure.truth[k]),
            int(failure.prediction[k]),
        )


def _own_name(frame: str, source: str) -> str:
    """Without the name of the source in front."""
    return frame.removeprefix(f"{source}/")


@contextmanager
def _table(path: Path, columns: Sequence[str]) -> Iterator[Callable[[Iterable[Iterable[Cell]]], None]]:
    """Gives what writes rows to a file, whole or not at all; what is not a number is an empty cell."""
    with unfinished_path(path) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        yield lambda rows: writer.writerows(
            ["" if isinstance(v, float) and np.isnan(v) else v for v in row] for row in rows
        )
