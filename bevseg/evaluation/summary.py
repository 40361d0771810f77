"""The scores of one source or of several: what a person reads on a terminal, and what a machine reads as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from rich.table import Table

from bevseg.evaluation.failure_tally import FailureTally, failure_tables
from bevseg.evaluation.frame_scores import IOU_THRESHOLDS, Scores, Scoring
from bevseg.evaluation.mask_tables import json_masks, mask_ap_tables
from bevseg.evaluation.panoptic import pq_dagger
from bevseg.evaluation.scores import MatchCounts, mean_of_present
from bevseg.evaluation.tables import (
    ScoreRow,
    calibration_table,
    figure_table,
    json_number,
    json_reliability,
    json_rows,
    rows_of,
    score_table,
)
from bevseg.results.classes import ClassGroup, SemanticClass

AVERAGED = ("PandaSet", "KITTI", "Argoverse")
"""Small real sets whose mean is given, each with one weight; nuScenes' frames hold too few objects to weigh as much."""

_CLASSES = tuple(c for c in SemanticClass if c)
_BY_CLASS = " by class"

_MOST_COLUMNS = 4
"""Sources that fit side by side on a terminal of 80 columns, beside figures."""

_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


@dataclass(frozen=True, eq=False)
class SourceScores:
    """What was counted on one source, and what counted there.

    Attributes:
        name: Of the source.
        scoring: What counted.
        scores: What was counted.
        official: What official evaluators say of the files written for the source, by evaluator and figure.
        official_left_out: A sentence for each evaluator of the dataset that could not be asked.
    """

    name: str
    scoring: Scoring
    scores: Scores
    official: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    official_left_out: tuple[str, ...] = ()

    def rows(self) -> tuple[ScoreRow, ...]:
        """Whole objects by group at each IoU threshold and by class at the first, then segments of points by class."""
        groups = [g.label if g in self.scoring.groups else None for g in ClassGroup]
        things = [c.label if c.is_thing else None for c in SemanticClass]
        classes = [c.label if c else None for c in SemanticClass]
        counted, first = self.scores, IOU_THRESHOLDS[0]
        segments = rows_of(counted.point_segments, classes, source=f"{self.name} points", iou_threshold=first)
        return (
            *(
                row
                for iou, counts in counted.objects.items()
                for row in rows_of(counts, groups, source=self.name, iou_threshold=iou)
            ),
            *rows_of(counted.objects_by_class, things, source=self.name + _BY_CLASS, iou_threshold=first),
            *(segments if counted.point_segments.num_truth.any() else ()),
        )

    def as_json(self) -> dict[str, object]:
        """Everything but pictures; None stands for a figure of nothing."""
        counted, rule = self.scores, self.scoring.rule
        groups = [g.label if g in self.scoring.groups else None for g in ClassGroup]
        return {
            "name": self.name,
            "frames": counted.num_frames,
            "without_result": list(counted.without_result),
            "counted": {
                "min_points": rule.min_points,
                "max_range_m": rule.max_range_m,
                "groups": [g.label for g in self.scoring.groups],
                "score_thresholds": {g.label: rule.score_thresholds[g] for g in ClassGroup},
            },
            "rows": json_rows(self.rows()),
            "masks": json_masks(counted.masks, groups=self.scoring.groups),
            "calibration": json_reliability(counted.reliability, groups),
            "confusion": {"classes": _with_nothing(), "counts": counted.confusion.confusion.tolist()},
            "points": self._points_as_json(),
            "ground_cells": counted.ground.as_json() if counted.ground.num_cells else {},
            **counted.diagnosis.as_json(),
            "timings_ms": {stage: _quantiles(ms) for stage, ms in counted.timings_ms.items()},
            "official": {
                evaluator: {name: json_number(value) for name, value in figures.items()}
                for evaluator, figures in self.official.items()
            },
            "official_left_out": list(self.official_left_out),
        }

    def point_iou(self) -> dict[str, float]:
        """IoU of each class of points that the truth has, and their mean; NaN for others: each set knows but some."""
        counts = self.scores.semantic
        iou = np.where(counts.confusion.sum(axis=1) > 0, counts.iou, np.nan)
        return {**{c.label: float(iou[c]) for c in _CLASSES}, "mean": mean_of_present(iou)}

    def point_panoptic(self) -> dict[str, tuple[float | int, ...]]:
        """PQ, PQ-dagger, TP, FP and FN of each class of points, and the means."""
        found, pq = self.scores.point_segments, self.scores.point_segments.pq
        dagger = pq_dagger(found, self.scores.semantic)
        counts = (found.true_positives, found.false_positives, found.false_negatives)
        rows: dict[str, tuple[float | int, ...]] = {
            c.label: (float(pq[c]), float(dagger[c]), *(int(count[c]) for count in counts)) for c in _CLASSES
        }
        return {**rows, "mean": (mean_of_present(pq), mean_of_present(dagger))}

    def _points_as_json(self) -> dict[str, object]:
        if not self.scores.semantic.confusion.any():
            return {}
        panoptic = self.point_panoptic() if self.scores.point_segments.num_truth.any() else {}
        return {
            "iou": {name: json_number(iou) for name, iou in self.point_iou().items()},
            "pq": {name: json_number(row[0]) for name, row in panoptic.items()},
            "pq_dagger": {name: json_number(row[1]) for name, row in panoptic.items()},
            "confusion": self.scores.semantic.confusion.tolist(),
        }


