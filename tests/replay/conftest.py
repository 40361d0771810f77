"""A short hand-made drive: a car that drives off, a parked one, a pedestrian; and results for its scans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.replay.frames import VIEW_GRID, nothing_found
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import footprint_masks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import PointLabels, Scene
from bevseg.results.scene_file import write_scene

CAR, PEDESTRIAN = int(SemanticClass.CAR), int(SemanticClass.PEDESTRIAN)
LABELS = np.array([CAR, CAR, PEDESTRIAN], np.uint8)


@dataclass(frozen=True)
class Drive:
    """Samples as a source."""

    samples: tuple[Sample, ...]
    name: str = "drive"

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        if not self.samples[index].name:
            raise ValueError(f"frame {index} is cut off after 12 bytes; copy it again")
        return self.samples[index]

    def name_of(self, index: int) -> str:
        return self.samples[index].name


def boxes_at(step: int) -> np.ndarray:
    """The first car is 1 m farther in each scan."""
    return np.array(
        [
            [10.0 + step, 3.0, -1.0, 4.5, 1.9, 1.6, 0.0],
            [14.0, -4.0, -1.0, 4.2, 1.8, 1.6, 0.1],
            [8.0, -7.0, -0.9, 0.8, 0.8, 1.8, 1.0],
        ],
        np.float32,
    )


def make_sample(step: int) -> Sample:
    """A scan with 20 points in each box and a ring of ground; the vehicle stands 5 m off the fixed origin."""
    rng = np.random.default_rng(step)
    boxes = boxes_at(step)
    on_objects = boxes[:, None, :3] + rng.uniform(-0.3, 0.3, (3, 20, 3))
    angle = rng.uniform(-np.pi, np.pi, 300)
    ground = np.stack([9 * np.cos(angle), 9 * np.sin(angle), np.full(300, -1.8)], axis=1)
    cloud = PointCloud.from_xyz(
        np.concatenate([on_objects.reshape(-1, 3), ground]).astype(np.float32),
        stamp_ns=1_000_000_000 + step * 100_000_000,
        intensity=rng.random(360).astype(np.float32),
    )
    truth = Annotations.from_boxes(cloud, boxes, LABELS, track_id=np.array([7_000_000_000, 3, 5]))
    to_ego = Transform(np.eye(4), "ego", "lidar")
    to_global = Transform.from_yaw(0.5, np.array([5.0, 0.0, 0.0]), dst="global", src="ego")
    return Sample(f"{step:06d}", cloud, truth, to_ego, to_global)


def make_scene(sample: Sample, boxes: np.ndarray, labels: np.ndarray, scores: np.ndarray | None = None) -> Scene:
    """A result with these objects, all of them wholly seen."""
    k = len(boxes)
    amodal = footprint_masks(boxes, VIEW_GRID)
    instances = replace(
        Instances.from_detections(
            label=labels,
            score=np.full(k, 0.9, np.float32) if scores is None else scores,
            boxes=boxes,
            velocity_mps=np.full((k, 2), np.nan, np.float32),
            amodal=amodal,
        ),
        visible=amodal,
        visible_fraction=np.ones(k, np.float32),
        visible_fraction_source="estimated",
    )
    instance = np.zeros(len(sample.cloud), np.int32)
    instance[: 20 * min(k, 3)] = np.repeat(np.arange(1, min(k, 3) + 1), 20)
    nothing = nothing_found(sample.cloud)
    return replace(
        nothing,
        instances=instances,
        occlusion=OcclusionGraph.empty(k),
        points=PointLabels(nothing.points.semantic, instance),
    )


@pytest.fixture
def drive() -> Drive:
    """A source."""
    return Drive(tuple(make_sample(step) for step in range(6)))


@pytest.fixture
def make() -> Callable[..., Scene]:
    """`make_scene(sample, boxes, labels, scores)`."""
    return make_scene


@pytest.fixture
def right() -> Callable[[Sample], Scene]:
    """Finds exactly what is there, in another order from scan to scan."""

    def predict(sample: Sample) -> Scene:
        boxes = sample.annotations.boxes
        return make_scene(sample, np.roll(boxes, int(sample.name), axis=0), np.roll(LABELS, int(sample.name)))

    return predict


@pytest.fixture
def stored(drive: Drive, right: Callable[[Sample], Scene], tmp_path: Path) -> Path:
    """The folder of an evaluation with a result for each scan."""
    for sample in drive.samples:
        write_scene(tmp_path / "eval" / "predictions" / "drive" / sample.name, right(sample))
    (tmp_path / "eval" / "run.json").write_text("{}")
    return tmp_path / "eval"
