"""What is told of the hidden: order, occlusion, visible fractions, whole extents, and the state of the ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise

import numpy as np

from bevseg.drawing.markup import Html, tag
from bevseg.evaluation.hidden_objects import HIDDEN_BINS, VISIBILITY_EDGES, AmodalCurve
from bevseg.evaluation.order_scores import METHODS, OrderScores
from bevseg.evaluation.report.chart_frame import Axis
from bevseg.evaluation.report.charts import Bar, Line, line_chart, stacked_columns
from bevseg.evaluation.report.heatmap import heatmap
from bevseg.evaluation.report.html_tables import Column, Row, figure, html_table
from bevseg.evaluation.report.page import Section, per_source
from bevseg.evaluation.scores import mean_of_present
from bevseg.evaluation.summary import SourceScores
from bevseg.results.scene import CellState

_RATES = (Column("P"), Column("R"), Column("F1", bar=True))


def order_section(sources: Sequence[SourceScores]) -> Section:
    """Who is in front of whom and who hides whom, beside two baselines."""
    blocks = [(s.name, _order(s.scores.diagnosis.order)) for s in sources if s.scores.diagnosis.order.num_frames]
    lead = (
        "Asked of pairs of objects of which one hides some of the other. WHDR is the share of pairs of found objects "
        "in wrong order, weighted by how much is hidden: low is good. 'nearest edge' sorts the same objects by "
        "distance, 'no occlusion' says that nobody hides anybody: what a method has to beat."
    )
    return Section("order", "Order and occlusion", lead, per_source(blocks, wide=True))


def hidden_section(sources: Sequence[SourceScores]) -> Section:
    """Whole masks against the hidden fraction."""
    blocks = [(s.name, _amodal(s.scores.diagnosis.order.amodal)) for s in sources]
    lead = (
        "Objects by the share of them that is hidden. Found: share with a mask of IoU 0.5 or more with the whole "
        "footprint. IoU of the found: how well their whole extent is completed. IoU of all: missed objects count as 0."
    )
    return Section("hidden", "Whole objects, partly hidden", lead, per_source(blocks))


def ground_section(sources: Sequence[SourceScores]) -> Section:
    """The states of the ground's cells."""
    blocks = []
    for source in (s for s in sources if s.scores.ground.num_cells):
        names = [state.name.lower() for state in CellState]
        iou = source.scores.ground.iou
        rows = [Row((names[state], float(iou[state]))) for state in CellState]
        rows.append(Row(("mean", mean_of_present(iou))))
        table = html_table((Column("state"), Column("IoU", bar=True)), rows)
        matrix = heatmap(source.scores.ground.confusion, names, percent=True)
        title = tag("h4", f"Confusion, percent of the {figure(source.scores.ground.num_cells)} cells")
        blocks.append((source.name, tag("div", table, tag("div", title, matrix), class_="halves")))
    lead = (
        "Every cell of the ground is free, occupied, hidden behind something, or was never observed. IoU of each state "
        "over all cells of the truth."
    )
    return Section("ground", "Cells of the ground", lead, per_source(blocks, wide=True))


def _order(order: OrderScores) -> Html:
    scene = order.order["scene"]
    depth = [Row((name, *asdict(order.order[name].depth).values(), order.order[name].whdr)) for name in METHODS]
    edges = [
        Row((name, *asdict(order.order[name].occlusion).values(), order.order[name].occlusion_found.f1))
        for name in METHODS
    ]
    pairs = f"Depth order: {figure(scene.pairs)} pairs, {figure(scene.pairs_found)} with both objects found"
    hides = f"Who hides whom: {figure(scene.edges)} edges, {figure(scene.edges_found)} with both ends found"
    tables = (
        html_table((Column("order by"), *_RATES, Column("WHDR")), depth, caption=pairs),
        html_table((Column("edges by"), *_RATES, Column("F1 of found")), edges, caption=hides),
        _visible_fractions(order),
    )
    return tag("div", *tables, class_="halves")


def _visible_fractions(order: OrderScores) -> Html:
    ends = (0.0, *VISIBILITY_EDGES, 1.0)
    bands = [f"{100 * low:.0f}\u2013{100 * high:.0f} %" for low, high in pairwise(ends)]
    columns = (Column("visible by"), *(Column(band) for band in bands), Column("all"))
    rows = [Row((name, *e.mean_absolute.tolist(), e.overall)) for name, e in order.visible_fraction.items()]
    count = order.visible_fraction["scene"].count.sum()
    caption = f"Visible fraction: mean absolute error by the true fraction, {figure(int(count))} found objects"
    return html_table(columns, rows, caption=caption)


def _amodal(curve: AmodalCurve) -> Html:
    if not curve.count.any():
        return Html()
    middle = (np.arange(HIDDEN_BINS) + 0.5) / HIDDEN_BINS
    radii = (2.5 + 4 * np.sqrt(curve.count / curve.count.max())).tolist()
    lines = [
        _line("found", "1", middle, curve.recall, curve, radii),
        _line("IoU of found", "3", middle, curve.iou_found, curve, radii),
        _line("IoU of all", "2", middle, curve.iou_all, curve, radii),
    ]
    x = Axis("hidden fraction of the object")
    chart = line_chart(lines, x, Axis("share, IoU"), label="Amodal IoU against the hidden fraction")
    columns = [
        [Bar(float(n), "quiet", f"{k * 10} to {k * 10 + 10} % hidden: {n} objects")] if n else []
        for k, n in enumerate(curve.count.tolist())
    ]
    most = Axis.counting("objects", float(curve.count.max()))
    below = stacked_columns(columns, x, most, label="Objects by hidden fraction")
    return tag("div", chart, below, class_="beside")


def _line(name: str, tone: str, x: np.ndarray, y: np.ndarray, curve: AmodalCurve, radii: list[float]) -> Line:
    hints = [
        f"{name}: {figure(value)} ({found} of {count} found)"
        for value, found, count in zip(y.tolist(), curve.found.tolist(), curve.count.tolist(), strict=True)
    ]
    return Line(name, tone, x, y, hints, radii)