@dataclass(frozen=True, eq=False)
class Summary:
    """The scores of all sources, in the order given."""

    sources: tuple[SourceScores, ...]

    def mean_f1(
        self, group: ClassGroup = ClassGroup.VEHICLE, *, iou_threshold: float = 0.5, over: Sequence[str] = AVERAGED
    ) -> float:
        """Mean of the sources' F1, each with one weight; NaN if one of them has no such object.

        Raises:
            ValueError: A source of `over` was not scored.
        """
        f1 = {s.name: float(s.scores.objects[iou_threshold].f1[group]) for s in self.sources}
        missing = [name for name in over if name not in f1]
        if missing or not over:
            raise ValueError(f"a mean over {list(over)} needs each of them scored, got {list(f1)}")
        return sum(f1[name] for name in over) / len(over)

    def mean_rows(self) -> dict[str, tuple[float, ...]]:
        """Mean F1 of each class group at each of `IOU_THRESHOLDS`; empty unless all sources of the mean were scored."""
        by_name = {s.name: s for s in self.sources}
        if not set(AVERAGED) <= set(by_name):
            return {}
        groups = by_name[AVERAGED[0]].scoring.groups
        return {g.label: tuple(self.mean_f1(g, iou_threshold=t) for t in IOU_THRESHOLDS) for g in groups}

    def together_rows(self) -> tuple[ScoreRow, ...]:
        """Groups of which single sources of the mean hold a handful, over all sources that are scored as these are."""
        alike = [s for s in self.sources if self.mean_rows() and s.scoring == self.sources[0].scoring]
        small = [g.label if g in (ClassGroup.PEDESTRIAN, ClassGroup.TWO_WHEELER) else None for g in ClassGroup]
        zero = MatchCounts.zero(len(ClassGroup))
        return tuple(
            row
            for iou in IOU_THRESHOLDS
            for row in rows_of(
                sum((s.scores.objects[iou] for s in alike), start=zero), small, source="all", iou_threshold=iou
            )
            if alike
        )

    def tables(self) -> tuple[Table, ...]:
        """For a terminal: objects, masks, calibration, points, failures, order, cells of the ground; what there is."""
        return tuple(table for table in self._tables() if table.row_count)

    def as_json(self) -> dict[str, object]:
        """Each source, and the mean F1 over the small real sets where all of them were scored."""
        means = {
            group: {f"{t:g}": json_number(f1) for t, f1 in zip(IOU_THRESHOLDS, values, strict=True)}
            for group, values in self.mean_rows().items()
        }
        return {
            "sources": [source.as_json() for source in self.sources],
            "together": json_rows(self.together_rows()),
            "mean_f1": {"over": list(AVERAGED), **means} if means else {},
        }

    def _tables(self) -> Iterator[Table]:
        yield from self._object_tables()
        masks = {s.name: s.scores.masks for s in self.sources if s.scores.objects_by_class.num_truth.any()}
        yield from mask_ap_tables(masks)
        names = [g.label for g in ClassGroup]
        yield calibration_table({name: s.scores.reliability for name, s in self._named(masks)}, names)
        yield from self._point_tables()
        yield from self._failure_tables()
        for source in self.sources:
            yield from source.scores.diagnosis.order.tables()
            if source.scores.ground.num_cells:
                yield source.scores.ground.table()
        for source in self.sources:
            for evaluator, figures in source.official.items():
                measured = {name: [value] for name, value in figures.items() if not np.isnan(value)}
                yield figure_table(measured, (evaluator, ""), title=f"{source.name}: official scores")
        yield self._timings_table()

    def _object_tables(self) -> Iterator[Table]:
        order = [g.label for g in ClassGroup]
        rows = [row for source in self.sources for row in source.rows()]
        names = {"all", *(source.name for source in self.sources)}
        groups = [
            row
            for row in (*rows, *self.together_rows())
            if row.source in names and row.category in order and row.num_truth + row.false_positives
        ]
        groups.sort(key=lambda row: (order.index(row.category), -row.iou_threshold))
        counted = {
            f"{s.scoring.rule.min_points} points or more within {s.scoring.rule.max_range_m:g} m" for s in self.sources
        }
        yield score_table(groups, title=f"Objects with {' / '.join(sorted(counted))}")
        yield figure_table(
            self.mean_rows(),
            ("objects", *(f"IoU {threshold:g}" for threshold in IOU_THRESHOLDS)),
            title=f"Mean F1 over {', '.join(AVERAGED)}, each with one weight",
        )
        by_class = [row for row in rows if row.source.endswith(_BY_CLASS) and row.num_truth]
        by_class = [replace(row, source=row.source.removesuffix(_BY_CLASS)) for row in by_class]
        yield score_table(by_class, title="Objects class by class")

    def _point_tables(self) -> Iterator[Table]:
        labelled = [s for s in self.sources if s.scores.semantic.confusion.any()]
        columns = [s.point_iou() for s in labelled]
        iou = {name: [column[name] for column in columns] for name in (columns[0] if columns else ())}
        yield figure_table(
            {name: values for name, values in iou.items() if not np.isnan(values).all()},
            ("points", *(s.name for s in labelled)),
            title="IoU of the classes of points, over the classes that the truth has",
        )
        for source in labelled:
            if source.scores.point_segments.num_truth.any():
                yield figure_table(
                    source.point_panoptic(),
                    ("segments", "PQ", "PQ†", "TP", "FP", "FN"),
                    title=f"{source.name}: segments of points; PQ† is IoU for stuff",
                )

    def _failure_tables(self) -> Iterator[Table]:
        tallies = {s.name: s.scores.diagnosis.failures for s in self.sources}
        together = sum(tallies.values(), start=FailureTally.zero())
        if not together.total.any():
            return
        parts = {name: tally.total for name, tally in tallies.items()}
        if len(parts) == 1 or len(parts) > _MOST_COLUMNS:
            parts = {group.label: together.count[:, group] for group in ClassGroup}
        title = f"Failures in {together.num_frames} frames; FN and FP are those that each kind accounts for"
        yield from failure_tables(together, parts, title=title)

    def _timings_table(self) -> Table:
        rows = {
            f"{s.name} {stage}" if len(self.sources) > 1 else stage: list(_quantiles(ms).values())
            for s in self.sources
            for stage, ms in s.scores.timings_ms.items()
            if len(self.sources) == 1 or stage == "total"
        }
        floats = {name: [value for value in values if value is not None] for name, values in rows.items()}
        return figure_table(floats, ("ms", *_QUANTILES), title="Time of a scan, while it was scored")

    def _named(self, names: Mapping[str, object]) -> Iterator[tuple[str, SourceScores]]:
        return ((s.name, s) for s in self.sources if s.name in names)


def _quantiles(elapsed_ms: np.ndarray) -> dict[str, float | None]:
    if not len(elapsed_ms):
        return dict.fromkeys(_QUANTILES)
    return {name: round(float(np.quantile(elapsed_ms, q)), 2) for name, q in _QUANTILES.items()}


def _with_nothing() -> list[str]:
    """Names of rows and columns of the confusion: what is nothing comes first."""
    return ["nothing", *(c.label for c in _CLASSES)]
