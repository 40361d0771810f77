"""Predicted objects against true ones: one-to-one by IoU of amodal masks on one fixed grid.

Every head, baseline and stored scene is scored through here, whatever its own grid. The rule:

* the mask of a true object is its box's footprint by cell centres; predicted masks are moved onto the same grid;
* only objects of the same category (class group, or class) are compared;
* truth is *counted* if it lies in the labelled view, in range, on the grid, with enough points and is no don't-care;
* counted truth and predictions are paired one-to-one (Hungarian) to the largest sum of IoU, among pairs that reach
  the threshold;
* a prediction left over is neither right nor wrong if its centre lies out of view or range, or if it meets ignored
  truth: by an IoU that reaches the threshold, or with its centre inside. Ignored truth meets predictions of its own
  category; where it is labelled noise (an area of "don't care", an object of none of our classes), any prediction;
  where it is labelled stuff (a sign, a piece of wall), none: to see an object in it is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment

from bevseg.datasets.sample import Annotations
from bevseg.evaluation.regrid import masks_on_grid
from bevseg.evaluation.scores import MatchCounts, sum_by_category
from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import GROUP_OF_CLASS, NUM_CLASSES, ClassGroup, SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks, footprint_masks

EVALUATION_GRID = BevGrid.square(half_extent_m=51.2, cell_m=0.2)
"""Fixed, so that the cell size of a model has no part in the measure."""

Category = Literal["group", "class"]

ANYTHING, NOTHING = -1, -2
"""Categories of ignored truth that is no thing: noise may be anything, stuff is no object at all."""


class PredictionStatus(IntEnum):
    """What became of a prediction."""

    BELOW_SCORE = 0
    RIGHT = 1
    WRONG = 2
    IGNORED = 3


class TruthStatus(IntEnum):
    """What became of a true object."""

    IGNORED = 0
    FOUND = 1
    MISSED = 2


@dataclass(frozen=True)
class MatchRule:
    """Which truth counts, and what counts as finding it.

    Attributes:
        iou_threshold: Least IoU of a match, above 0 to 1.
        min_points: Points of the scan that a true object needs to be counted.
        max_range_m: Reach from the frame's origin to the centre of a counted object, metres.
        by: Whether objects are compared within class groups or single classes.
        score_thresholds: Least score of a prediction, one for each `ClassGroup` in its order.
        grid: Grid on which the masks are compared.
    """

    iou_threshold: float = 0.5
    min_points: int = 1
    max_range_m: float = np.inf
    by: Category = "group"
    score_thresholds: tuple[float, ...] = (0.0,) * len(ClassGroup)
    grid: BevGrid = EVALUATION_GRID

    def __post_init__(self) -> None:
        if not 0 < self.iou_threshold <= 1:
            raise ValueError(f"iou_threshold must lie in (0, 1], got {self.iou_threshold}")
        if not self.max_range_m > 0:
            raise ValueError(f"max_range_m must be above 0, got {self.max_range_m}")
        if len(self.score_thresholds) != len(ClassGroup) or np.isnan(self.score_thresholds).any():
            names = ", ".join(g.label for g in ClassGroup)
            raise ValueError(f"score_thresholds needs a number for each of {names}, got {self.score_thresholds}")


@dataclass(frozen=True, eq=False)
class FrameMasks:
    """The masks of one frame that are compared, on one grid."""

    predicted: BevMasks
    true: BevMasks

    @classmethod
    def amodal(cls, instances: Instances, annotations: Annotations, grid: BevGrid) -> FrameMasks:
        """The whole footprints."""
        return cls(masks_on_grid(instances.amodal, grid), footprint_masks(annotations.boxes, grid))


@dataclass(frozen=True, eq=False)
class FrameOverlaps:
    """All that the matching of one frame needs, whatever the thresholds: kept so that thresholds can be swept.

    Attributes:
        prediction_label: `SemanticClass` of each prediction.
        prediction_score: Its score, 0..1.
        prediction_outside: Whether its centre lies out of the labelled view, the range or the grid.
        truth_label: `SemanticClass` of each true object.
        truth_counted: Whether it has to be found.
        iou: IoU of each prediction's mask with each truth's.
        covered: Share of each prediction's mask that lies in each truth's.
        centre_in_truth: Whether the centre of the prediction's box lies in the truth's footprint.
    """

    prediction_label: Int[np.ndarray, "prediction"]
    prediction_score: Float[np.ndarray, "prediction"]
    prediction_outside: Bool[np.ndarray, "prediction"]
    truth_label: Int[np.ndarray, "truth"]
    truth_counted: Bool[np.ndarray, "truth"]
    iou: Float[np.ndarray, "prediction truth"]
    covered: Float[np.ndarray, "prediction truth"]
    centre_in_truth: Bool[np.ndarray, "prediction truth"]


@dataclass(frozen=True, eq=False)
class FrameMatches:
    """Who found whom in one frame.

    Attributes:
        by: Which categories the two `category` arrays hold.
        prediction_category: `ClassGroup` or `SemanticClass` of each prediction.
        prediction_status: `PredictionStatus` of each prediction.
        truth_of_prediction: Index of the true object that it found, -1 for none.
        iou: IoU of that match, 0 where there is none.
        truth_category: As `prediction_category`; below 0 for truth that is no thing.
        truth_status: `TruthStatus` of each true object.
        prediction_of_truth: Index of the prediction that found it, -1 for none.
    """

    by: Category
    prediction_category: Int[np.ndarray, "prediction"]
    prediction_status: Int[np.ndarray, "prediction"]
    truth_of_prediction: Int[np.ndarray, "prediction"]
    iou: Float[np.ndarray, "prediction"]
    truth_category: Int[np.ndarray, "truth"]
    truth_status: Int[np.ndarray, "truth"]
    prediction_of_truth: Int[np.ndarray, "truth"]


def match_frame(instances: Instances, annotations: Annotations, *, rule: MatchRule) -> FrameMatches:
    """Matches the objects found in one scan with its truth; both lie in the cloud's frame."""
    return match_overlaps(measure_overlaps(instances, annotations, rule=rule), rule=rule)


