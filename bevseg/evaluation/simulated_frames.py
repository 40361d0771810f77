"""The simulated test set: whole objects from above, points, and cells of the ground, with truth that is exact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from rich.table import Table

from bevseg.datasets.sample import Annotations, Sample
from bevseg.datasets.source import Source
from bevseg.evaluation.calibration import Reliability, count_reliability, judged_scores
from bevseg.evaluation.diagnosis import Diagnosis, diagnose
from bevseg.evaluation.ground_cells import GroundCellCounts, count_ground_cells
from bevseg.evaluation.mask_scores import Comparison, MaskScores, See, score_masks, see_truth
from bevseg.evaluation.mask_tables import json_masks, mask_ap_tables
from bevseg.evaluation.matching import EVALUATION_GRID, MatchRule, count_matches, match_overlaps, num_categories
from bevseg.evaluation.panoptic import SemanticCounts, count_panoptic, count_semantic, pq_dagger
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
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import ClassGroup, SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import PointLabels, VisibilityMap

SIMULATED_RULE = MatchRule(min_points=5, max_range_m=50.0)


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What a method says of a scan; None for what it does not say (the clusters baseline labels no points)."""

    instances: Instances
    points: PointLabels | None = None
    occlusion: OcclusionGraph | None = None
    visibility: VisibilityMap | None = None


@dataclass(frozen=True)
class SimulatedScores:
    """Counts of a simulated test set; counts of two parts of it add with `+`.

    Attributes:
        num_frames: Frames scored.
        objects: Amodal masks by `ClassGroup`: objects with 5 points or more within 50 m, IoU 0.5 and above.
        objects_by_class: The same by `SemanticClass`, each class on its own.
        semantic: Confusion of the points' classes; empty for methods that label no points.
        point_segments: Segments of points by `SemanticClass`, as nuScenes counts them; empty likewise.
        reliability: How often objects of each score are right, by `ClassGroup`.
        diagnosis: Failures by name, and how objects are ordered and hidden.
        ground: Confusion of the states of the ground's cells; empty for methods without a visibility map and for frames
            that do not know the truth.
        masks: Average precision and fit of the masks.
    """

    num_frames: int
    objects: MatchCounts
    objects_by_class: MatchCounts
    semantic: SemanticCounts
    point_segments: MatchCounts
    reliability: Reliability
    diagnosis: Diagnosis
    ground: GroundCellCounts
    masks: MaskScores

    @classmethod
    def zero(cls) -> SimulatedScores:
        by_class = MatchCounts.zero(num_categories("class"))
        groups = num_categories("group")
        return cls(
            num_frames=0,
            objects=MatchCounts.zero(groups),
            objects_by_class=by_class,
            semantic=SemanticCounts.zero(),
            point_segments=by_class,
            reliability=Reliability.zero(groups),
            ground=GroundCellCounts.zero(),
            diagnosis=Diagnosis.zero(),
            masks=MaskScores.zero(),
        )

    def __add__(self, other: SimulatedScores) -> SimulatedScores:
        return SimulatedScores(
            self.num_frames + other.num_frames,
            self.objects + other.objects,
            self.objects_by_class + other.objects_by_class,
            self.semantic + other.semantic,
            self.point_segments + other.point_segments,
            self.reliability + other.reliability,
            self.diagnosis + other.diagnosis,
            self.ground + other.ground,
            self.masks + other.masks,
        )

    def rows(self) -> tuple[ScoreRow, ...]:
        """Whole objects by group and by class, then the segments of points by class."""
        groups = [g.label for g in ClassGroup]
        things = [c.label if c.is_thing else None for c in SemanticClass]
        classes = [c.label if c else None for c in SemanticClass]
        iou = SIMULATED_RULE.iou_threshold
        return (
            *rows_of(self.objects, groups, source="objects", iou_threshold=iou),
            *rows_of(self.objects_by_class, things, source="by class", iou_threshold=iou),
            *rows_of(self.point_segments, classes, source="points", iou_threshold=iou),
        )

    def tables(self) -> tuple[Table, ...]:
        """For a terminal: objects, classes of points and cells of the ground if any were scored, and the diagnosis."""
        rule = SIMULATED_RULE
        title = f"Simulated frames: objects with {rule.min_points} points or more within {rule.max_range_m:g} m"
        objects = score_table([row for row in self.rows() if row.source != "points"], title=title)
        calibration = calibration_table({"simulated": self.reliability}, [g.label for g in ClassGroup])
        points = (self._point_table(),) if self.semantic.confusion.any() else ()
        ground = (self.ground.table(),) if self.ground.num_cells else ()
        masks = mask_ap_tables({"simulated": self.masks})
        return objects, *masks, calibration, *points, *self.diagnosis.tables(), *ground

    def _point_table(self) -> Table:
        found, iou, pq, dagger = self.point_segments, self.semantic.iou, self.point_segments.pq, self._pq_dagger
        counts = (found.true_positives, found.false_positives, found.false_negatives)
        figures: dict[str, tuple[int | float, ...]] = {
            c.label: (float(iou[c]), float(pq[c]), float(dagger[c]), *(int(count[c]) for count in counts))
            for c in SemanticClass
            if c
        }
        figures["mean"] = (self.semantic.mean_iou, mean_of_present(pq), mean_of_present(dagger))
        headings = ("points", "IoU", "PQ", "PQ†", "TP", "FP", "FN")
        return figure_table(figures, headings, title="Labels of points, and segments of them; PQ† is IoU for stuff")

    @property
    def _pq_dagger(self) -> Float[np.ndarray, "category"]:
        return pq_dagger(self.point_segments, self.semantic)

    def as_json(self) -> dict[str, object]:
        """Rows, masks, IoU and PQ† of each class of points and the means over what occurs, failures and order."""
        iou, dagger = self.semantic.iou, self._pq_dagger
        return {
            "frames": self.num_frames,
            "rows": json_rows(self.rows()),
            "calibration": json_reliability(self.reliability, [g.label for g in ClassGroup]),
            "masks": json_masks(self.masks),
            "semantic_iou": {c.label: json_number(float(iou[c])) for c in SemanticClass if c},
            "mean_semantic_iou": json_number(self.semantic.mean_iou),
            "mean_point_pq": json_number(mean_of_present(self.point_segments.pq)),
            "ground_cells": self.ground.as_json(),
            **self.diagnosis.as_json(),
            "point_pq_dagger": {c.label: json_number(float(dagger[c])) for c in SemanticClass if c},
            "mean_point_pq_dagger": json_number(mean_of_present(dagger)),
        }


