from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations, Sample
from bevseg.evaluation.failure_kinds import FailureKind
from bevseg.evaluation.matching import EVALUATION_GRID
from bevseg.evaluation.real_frames import by_dataset, score_real_frames
from bevseg.geometry.boxes import footprint_cells
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import ClassGroup, SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks

CAR_BOX = (10.0, 2.0, -0.9, 4.0, 2.0, 1.6, 0.0)
FAR_BOX = (45.0, 2.0, -0.9, 4.0, 2.0, 1.6, 0.0)


@dataclass(frozen=True)
class _Frames:
    """Scans of cars with as many points as asked for, stacked at the middle of each box."""

    name: str
    boxes: tuple[tuple[float, ...], ...]
    num_points: int = 20
    num_frames: int = 1
    label: SemanticClass = SemanticClass.CAR

    def __len__(self) -> int:
        return self.num_frames

    def __getitem__(self, index: int) -> Sample:
        boxes = np.array(self.boxes, dtype=np.float32).reshape(-1, 7)
        cloud = PointCloud.from_xyz(np.repeat(boxes[:, :3], self.num_points, axis=0))
        label = np.full(len(boxes), self.label, np.uint8)
        return Sample(
            str(index),
            cloud,
            Annotations.from_boxes(cloud, boxes, label),
            Transform(np.eye(4), "ego", "lidar"),
            Transform(np.eye(4), "global", "ego"),
        )


def _find(*boxes: tuple[float, ...], score: float = 0.9) -> Instances:
    array = np.array(boxes, dtype=np.float64).reshape(-1, 7)
    return Instances.from_detections(
        label=np.full(len(array), SemanticClass.CAR),
        score=np.full(len(array), score),
        boxes=array,
        velocity_mps=np.full((len(array), 2), np.nan),
        amodal=BevMasks.from_cells(EVALUATION_GRID, [footprint_cells(box, EVALUATION_GRID) for box in array]),
    )


def _three_sets() -> dict[str, tuple[_Frames, ...]]:
    return {
        "PandaSet": (_Frames("pandaset", (CAR_BOX,)),),
        "KITTI": (_Frames("kitti", (CAR_BOX,), num_frames=2), _Frames("kitti_tracking", (CAR_BOX, FAR_BOX))),
        "Argoverse": (_Frames("argoverse1", (CAR_BOX, (20.0, *CAR_BOX[1:]))),),
    }


def test_each_dataset_is_scored_by_itself_and_the_mean_is_over_datasets() -> None:
    scores = score_real_frames(lambda _: _find(CAR_BOX), _three_sets())
    rows = {(r.source, r.category, r.iou_threshold): r for r in scores.rows()}
    assert len(rows) == 3 * 3 * 2 + 2 * 2
    assert ("all", "vehicle", 0.5) not in rows
    assert rows["KITTI", "vehicle", 0.5].num_truth == 3  # the car at 45 m is out of range
    assert rows["KITTI", "vehicle", 0.5].f1 == 1.0
    assert rows["Argoverse", "vehicle", 0.5].recall == 0.5
    assert scores.mean_f1() == pytest.approx((1 + 1 + 2 / 3) / 3)
    assert np.isnan(scores.mean_f1(ClassGroup.PEDESTRIAN))
    assert [d.num_frames for d in scores.datasets] == [1, 3, 1]


def test_looser_masks_count_at_the_looser_threshold_alone() -> None:
    shifted = (12.0, *CAR_BOX[1:])  # half a length: IoU 1 / 3
    scores = score_real_frames(lambda _: _find(shifted), {"PandaSet": (_Frames("pandaset", (CAR_BOX,)),)})
    assert scores.mean_f1(iou_threshold=0.5, over=["PandaSet"]) == 0.0
    assert scores.mean_f1(iou_threshold=0.3, over=["PandaSet"]) == 1.0


def test_objects_of_few_points_need_not_be_found() -> None:
    scores = score_real_frames(lambda _: _find(), {"x": (_Frames("x", (CAR_BOX,), num_points=9),)})
    assert scores.rows()[0].num_truth == 0


def test_predictions_below_the_threshold_are_dropped() -> None:
    sources = {"x": (_Frames("x", (CAR_BOX,)),)}
    scores = score_real_frames(lambda _: _find(CAR_BOX, score=0.4), sources, score_thresholds=(0.5, 0.0, 0.0, 0.0))
    assert scores.rows()[0].recall == 0.0


def test_as_json() -> None:
    whole = json.loads(
        json.dumps(score_real_frames(lambda _: _find(CAR_BOX), _three_sets()).as_json(), allow_nan=False)
    )
    assert whole["frames"] == {"PandaSet": 1, "KITTI": 3, "Argoverse": 1}
    assert whole["mean_f1"]["vehicle"]["0.5"] == pytest.approx(8 / 9)
    assert whole["mean_f1"]["pedestrian"] == {"0.5": None, "0.3": None}
    assert len(whole["rows"]) == 22
    assert whole["masks"]["KITTI"]["objects"]["vehicle"]["amodal"]["all"]["ap"] == pytest.approx(1.0)
    calibration = whole["calibration"]["KITTI"]["vehicle"]
    assert calibration["error"] == pytest.approx(0.1)  # all right, and 0.9 is said of each
    assert sum(calibration["count"]) == sum(calibration["right"]) == 3
    part = score_real_frames(lambda _: _find(), {"x": (_Frames("x", ()),)}).as_json()
    assert part["mean_f1"] == {}


