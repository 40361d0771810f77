from __future__ import annotations

import json

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations, Sample
from bevseg.evaluation.frame_scores import REAL, SIMULATED, Scores, Scoring, Segmentation, score_frame
from bevseg.evaluation.matching import EVALUATION_GRID
from bevseg.evaluation.summary import SourceScores, Summary
from bevseg.geometry.boxes import footprint_cells
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import ClassGroup, SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks
from bevseg.results.scene import PointLabels

CAR, ROAD, WALL = SemanticClass.CAR, SemanticClass.DRIVEABLE_SURFACE, SemanticClass.MANMADE
CAR_BOX = (10.0, 2.0, -0.9, 4.0, 2.0, 1.6, 0.0)
OTHER_BOX = (20.0, 2.0, -0.9, 4.0, 2.0, 1.6, 0.0)
FAR_BOX = (45.0, 2.0, -0.9, 4.0, 2.0, 1.6, 0.0)


def _sample(*boxes: tuple[float, ...], label: SemanticClass = CAR, points: tuple[int, ...] | None = None) -> Sample:
    """Twenty points in the middle of each box; the class of every point, if asked for."""
    array = np.array(boxes, dtype=np.float32).reshape(-1, 7)
    cloud = PointCloud.from_xyz(np.repeat(array[:, :3], 20, axis=0) if points is None else np.zeros((len(points), 3)))
    truth = Annotations.from_boxes(
        cloud,
        array,
        np.full(len(array), label, np.uint8),
        point_semantic=None if points is None else np.array(points, np.uint8),
    )
    return Sample("one", cloud, truth, Transform(np.eye(4), "ego", "lidar"), Transform(np.eye(4), "global", "ego"))


def _find(*boxes: tuple[float, ...], score: float = 0.9) -> Segmentation:
    array = np.array(boxes, dtype=np.float64).reshape(-1, 7)
    cells = [footprint_cells(box, EVALUATION_GRID) for box in array]
    return Segmentation(
        Instances.from_detections(
            label=np.full(len(array), CAR),
            score=np.full(len(array), score),
            boxes=array,
            velocity_mps=np.full((len(array), 2), np.nan),
            amodal=BevMasks.from_cells(EVALUATION_GRID, cells),
        )
    )


def _source(name: str, found: Segmentation, *samples: Sample, scoring: Scoring = REAL) -> SourceScores:
    frames = (score_frame(found, sample, scoring, name=f"{name}/{k}") for k, sample in enumerate(samples))
    return SourceScores(name, scoring, sum(frames, start=Scores.zero()))


def _three_sets(found: Segmentation) -> Summary:
    return Summary(
        (
            _source("PandaSet", found, _sample(CAR_BOX)),
            _source("KITTI", found, _sample(CAR_BOX), _sample(CAR_BOX), _sample(CAR_BOX, FAR_BOX)),
            _source("Argoverse", found, _sample(CAR_BOX, OTHER_BOX)),
        )
    )


def test_each_source_is_scored_by_itself_and_the_mean_is_over_sources() -> None:
    summary = _three_sets(_find(CAR_BOX))
    rows = {(r.source, r.category, r.iou_threshold): r for s in summary.sources for r in s.rows()}
    assert len(rows) == 3 * (3 * 2 + 10)
    assert rows["KITTI", "vehicle", 0.5].num_truth == 3  # the car at 45 m is out of range
    assert rows["KITTI", "vehicle", 0.5].f1 == 1.0
    assert rows["Argoverse", "vehicle", 0.5].recall == 0.5
    assert rows["Argoverse by class", "car", 0.5].false_negatives == 1
    assert summary.mean_f1() == pytest.approx((1 + 1 + 2 / 3) / 3)
    assert np.isnan(summary.mean_f1(ClassGroup.PEDESTRIAN))


def test_a_mean_needs_its_sources() -> None:
    with pytest.raises(ValueError, match="needs each of them scored"):
        Summary(()).mean_f1()
    assert Summary((_source("PandaSet", _find(CAR_BOX), _sample(CAR_BOX)),)).mean_rows() == {}


def test_the_few_small_objects_of_all_sets_are_counted_together() -> None:
    walker = _sample((10.0, 0.0, 0.9, 0.8, 0.8, 1.8, 0.0), label=SemanticClass.PEDESTRIAN)
    summary = Summary(
        (
            *(_source(name, _find(), walker) for name in ("PandaSet", "KITTI", "Argoverse")),
            _source("simulated", _find(), walker, scoring=SIMULATED),
        )
    )
    together = [row for row in summary.together_rows() if row.iou_threshold == 0.3]
    assert [(row.category, row.false_negatives) for row in together] == [("pedestrian", 3), ("two_wheeler", 0)]


