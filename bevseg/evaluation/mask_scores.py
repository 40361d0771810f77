"""Scores of masks of a set of frames: average precision of whole and of visible masks, and how well pairs fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bevseg.datasets.sample import Annotations, Sample
from bevseg.evaluation.mask_ap import MaskApCounts
from bevseg.evaluation.mask_bands import FrameBands, Traits
from bevseg.evaluation.mask_detections import detect_frame
from bevseg.evaluation.mask_quality import MaskQuality, sum_quality
from bevseg.evaluation.matching import (
    Category,
    FrameMasks,
    FrameOverlaps,
    MatchRule,
    match_overlaps,
    measure_overlaps,
    num_categories,
)
from bevseg.evaluation.regrid import masks_on_grid
from bevseg.results.instances import Instances, VisibleFractionSource

See = Callable[[Sample], Instances]
"""What the sensor saw of the true objects: entry k holds the visible mask and fraction of object k."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """The objects of one frame beside the truth, and the overlaps of their whole footprints."""

    instances: Instances
    annotations: Annotations
    masks: FrameMasks
    overlaps: FrameOverlaps

    @classmethod
    def of(cls, instances: Instances, annotations: Annotations, *, rule: MatchRule) -> Comparison:
        """Compares on the grid of `rule`."""
        masks = FrameMasks.amodal(instances, annotations, rule.grid)
        return cls(instances, annotations, masks, measure_overlaps(instances, annotations, rule=rule, masks=masks))


@dataclass(frozen=True, eq=False)
class CategoryMasks:
    """Scores by one kind of category; those of two sets of frames add with `+`.

    Attributes:
        amodal: Predictions judged by their whole footprints.
        visible: Predictions judged by what is visible of them; no frames where that was not compared.
        quality: Fit of the whole footprints of matched pairs.
    """

    amodal: MaskApCounts
    visible: MaskApCounts
    quality: MaskQuality

    @classmethod
    def zero(cls, by: Category) -> CategoryMasks:
        return cls(MaskApCounts(by), MaskApCounts(by), MaskQuality.zero(num_categories(by)))

    def __add__(self, other: CategoryMasks) -> CategoryMasks:
        return CategoryMasks(self.amodal + other.amodal, self.visible + other.visible, self.quality + other.quality)


@dataclass(frozen=True, eq=False)
class MaskScores:
    """Scores by class group and by class; those of two sets of frames add with `+`.

    Attributes:
        groups: Masks compared within class groups.
        classes: Masks compared within single classes.
        fractions: Where the visible fractions of the truth came from, in any frame.
    """

    groups: CategoryMasks
    classes: CategoryMasks
    fractions: frozenset[VisibleFractionSource] = frozenset()

    @classmethod
    def zero(cls) -> MaskScores:
        return cls(CategoryMasks.zero("group"), CategoryMasks.zero("class"))

    def __add__(self, other: MaskScores) -> MaskScores:
        return MaskScores(self.groups + other.groups, self.classes + other.classes, self.fractions | other.fractions)


def see_truth(see: See | None, sample: Sample, instances: Instances) -> Instances | None:
    """The truth as seen, if the method says what is visible of its own objects; else there is nothing to compare."""
    return None if see is None or instances.visible_fraction_source == "unknown" else see(sample)


def score_masks(compared: Comparison, *, rule: MatchRule, frame: str, seen: Instances | None = None) -> MaskScores:
    """Scores one frame.

    Args:
        compared: The frame.
        rule: Which truth counts; its thresholds are those of matched pairs, average precision has its own.
        frame: Name of the frame, different from all others that are scored together.
        seen: The truth as seen; without it visible masks are not compared, and fractions are the annotations' own.

    Raises:
        ValueError: `seen` has another number of objects than the truth.
    """
    if seen is not None and len(seen) != len(compared.annotations):
        raise ValueError(f"expected what is seen of each of {len(compared.annotations)} objects, got {len(seen)}")
    instances, annotations, masks = compared.instances, compared.annotations, compared.masks
    fraction = annotations.visible_fraction if seen is None else seen.visible_fraction
    counted: VisibleFractionSource = "unknown" if np.isnan(annotations.visible_fraction).all() else "counted"
    source = counted if seen is None else seen.visible_fraction_source
    bands = FrameBands.of(
        Traits.of(instances.boxes, masks.predicted, instances.visible_fraction),
        Traits.of(annotations.boxes, masks.true, fraction),
    )
    parts = None
    if seen is not None:
        visible = FrameMasks(masks_on_grid(instances.visible, rule.grid), masks_on_grid(seen.visible, rule.grid))
        parts = measure_overlaps(instances, annotations, rule=rule, masks=visible)

    def score(by: Category) -> CategoryMasks:
        matches = match_overlaps(compared.overlaps, rule=replace(rule, by=by))
        return CategoryMasks(
            MaskApCounts(by, (detect_frame(compared.overlaps, bands, frame=frame, by=by),)),
            MaskApCounts(by, () if parts is None else (detect_frame(parts, bands, frame=frame, by=by),)),
            sum_quality(matches, masks),
        )

    return MaskScores(score("group"), score("class"), frozenset((source,)))
