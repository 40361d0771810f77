"""`compare.html`: two runs side by side as one page that opens from disk and needs nothing beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from bevseg.datasets.source import Source
from bevseg.drawing.markup import Html, join, tag
from bevseg.evaluation.comparison.compare import Difference, SourceComparison
from bevseg.evaluation.comparison.comparison_tables import (
    CAUTION,
    TIME_CAUTION,
    Comparison,
    count_verdicts,
    method_words,
    notes_of,
    written,
)
from bevseg.evaluation.comparison.figures import ALL_KINDS
from bevseg.evaluation.comparison.forest import MARKS, forest
from bevseg.evaluation.comparison.frame_section import frame_section
from bevseg.evaluation.mask_tables import MEAN
from bevseg.evaluation.report.html_tables import DASH, Column, Row, html_table
from bevseg.evaluation.report.names import words
from bevseg.evaluation.report.page import Section, folded, note, page, per_source

_HEADLINE = {
    "groups": ("F1", "PQ", "AP", "ECE"),
    "classes": ("AP",),
    "points": ("IoU", "PQ"),
    "order": ("F1", "error"),
    "ground": ("IoU",),
}
"""Measures of each part that are shown first: of the whole, not of each class."""

_PARTS = {
    "groups": "class group",
    "classes": "class",
    "points": "points",
    "order": "order",
    "ground": "ground",
    "failures": "failures",
    "time": "time",
}
_METHOD = (
    "Both runs were scored on the same frames by the same rules. The value of each figure is that on all frames. For "
    "the interval the frames are drawn anew with replacement, the same draw for both runs, and the figures of each "
    "draw are counted again (bootstrap; Efron and Tibshirani, An Introduction to the Bootstrap, 1993). The interval "
    "holds the middle 95 % of the differences, and a little more where few units were drawn, as plain percentiles are "
    "too narrow then (Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 2015). B is "
    "called better or worse where 0 lies outside of the interval, and unclear where it lies within."
)


def comparison_page(comparison: Comparison, opened: Mapping[str, Source] | str) -> str:
    """The whole page.

    Args:
        comparison: What is shown.
        opened: The sources by their names, to draw frames of; or why there are no pictures.
    """
    names = [source.name for source in comparison.sources]
    sections = (
        _glance(comparison),
        _differences(comparison),
        _failures(comparison),
        frame_section(comparison, opened),
        _figures(comparison),
        _method(comparison),
    )
    title = f"{_name(comparison, 'A')} and {_name(comparison, 'B')} side by side"
    subtitle = f"A: {method_words(comparison.a)}.  B: {method_words(comparison.b)}."
    return page(title, subtitle, sections, alerts=_alerts(comparison), sources=names)


def _name(comparison: Comparison, which: str) -> str:
    run = comparison.a if which == "A" else comparison.b
    return f"{Path(run.folder).resolve().name} ({which})"


def _alerts(comparison: Comparison) -> tuple[Html, ...]:
    """What nobody may overlook: frames that were left out."""
    return tuple(
        tag("p", tag("strong", f"{source.name}: "), alert)
        for source in comparison.sources
        for alert in notes_of(source)[1:]
    )


def _glance(comparison: Comparison) -> Section:
    def block(source: SourceComparison) -> Html:
        counted = count_verdicts(source.rows)
        better = tag("li", f"B is better in {counted['better']} of {len(source.rows)} figures", class_="t-found")
        worse = tag("li", f"and worse in {counted['worse']}", class_="t-invented")
        alone = len(source.rows) - sum(counted.values())
        rest = f"unclear in {counted['unclear']}, the same in {counted['same']}; {alone} only one of the runs has"
        items = (better, worse, tag("li", rest, class_="t-quiet"), *(tag("li", known) for known in notes_of(source)))
        return tag("ul", *items, class_="verdict")

    lead = "How many figures changed for sure, and what that rests on."
    return Section("glance", "At a glance", lead, per_source(_blocks(comparison, block)))


def _differences(comparison: Comparison) -> Section:
    def block(source: SourceComparison) -> Html:
        rows = [row for row in source.rows if _is_headline(row) and not np.isnan(row.difference)]
        return forest(rows, "gain of B", label=f"Differences on {source.name} with their intervals")

    lead = (
        "How much B gains, with the 95 % interval: right of 0 B is better, left of it worse, also for errors, where "
        f"less is better. ECE: expected calibration error. {MARKS}"
    )
    return Section("differences", "What changed", lead, per_source(_blocks(comparison, block), wide=True))


def _failures(comparison: Comparison) -> Section:
    def block(source: SourceComparison) -> Html:
        rows = [row for row in source.of("failures") if row.figure.category != ALL_KINDS]
        return forest(rows, "failures that B has less", label=f"Failures on {source.name} with their intervals")

    lead = "Failures of each kind by number in these frames: right of 0 B has fewer. " + MARKS
    return Section("failures", "Failures by kind", lead, per_source(_blocks(comparison, block), wide=True))


def _figures(comparison: Comparison) -> Section:
    def block(source: SourceComparison) -> Html:
        scores = [row for row in source.rows if row.figure.part not in ("failures", "time")]
        times = source.of("time")
        tables = [_table(scores, 3), folded("Failures as numbers", _table(source.of("failures"), 0))]
        if times:
            tables.append(folded("Time of a scan", _table(times, 1), note(TIME_CAUTION)))
        return join(tables)

    lead = (
        "Every figure of both runs; a click on a heading sorts. Truth: objects to be found. F1, P, R, PQ at IoU 0.5; "
        "AP: mean over IoU 0.50:0.05:0.95 (COCO); ECE: expected calibration error; WHDR: share of the pairs in wrong "
        "order, by weight. B wins: share of the draws in which B is better."
    )
    return Section("figures", "All figures", lead, per_source(_blocks(comparison, block), wide=True))


def _table(rows: tuple[Difference, ...] | list[Difference], digits: int) -> Html:
    columns = (
        Column("of"),
        Column("what"),
        Column("measure"),
        Column("truth", "objects to be found (in A, where the scans differ)"),
        Column("A", digits=digits),
        Column("B", digits=digits),
        Column("B - A", digits=digits),
        Column("95 % interval", "of B - A"),
        Column("B wins %", digits=1, about="share of the draws in which B is better"),
        Column("B is"),
    )
    return html_table(columns, [Row(_cells(row)) for row in rows])


def _cells(row: Difference) -> list[str | int | float]:
    a, b, difference = (
        (value if np.isnan(value) or row.figure.decimals else round(value)) for value in (row.a, row.b, row.difference)
    )
    ends = [written(row, end, signed=True) for end in (row.interval.low, row.interval.high)]
    return [
        _PARTS[row.figure.part],
        words(row.figure.category),
        row.figure.measure,
        float("nan") if row.objects is None else row.objects[0],
        a,
        b,
        difference,
        " to ".join(ends) if row.draws else DASH,
        100 * row.b_better / row.draws if row.draws else float("nan"),
        _verdict(row),
    ]


def _verdict(row: Difference) -> Html:
    sign = {"better": "▲ ", "worse": "▼ "}.get(row.verdict, "")
    tone = {"better": "var(--found)", "worse": "var(--invented)"}.get(row.verdict, "var(--quiet)")
    return tag("span", f"{sign}{row.verdict}", style=f"color:{tone};font-weight:{600 if sign else 400}")


def _method(comparison: Comparison) -> Section:
    runs = tag(
        "ul",
        *(
            tag(
                "li",
                tag("strong", f"{name}: "),
                f"{run.folder}: ",
                ", ".join(f"{k} {v}" for k, v in run.method.items()),
            )
            for name, run in (("A", comparison.a), ("B", comparison.b))
        ),
        style="overflow-wrap:anywhere",
    )
    draws = f"{comparison.resamples} draws from seed {comparison.seed}; the same seed gives the same intervals. "
    body = join((tag("p", draws, CAUTION), runs))
    return Section("method", "How this was compared", _METHOD, body)


def _is_headline(row: Difference) -> bool:
    figure = row.figure
    if figure.measure not in _HEADLINE.get(figure.part, ()):
        return False
    return figure.part not in ("classes", "points") or figure.category == MEAN


def _blocks(comparison: Comparison, block: Callable[[SourceComparison], Html]) -> list[tuple[str, Html]]:
    return [(source.name, block(source)) for source in comparison.sources]
