"""Cases worked by hand: a car of 4 x 2 m fills 20 x 10 cells of 0.2 m, so IoU follow from shifts of whole cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations, LabelledView
from bevseg.evaluation.matching import (
    FrameMatches,
    MatchRule,
    PredictionStatus,
    TruthStatus,
    count_matches,
    match_frame,
    match_overlaps,
    measure_overlaps,
)
from bevseg.evaluation.scores import MatchCounts
from bevseg.geometry.boxes import footprint_cells
from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import ClassGroup, SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks

GRID = BevGrid(2.0, -6.0, 0.2, 200, 80)
CAR, TRUCK, PEDESTRIAN = SemanticClass.CAR, SemanticClass.TRUCK, SemanticClass.PEDESTRIAN
RULE = MatchRule(grid=GRID)
VEHICLE = ClassGroup.VEHICLE


def car(x: float, y: float = 0.0, *, length: float = 4.0, width: float = 2.0) -> tuple[float, ...]:
    return (x, y, -0.9, length, width, 1.6, 0.0)


def instances(
    boxes: Sequence[tuple[float, ...]],
    label: Sequence[int] | None = None,
    *,
    score: Sequence[float] | None = None,
    grid: BevGrid = GRID,
) -> Instances:
    array = np.array(boxes, dtype=np.float64).reshape(-1, 7)
    k = len(array)
    return Instances.from_detections(
        label=np.array([CAR] * k if label is None else label, dtype=np.int64),
        score=np.array([0.9] * k if score is None else score),
        boxes=array,
        velocity_mps=np.full((k, 2), np.nan),
        amodal=BevMasks.from_cells(grid, [footprint_cells(box, grid) for box in array]),
    )


def truth(
    boxes: Sequence[tuple[float, ...]],
    label: Sequence[int] | None = None,
    *,
    points: int = 50,
    ignored: Sequence[bool] | None = None,
    view: LabelledView | None = None,
) -> Annotations:
    array = np.array(boxes, dtype=np.float64).reshape(-1, 7)
    k = len(array)
    made = Annotations.from_boxes(
        PointCloud.empty(),
        array,
        np.array([CAR] * k if label is None else label, dtype=np.int64),
        ignored=None if ignored is None else np.array(ignored),
        view=view,
    )
    return replace(made, num_points=np.full(k, points))


def tally(matches: FrameMatches, category: int = VEHICLE) -> tuple[int, int, int]:
    counts = count_matches(matches)
    return (
        int(counts.true_positives[category]),
        int(counts.false_positives[category]),
        int(counts.false_negatives[category]),
    )


def test_perfect() -> None:
    boxes = [car(10), car(20, 2.0)]
    matches = match_frame(instances(boxes), truth(boxes[::-1]), rule=RULE)
    assert tally(matches) == (2, 0, 0)
    assert matches.truth_of_prediction.tolist() == [1, 0]
    assert matches.prediction_of_truth.tolist() == [1, 0]
    assert matches.iou.tolist() == [1.0, 1.0]
    assert count_matches(matches).pq[VEHICLE] == 1.0


def test_pq_worked_by_hand() -> None:
    # One car is found 1 m off: 15 of 20 columns shared, IoU 150 / 250 = 0.6. One is missed, one is invented.
    matches = match_frame(instances([car(11), car(30)]), truth([car(10), car(20)]), rule=RULE)
    counts = count_matches(matches)
    assert tally(matches) == (1, 1, 1)
    assert counts.iou_sum[VEHICLE] == pytest.approx(0.6)
    assert counts.pq[VEHICLE] == pytest.approx(0.6 / 2)
    assert counts.f1[VEHICLE] == pytest.approx(0.5)
    assert matches.prediction_status.tolist() == [PredictionStatus.RIGHT, PredictionStatus.WRONG]
    assert matches.truth_status.tolist() == [TruthStatus.FOUND, TruthStatus.MISSED]


def test_the_threshold_itself_is_a_match_and_below_it_none() -> None:
    frame = (instances([car(11)]), truth([car(10)]))
    assert tally(match_frame(*frame, rule=replace(RULE, iou_threshold=0.6))) == (1, 0, 0)
    assert tally(match_frame(*frame, rule=replace(RULE, iou_threshold=0.61))) == (0, 1, 1)


def test_split_object_counts_once_and_its_other_half_is_wrong() -> None:
    # 12 of 20 columns (IoU 0.6) and 8 of 20 columns (0.4).
    halves = [car(9.2, length=2.4), car(11.2, length=1.6)]
    assert tally(match_frame(instances(halves), truth([car(10)]), rule=RULE)) == (1, 1, 0)
    loose = match_frame(instances(halves), truth([car(10)]), rule=replace(RULE, iou_threshold=0.3))
    assert tally(loose) == (1, 1, 0)
    assert loose.prediction_of_truth.tolist() == [0]


def test_merged_objects_find_one_at_most() -> None:
    pair = [car(10, -1.0), car(10, 1.0)]
    one = instances([car(10, 0.0, width=4.0)])
    assert tally(match_frame(one, truth(pair), rule=RULE)) == (1, 0, 1)  # IoU 0.5 with each
    assert tally(match_frame(one, truth(pair), rule=replace(RULE, iou_threshold=0.51))) == (0, 1, 2)


def test_pairs_are_chosen_together_and_not_greedily() -> None:
    # The first prediction overlaps the first truth best (0.6), but then the second would find nothing.
    predictions = instances([car(11), car(9)])
    objects = truth([car(10), car(12)])  # IoU: first 0.6 and 0.6, second 0.6 and 0.14
    matches = match_frame(predictions, objects, rule=RULE)
    assert matches.truth_of_prediction.tolist() == [1, 0]


def test_class_confusion_within_a_group() -> None:
    frame = (instances([car(10)], [TRUCK]), truth([car(10)], [CAR]))
    assert tally(match_frame(*frame, rule=RULE)) == (1, 0, 0)
    single = match_frame(*frame, rule=replace(RULE, by="class"))
    assert tally(single, TRUCK) == (0, 1, 0)
    assert tally(single, CAR) == (0, 0, 1)


def test_class_confusion_across_groups() -> None:
    matches = match_frame(instances([car(10)], [PEDESTRIAN]), truth([car(10)], [CAR]), rule=RULE)
    assert tally(matches, ClassGroup.PEDESTRIAN) == (0, 1, 0)
    assert tally(matches, VEHICLE) == (0, 0, 1)


@pytest.mark.parametrize(
    "objects",
    [
        pytest.param(truth([car(10)], points=4), id="too few points"),
        pytest.param(truth([car(10)], ignored=[True]), id="marked"),
        pytest.param(truth([car(10)], [SemanticClass.NOISE]), id="area of no class"),
        pytest.param(truth([car(10, 5.0)], view=LabelledView(half_angle_rad=0.4)), id="outside the view"),
    ],
)
def test_a_prediction_on_ignored_truth_is_neither_right_nor_wrong(objects: Annotations) -> None:
    found = instances([tuple(objects.boxes[0].tolist())])
    rule = replace(RULE, min_points=5)
    matches = match_frame(found, objects, rule=rule)
    assert matches.prediction_status.tolist() == [PredictionStatus.IGNORED]
    assert tally(matches) == (0, 0, 0)
    assert tally(match_frame(Instances.empty(GRID), objects, rule=rule)) == (0, 0, 0)


def test_range_cuts_truth_and_predictions_alike() -> None:
    rule = replace(RULE, max_range_m=20.0)
    # A car past the range, found: ignored. A prediction past the range on nothing: ignored.
    assert tally(match_frame(instances([car(21), car(30)]), truth([car(21)]), rule=rule)) == (0, 0, 0)
    # Truth within, prediction's centre just past: right. Truth just past, prediction within: ignored.
    assert tally(match_frame(instances([car(20.2)]), truth([car(19.8)]), rule=rule)) == (1, 0, 0)
    assert tally(match_frame(instances([car(19.8)]), truth([car(20.2)]), rule=rule)) == (0, 0, 0)


def test_counted_truth_is_matched_before_ignored_truth() -> None:
    # The prediction lies better on the ignored car (IoU 1) than on the counted one (0.6).
    matches = match_frame(instances([car(11)]), truth([car(10), car(11)], ignored=[False, True]), rule=RULE)
    assert tally(matches) == (1, 0, 0)


def test_ignored_truth_takes_in_several_but_only_its_own_group() -> None:
    ignored = truth([car(10)], ignored=[True])
    halves = instances([car(9.2, length=2.4), car(11.2, length=1.6)])  # the second by its centre
    assert tally(match_frame(halves, ignored, rule=RULE)) == (0, 0, 0)
    walker = match_frame(instances([car(10)], [PEDESTRIAN]), ignored, rule=RULE)
    assert tally(walker, ClassGroup.PEDESTRIAN) == (0, 1, 0)


def test_to_see_an_object_in_labelled_stuff_is_wrong() -> None:
    sign = truth([car(10)], [SemanticClass.MANMADE], ignored=[True])
    assert tally(match_frame(instances([car(10)]), sign, rule=RULE)) == (0, 1, 0)


def test_a_prediction_beside_ignored_truth_is_wrong() -> None:
    assert tally(match_frame(instances([car(14)]), truth([car(10)], ignored=[True]), rule=RULE)) == (0, 1, 0)


def test_truth_smaller_than_a_cell_cannot_be_missed() -> None:
    grain = (10.0, 0.0, 0.0, 0.05, 0.05, 0.1, 0.0)  # between the cell centres
    assert tally(match_frame(Instances.empty(GRID), truth([grain]), rule=RULE)) == (0, 0, 0)


def test_truth_off_the_grid_is_not_counted_and_at_its_edge_is_cut_as_predictions_are() -> None:
    assert tally(match_frame(Instances.empty(GRID), truth([car(60)]), rule=RULE)) == (0, 0, 0)
    larger = GRID.__class__(2.0, -6.0, 0.2, 300, 80)
    matches = match_frame(instances([car(41)], grid=larger), truth([car(41)]), rule=RULE)
    assert matches.iou.tolist() == [1.0]


def test_predictions_on_another_grid_are_moved() -> None:
    coarse = BevGrid(-2.0, -10.0, 0.4, 120, 60)
    box = car(10, 0.2)  # its edges are edges of coarse cells
    matches = match_frame(instances([box], grid=coarse), truth([box]), rule=RULE)
    assert matches.iou.tolist() == [1.0]
    default = match_frame(instances([car(10)]), truth([car(10)]), rule=MatchRule())
    assert tally(default) == (1, 0, 0)


def test_score_thresholds_are_by_group() -> None:
    found = instances([car(10), car(20)], [CAR, PEDESTRIAN], score=[0.4, 0.4])
    rule = replace(RULE, score_thresholds=(0.5, 0.3, 0.0, 0.0))
    matches = match_frame(found, truth([car(10), car(20)], [CAR, PEDESTRIAN]), rule=rule)
    assert matches.prediction_status.tolist() == [PredictionStatus.BELOW_SCORE, PredictionStatus.RIGHT]
    assert tally(matches, VEHICLE) == (0, 0, 1)


def test_nothing_predicted_nothing_true_and_neither() -> None:
    empty = Instances.empty(GRID)
    assert tally(match_frame(empty, truth([car(10)]), rule=RULE)) == (0, 0, 1)
    assert tally(match_frame(instances([car(10)]), truth([]), rule=RULE)) == (0, 1, 0)
    matches = match_frame(empty, truth([]), rule=RULE)
    assert tally(matches) == (0, 0, 0)
    assert np.isnan(count_matches(matches).pq).all()


def test_counts_of_frames_add_to_the_counts_of_all() -> None:
    frames = [
        (instances([car(11), car(30)]), truth([car(10), car(20)])),
        (instances([car(10)], [PEDESTRIAN]), truth([car(10)])),
        (Instances.empty(GRID), truth([])),
        (instances([car(15)]), truth([car(15)])),
    ]
    each = [count_matches(match_frame(*frame, rule=RULE)) for frame in frames]
    whole = sum(each, start=MatchCounts.zero(4))
    merged = sum(each[2:], start=MatchCounts.zero(4)) + sum(each[:2], start=MatchCounts.zero(4))
    assert whole.true_positives.tolist() == merged.true_positives.tolist() == [2, 0, 0, 0]
    assert whole.false_positives.tolist() == merged.false_positives.tolist() == [1, 1, 0, 0]
    assert whole.false_negatives.tolist() == merged.false_negatives.tolist() == [2, 0, 0, 0]
    assert whole.iou_sum[0] == pytest.approx(1.6)
    assert merged.iou_sum[0] == pytest.approx(1.6)


def test_overlaps_serve_every_threshold() -> None:
    frame = (instances([car(11)]), truth([car(10)]))
    overlaps = measure_overlaps(*frame, rule=RULE)
    for threshold in (0.3, 0.6, 0.7):
        rule = replace(RULE, iou_threshold=threshold)
        assert tally(match_overlaps(overlaps, rule=rule)) == tally(match_frame(*frame, rule=rule))


def test_stuff_is_no_instance() -> None:
    with pytest.raises(ValueError, match="thing classes"):
        measure_overlaps(instances([car(10)], [SemanticClass.TERRAIN]), truth([]), rule=RULE)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"iou_threshold": 0.0}, "iou_threshold"),
        ({"iou_threshold": 1.1}, "iou_threshold"),
        ({"max_range_m": 0.0}, "max_range_m"),
        ({"score_thresholds": (0.5,)}, "vehicle, pedestrian"),
        ({"score_thresholds": (0.5, float("nan"), 0.5, 0.5)}, "vehicle, pedestrian"),
    ],
)
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(RULE, **wrong)  # type: ignore[arg-type]
