from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from bevseg.datasets.ground_cells import GroundCells
from bevseg.datasets.sample import Annotations, Sample
from bevseg.evaluation.failure_kinds import FailureKind
from bevseg.evaluation.matching import EVALUATION_GRID
from bevseg.evaluation.simulated_frames import Segmentation, SimulatedScores, score_simulated_frames
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


@dataclass(frozen=True)
class _Frames:
    samples: tuple[Sample, ...]
    name: str = "simulated"

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]


def _instances(label: int = CAR, score: float = 0.9) -> Instances:
    return Instances.from_detections(
        label=np.array([label]),
        score=np.array([score]),
        boxes=BOX,
        velocity_mps=np.full((1, 2), np.nan),
        amodal=BevMasks.from_cells(EVALUATION_GRID, [footprint_cells(BOX[0], EVALUATION_GRID)]),
    )


def _perfect(cloud: PointCloud) -> Segmentation:
    on_car = cloud.xyz[:, 0] == BOX[0, 0]
    off_grid = cloud.xyz[:, 0] > 60
    semantic = np.where(off_grid, 0, np.where(on_car, CAR, ROAD)).astype(np.uint8)
    return Segmentation(_instances(), PointLabels(semantic, on_car.astype(np.int32)))


def test_perfect_within_the_grid_is_perfect() -> None:
    scores = score_simulated_frames(_perfect, _Frames((_sample(), _sample())))
    assert scores.num_frames == 2
    assert scores.objects.pq[ClassGroup.VEHICLE] == 1.0
    assert scores.objects_by_class.true_positives[CAR] == 2
    assert scores.semantic.mean_iou == 1.0  # the points off the grid do not count
    assert scores.point_segments.pq[[CAR, ROAD]].tolist() == [1.0, 1.0]


def test_the_wrong_class_of_the_right_group() -> None:
    scores = score_simulated_frames(lambda _: Segmentation(_instances(TRUCK)), _Frames((_sample(),)))
    assert scores.objects.true_positives[ClassGroup.VEHICLE] == 1
    assert scores.objects_by_class.false_positives[TRUCK] == 1
    assert scores.objects_by_class.false_negatives[CAR] == 1


def test_a_method_without_point_labels_has_objects_alone() -> None:
    scores = score_simulated_frames(lambda _: Segmentation(_instances()), _Frames((_sample(),)))
    assert np.isnan(scores.semantic.mean_iou)
    assert scores.point_segments.num_truth.sum() == 0
    assert scores.objects.num_truth.sum() == 1


def test_objects_of_four_points_need_not_be_found_and_scores_below_the_threshold_do_not_count() -> None:
    assert score_simulated_frames(_perfect, _Frames((_sample(car_points=4),))).objects.num_truth.sum() == 0
    strict = score_simulated_frames(_perfect, _Frames((_sample(),)), score_thresholds=(0.95, 0.0, 0.0, 0.0))
    assert strict.objects.false_negatives[ClassGroup.VEHICLE] == 1


def test_parts_add_to_the_whole_and_no_frames_are_zero() -> None:
    whole = score_simulated_frames(_perfect, _Frames((_sample(), _sample())))
    parts = SimulatedScores.zero() + score_simulated_frames(_perfect, _Frames((_sample(),)))
    parts = parts + score_simulated_frames(_perfect, _Frames((_sample(),)))
    assert parts.as_json() == whole.as_json()
    assert score_simulated_frames(_perfect, _Frames(())).num_frames == 0


def test_rows_and_json() -> None:
    scores = score_simulated_frames(_perfect, _Frames((_sample(),)))
    assert len(scores.rows()) == 4 + 10 + 16
    stored = json.loads(json.dumps(scores.as_json(), allow_nan=False))
    assert stored["semantic_iou"]["car"] == 1.0
    assert stored["semantic_iou"]["bus"] is None
    assert stored["mean_point_pq"] == stored["mean_point_pq_dagger"] == 1.0
    assert stored["point_pq_dagger"]["driveable_surface"] == 1.0
    perfect = {"truth": 1, "ap": 1.0, "ap50": 1.0, "ap75": 1.0, "ar": 1.0}
    assert stored["masks"]["objects"]["car"]["amodal"]["all"] == pytest.approx(perfect)
    assert stored["masks"]["objects"]["car"]["visible"] is None


