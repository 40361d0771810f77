from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.ground_cells import GroundCells
from bevseg.datasets.sample import Annotations, Sample
from bevseg.evaluation.failure_kinds import FailureKind
from bevseg.evaluation.frame_scores import REAL, SIMULATED, Scores, Scoring, Segmentation, score_frame
from bevseg.evaluation.matching import EVALUATION_GRID
from bevseg.geometry.boxes import footprint_cells
from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import ClassGroup, SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import CellState, PointLabels, VisibilityMap

CAR, TRUCK, ROAD = SemanticClass.CAR, SemanticClass.TRUCK, SemanticClass.DRIVEABLE_SURFACE
BOX = np.array([[10.0, 2.0, -0.9, 4.0, 2.0, 1.6, 0.0]], np.float32)


def _sample(*, car_points: int = 20) -> Sample:
    """A car, 30 points of road beside it and 10 points of road far off the grid."""
    xyz = np.concatenate([np.repeat(BOX[:, :3], car_points, 0), np.full((30, 3), 5.0), np.full((10, 3), 70.0)])
    cloud = PointCloud.from_xyz(xyz.astype(np.float32))
    semantic = np.array([CAR] * car_points + [ROAD] * 40, np.uint8)
    annotations = Annotations.from_boxes(cloud, BOX, np.array([CAR], np.uint8), point_semantic=semantic)
    annotations = replace(annotations, point_instance=(semantic == CAR).astype(np.int32))
    return Sample(
        "one", cloud, annotations, Transform(np.eye(4), "ego", "lidar"), Transform(np.eye(4), "global", "ego")
    )


def _score(
    found: Segmentation | None, *samples: Sample, scoring: Scoring = SIMULATED, seen: Instances | None = None
) -> Scores:
    frames = (score_frame(found, s, scoring, seen=seen, name=f"{k}/{s.name}") for k, s in enumerate(samples))
    return sum(frames, start=Scores.zero())


def _instances(label: int = CAR, score: float = 0.9) -> Instances:
    return Instances.from_detections(
        label=np.array([label]),
        score=np.array([score]),
        boxes=BOX,
        velocity_mps=np.full((1, 2), np.nan),
        amodal=BevMasks.from_cells(EVALUATION_GRID, [footprint_cells(BOX[0], EVALUATION_GRID)]),
    )


def _perfect(sample: Sample | None = None) -> Segmentation:
    cloud = (sample or _sample()).cloud
    on_car = cloud.xyz[:, 0] == BOX[0, 0]
    off_grid = cloud.xyz[:, 0] > 60
    semantic = np.where(off_grid, 0, np.where(on_car, CAR, ROAD)).astype(np.uint8)
    return Segmentation(_instances(), PointLabels(semantic, on_car.astype(np.int32)))


def test_perfect_within_the_grid_is_perfect() -> None:
    scores = _score(_perfect(), _sample(), _sample())
    assert scores.num_frames == 2
    assert scores.objects[0.5].pq[ClassGroup.VEHICLE] == scores.objects[0.3].pq[ClassGroup.VEHICLE] == 1.0
    assert scores.objects_by_class.true_positives[CAR] == 2
    assert scores.confusion.confusion[CAR, CAR] == scores.confusion.confusion.sum() == 2
    assert scores.semantic.mean_iou == 1.0  # the points off the grid do not count
    assert scores.point_segments.pq[[CAR, ROAD]].tolist() == [1.0, 1.0]


def test_where_all_points_count_those_off_the_grid_do() -> None:
    scores = _score(_perfect(), _sample(), scoring=REAL)
    assert scores.semantic.iou[ROAD] == 30 / 40


def test_the_wrong_class_of_the_right_group() -> None:
    scores = _score(Segmentation(_instances(TRUCK)), _sample())
    assert scores.objects[0.5].true_positives[ClassGroup.VEHICLE] == 1
    assert scores.objects_by_class.false_positives[TRUCK] == 1
    assert scores.objects_by_class.false_negatives[CAR] == 1
    assert scores.confusion.confusion[CAR, TRUCK] == scores.confusion.confusion.sum() == 1


def test_a_method_without_point_labels_has_objects_alone() -> None:
    scores = _score(Segmentation(_instances()), _sample())
    assert np.isnan(scores.semantic.mean_iou)
    assert scores.point_segments.num_truth.sum() == 0
    assert scores.objects[0.5].num_truth.sum() == 1


def test_a_looser_mask_counts_at_the_looser_threshold_alone() -> None:
    shifted = BOX + np.array([2.0, 0, 0, 0, 0, 0, 0], np.float32)  # half a length: IoU 1 / 3
    masks = BevMasks.from_cells(EVALUATION_GRID, [footprint_cells(shifted[0], EVALUATION_GRID)])
    scores = _score(Segmentation(replace(_instances(), boxes=shifted, amodal=masks)), _sample())
    assert scores.objects[0.5].f1[ClassGroup.VEHICLE] == 0.0
    assert scores.objects[0.3].f1[ClassGroup.VEHICLE] == 1.0
    assert scores.confusion.confusion[CAR, 0] == scores.confusion.confusion[0, CAR] == 1


