"""All that is counted of a frame: `score_frame` counts one, `+` adds up many.

Every source of labelled scans, real or simulated, is scored here; a `Scoring` says which of its objects count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from bevseg.datasets.sample import Annotations, Sample
from bevseg.evaluation.calibration import Reliability, count_reliability, judged_scores
from bevseg.evaluation.confusion import ObjectConfusion, count_confusion
from bevseg.evaluation.diagnosis import Diagnosis, diagnose
from bevseg.evaluation.ground_cells import GroundCellCounts, count_ground_cells
from bevseg.evaluation.mask_scores import Comparison, MaskScores, score_masks
from bevseg.evaluation.matching import (
    EVALUATION_GRID,
    FrameMatches,
    FrameOverlaps,
    MatchRule,
    PredictionStatus,
    TruthStatus,
    count_matches,
    match_overlaps,
    num_categories,
)
from bevseg.evaluation.panoptic import SemanticCounts, count_panoptic, count_semantic
from bevseg.evaluation.scores import MatchCounts
from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import GROUP_OF_CLASS, ClassGroup, SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import CellState, PointLabels, Scene, VisibilityMap

IOU_THRESHOLDS = (0.5, 0.3)
"""Of matched objects; what asks for one threshold takes the first."""


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What a method says of a scan; None for what it does not say (the clusters baseline labels no points).

    Attributes:
        instances: The objects.
        points: A label for each point.
        occlusion: Who hides whom.
        visibility: What is known of the ground.
        timings_ms: How long each stage took.
        is_missing: Whether there was no result, and this stands for it.
    """

    instances: Instances
    points: PointLabels | None = None
    occlusion: OcclusionGraph | None = None
    visibility: VisibilityMap | None = None
    timings_ms: Mapping[str, float] | None = None
    is_missing: bool = False

    @classmethod
    def nothing(cls, sample: Sample) -> Segmentation:
        """What stands for a result that is missing: no object, no class for any point, no cell of the ground known."""
        none = np.zeros(len(sample.cloud), np.uint8)
        return cls(
            replace(Instances.empty(EVALUATION_GRID), visible_fraction_source="estimated"),
            PointLabels(none, none.astype(np.int32)),
            OcclusionGraph.empty(),
            VisibilityMap(EVALUATION_GRID, np.full(EVALUATION_GRID.shape, CellState.UNOBSERVED, np.uint8)),
            is_missing=True,
        )

    @classmethod
    def of_scene(cls, scene: Scene) -> Segmentation:
        """All that a scene holds."""
        timings_ms = {**scene.timings_ms, "total": sum(scene.timings_ms.values())}
        return cls(scene.instances, scene.points, scene.occlusion, scene.visibility, timings_ms)


@dataclass(frozen=True)
class Scoring:
    """Which objects and points of a source count.

    Attributes:
        rule: Points and range that an object needs, and the least score of a prediction.
        groups: Class groups that the source labels; predictions of others are neither right nor wrong.
        points_within: Points off this grid, which a network need not see, do not count; None where all do, as in the
            official evaluators.
    """

    rule: MatchRule
    groups: tuple[ClassGroup, ...] = tuple(ClassGroup)
    points_within: BevGrid | None = None

    def with_score_thresholds(self, thresholds: tuple[float, ...]) -> Scoring:
        """The same with the least score of a prediction, one for each `ClassGroup`."""
        return replace(self, rule=replace(self.rule, score_thresholds=thresholds))


SIMULATED = Scoring(MatchRule(min_points=5, max_range_m=50.0), points_within=EVALUATION_GRID)
REAL = Scoring(
    MatchRule(min_points=10, max_range_m=40.0), (ClassGroup.VEHICLE, ClassGroup.PEDESTRIAN, ClassGroup.TWO_WHEELER)
)
"""Most real sets label no cones and barriers."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Counts of a set of frames; those of two sets add with `+`, those of many in the order of the frames.

    Attributes:
        num_frames: Frames scored.
        without_result: Names of those of them for which there was no result, which count as frames where nothing was
            found.
        objects: Amodal masks by `ClassGroup`, at each of `IOU_THRESHOLDS`.
        objects_by_class: The same by `SemanticClass`, each class on its own, at the first of them.
        confusion: True objects by the class that they were found as.
        semantic: Confusion of the points' classes; empty where method or truth labels no points.
        point_segments: Segments of points by `SemanticClass`, as nuScenes counts them; empty where one of them knows no
            objects of points.
        reliability: How often objects of each score are right, by `ClassGroup`.
        diagnosis: Failures by name, and how objects are ordered and hidden.
        ground: Confusion of the states of the ground's cells; empty for methods without a visibility map and for frames
            that do not know the truth.
        masks: Average precision and fit of the masks.
        timings_ms: Time of each stage in each frame.
    """

    num_frames: int
    without_result: tuple[str, ...]
    objects: Mapping[float, MatchCounts]
    objects_by_class: MatchCounts
    confusion: ObjectConfusion
    semantic: SemanticCounts
    point_segments: MatchCounts
    reliability: Reliability
    diagnosis: Diagnosis
    ground: GroundCellCounts
    masks: MaskScores
    timings_ms: Mapping[str, Float[np.ndarray, "frame"]]

    @classmethod
    def zero(cls) -> Scores:
        groups, classes = num_categories("group"), num_categories("class")
        return cls(
            num_frames=0,
            without_result=(),
            objects=dict.fromkeys(IOU_THRESHOLDS, MatchCounts.zero(groups)),
            objects_by_class=MatchCounts.zero(classes),
            confusion=ObjectConfusion.zero(),
            semantic=SemanticCounts.zero(),
            point_segments=MatchCounts.zero(classes),
            reliability=Reliability.zero(groups),
            diagnosis=Diagnosis.zero(),
            ground=GroundCellCounts.zero(),
            masks=MaskScores.zero(),
            timings_ms={},
        )

    def __add__(self, other: Scores) -> Scores:
        added = {
            field.name: getattr(self, field.name) + getattr(other, field.name)
            for field in fields(self)
            if field.name not in ("objects", "timings_ms")
        }
        return Scores(
            objects={iou: counts + other.objects[iou] for iou, counts in self.objects.items()},
            timings_ms={
                stage: np.concatenate([s.timings_ms.get(stage, np.zeros(0)) for s in (self, other)])
                for stage in (*self.timings_ms, *(s for s in other.timings_ms if s not in self.timings_ms))
            },
            **added,
        )


