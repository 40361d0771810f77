"""How long scans took, and what was evaluated: method, thresholds, what counts, config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from bevseg.drawing.markup import Html, join, tag
from bevseg.evaluation.frame_scores import IOU_THRESHOLDS
from bevseg.evaluation.report.charts import histogram
from bevseg.evaluation.report.html_tables import Column, Row, figure, html_table
from bevseg.evaluation.report.names import words
from bevseg.evaluation.report.page import Section, folded, note, per_source
from bevseg.evaluation.summary import SourceScores

_QUANTILES = (0.5, 0.9, 0.99)


def latency_section(sources: Sequence[SourceScores]) -> Section:
    """Time of each stage, and how the whole is distributed."""
    blocks = []
    for source in sources:
        stages = {stage: ms for stage, ms in source.scores.timings_ms.items() if len(ms)}
        rows = [
            Row((words(stage), *np.quantile(ms, _QUANTILES).tolist(), float(ms.mean()))) for stage, ms in stages.items()
        ]
        columns = (Column("ms"), *(Column(f"p{100 * q:.0f}", digits=1) for q in _QUANTILES), Column("mean", digits=1))
        chart = Html()
        if "total" in stages:
            said = f"Time of {len(stages['total'])} scans in {source.name}"
            chart = histogram(stages["total"].astype(np.float64), "whole scan, ms", label=said)
        blocks.append((source.name, tag("div", html_table(columns, rows), chart, class_="beside") if rows else Html()))
    lead = (
        "Wall clock of each stage, measured while the scans were scored with one process a core, so that they shared "
        "memory and caches: half of the scans take no longer than p50, all but one in a hundred no longer than p99. "
        "The rightmost column holds all that took longer."
    )
    return Section("latency", "Latency", lead, per_source(blocks))


def about_section(sources: Sequence[SourceScores], method: Mapping[str, object], config: str) -> Section:
    """What was evaluated on what, and the whole config.

    Args:
        sources: The sources.
        method: What the method is, as the metrics have it.
        config: As YAML.
    """
    known = html_table((Column("method"), Column("value")), [Row((name, value)) for name, value in _flat(method)])
    columns = (
        Column("source"),
        Column("frames"),
        Column("without result"),
        Column("counted objects"),
        Column("class groups"),
    )
    rows = [
        Row(
            (
                s.name,
                s.scores.num_frames,
                len(s.scores.without_result),
                f"{s.scoring.rule.min_points} points or more, centre within {s.scoring.rule.max_range_m:g} m",
                ", ".join(words(g.label) for g in s.scoring.groups),
            ),
            s.name,
        )
        for s in sources
    ]
    matching = ", ".join(f"{t:g}" for t in IOU_THRESHOLDS)
    details = note(
        f"Objects match at an IoU of {matching}; average precision is taken at .50:.05:.95. Objects out of the "
        "labelled view, out of range, or with too few points need not be found, and predictions that find them are "
        "neither right nor wrong."
    )
    whole = folded("the whole config", tag("pre", config)) if config else Html()
    body = join((tag("div", known, tag("div", html_table(columns, rows), details), class_="beside"), whole))
    return Section("about", "What was evaluated", "The method, its thresholds, and what counts in each source.", body)


def described(method: Mapping[str, object], sources: Sequence[SourceScores]) -> str:
    """One line for the head of the page."""
    named = [str(method[key]) for key in ("model", "head", "checkpoint", "corruption") if method.get(key)]
    frames = sum(s.scores.num_frames for s in sources)
    return f"{' · '.join(dict.fromkeys(named))} on {', '.join(s.name for s in sources)} · {figure(frames)} frames"


def _flat(known: Mapping[str, object], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in known.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{words(str(name))}: ")
        else:
            yield f"{before}{words(str(name))}", str(value)
