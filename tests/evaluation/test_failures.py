"""Scenes made for each kind of failure. A car of 4 x 2 m fills 20 x 10 cells of 0.2 m."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations
from bevseg.evaluation.failure_kinds import FailureKind, FrameFailures
from bevseg.evaluation.failures import name_failures
from bevseg.evaluation.matching import MatchRule, PredictionStatus, TruthStatus, match_frame
from bevseg.geometry.boxes import footprint_cells
from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks

GRID = BevGrid(2.0, -6.0, 0.2, 200, 80)
RULE = MatchRule(grid=GRID)
CAR, TRUCK, PEDESTRIAN = SemanticClass.CAR, SemanticClass.TRUCK, SemanticClass.PEDESTRIAN
Box = tuple[float, ...]


def car(x: float, y: float = 0.0, *, length: float = 4.0, width: float = 2.0, yaw: float = 0.0) -> Box:
    return (x, y, -0.9, length, width, 1.6, yaw)


def person(x: float, y: float = 0.0, *, size: float = 0.8) -> Box:
    return (x, y, -0.9, size, size, 1.7, 0.0)


def instances(
    boxes: Sequence[Box], label: Sequence[int] | None = None, *, score: Sequence[float] | None = None
) -> Instances:
    array = np.array(boxes, dtype=np.float64).reshape(-1, 7)
    k = len(array)
    return Instances.from_detections(
        label=np.array([CAR] * k if label is None else label, dtype=np.int64),
        score=np.array([0.8] * k if score is None else score),
        boxes=array,
        velocity_mps=np.full((k, 2), np.nan),
        amodal=BevMasks.from_cells(GRID, [footprint_cells(box, GRID) for box in array]),
    )


def truth(
    boxes: Sequence[Box],
    label: Sequence[int] | None = None,
    *,
    points: Sequence[int] | None = None,
    visible: Sequence[float] | None = None,
    ignored: Sequence[bool] | None = None,
) -> Annotations:
    array = np.array(boxes, dtype=np.float64).reshape(-1, 7)
    k = len(array)
    labels = np.array([CAR] * k if label is None else label, dtype=np.int64)
    marked = np.zeros(k, bool) if ignored is None else np.array(ignored)
    made = Annotations.from_boxes(PointCloud.empty(), array, labels, ignored=marked)
    return replace(
        made,
        num_points=np.full(k, 60) if points is None else np.array(points),
        visible_fraction=np.array([np.nan] * k if visible is None else visible, dtype=np.float32),
    )


def named(found: Instances, objects: Annotations, rule: MatchRule = RULE) -> FrameFailures:
    """The failures of the frame, after checking that each error has a reason and nothing else has."""
    matches = match_frame(found, objects, rule=rule)
    result = name_failures(found, objects, matches, rule=rule)
    assert ((result.of_truth >= 0) == (matches.truth_status == TruthStatus.MISSED)).all()
    assert ((result.of_prediction >= 0) == (matches.prediction_status == PredictionStatus.WRONG)).all()
    assert ((result.failures.severity >= 0) & (result.failures.severity <= 1)).all()
    return result


def only(result: FrameFailures, kind: FailureKind) -> tuple[Any, ...]:
    """Truth, prediction and severity of the one failure there is."""
    assert [FailureKind(k).label for k in result.failures.kind] == [kind.label]
    failure = result.failures
    return int(failure.truth[0]), int(failure.prediction[0]), float(failure.severity[0])


def test_a_perfect_prediction_has_no_failures() -> None:
    boxes = [car(10), car(20, 2.0, yaw=0.4), person(8, -3.0)]
    labels = [CAR, TRUCK, PEDESTRIAN]
    assert len(named(instances(boxes, labels), truth(boxes, labels)).failures) == 0


@pytest.mark.parametrize("boxes", [[], [car(10)]])
def test_without_truth_or_prediction(boxes: Sequence[Box]) -> None:
    missed = named(instances([]), truth(boxes))
    assert missed.failures.kind.tolist() == [FailureKind.MISSED_OTHER] * len(boxes)
    invented = named(instances(boxes), truth([]))
    assert invented.failures.kind.tolist() == [FailureKind.FALSE_ALARM] * len(boxes)


def test_the_wrong_group_is_worse_than_the_wrong_class() -> None:
    objects = truth([car(10)])
    across = named(instances([car(10)], [PEDESTRIAN]), objects)
    assert only(across, FailureKind.CLASS_CONFUSION) == pytest.approx((0, 0, 0.8))
    by_group = named(instances([car(10)], [TRUCK]), objects)
    assert only(by_group, FailureKind.CLASS_CONFUSION) == pytest.approx((0, 0, 0.4))
    assert by_group.of_truth.tolist() == [-1]  # the matching by group calls it right
    by_class = named(instances([car(10)], [TRUCK]), objects, replace(RULE, by="class"))
    assert only(by_class, FailureKind.CLASS_CONFUSION) == pytest.approx((0, 0, 0.4))
    assert by_class.of_truth.tolist() == by_class.of_prediction.tolist() == [0]


def test_one_mask_over_two_cars() -> None:
    pair = truth([car(10, -1.2), car(10, 1.2)])
    # 20 x 22 cells: IoU 200 / 440 with each, so both are missed.
    merged = named(instances([car(10, width=4.4)]), pair)
    assert only(merged, FailureKind.OVER_MERGE)[1:] == (0, 1.0)
    assert merged.of_truth.tolist() == [0, 0]
    assert merged.of_prediction.tolist() == [0]


def test_a_car_that_swallows_a_pedestrian_is_right_and_the_pedestrian_is_merged() -> None:
    objects = truth([car(10), person(10, 1.4)], [CAR, PEDESTRIAN])
    merged = named(instances([car(10, 0.4, width=2.8)]), objects)
    assert only(merged, FailureKind.OVER_MERGE) == (1, 0, 0.5)
    assert merged.of_prediction.tolist() == [-1]


def test_masks_that_overlap_are_no_merge_where_each_object_is_found() -> None:
    objects = truth([car(10, -1.0), car(10, 1.0)])
    found = instances([car(10, -0.4, width=3.2), car(10, 1.0)])  # the first covers 0.7 of the second
    assert len(named(found, objects).failures) == 0


def test_of_two_masks_over_two_cars_the_fuller_one_takes_the_blame_for_both() -> None:
    objects = truth([car(10, -1.2), car(10, 1.2)])
    found = instances([car(10, width=4.4), car(10, width=4.6, length=5.0)])
    result = named(found, objects)
    assert result.failures.kind.tolist() == [FailureKind.OVER_MERGE] * 2
    assert result.of_truth.tolist() == [0, 0]
    assert result.of_prediction.tolist() == [0, 1]


def test_a_long_object_in_parts() -> None:
    bus = car(14, length=10.0)  # 50 columns
    thirds = [car(10.6, length=3.2), car(14.0, length=3.2), car(17.4, length=3.2)]
    lost = named(instances(thirds), truth([bus]))
    assert only(lost, FailureKind.OVER_SPLIT) == pytest.approx((0, 0, 2 / 3))
    assert lost.of_prediction.tolist() == [0, 0, 0]
    # 35 of 50 columns find the bus; the other 15 are left over.
    found = named(instances([car(12.5, length=7.0), car(17.5, length=3.0)]), truth([bus]))
    assert only(found, FailureKind.OVER_SPLIT) == pytest.approx((0, 1, 0.3))
    assert found.of_truth.tolist() == [-1]


def test_a_second_prediction_in_the_same_place() -> None:
    again = named(instances([car(10), car(10.4)], score=[0.9, 0.6]), truth([car(10)]))
    assert only(again, FailureKind.DUPLICATE) == pytest.approx((0, 1, 0.6))
    # A window of a car called a person: within the mask that found the car.
    inside = named(instances([car(10), person(10.5)], [CAR, PEDESTRIAN]), truth([car(10)]))
    assert only(inside, FailureKind.DUPLICATE)[1] == 1


@pytest.mark.parametrize("yaw", [0.0, 0.6])
def test_a_halo_is_more_than_a_cell_on_every_side(yaw: float) -> None:
    objects = truth([car(10, 1.0, yaw=yaw)])
    right = only(named(instances([car(10, 1.0, length=4.8, width=2.8, yaw=yaw)]), objects), FailureKind.HALO)
    assert right == pytest.approx((0, 0, 1 - 8 / (4.8 * 2.8)), abs=0.02)
    one_cell = instances([car(10, 1.0, length=4.4, width=2.4, yaw=yaw)])
    assert len(named(one_cell, objects).failures) == 0
    three_sides = instances([car(10.3, 1.0, length=4.4, width=2.8, yaw=0.0)])
    if not yaw:
        assert len(named(three_sides, objects).failures) == 0


def test_a_halo_may_cost_the_match() -> None:
    objects = truth([person(10)], [PEDESTRIAN])
    result = named(instances([person(10, size=2.0)], [PEDESTRIAN]), objects)  # 16 of 100 cells
    assert only(result, FailureKind.HALO) == pytest.approx((0, 0, 0.84))
    assert result.of_truth.tolist() == [0]


def test_no_halo_at_the_border_of_the_grid() -> None:
    at_border = [car(4.2)]  # its rear is 0.2 m inside of the grid
    assert len(named(instances([car(4.2, length=4.8, width=2.8)]), truth(at_border)).failures) == 0


def test_misplaced_masks() -> None:
    objects = truth([car(10)])
    shifted = only(named(instances([car(12)]), objects), FailureKind.MISPLACED)
    assert shifted == pytest.approx((0, 0, 2 / 3))
    fragment = only(named(instances([car(9, length=0.4, width=1.6)]), objects), FailureKind.MISPLACED)
    assert fragment[2] == pytest.approx(1 - 16 / 200)  # an IoU below 0.1, but all of it on the car


@pytest.mark.parametrize(
    ("objects", "kind"),
    [
        pytest.param(truth([car(10)], visible=[0.39]), FailureKind.MISSED_HIDDEN, id="hidden"),
        pytest.param(truth([person(10)], [PEDESTRIAN], visible=[0.3]), FailureKind.MISSED_HIDDEN, id="both"),
        pytest.param(truth([person(10)], [PEDESTRIAN], visible=[0.4]), FailureKind.MISSED_SMALL, id="small"),
        pytest.param(truth([car(10)], points=[19]), FailureKind.MISSED_SMALL, id="few points"),
        pytest.param(truth([car(10)], points=[20], visible=[1.0]), FailureKind.MISSED_OTHER, id="other"),
    ],
)
def test_missed_objects(objects: Annotations, kind: FailureKind) -> None:
    n = int(objects.num_points[0])
    result = named(instances([car(30)]), objects, replace(RULE, max_range_m=20.0))  # too far away to count
    assert only(result, kind) == pytest.approx((0, -1, n / (n + 20)))


def test_a_prediction_on_nothing_and_where_it_is() -> None:
    result = named(instances([car(10), car(30, 4.0)], [CAR, TRUCK]), truth([car(10)]))
    assert only(result, FailureKind.FALSE_ALARM) == pytest.approx((-1, 1, 0.8))
    assert result.failures.label.tolist() == [TRUCK]
    assert result.failures.xy_m.tolist() == [[30.0, 4.0]]
    assert result.failures.range_m[0] == pytest.approx(np.hypot(30, 4))


def test_ignored_truth_is_no_error_and_excuses() -> None:
    objects = truth([car(10), car(20)], ignored=[True, False])
    assert len(named(instances([car(10), car(20)]), objects).failures) == 0
    assert len(named(instances([car(20)]), objects).failures) == 0


def test_scores_below_the_threshold_say_nothing() -> None:
    strict = replace(RULE, score_thresholds=(0.9, 0.9, 0.9, 0.9))
    assert only(named(instances([car(10), car(30)]), truth([car(10)]), strict), FailureKind.MISSED_OTHER)[1] == -1


def test_matches_of_another_frame_are_refused() -> None:
    matches = match_frame(instances([car(10)]), truth([]), rule=RULE)
    with pytest.raises(ValueError, match="matches of 1 predictions and 0 objects"):
        name_failures(instances([]), truth([]), matches, rule=RULE)


def test_crowded_random_frames_leave_no_error_without_a_reason() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        k = 14
        boxes = np.column_stack(
            [
                rng.uniform(5, 38, k),
                rng.uniform(-5, 5, k),
                np.full(k, -0.9),
                rng.uniform(0.5, 7, k),
                rng.uniform(0.5, 3, k),
                np.full(k, 1.6),
                rng.uniform(-3, 3, k),
            ]
        )
        noisy = boxes + rng.normal(0, 0.4, boxes.shape) * np.array([1, 1, 0, 1, 1, 0, 0.3])
        noisy[:, 3:5] = np.maximum(noisy[:, 3:5], 0.3)
        labels = rng.choice([CAR, TRUCK, PEDESTRIAN], k)
        found = instances([tuple(b) for b in noisy[2:]], rng.choice([CAR, PEDESTRIAN], k - 2).tolist())
        named(found, truth([tuple(b) for b in boxes], labels.tolist(), ignored=(rng.random(k) < 0.2).tolist()))
