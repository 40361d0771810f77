"""Evaluations of a street with known failures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations, Sample
from bevseg.evaluation.frame_scores import SIMULATED, Scores, Segmentation, score_frame
from bevseg.evaluation.matching import EVALUATION_GRID
from bevseg.evaluation.run import EvaluatedSource, Method
from bevseg.evaluation.summary import SourceScores, Summary
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import footprint_masks
from bevseg.results.scene import PointLabels


@dataclass(frozen=True)
class Street:
    """Scans of a road with three cars and a pedestrian, each with points on it."""

    name: str
    frames: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> Sample:
        return street_sample(self.frames[index])

    def name_of(self, index: int) -> str:
        return self.frames[index]


BOXES = np.array(
    [
        [12.0, 3.0, 0.0, 4.6, 1.9, 1.6, 0.3],
        [20.0, -4.0, 0.0, 4.6, 1.9, 1.6, 0.0],
        [-9.0, 6.0, 0.0, 4.6, 1.9, 1.6, 1.0],
        [8.0, -3.0, 0.0, 0.8, 0.8, 1.7, 0.0],
    ],
    np.float32,
)
LABELS = np.array([SemanticClass.CAR, SemanticClass.CAR, SemanticClass.TRUCK, SemanticClass.PEDESTRIAN], np.uint8)


def street_sample(name: str) -> Sample:
    """Forty points in each box."""
    inside = np.random.default_rng(0).uniform(-0.3, 0.3, (len(BOXES), 40, 3))
    cloud = PointCloud.from_xyz((BOXES[:, None, :3] + inside).reshape(-1, 3).astype(np.float32))
    truth = Annotations.from_boxes(cloud, BOXES, LABELS, point_semantic=np.repeat(LABELS, 40))
    poses = (Transform(np.eye(4), "ego", "lidar"), Transform(np.eye(4), "global", "ego"))
    return Sample(name, cloud, truth, *poses)


def street_result(sample: Sample) -> Segmentation:
    """One car right, one shifted, the truck called a car, the pedestrian missed, and a car where there is none."""
    boxes = BOXES[[0, 1, 2, 3]] + np.array([[0.0] * 7, [0, 1.2, 0, 0, 0, 0, 0], [0.0] * 7, [-20.0, 9, 0, 3.8, 1, 0, 0]])
    found = Instances.from_detections(
        label=np.full(4, SemanticClass.CAR, np.uint8),
        score=np.array([0.95, 0.85, 0.75, 0.65], np.float32),
        boxes=boxes.astype(np.float32),
        velocity_mps=np.zeros((4, 2), np.float32),
        amodal=footprint_masks(boxes.astype(np.float32), EVALUATION_GRID),
    )
    semantic = np.full(len(sample.cloud), SemanticClass.CAR, np.uint8)
    points = PointLabels(semantic, np.zeros(len(semantic), np.int32))
    return Segmentation(found, points, timings_ms={"network": 40.0, "total": 50.0})


def street_method() -> Method:
    """Says `street_result` of every frame but those called missing."""
    return lambda source, sample: None if "missing" in sample.name else street_result(sample)


@dataclass(frozen=True)
class Scored:
    """An evaluation that is done."""

    sources: tuple[EvaluatedSource, ...]
    method: Callable[[], Method]
    summary: Summary


def _score(frames: Mapping[str, Sequence[str]]) -> Scored:
    sources = tuple(
        EvaluatedSource(name, partial(Street, name, tuple(each)), SIMULATED) for name, each in frames.items()
    )
    method = street_method()
    parts = []
    for source in sources:
        counted = Scores.zero()
        opened = source.open()
        for sample in (opened[index] for index in range(len(opened))):
            result = method(source.name, sample)
            counted += score_frame(result, sample, source.scoring, name=f"{source.name}/{sample.name}")
        parts.append(SourceScores(source.name, source.scoring, counted))
    return Scored(sources, street_method, Summary(tuple(parts)))


@pytest.fixture(scope="session")
def score_streets() -> Callable[[Mapping[str, Sequence[str]]], Scored]:
    """Scores streets: names of the frames of each source. Frames called missing have no result."""
    return _score