def test_visible_masks_are_held_against_what_the_sensor_saw() -> None:
    front = BevMasks.from_cells(EVALUATION_GRID, [footprint_cells(BOX[0] * [1, 1, 1, 0.5, 1, 1, 1], EVALUATION_GRID)])
    seen = replace(
        _instances(),
        visible=front,
        visible_fraction=np.array([0.5], np.float32),
        visible_fraction_source="estimated",
    )
    found = Segmentation(replace(seen, visible=_instances().amodal))  # takes the hidden half for visible: IoU 0.5
    scores = score_simulated_frames(lambda _: found, _Frames((_sample(),)), see=lambda _: seen)
    car = scores.as_json()["masks"]["objects"]["car"]  # type: ignore[index]
    at_one_threshold_of_ten = {"truth": 1, "ap": 0.1, "ap50": 1.0, "ap75": 0.0, "ar": 0.1}
    assert car["visible"]["all"] == pytest.approx(at_one_threshold_of_ten)
    assert car["amodal"]["visible 0.4 to 0.8"]["ap"] == pytest.approx(1.0)
    assert car["amodal"]["visible unknown"]["truth"] == 0
    blind = score_simulated_frames(lambda _: Segmentation(_instances()), _Frames((_sample(),)), see=lambda _: seen)
    assert blind.as_json()["masks"]["objects"]["car"]["visible"] is None  # type: ignore[index]


def test_tables_show_points_only_where_they_were_labelled() -> None:
    tables = score_simulated_frames(_perfect, _Frames((_sample(),))).tables()
    objects, masks, bands, calibration, points, *_ = tables
    assert list(masks.columns[0].cells) == list(bands.columns[0].cells) == ["vehicle", "car", "mean of classes"]
    assert list(masks.columns[2].cells) == ["1.000"] * 3
    assert list(calibration.columns[0].cells) == ["simulated"]
    assert objects.row_count == 4 + 10
    assert list(points.columns[0].cells)[-1] == "mean"
    assert list(points.columns[1].cells)[CAR - 1] == "1.000"
    assert [list(column.cells)[CAR - 1] for column in points.columns[4:]] == ["1", "0", "0"]
    bare = score_simulated_frames(lambda _: Segmentation(_instances()), _Frames((_sample(),)))
    assert len(bare.tables()) == len((objects, masks, bands, calibration)) + 2  # failures and the worst of them


def test_order_is_scored_where_truth_and_method_tell_of_it() -> None:
    sample = _sample()
    known = replace(sample, annotations=replace(sample.annotations, occlusion=OcclusionGraph.empty(1)))
    silent = score_simulated_frames(_perfect, _Frames((known,)))
    assert silent.as_json()["order"] == {}
    told = score_simulated_frames(
        lambda cloud: replace(_perfect(cloud), occlusion=OcclusionGraph.empty(1)), _Frames((known, sample))
    )
    assert told.diagnosis.order.num_frames == 1
    assert len(told.tables()) == len(silent.tables()) + 4


def test_failures_are_named_with_their_frames() -> None:
    scores = score_simulated_frames(lambda _: Segmentation(_instances(TRUCK)), _Frames((_sample(),)))
    assert scores.diagnosis.failures.worst_frame == ("one",)
    assert scores.diagnosis.failures.total[FailureKind.CLASS_CONFUSION] == 1


def test_cells_of_the_ground_are_scored_where_both_sides_speak_of_them() -> None:
    grid = BevGrid(2.0, -3.0, 0.5, 4, 3)
    state = np.full(grid.shape, CellState.FREE, np.uint8)
    state[0] = CellState.HIDDEN
    ground = GroundCells(VisibilityMap(grid, state), state == CellState.OCCUPIED)
    sample = _sample()
    known = replace(sample, annotations=replace(sample.annotations, ground=ground))

    def segment(cloud: PointCloud) -> Segmentation:
        return replace(_perfect(cloud), visibility=VisibilityMap(grid, np.full(grid.shape, CellState.FREE, np.uint8)))

    scores = score_simulated_frames(segment, _Frames((known, sample)))
    assert scores.ground.num_cells == 12
    assert scores.ground.iou[CellState.FREE] == 8 / 12
    assert [table.title for table in scores.tables()][-1] == "Ground cells"
    stored = json.loads(json.dumps(scores.as_json(), allow_nan=False))
    assert stored["ground_cells"]["iou"]["hidden"] == 0
    assert score_simulated_frames(_perfect, _Frames((known,))).ground.num_cells == 0


def test_points_without_truth_cannot_be_scored() -> None:
    sample = _sample()
    bare = replace(sample, annotations=replace(sample.annotations, point_instance=None))
    with pytest.raises(ValueError, match="boxes alone"):
        score_simulated_frames(_perfect, _Frames((bare,)))
