from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations
from bevseg.evaluation.matching import EVALUATION_GRID, MatchRule, match_frame
from bevseg.evaluation.order_scores import METHODS, OrderScores, score_order
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import footprint_masks
from bevseg.results.occlusion_graph import OcclusionGraph, near_to_far

ORIGIN = np.zeros(3)
BOXES = np.array([[10.0, 0, -0.9, 4, 2, 1.6, 0], [20, 0, -0.9, 4, 2, 1.6, 0], [0, 15, -0.9, 4, 2, 1.6, 0]])


def _graph(visible: tuple[float, ...] = (1.0, 0.25, 1.0)) -> OcclusionGraph:
    """The first car hides most of the second, the third stands in the open."""
    front, behind = np.array([0], np.int32), np.array([1], np.int32)
    rank, _ = near_to_far(front, behind, np.array([8.0, 18.0, 14.0]))
    return OcclusionGraph(front, behind, np.array([0.75], np.float32), rank, np.array(visible, np.float32))


def _truth() -> Annotations:
    bare = Annotations.from_boxes(PointCloud.empty(), BOXES, np.full(3, SemanticClass.CAR))
    graph = _graph()
    return replace(bare, num_points=np.full(3, 40), occlusion=graph, visible_fraction=graph.visible_fraction)


def _found() -> Instances:
    return Instances.from_detections(
        label=np.full(3, SemanticClass.CAR),
        score=np.full(3, 0.9),
        boxes=BOXES,
        velocity_mps=np.full((3, 2), np.nan),
        amodal=footprint_masks(BOXES, EVALUATION_GRID),
    )


def _score(graph: OcclusionGraph | None, truth: Annotations) -> OrderScores:
    matches = match_frame(_found(), truth, rule=MatchRule())
    return score_order(_found(), graph, truth, matches, ORIGIN)


def test_the_scene_and_both_baselines() -> None:
    scores = _score(_graph((1.0, 0.5, 1.0)), _truth())
    assert [scores.order[name].occlusion.f1 for name in METHODS] == [1.0, 1.0, 0.0]
    assert [scores.order[name].whdr for name in METHODS] == [0.0, 0.0, 1.0]
    errors = [scores.visible_fraction[name].mean_absolute[0] for name in METHODS]
    assert errors == pytest.approx([0.25, 0.25, 0.75])  # seen from above, all of the second is hidden
    assert scores.amodal.iou_all[[0, 7]].tolist() == [1.0, 1.0]


def test_without_truth_or_graph_there_is_nothing_to_tell() -> None:
    for scores in (_score(None, _truth()), _score(_graph(), replace(_truth(), occlusion=None)), OrderScores.zero()):
        assert scores.num_frames == 0
        assert scores.tables() == ()
        assert scores.as_json() == {}


def test_parts_add_to_the_whole() -> None:
    one, other = _score(_graph(), _truth()), _score(_graph((0.9, 0.3, 0.8)), _truth())
    whole = OrderScores.zero() + one + other
    assert whole.num_frames == 2
    assert whole.as_json() == (other + one).as_json()


def test_tables_and_json() -> None:
    scores = _score(_graph(), _truth())
    depth, edges, visible, amodal = scores.tables()
    assert list(depth.columns[0].cells) == list(edges.columns[0].cells) == list(METHODS)
    assert list(depth.columns[4].cells) == ["0.000", "0.000", "1.000"]
    assert [str(column.header) for column in visible.columns] == [
        "visible by",
        "0-40 %",
        "40-60 %",
        "60-80 %",
        "80-100 %",
        "all",
    ]
    assert list(amodal.columns[0].cells)[::9] == ["0-10 %", "90-100 %"]
    assert list(amodal.columns[1].cells) == ["2", *"000000100"]
    stored = json.loads(json.dumps(scores.as_json(), allow_nan=False))
    assert stored["scene"]["counts"]["edges_right"] == 1
    assert stored["scene"]["visible_fraction_error"]["0-40 %"] == {"objects": 1, "mean_absolute": 0.0, "bias": 0.0}
    assert stored["no occlusion"]["depth"] == {"precision": None, "recall": 0.0, "f1": 0.0}
    assert stored["amodal_by_hidden_fraction"]["70-80 %"]["found"] == 1
