from __future__ import annotations

import json

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations
from bevseg.evaluation.mask_bands import BANDS
from bevseg.evaluation.mask_scores import Comparison, MaskScores, score_masks
from bevseg.evaluation.mask_tables import json_masks, mask_ap_tables
from bevseg.evaluation.matching import MatchRule
from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import ClassGroup, SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import footprint_masks

GRID = BevGrid(-1.0, -6.0, 0.2, 150, 60)
RULE = MatchRule(min_points=0, grid=GRID)
CAR, TRUCK, PEDESTRIAN = SemanticClass.CAR, SemanticClass.TRUCK, SemanticClass.PEDESTRIAN


def _boxes(count: int) -> np.ndarray:
    return np.array([[3.0 + 5 * k, 1.0, 0, 4, 2, 1.6, 0] for k in range(count)], np.float32).reshape(-1, 7)


def _instances(label: list[int]) -> Instances:
    boxes = _boxes(len(label))
    return Instances.from_detections(
        label=np.array(label, np.int64),
        score=np.linspace(0.9, 0.8, len(label)),
        boxes=boxes,
        velocity_mps=np.full((len(label), 2), np.nan),
        amodal=footprint_masks(boxes, GRID),
    )


def _scores(found: list[int], true: list[int], *, frame: str = "one") -> MaskScores:
    annotations = Annotations.from_boxes(PointCloud.empty(), _boxes(len(true)), np.array(true, np.int64))
    return score_masks(Comparison.of(_instances(found), annotations, rule=RULE), rule=RULE, frame=frame)


def test_the_wrong_class_is_right_in_its_group_alone() -> None:
    scores = _scores([CAR, CAR], [CAR, TRUCK])
    stored = json.loads(json.dumps(json_masks(scores), allow_nan=False))
    assert stored["visible_fraction_source"] == ["unknown"]
    figures = stored["objects"]
    assert list(figures) == ["vehicle", "car", "truck", "mean of classes"]
    assert figures["vehicle"]["amodal"]["all"]["ap"] == pytest.approx(1.0)
    assert figures["truck"]["amodal"]["all"]["ar"] == 0.0
    assert figures["mean of classes"]["amodal"]["all"]["ap"] == pytest.approx(0.5)
    assert figures["mean of classes"]["amodal"]["all"]["truth"] == 2
    assert (figures["vehicle"]["pairs"], figures["car"]["pairs"], figures["truck"]["dice"]) == (2, 1, None)
    assert list(figures["car"]["amodal"]) == [band.name for band in BANDS]


def test_a_class_that_is_all_of_its_group_has_one_row() -> None:
    masks, bands = mask_ap_tables({"here": _scores([PEDESTRIAN], [PEDESTRIAN])})
    assert list(masks.columns[0].cells) == ["pedestrian", "mean of classes"]
    assert [next(iter(column.cells)) for column in masks.columns[1:]] == ["1", *["1.000"] * 4, "-", "1.000", "1.000"]
    assert [column.header for column in bands.columns] == ["objects", *(band.heading for band in BANDS[1:])]


def test_sources_are_named_where_there_are_several_and_groups_may_be_left_out() -> None:
    sources = {"a": _scores([CAR], [CAR]), "b": _scores([PEDESTRIAN], [CAR, PEDESTRIAN])}
    masks, _ = mask_ap_tables(sources, groups=(ClassGroup.VEHICLE,))
    names = ["vehicle", "car", "mean of classes"]
    assert list(masks.columns[0].cells) == [*(f"a {name}" for name in names), *(f"b {name}" for name in names)]
    figures = json_masks(sources["b"], groups=(ClassGroup.PEDESTRIAN,))["objects"]
    assert list(figures) == ["pedestrian", "mean of classes"]  # type: ignore[call-overload]


def test_frames_add_up_and_no_frames_have_no_rows() -> None:
    both = MaskScores.zero() + _scores([CAR], [CAR], frame="one") + _scores([], [CAR], frame="two")
    assert json_masks(both)["objects"]["car"]["amodal"]["all"]["ar"] == 0.5  # type: ignore[index]
    assert json_masks(MaskScores.zero()) == {"visible_fraction_source": [], "objects": {}}
    assert [table.row_count for table in mask_ap_tables({"none": MaskScores.zero()})] == [0, 0]


def test_what_is_seen_must_be_of_the_same_objects() -> None:
    annotations = Annotations.from_boxes(PointCloud.empty(), _boxes(2), np.array([CAR, CAR]))
    compared = Comparison.of(_instances([CAR]), annotations, rule=RULE)
    with pytest.raises(ValueError, match="each of 2 objects, got 1"):
        score_masks(compared, rule=RULE, frame="one", seen=_instances([CAR]))
