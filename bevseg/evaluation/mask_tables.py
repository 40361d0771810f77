"""Scores of masks as tables for the terminal and as JSON, for class groups, classes, and the mean over classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from bevseg.evaluation.mask_ap import MaskAp, MaskApCounts
from bevseg.evaluation.mask_bands import BANDS
from bevseg.evaluation.mask_scores import CategoryMasks, MaskScores
from bevseg.evaluation.scores import mean_of_present
from bevseg.evaluation.tables import figure_table, json_number
from bevseg.results.classes import ClassGroup, classes_of

MEAN = "mean of classes"
"""Name of COCO's own figure: each class with truth has one weight."""

_GROUPS = tuple(ClassGroup)
_ALL = 0
"""Position of the band that holds everything."""


def mask_ap_tables(sources: Mapping[str, MaskScores], *, groups: Sequence[ClassGroup] = _GROUPS) -> tuple[Table, Table]:
    """Average precision and fit, and average precision by band; categories without truth are left out.

    Args:
        sources: What was scored on each source.
        groups: Class groups to show, with their classes.
    """
    whole: dict[str, tuple[int | float, ...]] = {}
    by_band: dict[str, tuple[float, ...]] = {}
    for source, scores in sources.items():
        for row in _rows(scores, groups):
            name = f"{source} {row.name}" if len(sources) > 1 else row.name
            ap = row.ap(row.masks.amodal)
            whole[name] = (ap[_ALL].truth, *ap[_ALL].figures, row.ap(row.masks.visible)[_ALL].ap, *row.fit)
            by_band[name] = tuple(figures.ap for figures in ap[1:])
    return (
        figure_table(
            whole,
            ("objects", "truth", "AP", "AP50", "AP75", "AR", "seen", "Dice", "rim"),
            title="Mask AP at IoU .50:.05:.95 (COCO); seen: AP of visible masks; of pairs: Dice, rim (boundary IoU)",
        ),
        figure_table(
            by_band,
            ("objects", *(band.heading for band in BANDS[1:])),
            title="Mask AP by footprint, by distance, and by visible fraction (?: unknown)",
        ),
    )


def json_masks(scores: MaskScores, *, groups: Sequence[ClassGroup] = _GROUPS) -> dict[str, object]:
    """Where the truth's visible fractions came from, and the figures of each category.

    These are truth, AP, AP50, AP75 and AR of whole and of visible masks in each band, and the fit of matched pairs.
    """
    figures = {row.name: row.as_json() for row in _rows(scores, groups)}
    return {"visible_fraction_source": sorted(scores.fractions), "objects": figures}


@dataclass(frozen=True)
class _ApFigures:
    """Figures of one band; NaN where there is no truth."""

    truth: int
    ap: float
    ap50: float
    ap75: float
    ar: float

    @property
    def figures(self) -> tuple[float, ...]:
        return self.ap, self.ap50, self.ap75, self.ar

    def as_json(self) -> dict[str, object]:
        names = ("ap", "ap50", "ap75", "ar")
        return {"truth": self.truth, **{n: json_number(f) for n, f in zip(names, self.figures, strict=True)}}


@dataclass(frozen=True, eq=False)
class _Row:
    """One category, or the mean over several."""

    name: str
    masks: CategoryMasks
    chosen: list[int]

    def ap(self, counts: MaskApCounts) -> tuple[_ApFigures, ...]:
        """Of every band."""
        found = counts.measured
        return tuple(self._ap_in(found, band) for band in range(len(BANDS)))

    def _ap_in(self, found: MaskAp, band: int) -> _ApFigures:
        means = (mean_of_present(values[self.chosen, band]) for values in (found.ap, found.ap50, found.ap75, found.ar))
        return _ApFigures(int(found.num_truth[self.chosen, band].sum()), *means)

    @property
    def fit(self) -> tuple[float, float]:
        """Dice and boundary IoU."""
        quality = self.masks.quality
        return mean_of_present(quality.dice[self.chosen]), mean_of_present(quality.boundary_iou[self.chosen])

    def as_json(self) -> dict[str, object]:
        dice, boundary_iou = self.fit
        return {
            "amodal": self._json_bands(self.masks.amodal),
            "visible": self._json_bands(self.masks.visible) if self.masks.visible.frames else None,
            "pairs": int(self.masks.quality.pairs[self.chosen].sum()),
            "dice": json_number(dice),
            "boundary_iou": json_number(boundary_iou),
        }

    def _json_bands(self, counts: MaskApCounts) -> dict[str, object]:
        return {band.name: figures.as_json() for band, figures in zip(BANDS, self.ap(counts), strict=True)}


def _rows(scores: MaskScores, groups: Sequence[ClassGroup]) -> Iterator[_Row]:
    """Groups with truth, classes with truth that are not all of their group, and the mean over all of these classes."""
    in_group, in_class = (masks.amodal.measured.num_truth[:, _ALL] for masks in (scores.groups, scores.classes))
    yield from (_Row(group.label, scores.groups, [int(group)]) for group in groups if in_group[group])
    present = [c for group in groups for c in classes_of(group) if in_class[c]]
    alone = {members[0] for members in map(classes_of, groups) if len(members) == 1}
    yield from (_Row(c.label, scores.classes, [int(c)]) for c in present if c not in alone)
    if present:
        yield _Row(MEAN, scores.classes, [int(c) for c in present])