def score_simulated_frames(
    segment: Callable[[PointCloud], Segmentation],
    source: Source,
    *,
    score_thresholds: tuple[float, ...] = SIMULATED_RULE.score_thresholds,
    see: See | None = None,
) -> SimulatedScores:
    """Segments every frame of the test set and counts.

    Args:
        segment: Any method; for a pipeline all that its scene holds.
        source: The frames, with a class and an object for every point.
        score_thresholds: Least score for each `ClassGroup`, chosen on validation frames.
        see: What the sensor saw of true objects; without it visible masks are not scored.
    """
    rule = replace(SIMULATED_RULE, score_thresholds=score_thresholds)
    samples = (source[index] for index in range(len(source)))
    frames = (_score(segment(sample.cloud), sample, rule, see) for sample in samples)
    return sum(frames, start=SimulatedScores.zero())


def _score(found: Segmentation, sample: Sample, rule: MatchRule, see: See | None) -> SimulatedScores:
    compared = Comparison.of(found.instances, sample.annotations, rule=rule)
    semantic, segments = SemanticCounts.zero(), MatchCounts.zero(num_categories("class"))
    if found.points is not None:
        truth = _point_truth(sample.cloud, sample.annotations)
        semantic, segments = count_semantic(found.points, truth), count_panoptic(found.points, truth)
    matches = match_overlaps(compared.overlaps, rule=rule)
    judged = judged_scores(compared.overlaps, matches)
    ground = GroundCellCounts.zero()
    if found.visibility is not None and sample.annotations.ground is not None:
        ground = count_ground_cells(found.visibility, sample.annotations.ground.visibility)
    return SimulatedScores(
        num_frames=1,
        objects=count_matches(matches),
        objects_by_class=count_matches(match_overlaps(compared.overlaps, rule=replace(rule, by="class"))),
        semantic=semantic,
        point_segments=segments,
        reliability=count_reliability(judged, num_categories=num_categories("group")),
        masks=score_masks(compared, rule=rule, frame=sample.name, seen=see_truth(see, sample, found.instances)),
        ground=ground,
        diagnosis=diagnose(found.instances, found.occlusion, sample, matches, rule=rule),
    )


def _point_truth(cloud: PointCloud, annotations: Annotations) -> PointLabels:
    """True labels; points off the evaluation grid, which a network need not see, become noise and do not count.

    Raises:
        ValueError: The annotations do not label points.
    """
    if annotations.point_semantic is None or annotations.point_instance is None:
        raise ValueError(
            "scoring points needs a true class and object for each point, the annotations have boxes alone"
        )
    inside = EVALUATION_GRID.contains(cloud.xyz[:, :2])
    return PointLabels(
        semantic=np.where(inside, annotations.point_semantic, np.uint8(SemanticClass.NOISE)),
        instance=annotations.point_instance,
    )