def test_objects_of_four_points_need_not_be_found_and_scores_below_the_threshold_do_not_count() -> None:
    assert _score(_perfect(_sample(car_points=4)), _sample(car_points=4)).objects[0.5].num_truth.sum() == 0
    strict = _score(_perfect(), _sample(), scoring=SIMULATED.with_score_thresholds((0.95, 0.0, 0.0, 0.0)))
    assert strict.objects[0.5].false_negatives[ClassGroup.VEHICLE] == 1
    assert strict.confusion.confusion[CAR, 0] == strict.confusion.confusion.sum() == 1


def test_no_frames_are_zero() -> None:
    assert Scores.zero().num_frames == 0
    assert np.isnan(Scores.zero().objects[0.5].f1).all()


def test_a_frame_without_a_result_is_one_where_nothing_was_found() -> None:
    scores = _score(None, _sample())
    assert scores.without_result == ("0/one",)
    assert scores.objects[0.5].false_negatives[ClassGroup.VEHICLE] == 1
    assert scores.semantic.iou[[CAR, ROAD]].tolist() == [0.0, 0.0]
    assert scores.point_segments.false_negatives[[CAR, ROAD]].tolist() == [1, 1]


def test_visible_masks_are_held_against_what_the_sensor_saw() -> None:
    front = BevMasks.from_cells(EVALUATION_GRID, [footprint_cells(BOX[0] * [1, 1, 1, 0.5, 1, 1, 1], EVALUATION_GRID)])
    seen = replace(
        _instances(),
        visible=front,
        visible_fraction=np.array([0.5], np.float32),
        visible_fraction_source="estimated",
    )
    found = Segmentation(replace(seen, visible=_instances().amodal))  # takes the hidden half for visible: IoU 0.5
    masks = _score(found, _sample(), seen=seen).masks
    assert masks.classes.visible.measured.ap[CAR, 0] == pytest.approx(0.1)  # at one threshold of ten
    assert masks.classes.visible.measured.ap50[CAR, 0] == pytest.approx(1.0)
    assert masks.fractions == {"estimated"}
    assert _score(Segmentation(_instances()), _sample()).masks.classes.visible.frames == ()


def test_order_is_scored_where_truth_and_method_tell_of_it() -> None:
    sample = _sample()
    known = replace(sample, annotations=replace(sample.annotations, occlusion=OcclusionGraph.empty(1)))
    assert _score(_perfect(), known).diagnosis.order.num_frames == 0
    told = _score(replace(_perfect(), occlusion=OcclusionGraph.empty(1)), known, sample)
    assert told.diagnosis.order.num_frames == 1


def test_failures_are_named_with_their_frames() -> None:
    failures = _score(Segmentation(_instances(TRUCK)), _sample()).diagnosis.failures
    assert failures.worst_frame == ("0/one",)
    assert failures.total[FailureKind.CLASS_CONFUSION] == 1


@pytest.mark.parametrize(("label", "alarms"), [(CAR, 1), (SemanticClass.TRAFFIC_CONE, 0)])
def test_cones_are_no_false_alarms_where_nobody_labels_them(label: SemanticClass, alarms: int) -> None:
    elsewhere = BOX + np.array([15.0, 0, 0, 0, 0, 0, 0], np.float32)
    cells = [footprint_cells(elsewhere[0], EVALUATION_GRID)]
    found = replace(_instances(label), boxes=elsewhere, amodal=BevMasks.from_cells(EVALUATION_GRID, cells))
    scores = _score(Segmentation(found), _sample(), scoring=REAL)
    assert scores.diagnosis.failures.total[FailureKind.FALSE_ALARM] == alarms
    assert scores.objects[0.5].false_positives.sum() == scores.confusion.confusion[0].sum() == alarms
    assert scores.objects_by_class.false_positives.sum() == alarms


def test_cells_of_the_ground_are_scored_where_both_sides_speak_of_them() -> None:
    grid = BevGrid(2.0, -3.0, 0.5, 4, 3)
    state = np.full(grid.shape, CellState.FREE, np.uint8)
    state[0] = CellState.HIDDEN
    ground = GroundCells(VisibilityMap(grid, state), state == CellState.OCCUPIED)
    sample = _sample()
    known = replace(sample, annotations=replace(sample.annotations, ground=ground))
    free = VisibilityMap(grid, np.full(grid.shape, CellState.FREE, np.uint8))
    scores = _score(replace(_perfect(), visibility=free), known, sample)
    assert scores.ground.num_cells == 12
    assert scores.ground.iou[CellState.FREE] == 8 / 12
    assert _score(_perfect(), known).ground.num_cells == 0


def test_points_whose_objects_nobody_knows_have_classes_alone() -> None:
    sample = _sample()
    bare = replace(sample, annotations=replace(sample.annotations, point_instance=None))
    scores = _score(_perfect(), bare)
    assert scores.semantic.iou[CAR] == 1.0
    assert scores.point_segments.num_truth.sum() == 0


def test_the_time_of_each_stage_is_kept_frame_by_frame() -> None:
    timed = replace(_perfect(), timings_ms={"network": 3.0, "total": 5.0})
    scores = _score(timed, _sample()) + _score(_perfect(), _sample()) + _score(timed, _sample(), _sample())
    assert {stage: ms.tolist() for stage, ms in scores.timings_ms.items()} == {
        "network": [3.0] * 3,
        "total": [5.0] * 3,
    }


def test_labels_of_other_points_are_refused() -> None:
    with pytest.raises(ValueError, match="points"):
        _score(_perfect(_sample(car_points=3)), _sample())
