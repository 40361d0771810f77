"""Failures by kind: how many there are, what they account for, and what each kind is in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from bevseg.drawing.markup import Html, join, tag
from bevseg.evaluation.failure_kinds import FailureKind
from bevseg.evaluation.failure_tally import FailureTally
from bevseg.evaluation.report.chart_frame import legend
from bevseg.evaluation.report.charts import Bar, share_bars
from bevseg.evaluation.report.html_tables import Column, Row, html_table
from bevseg.evaluation.report.names import MEANING, words
from bevseg.evaluation.report.page import Section, folded, per_source
from bevseg.evaluation.summary import SourceScores
from bevseg.results.classes import ClassGroup


def failure_section(sources: Sequence[SourceScores]) -> Section:
    """All sources together, then each."""
    together = sum((s.scores.diagnosis.failures for s in sources), start=FailureTally.zero())
    groups = [g for g in ClassGroup if together.count[:, g].any()]
    body = join(
        (
            legend({g.label: words(g.label) for g in groups}),
            tag("div", _bars(together, groups), _table(together), class_="beside"),
            folded("source by source", per_source([(s.name, _source_bars(s, groups)) for s in sources]))
            if len(sources) > 1
            else Html(),
        )
    )
    lead = (
        "Every missed object and every wrong prediction has one reason. FN and FP are the missed objects and wrong "
        "predictions that a kind accounts for. Severity is 0 to 1 and comparable within a kind. Some failures are no "
        "errors of the matching: a halo around an object that was found, a car that is called a truck."
    )
    return Section("failures", "Failures by kind", lead, body)


def _source_bars(source: SourceScores, groups: Sequence[ClassGroup]) -> Html:
    tally = source.scores.diagnosis.failures
    return _bars(tally, groups) if tally.total.any() else Html()


def _bars(tally: FailureTally, groups: Sequence[ClassGroup]) -> Html:
    rows = [
        (
            words(kind.label),
            [Bar(float(n), g.label, f"{words(g.label)}: {n}") for g in groups if (n := int(tally.count[kind, g]))],
        )
        for kind in FailureKind
    ]
    return share_bars(rows, label="Failures of each kind by class group")


def _table(tally: FailureTally) -> Html:
    columns = (
        Column("failure"),
        Column("all"),
        Column("FN", "missed objects"),
        Column("FP", "wrong predictions"),
        Column("severity", "mean"),
        Column("what it is"),
    )
    rows = [
        Row(
            (
                words(kind.label),
                int(tally.total[kind]),
                int(tally.missed[kind]),
                int(tally.wrong[kind]),
                float(tally.mean_severity[kind]),
                MEANING[kind],
            )
        )
        for kind in FailureKind
    ]
    return html_table(columns, rows)
