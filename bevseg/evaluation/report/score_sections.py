"""The tables of scores: objects, classes, means over sources, points, and what official evaluators say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bevseg.drawing.markup import Html, join, tag
from bevseg.evaluation.frame_scores import IOU_THRESHOLDS
from bevseg.evaluation.mask_ap import MaskAp, MaskApCounts
from bevseg.evaluation.report.heatmap import heatmap
from bevseg.evaluation.report.html_tables import Column, Row, Value, html_table
from bevseg.evaluation.report.names import words
from bevseg.evaluation.report.page import Section, folded, note, per_source
from bevseg.evaluation.summary import AVERAGED, SourceScores, Summary
from bevseg.evaluation.tables import ScoreRow
from bevseg.results.classes import ClassGroup, SemanticClass

_NAN = float("nan")
_COUNTS = (
    Column("truth", "objects that had to be found"),
    Column("TP", "found objects: matched one to one by IoU of the whole masks"),
    Column("FP", "predictions that match nothing"),
    Column("FN", "objects that were missed"),
    Column("P", "precision: TP / (TP + FP)"),
    Column("R", "recall: TP / truth"),
    Column("F1", "harmonic mean of P and R", bar=True),
    Column("SQ", "segmentation quality: mean IoU of the matched pairs"),
    Column("PQ", "panoptic quality: SQ x F1"),
)
_AP = (
    Column("AP", "COCO's average precision of the whole masks, mean over IoU .50:.05:.95", bar=True),
    Column("AP50", "at IoU .50"),
    Column("AP75", "at IoU .75"),
)
_LEAD = (
    "Whole (amodal) masks seen from above are matched one to one with the true footprints on a grid of 0.2 m. P, R, F1 "
    "and PQ hold at the score thresholds of the method and IoU 0.5; AP is COCO's, over all scores it gave. Bars and "
    "digits are 0 to 1. Click a heading to sort."
)


def score_section(summary: Summary) -> Section:
    """Objects by class group, folded by class, and means where they are defined."""
    second = IOU_THRESHOLDS[1]
    rows = [row for source in summary.sources for row in _group_rows(source)] + _together_rows(summary)
    names = (Column("source"), Column("objects"))
    at_second = Column(f"F1 at {second:g}", f"F1 where an IoU of {second:g} is enough")
    table = html_table((*names, *_COUNTS, *_AP, at_second), rows)
    body = join((table or note("No source has objects that count."), _means(summary), _by_class(summary)))
    return Section("scores", "Scores", _LEAD, body)


def official_section(sources: Sequence[Mapping[str, Any]]) -> Section:
    """What the official evaluators of benchmarks say, where they were run.

    Args:
        sources: `sources` of the metrics; each may hold `official`: figures by name of the benchmark.
    """
    blocks = []
    for source in sources:
        tables = [
            html_table((Column("figure"), Column("value")), _official_rows(figures), caption=benchmark)
            for benchmark, figures in source.get("official", {}).items()
        ]
        blocks.append((str(source["name"]), tag("div", *tables, class_="halves") if tables else Html()))
    lead = "Figures by the rules of each benchmark; the same files that can be handed in there were scored."
    return Section("official", "Official scores", lead, per_source(blocks))


def point_section(sources: Sequence[SourceScores]) -> Section:
    """Classes and segments of points, with their confusion."""
    blocks = []
    for source in (s for s in sources if s.scores.semantic.confusion.any()):
        names = ["noise", *(words(c.label) for c in SemanticClass if c)]
        matrix = heatmap(source.scores.semantic.confusion, names, percent=True)
        confusion = join((tag("h4", "Confusion, percent of the points of each true class"), matrix))
        blocks.append((source.name, tag("div", _point_table(source), tag("div", confusion), class_="beside")))
    lead = (
        "Each point has a class. IoU is over all points of the source; PQ is nuScenes' panoptic quality of segments of "
        "points, where PQ† takes the IoU for stuff such as road. A dash: the truth does not have that class."
    )
    return Section("points", "Points", lead, per_source(blocks, wide=True))


def _group_rows(source: SourceScores) -> list[Row]:
    own = [row for row in source.rows() if row.source == source.name]
    return [Row((source.name, *cells), source.name) for cells in _at_both(own, source.scores.masks.groups.amodal)]


def _together_rows(summary: Summary) -> list[Row]:
    """Groups of which single sources hold a handful, over those that are scored alike."""
    rows = summary.together_rows()
    if not rows:
        return []
    alike = [s.scores.masks.groups.amodal for s in summary.sources if s.scoring == summary.sources[0].scoring]
    return [Row(("all together", *cells)) for cells in _at_both(rows, sum(alike, start=MaskApCounts("group")))]


def _at_both(rows: Sequence[ScoreRow], masks: MaskApCounts) -> Iterator[tuple[Value, ...]]:
    """Cells of each group: its figures at the first IoU threshold, average precision, and F1 at the second."""
    first, second = IOU_THRESHOLDS
    loose = {row.category: row.f1 for row in rows if row.iou_threshold == second}
    groups = {g.label: int(g) for g in ClassGroup}
    for row in rows:
        if row.iou_threshold == first and row.num_truth + row.false_positives:
            yield (*_figures(row), *_ap(masks.measured, groups[row.category]), loose[row.category])


def _figures(row: ScoreRow) -> tuple[Value, ...]:
    counts = (row.num_truth, row.true_positives, row.false_positives, row.false_negatives)
    return (words(row.category), *counts, row.precision, row.recall, row.f1, row.sq, row.pq)


def _ap(measured: MaskAp, category: int) -> tuple[float, float, float]:
    return float(measured.ap[category, 0]), float(measured.ap50[category, 0]), float(measured.ap75[category, 0])


def _by_class(summary: Summary) -> Html:
    rows = [row for source in summary.sources for row in _class_rows(source)]
    if not rows:
        return Html()
    table = html_table((Column("source"), Column("class"), *_COUNTS, *_AP), rows)
    return folded("class by class, where another class of the same group is wrong, too", table)


def _class_rows(source: SourceScores) -> list[Row]:
    measured = source.scores.masks.classes.amodal.measured
    places = {c.label: int(c) for c in SemanticClass}
    return [
        Row((source.name, *_figures(row), *_ap(measured, places[row.category])), source.name)
        for row in source.rows()
        if row.source == f"{source.name} by class" and row.num_truth + row.false_positives
    ]


def _means(summary: Summary) -> Html:
    means = summary.mean_rows()
    columns = (Column("objects"), *(Column(f"F1 at IoU {t:g}", bar=True) for t in IOU_THRESHOLDS))
    rows = [Row((words(name), *values)) for name, values in means.items()]
    return html_table(columns, rows, caption=f"Mean over {', '.join(AVERAGED)}, each with one weight")


def _official_rows(figures: Mapping[str, Any]) -> list[Row]:
    return [Row((name, _NAN if value is None else value)) for name, value in figures.items()]


def _point_table(source: SourceScores) -> Html:
    iou, panoptic = source.point_iou(), source.point_panoptic()
    has_segments = bool(source.scores.point_segments.num_truth.any())
    columns = [Column("class"), Column("IoU", bar=True)]
    if has_segments:
        columns += [
            Column("PQ"),
            Column("PQ†", "IoU for stuff, PQ for things"),
            Column("TP"),
            Column("FP"),
            Column("FN"),
        ]
    rows = []
    for name, value in iou.items():
        if np.isnan(value) and not (has_segments and any(panoptic[name][2:])):
            continue
        segments: tuple[Value, ...] = panoptic[name] if has_segments else ()
        if has_segments and name == "mean":
            segments = (*segments, *(int(c.sum()) for c in _segment_counts(source)))
        rows.append(Row((words(name), value, *segments)))
    return html_table(columns, rows)


def _segment_counts(source: SourceScores) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = source.scores.point_segments
    return found.true_positives, found.false_positives, found.false_negatives