def measure_overlaps(
    instances: Instances, annotations: Annotations, *, rule: MatchRule, masks: FrameMasks | None = None
) -> FrameOverlaps:
    """The part of the matching that no threshold changes; of `rule` it uses grid, range and points.

    Args:
        instances: What was predicted.
        annotations: Truth in the same frame.
        rule: Which truth counts.
        masks: What to compare, on the grid of `rule`; the whole footprints unless given.

    Raises:
        ValueError: A prediction's label is not a thing class.
    """
    label = instances.label.astype(np.int64)
    if (GROUP_OF_CLASS[label] < 0).any():
        raise ValueError(f"instances must carry thing classes (1 to 10), got labels {np.unique(label)}")
    masks = masks or FrameMasks.amodal(instances, annotations, rule.grid)
    counted = (
        _is_inside(annotations.boxes, annotations, rule)
        & (GROUP_OF_CLASS[annotations.label] >= 0)
        & (annotations.num_points >= rule.min_points)
        & ~annotations.ignored
        & (masks.true.area_cells > 0)  # smaller than a cell: nobody can find it
    )
    shared = masks.predicted.intersection_cells(masks.true)
    area = masks.predicted.area_cells[:, None]
    return FrameOverlaps(
        prediction_label=label,
        prediction_score=instances.score,
        prediction_outside=~_is_inside(instances.boxes, annotations, rule),
        truth_label=annotations.label.astype(np.int64),
        truth_counted=counted,
        iou=shared / np.maximum(area + masks.true.area_cells - shared, 1),
        covered=shared / np.maximum(area, 1),
        centre_in_truth=_centre_in_footprint(instances.boxes, annotations.boxes),
    )


def match_overlaps(overlaps: FrameOverlaps, *, rule: MatchRule) -> FrameMatches:
    """Pairs predictions and truth by the thresholds and categories of `rule`."""
    prediction_category = categories_of(overlaps.prediction_label, rule.by)
    truth_category = categories_of(overlaps.truth_label, rule.by)
    least_score = np.asarray(rule.score_thresholds)[GROUP_OF_CLASS[overlaps.prediction_label]]
    kept = overlaps.prediction_score >= least_score
    close = kept[:, None] & (overlaps.iou >= rule.iou_threshold)
    allowed = close & overlaps.truth_counted & (prediction_category[:, None] == truth_category)
    truth_of_prediction = pair_one_to_one(np.where(allowed, overlaps.iou, 0.0))

    excused = _is_excused(overlaps, close, prediction_category, truth_category)
    prediction_status = np.where(excused, PredictionStatus.IGNORED, PredictionStatus.WRONG)
    prediction_status[~kept] = PredictionStatus.BELOW_SCORE
    right = np.flatnonzero(truth_of_prediction >= 0)
    prediction_status[right] = PredictionStatus.RIGHT
    found = truth_of_prediction[right]
    iou = np.zeros(len(kept))
    iou[right] = overlaps.iou[right, found]
    truth_status = np.where(overlaps.truth_counted, TruthStatus.MISSED, TruthStatus.IGNORED)
    truth_status[found] = TruthStatus.FOUND
    prediction_of_truth = np.full(len(truth_status), -1)
    prediction_of_truth[found] = right
    return FrameMatches(
        by=rule.by,
        prediction_category=prediction_category,
        prediction_status=prediction_status,
        truth_of_prediction=truth_of_prediction,
        iou=iou,
        truth_category=truth_category,
        truth_status=truth_status,
        prediction_of_truth=prediction_of_truth,
    )