def test_as_json() -> None:
    whole = json.loads(json.dumps(_three_sets(_find(CAR_BOX)).as_json(), allow_nan=False))
    assert whole["mean_f1"]["vehicle"]["0.5"] == pytest.approx(8 / 9)
    assert whole["mean_f1"]["pedestrian"] == {"0.5": None, "0.3": None}
    pandaset, kitti, _ = whole["sources"]
    assert (kitti["name"], kitti["frames"], kitti["without_result"]) == ("KITTI", 3, [])
    assert kitti["counted"]["groups"] == ["vehicle", "pedestrian", "two_wheeler"]
    assert kitti["masks"]["objects"]["vehicle"]["amodal"]["all"]["ap"] == pytest.approx(1.0)
    assert kitti["calibration"]["vehicle"]["error"] == pytest.approx(0.1)  # all right, and 0.9 is said of each
    assert sum(kitti["calibration"]["vehicle"]["count"]) == sum(kitti["calibration"]["vehicle"]["right"]) == 3
    assert kitti["confusion"]["counts"][CAR][CAR] == 3
    assert (pandaset["points"], pandaset["ground_cells"], pandaset["order"]) == ({}, {}, {})
    assert Summary(()).as_json() == {"sources": [], "together": [], "mean_f1": {}}


def test_tables_go_group_after_group() -> None:
    tables = {table.title: table for table in _three_sets(_find(CAR_BOX)).tables()}
    sets = ("PandaSet", "KITTI", "Argoverse")
    objects = tables["Objects with 10 points or more within 40 m"]
    assert list(objects.columns[1].cells) == ["vehicle"] * 6
    assert list(objects.columns[0].cells)[:3] == list(sets)
    masks, calibration = (
        next(t for title, t in tables.items() if str(title).startswith(s)) for s in ("Mask AP at IoU", "Calib")
    )
    names = [f"{name} {row}" for name in sets for row in ("vehicle", "car", "mean of classes")]
    assert list(masks.columns[0].cells) == names
    assert list(calibration.columns[1].cells) == ["0.100", "0.100", "0.100"]
    assert list(tables["Mean F1 over PandaSet, KITTI, Argoverse, each with one weight"].columns[1].cells) == [
        "0.889",
        "-",
        "-",
    ]
    failures = next(t for title, t in tables.items() if str(title).startswith("Failures in 5 frames"))
    assert [str(column.header) for column in failures.columns[1:5]] == [*sets, "all"]
    worst = tables["The worst failure of each kind"]
    assert [list(column.cells) for column in worst.columns[:2]] == [["missed_other"], ["Argoverse/0"]]


def test_without_sources_there_is_nothing_to_show() -> None:
    assert Summary(()).tables() == ()


def test_points_are_scored_over_the_classes_that_the_truth_has() -> None:
    all_road = Segmentation(_find().instances, PointLabels(np.full(3, ROAD, np.uint8), np.zeros(3, np.int32)))
    street = _source("street", all_road, _sample(points=(CAR, ROAD, 0)), _sample(points=(ROAD, ROAD, 0)))
    facade = _source("facade", all_road, _sample(points=(WALL, 0, 0)))
    assert street.point_iou()["driveable_surface"] == pytest.approx(3 / 4)
    assert street.point_iou()["mean"] == pytest.approx(3 / 8)
    assert np.isnan(facade.point_iou()["driveable_surface"])  # not in its truth, though wrongly predicted
    assert facade.point_iou()["mean"] == 0.0
    (table,) = (t for t in Summary((street, facade)).tables() if "IoU of the classes" in str(t.title))
    assert [column.header for column in table.columns] == ["points", "street", "facade"]
    assert list(table.columns[0].cells) == ["car", "driveable_surface", "manmade", "mean"]
    assert street.as_json()["points"]["iou"]["bus"] is None  # type: ignore[index]


def test_failures_of_many_sources_are_shown_by_group() -> None:
    names = ("PandaSet", "KITTI", "Argoverse", "four", "five")
    summary = Summary(tuple(_source(name, _find(), _sample(CAR_BOX)) for name in names))
    failures = next(t for t in summary.tables() if str(t.title).startswith("Failures in 5 frames"))
    assert [str(column.header) for column in failures.columns[1:5]] == [g.label for g in ClassGroup]


def test_failures_of_each_source_add_up_to_its_errors() -> None:
    summary = _three_sets(_find(CAR_BOX, (30.0, *CAR_BOX[1:])))
    for source in summary.sources:
        counts, failures = source.scores.objects[0.5], source.scores.diagnosis.failures
        assert failures.missed.sum() == counts.false_negatives.sum()
        assert failures.wrong.sum() == counts.false_positives.sum() == source.scores.num_frames
    kitti = json.loads(json.dumps(summary.as_json()))["sources"][1]["failures"]["false_alarm"]
    assert [f["frame"] for f in kitti["worst"]] == ["KITTI/0", "KITTI/1", "KITTI/2"]