def test_tables_go_group_after_group() -> None:
    tables = score_real_frames(lambda _: _find(CAR_BOX), _three_sets()).tables()
    scores, means, masks, bands, calibration, failures, worst = tables
    sets = ("PandaSet", "KITTI", "Argoverse")
    names = [f"{name} {row}" for name in sets for row in ("vehicle", "car", "mean of classes")]
    assert list(masks.columns[0].cells) == list(bands.columns[0].cells) == names
    groups = list(scores.columns[1].cells)
    assert groups == ["vehicle"] * 6 + ["pedestrian"] * 8 + ["two_wheeler"] * 8
    assert list(calibration.columns[1].cells) == ["0.100", "0.100", "0.100"]
    assert list(scores.columns[0].cells)[:3] == ["PandaSet", "KITTI", "Argoverse"]
    assert [str(column.header) for column in failures.columns[1:5]] == ["PandaSet", "KITTI", "Argoverse", "all"]
    assert [list(column.cells) for column in worst.columns[:2]] == [["missed_other"], ["argoverse1/0"]]
    assert list(means.columns[1].cells) == ["0.889", "-", "-"]
    assert score_real_frames(lambda _: _find(), {}).tables()[1].row_count == 0


def test_the_few_small_objects_of_all_sets_are_counted_together() -> None:
    walker = (10.0, 0.0, 0.9, 0.8, 0.8, 1.8, 0.0)
    frames = {name: (_Frames(name, (walker,), label=SemanticClass.PEDESTRIAN),) for name in ("one", "two")}
    scores = score_real_frames(lambda _: _find(), frames)
    together = [row for row in scores.rows() if row.source == "all" and row.iou_threshold == 0.3]
    assert [(row.category, row.false_negatives) for row in together] == [("pedestrian", 2), ("two_wheeler", 0)]


def test_a_mean_needs_its_datasets() -> None:
    scores = score_real_frames(lambda _: _find(), {})
    assert scores.rows() == ()
    with pytest.raises(ValueError, match="needs each of them scored"):
        scores.mean_f1()


def test_drives_of_one_dataset_go_together() -> None:
    names = ("pandaset", "kitti", "own", "kitti_tracking")
    grouped = by_dataset(_Frames(name, ()) for name in names)
    assert {k: [s.name for s in v] for k, v in grouped.items()} == {
        "PandaSet": ["pandaset"],
        "KITTI": ["kitti", "kitti_tracking"],
        "own": ["own"],
    }


@pytest.mark.real
def test_truth_found_by_itself_is_perfect_on_real_frames(real_data: Path) -> None:
    from bevseg.datasets.kitti import KittiObjectSource

    source = KittiObjectSource(real_data / "kitti_raw_0048")
    truth = {source[i].cloud.xyz.tobytes(): source[i].annotations for i in range(2)}

    def oracle(cloud: PointCloud) -> Instances:
        annotations = truth.get(cloud.xyz.tobytes())
        if annotations is None:
            return _find()
        boxes = annotations.boxes[annotations.label == SemanticClass.CAR]
        return _find(*(tuple(box.tolist()) for box in boxes))

    vehicles = score_real_frames(oracle, by_dataset([source])).rows()[0]
    assert vehicles.false_positives == 0
    assert vehicles.true_positives >= 5


def test_failures_by_dataset_add_up_to_the_errors() -> None:
    found = score_real_frames(lambda _: _find(CAR_BOX, (30.0, *CAR_BOX[1:])), _three_sets())
    for scores in found.datasets:
        counts = scores.counts[0.5]
        assert scores.failures.missed.sum() == counts.false_negatives.sum()
        assert scores.failures.wrong.sum() == counts.false_positives.sum() == scores.num_frames
    kitti = json.loads(json.dumps(found.as_json()))["failures"]["KITTI"]["false_alarm"]
    assert [f["frame"] for f in kitti["worst"]] == ["kitti/0", "kitti/1", "kitti_tracking/0"]


@pytest.mark.parametrize(("label", "alarms"), [(SemanticClass.CAR, 1), (SemanticClass.TRAFFIC_CONE, 0)])
def test_cones_are_no_false_alarms_where_nobody_labels_them(label: SemanticClass, alarms: int) -> None:
    found = replace(_find(CAR_BOX, (30.0, *CAR_BOX[1:])), label=np.array([SemanticClass.CAR, label], np.uint8))
    (scores,) = score_real_frames(lambda _: found, {"x": (_Frames("x", (CAR_BOX,)),)}).datasets
    assert scores.failures.total.sum() == scores.failures.total[FailureKind.FALSE_ALARM] == alarms