def score_frame(
    found: Segmentation | None, sample: Sample, scoring: Scoring, *, seen: Instances | None = None, name: str = ""
) -> Scores:
    """Counts one frame.

    Args:
        found: What a method says of the scan; None if it says nothing, which counts as nothing found.
        sample: The scan with its truth.
        scoring: What counts.
        seen: What the sensor saw of the true objects; without it visible masks are not scored.
        name: Of the frame, unique among those that are added; the sample's own unless given.

    Raises:
        ValueError: The method labelled other points than the scan's.
    """
    name = name or sample.name
    given = found or Segmentation.nothing(sample)
    truth, rule = sample.annotations, replace(scoring.rule, iou_threshold=IOU_THRESHOLDS[0])
    compared = Comparison.of(given.instances, truth, rule=rule)
    at_iou = {
        iou: _of_groups(match_overlaps(compared.overlaps, rule=replace(rule, iou_threshold=iou)), scoring)
        for iou in IOU_THRESHOLDS
    }
    matches = at_iou[IOU_THRESHOLDS[0]]
    by_class = _of_groups(match_overlaps(compared.overlaps, rule=replace(rule, by="class")), scoring)
    within = np.ones(len(sample.cloud), bool)
    if scoring.points_within is not None:
        within = scoring.points_within.contains(sample.cloud.xyz[:, :2])
    points = _count_points(given.points, truth, within)
    ground = GroundCellCounts.zero()
    if given.visibility is not None and truth.ground is not None:
        ground = count_ground_cells(given.visibility, truth.ground.visibility)
    judged = judged_scores(compared.overlaps, matches)
    return Scores(
        num_frames=1,
        without_result=(name,) if given.is_missing else (),
        objects={iou: count_matches(pairs) for iou, pairs in at_iou.items()},
        objects_by_class=count_matches(by_class),
        confusion=count_confusion(compared.overlaps, matches, rule=rule),
        semantic=points.semantic,
        point_segments=points.segments,
        reliability=count_reliability(judged, num_categories=num_categories("group")),
        diagnosis=diagnose(
            given.instances, given.occlusion, sample, matches, rule=rule, name=name, masks=compared.masks
        ),
        ground=ground,
        masks=score_masks(compared, rule=rule, frame=name, seen=seen),
        timings_ms={stage: np.array([ms]) for stage, ms in (given.timings_ms or {}).items()},
    )


def match_counted(overlaps: FrameOverlaps, scoring: Scoring) -> FrameMatches:
    """Pairs of objects of one class group at the first of `IOU_THRESHOLDS`, as `score_frame` counts them."""
    rule = replace(scoring.rule, iou_threshold=IOU_THRESHOLDS[0])
    return _of_groups(match_overlaps(overlaps, rule=rule), scoring)


def _of_groups(matches: FrameMatches, scoring: Scoring) -> FrameMatches:
    """The same with the class groups ignored that the source does not label: to find one there is no failure."""
    prediction, truth = matches.prediction_status.copy(), matches.truth_status.copy()
    kept = prediction != PredictionStatus.BELOW_SCORE
    prediction[kept & ~_is_in(matches, matches.prediction_category, scoring)] = PredictionStatus.IGNORED
    truth[~_is_in(matches, matches.truth_category, scoring)] = TruthStatus.IGNORED
    return replace(matches, prediction_status=prediction, truth_status=truth)


def _is_in(matches: FrameMatches, category: Int[np.ndarray, "n"], scoring: Scoring) -> Bool[np.ndarray, "n"]:
    group = GROUP_OF_CLASS[np.maximum(category, 0)] if matches.by == "class" else category
    return np.isin(group, scoring.groups)


@dataclass(frozen=True, eq=False)
class _PointCounts:
    """Of one frame."""

    semantic: SemanticCounts
    segments: MatchCounts


def _count_points(points: PointLabels | None, truth: Annotations, within: Bool[np.ndarray, "n"]) -> _PointCounts:
    """Counts the labels of points as far as truth goes: classes, and objects where it tells of them, too.

    Points that are not `within` become noise, which does not count.
    """
    none = _PointCounts(SemanticCounts.zero(), MatchCounts.zero(num_categories("class")))
    if points is None or truth.point_semantic is None:
        return none
    semantic = np.where(within, truth.point_semantic, np.uint8(SemanticClass.NOISE))
    known = PointLabels(semantic, np.zeros(len(semantic), np.int32))
    if truth.point_instance is None:
        return replace(none, semantic=count_semantic(points, known))
    known = replace(known, instance=truth.point_instance)
    return _PointCounts(count_semantic(points, known), count_panoptic(points, known))