def num_categories(by: Category) -> int:
    """Length of the counts: four groups, or the classes with index 0 so that a class is its own index."""
    return len(ClassGroup) if by == "group" else NUM_CLASSES


def count_matches(matches: FrameMatches) -> MatchCounts:
    """Adds up one frame; what is ignored or below the score threshold does not appear."""
    size = num_categories(matches.by)

    def count(category: Int[np.ndarray, "n"], chosen: Bool[np.ndarray, "n"]) -> Int[np.ndarray, "category"]:
        return np.bincount(category[chosen], minlength=size)

    right = matches.prediction_status == PredictionStatus.RIGHT
    return MatchCounts(
        true_positives=count(matches.prediction_category, right),
        false_positives=count(matches.prediction_category, matches.prediction_status == PredictionStatus.WRONG),
        false_negatives=count(matches.truth_category, matches.truth_status == TruthStatus.MISSED),
        iou_sum=sum_by_category(matches.iou[right], matches.prediction_category[right], num_categories=size),
    )


def _is_inside(boxes: Float[np.ndarray, "k 7"], annotations: Annotations, rule: MatchRule) -> Bool[np.ndarray, "k"]:
    """Whether each centre lies in the labelled view, in range and on the evaluation grid."""
    xy_m = boxes[:, :2].astype(np.float64)
    in_range = np.hypot(xy_m[:, 0], xy_m[:, 1]) <= rule.max_range_m
    inside: np.ndarray = in_range & annotations.view.contains(xy_m) & rule.grid.contains(xy_m)
    return inside


def categories_of(label: Int[np.ndarray, "n"], by: Category) -> Int[np.ndarray, "n"]:
    """Category of each class; what is no thing has one of its own: `ANYTHING` or `NOTHING`."""
    group = GROUP_OF_CLASS[label]
    thing = group if by == "group" else label
    return np.where(group >= 0, thing, np.where(label == SemanticClass.NOISE, ANYTHING, NOTHING))


def _centre_in_footprint(
    boxes: Float[np.ndarray, "prediction 7"], truth: Float[np.ndarray, "truth 7"]
) -> Bool[np.ndarray, "prediction truth"]:
    offset = boxes[:, None, :2] - truth[None, :, :2]
    c, s = np.cos(truth[:, 6]), np.sin(truth[:, 6])
    along = np.abs(c * offset[..., 0] + s * offset[..., 1])
    across = np.abs(-s * offset[..., 0] + c * offset[..., 1])
    inside: np.ndarray = (along <= truth[:, 3] / 2) & (across <= truth[:, 4] / 2)
    return inside


def pair_one_to_one(gain: Float[np.ndarray, "prediction truth"]) -> Int[np.ndarray, "prediction"]:
    """Truth of each prediction, -1 for none: one-to-one, largest sum, pairs without gain left alone."""
    rows, columns = linear_sum_assignment(gain, maximize=True)
    gains = gain[rows, columns] > 0
    truth_of_prediction = np.full(len(gain), -1)
    truth_of_prediction[rows[gains]] = columns[gains]
    return truth_of_prediction


def _is_excused(
    overlaps: FrameOverlaps,
    close: Bool[np.ndarray, "prediction truth"],
    prediction_category: Int[np.ndarray, "prediction"],
    truth_category: Int[np.ndarray, "truth"],
) -> Bool[np.ndarray, "prediction"]:
    """Whether each prediction, if it finds no counted truth, is neither right nor wrong."""
    comparable = (prediction_category[:, None] == truth_category) | (truth_category == ANYTHING)
    meets = (close | overlaps.centre_in_truth) & comparable & ~overlaps.truth_counted
    excused: np.ndarray = overlaps.prediction_outside | meets.any(axis=1)
    return excused
