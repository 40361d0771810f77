"""The charts of objects: precision over recall, bands, confusion of classes, and calibration of scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bevseg.drawing.markup import Html, join, tag
from bevseg.evaluation.calibration import NUM_BINS, Reliability
from bevseg.evaluation.mask_ap import RECALLS, MaskAp
from bevseg.evaluation.mask_bands import BANDS, Trait
from bevseg.evaluation.report.chart_frame import Axis, legend
from bevseg.evaluation.report.charts import Bar, Cluster, Line, column_chart, line_chart, stacked_columns
from bevseg.evaluation.report.heatmap import heatmap
from bevseg.evaluation.report.html_tables import Column, Row, figure, html_table
from bevseg.evaluation.report.names import words
from bevseg.evaluation.report.page import Section, folded, per_source
from bevseg.evaluation.summary import SourceScores
from bevseg.results.classes import GROUP_OF_CLASS, ClassGroup, SemanticClass, classes_of

_AP50, _AP75 = 0, 5
"""Places of IoU 0.5 and 0.75 among the thresholds of average precision."""
_TRAITS: dict[Trait, str] = {
    "range": "distance of the centre, m",
    "size": "footprint, m²",
    "visibility": "visible fraction",
}
_HINT_EVERY = 10


def curve_section(sources: Sequence[SourceScores]) -> Section:
    """Precision over recall of each class group, and folded of each class."""
    blocks = []
    for source in sources:
        groups, classes = source.scores.masks.groups.amodal.measured, source.scores.masks.classes.amodal.measured
        own = [(words(g.label), int(g), g.label) for g in source.scoring.groups]
        lines = [line for name, k, tone in own for line in _curves(groups, k, name, tone)]
        single = [
            tag("div", tag("h4", words(c.label)), _curve_chart(_curves(classes, c, "AP", _tone(c)), source.name))
            for c in (c for g in source.scoring.groups for c in classes_of(g))
            if len(classes_of(ClassGroup(GROUP_OF_CLASS[c]))) > 1 and classes.num_truth[c, 0]
        ]
        charts = [_curve_chart(lines, source.name)] if lines else []
        if single:
            by_class = tag("div", *single, class_="thirds")
            charts.append(folded("class by class", by_class, is_open=len(sources) == 1))
        blocks.append((source.name, join(charts)))
    lead = (
        "Predictions by falling score: the share that is right against the share of the objects found. Solid: an IoU "
        "of .50 is enough (first figure); dashed: .75 (second figure). A curve ends where the method gives no more "
        "predictions; the area under it is the average precision."
    )
    return Section("curves", "Precision and recall", lead, per_source(blocks))


def band_section(sources: Sequence[SourceScores]) -> Section:
    """Average precision and recall by distance, size and visibility."""
    blocks = []
    for source in sources:
        measured = source.scores.masks.groups.amodal.measured
        groups = [g for g in source.scoring.groups if measured.num_truth[g, 0]]
        if not groups:
            blocks.append((source.name, Html()))
            continue
        charts = [_band_chart(measured, groups, trait, source.name) for trait in _TRAITS]
        tones = legend({g.label: words(g.label) for g in groups})
        table = folded("as a table", _band_table(measured, groups))
        blocks.append((source.name, join((tones, tag("div", *filter(None, charts), class_="thirds"), table))))
    lead = (
        "Strong bars: average precision over IoU .50:.05:.95. Pale bars behind them: share of the objects found at "
        "IoU .50. Numbers below are the objects of each band; what matches objects of others neither helps nor hurts."
    )
    return Section("bands", "By distance, size and visibility", lead, per_source(blocks, wide=True))


def confusion_section(sources: Sequence[SourceScores]) -> Section:
    """Objects by true and by predicted class."""
    names = ["nothing", *(words(c.label) for c in SemanticClass if c)]
    blocks = [(s.name, heatmap(s.scores.confusion.confusion, names, percent=False)) for s in sources]
    lead = (
        "Objects and predictions paired by their masks alone, at IoU 0.5, and counted by class. Column 'nothing': "
        "missed objects. Row 'nothing': predictions where no object is. Cells are shaded by their share of the row."
    )
    return Section("confusion", "Confusion of classes", lead, per_source(blocks))


def calibration_section(sources: Sequence[SourceScores]) -> Section:
    """Share of right predictions against their score, with the expected calibration error."""
    blocks = [(s.name, _reliability(s.scores.reliability, s.scoring.groups)) for s in sources]
    lead = (
        "Of predictions with a score of .8, eight in ten should be right: then the lines lie on the diagonal. Behind "
        "each name stands its expected calibration error (ECE): the mean distance from the diagonal, weighted by "
        "predictions (Naeini et al., 2015). Larger markers stand for more of them; below is how many have which score."
    )
    return Section("calibration", "Calibration of scores", lead, per_source(blocks))


def _tone(label: SemanticClass) -> str:
    return ClassGroup(GROUP_OF_CLASS[label]).label


def _curves(measured: MaskAp, category: int, name: str, tone: str) -> list[Line]:
    if not measured.num_truth[category, 0]:
        return []
    loose, strict = (float(ap[category, 0]) for ap in (measured.ap50, measured.ap75))
    title = f"{name} {_short_share(loose)} / {_short_share(strict)}"
    return [
        _curve(measured.precision[category, 0, _AP50], title, tone),
        _curve(measured.precision[category, 0, _AP75], "", tone, dashed=True),
    ]


def _curve(precision: np.ndarray, name: str, tone: str, *, dashed: bool = False) -> Line:
    reached = precision > 0
    if not reached.any():
        return Line(name, tone, np.zeros(1), np.zeros(1), dashed=dashed)
    recall, kept = RECALLS[reached], precision[reached]
    hints = [f"recall {r:.2f}: precision {p:.2f}" for r, p in zip(recall.tolist(), kept.tolist(), strict=True)]
    thinned = np.unique([*range(0, len(kept), _HINT_EVERY // 5), len(kept) - 1])
    return Line(name, tone, recall[thinned], kept[thinned], [hints[k] for k in thinned.tolist()], dashed=dashed)


def _curve_chart(lines: list[Line], source: str) -> Html:
    return line_chart(lines, Axis("recall"), Axis("precision"), label=f"Precision over recall in {source}")


def _band_chart(measured: MaskAp, groups: Sequence[ClassGroup], trait: Trait, source: str) -> Html:
    clusters = []
    for b, band in enumerate(BANDS):
        truth = int(measured.num_truth[groups, b].sum())
        if band.by != trait or not truth:
            continue
        bars = [_band_bar(measured, g, b) for g in groups]
        clusters.append(Cluster(_short(band.name), f"n = {figure(truth)}", bars))
    if trait == "visibility" and [c.name for c in clusters] == ["unknown"]:
        return Html()
    chart = column_chart(clusters, _TRAITS[trait], Axis("AP, recall"), label=f"AP and recall by {trait} in {source}")
    return tag("div", chart)


def _band_bar(measured: MaskAp, group: ClassGroup, band: int) -> Bar:
    ap, recall = float(measured.ap[group, band]), float(measured.recall[group, band, _AP50])
    truth = int(measured.num_truth[group, band])
    said = f"{words(group.label)}, {BANDS[band].name}: AP {figure(ap)}, recall {figure(recall)}, {truth} objects"
    return Bar(ap, group.label, said, pale=recall)


def _short(name: str) -> str:
    """Name of a band below its bars, where the axis says the rest."""
    return name.removeprefix("visible ").removesuffix(" m2").removesuffix(" m").replace(" to ", "\u2013")


def _short_share(value: float) -> str:
    """Two digits behind the point, for labels in charts."""
    return f"{value:.2f}".removeprefix("0")


def _band_table(measured: MaskAp, groups: Sequence[ClassGroup]) -> Html:
    columns = [Column("objects"), Column("band"), Column("truth"), Column("AP", bar=True)]
    columns += [Column("AP50"), Column("AP75"), Column("AR", "mean recall over IoU .50:.05:.95")]
    columns += [Column("recall", "at IoU .50")]
    figures = (measured.ap, measured.ap50, measured.ap75, measured.ar, measured.recall[:, :, _AP50])
    rows = [
        Row((words(g.label), band.name, int(measured.num_truth[g, b]), *(float(f[g, b]) for f in figures)))
        for g in groups
        for b, band in enumerate(BANDS)
        if measured.num_truth[g, b]
    ]
    return html_table(columns, rows)


def _reliability(found: Reliability, groups: Sequence[ClassGroup]) -> Html:
    present = [g for g in groups if found.count[g].any()]
    if not present:
        return Html()
    chart = line_chart(
        [_reliability_line(found, g) for g in present],
        Axis("score"),
        Axis("share that is right"),
        label="Share of right predictions against their score",
        diagonal=True,
    )
    columns = [
        [Bar(float(n), g.label, f"{words(g.label)}: {n}") for g in present if (n := int(found.count[g, b]))]
        for b in range(NUM_BINS)
    ]
    most = float(found.count[present].sum(axis=0).max())
    below = stacked_columns(columns, Axis("score"), Axis.counting("predictions", most), label="Predictions by score")
    return tag("div", chart, below, class_="beside")


def _reliability_line(found: Reliability, group: ClassGroup) -> Line:
    bins = np.flatnonzero(found.count[group])
    count, right = found.count[group, bins], found.right[group, bins]
    score, share = found.score_sum[group, bins] / count, right / count
    hints = [
        f"{words(group.label)}, score {s:.2f}: {r} of {n} right ({100 * r / n:.0f} %)"
        for s, r, n in zip(score.tolist(), right.tolist(), count.tolist(), strict=True)
    ]
    radii = (2.5 + 5 * np.sqrt(count / found.count.max())).tolist()
    name = f"{words(group.label)} {_short_share(float(found.error[group]))}"
    return Line(name, group.label, score, share, hints, radii)
