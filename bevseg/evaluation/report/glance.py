"""The head of the page: how good the method is and where it fails, to be read in ten seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bevseg.drawing.markup import Html, join, tag
from bevseg.evaluation.failure_kinds import FailureKind
from bevseg.evaluation.failure_tally import FailureTally
from bevseg.evaluation.frame_scores import IOU_THRESHOLDS
from bevseg.evaluation.mask_bands import BANDS
from bevseg.evaluation.report.html_tables import figure, share
from bevseg.evaluation.report.names import MEANING, words
from bevseg.evaluation.report.page import folded
from bevseg.evaluation.summary import SourceScores
from bevseg.results.classes import ClassGroup

_FEWEST = 20
"""Objects below which a share says too little to be called the lowest."""
_NAMED = 12
"""Frames that are named in an alert before the rest is folded."""


def alerts(sources: Sequence[SourceScores]) -> list[Html]:
    """What makes the figures of the page less than they seem: frames without a result."""
    found = []
    for source in sources:
        missing = source.scores.without_result
        if not missing:
            continue
        loud = (
            f"{figure(len(missing))} of the {figure(source.scores.num_frames)} frames of {source.name} have no result."
        )
        said = " They count as frames in which nothing was found, and lower the figures below: "
        rest = missing[_NAMED:]
        found.append(
            join(
                (
                    tag("p", tag("strong", loud), said, ", ".join(missing[:_NAMED])),
                    folded(f"and {len(rest)} more", ", ".join(rest)) if rest else Html(),
                )
            )
        )
    return found


def glance(sources: Sequence[SourceScores]) -> Html:
    """Sentences over all sources, then a card for each with a meter for each class group."""
    said = tag("ul", *_verdict(sources), class_="verdict")
    cards = tag("div", *(_card(source) for source in sources), class_="cards")
    return tag("div", said, cards, class_="glance")


def _verdict(sources: Sequence[SourceScores]) -> Iterator[Html]:
    counts = [s.scores.objects[IOU_THRESHOLDS[0]] for s in sources]
    found = sum(int(c.true_positives.sum()) for c in counts)
    truth = sum(int(c.num_truth.sum()) for c in counts)
    wrong = sum(int(c.false_positives.sum()) for c in counts)
    if truth + wrong:
        yield tag(
            "li",
            tag("strong", f"{share(found, truth)} found"),
            f" ({figure(found)} of {figure(truth)} objects, at IoU {IOU_THRESHOLDS[0]:g}); ",
            tag("strong", f"{share(wrong, wrong + found)} of the predictions are wrong"),
            f" ({figure(wrong)} of {figure(wrong + found)}).",
            class_="t-found",
        )
    lowest = min((part for source in sources for part in _parts(source)), key=lambda part: part.recall, default=None)
    if lowest and lowest.recall < 1:
        yield tag(
            "li",
            "Least found: ",
            tag("strong", f"{words(lowest.group.label)}, {lowest.band}"),
            f" in {lowest.source}: {figure(round(lowest.recall * lowest.truth))} of {figure(lowest.truth)} "
            f"({share(round(lowest.recall * lowest.truth), lowest.truth)}).",
            class_="t-missed",
        )
    yield from _most_frequent_failure(sources)
    total = [s.scores.timings_ms["total"] for s in sources if len(s.scores.timings_ms.get("total", ()))]
    if total:
        median, late = np.quantile(np.concatenate(total), (0.5, 0.99)).tolist()
        took = f"{median:.0f} ms at the median and {late:.0f} ms at the 99th percentile"
        yield tag("li", f"While it was scored, a scan took {took}.")


def _most_frequent_failure(sources: Sequence[SourceScores]) -> Iterator[Html]:
    tally = sum((s.scores.diagnosis.failures for s in sources), start=FailureTally.zero())
    if not tally.total.any():
        return
    most = FailureKind(int(tally.total.argmax()))
    yield tag(
        "li",
        "Most frequent failure: ",
        tag("strong", tag("a", words(most.label), href="#failures")),
        f", {figure(int(tally.total[most]))} of {figure(int(tally.total.sum()))}: {MEANING[most]}.",
        class_="t-invented",
    )


@dataclass(frozen=True)
class _Part:
    """Objects of one source, group and band."""

    source: str
    group: ClassGroup
    band: str
    truth: int
    recall: float


def _parts(source: SourceScores) -> Iterator[_Part]:
    """All parts with enough objects; the size of a group's objects says little beside its name, so it is left out."""
    measured = source.scores.masks.groups.amodal.measured
    for group in source.scoring.groups:
        for b, band in enumerate(BANDS):
            truth = int(measured.num_truth[group, b])
            if truth >= _FEWEST and band.by in ("range", "visibility") and not np.isnan(band.low):
                name = f"{band.name} away" if band.by == "range" else band.name
                yield _Part(source.name, group, name, truth, float(measured.recall[group, b, 0]))


def _card(source: SourceScores) -> Html:
    counts = source.scores.objects[IOU_THRESHOLDS[0]]
    groups = [g for g in source.scoring.groups if counts.num_truth[g] + counts.false_positives[g]]
    meters = [
        _meter(
            words(g.label),
            float(counts.f1[g]),
            f"P {figure(float(counts.precision[g]), digits=2)} · R {figure(float(counts.recall[g]), digits=2)} · "
            f"{figure(int(counts.num_truth[g]))} objects",
            tone=g.label,
        )
        for g in groups
    ]
    if source.scores.semantic.confusion.any():
        points = int(source.scores.semantic.confusion.sum())
        meters.append(_meter("points", source.point_iou()["mean"], f"mean IoU of classes · {figure(points)} points"))
    num_frames = source.scores.num_frames
    frames = tag("span", "1 frame" if num_frames == 1 else f"{figure(num_frames)} frames")
    title = tag("h3", source.name, frames)
    return tag("div", title, *meters, class_="card", data_source=source.name)


def _meter(name: str, value: float, note: str, *, tone: str = "quiet") -> Html:
    return tag(
        "div",
        tag("span", name),
        tag("div", tag("i", style=f"--bar:{np.nan_to_num(value):.3f}"), class_="track"),
        tag("b", figure(value, digits=2)),
        tag("small", note),
        class_=f"meter t-{tone}",
    )
