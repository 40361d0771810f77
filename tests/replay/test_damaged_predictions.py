"""The tool that makes each kind of failure on purpose: the evaluation must give each the name that was meant."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations, Sample
from bevseg.drawing.difference import Outcome
from bevseg.evaluation.frame_scores import Scoring
from bevseg.evaluation.matching import MatchRule
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.replay.difference import judge
from bevseg.replay.truth import TruthScenes
from bevseg.results.classes import SemanticClass

TOOL: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "damaged_predictions.py"))
CAR_M = (4.2, 1.8, 1.5)
SCORING = Scoring(MatchRule(min_points=5, max_range_m=50.0))


@pytest.fixture(scope="module")
def sample() -> Sample:
    """Two cars side by side and seven that stand alone, 50 points on each."""
    places = [(8.0, 0.0), (8.0, 2.4), *[(-20.0 + 9 * k, -12.0 + k) for k in range(4)], (20.0, 14.0), (2.0, 14.0)]
    places.append((-16.0, 10.0))
    boxes = np.array([(x, y, 0.0, *CAR_M, 0.05 * k) for k, (x, y) in enumerate(places)], np.float32)
    rng = np.random.default_rng(3)
    xyz = (boxes[:, None, :3] + rng.uniform(-0.6, 0.6, (len(boxes), 50, 3))).reshape(-1, 3)
    cloud = PointCloud.from_xyz(xyz.astype(np.float32))
    truth = Annotations.from_boxes(cloud, boxes, np.full(len(boxes), int(SemanticClass.CAR), np.uint8))
    truth = replace(truth, track_id=np.arange(100, 100 + len(boxes)))
    T_ego_from_lidar = Transform(np.eye(4), "ego", cloud.frame)
    return Sample("0", cloud, truth, T_ego_from_lidar, Transform(np.eye(4), "global", "ego"))


def test_each_kind_is_made_once_and_named_as_meant(sample: Sample) -> None:
    plan = TOOL["choose"](sample.annotations)
    scene = TOOL["damaged"](sample, plan, TruthScenes())
    difference = judge(scene.instances, sample.annotations, scoring=SCORING)
    failures = {outcome: count for outcome, count in difference.counts().items() if outcome.is_failure}
    assert failures == dict.fromkeys(failures, 1)
    track = {kind: track for track, kind in plan.kind_of_track.items()}
    of_mark = dict(zip(difference.mark.tolist(), difference.mark_truth.tolist(), strict=True))
    for kind in (Outcome.MISSED, Outcome.SPLIT, Outcome.WRONG_LABEL, Outcome.TWICE, Outcome.WRONG_SHAPE):
        assert sample.annotations.track_id[of_mark[int(kind)]] == track[kind], kind.word


def test_what_is_not_in_the_frame_is_not_damaged(sample: Sample) -> None:
    plan = TOOL["choose"](sample.annotations)
    empty = Annotations.from_boxes(sample.cloud, np.zeros((0, 7), np.float32), np.zeros(0, np.uint8))
    assert len(TOOL["damaged"](replace(sample, annotations=empty), plan, TruthScenes()).instances) == 0


def test_a_frame_without_enough_cars_is_refused(sample: Sample) -> None:
    unknown = replace(sample.annotations, track_id=np.full(len(sample.annotations), -1))
    with pytest.raises(ValueError, match="no two cars stand within"):
        TOOL["choose"](unknown)
    few = replace(sample.annotations, ignored=np.arange(len(sample.annotations)) > 3)
    with pytest.raises(ValueError, match="no car is left for"):
        TOOL["choose"](few)


def test_the_sheet_has_a_tile_a_kind_in_its_colour(sample: Sample) -> None:
    scene = TOOL["damaged"](sample, TOOL["choose"](sample.annotations), TruthScenes())
    sheet = TOOL["draw_sheet"](sample, scene, scoring=SCORING)
    high, wide = TOOL["TILE_HEIGHT"] + TOOL["CAPTION"] + TOOL["GAP"], TOOL["TILE_WIDTH"] + TOOL["GAP"]
    for k, outcome in enumerate(TOOL["MEANING"]):
        row, column = divmod(k, TOOL["COLUMNS"])
        tile = sheet[row * high : (row + 1) * high, column * wide : (column + 1) * wide].astype(int)
        close = np.abs(tile - outcome.color).max(axis=2) < 12
        assert close.sum() > 60, outcome.word
    with pytest.raises(ValueError, match="does not show 'missed'"):
        TOOL["draw_sheet"](sample, TruthScenes().predict(sample), scoring=SCORING)
