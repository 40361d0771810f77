from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations, Sample
from bevseg.drawing.annotations import draw_annotations
from bevseg.drawing.canvas import BevView
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass

VIEW = BevView(0.0, 40.0, y_center_m=-8.0)
"""Not centred: 0 to 40 m ahead, the middle 8 m to the right."""


@pytest.fixture
def sample() -> Sample:
    """A car ahead on the left with a point on it, an ignored box on the right, and a point far away."""
    cloud = PointCloud.from_xyz(np.array([[20.0, 4.0, -0.5], [30.0, -20.0, 0.0], [500.0, 0.0, 0.0]], np.float32))
    boxes = np.array([[20.0, 4.0, -0.9, 4.6, 2.0, 1.6, 0.0], [25.0, -15.0, -0.9, 4.0, 2.0, 1.6, 0.5]], np.float32)
    truth = Annotations.from_boxes(
        cloud, boxes, np.array([SemanticClass.CAR, SemanticClass.NOISE]), ignored=np.array([False, True])
    )
    return Sample("a", cloud, truth, Transform(np.eye(4), "ego", "lidar"), Transform(np.eye(4), "global", "ego"))


def pixel(x_m: float, y_m: float, *, width: int = 600, height: int = 400) -> tuple[int, int]:
    scale = height / 40.0
    return round((40.0 - x_m) * scale), round((-8.0 - y_m) * scale + width / 2)


def test_boxes_and_points_are_where_they_are(sample: Sample) -> None:
    image = draw_annotations(sample, view=VIEW, width=600, height=400)
    assert image.shape == (400, 600, 3)
    row, column = pixel(20.0, 5.0)
    edge = image[row - 2 : row + 3, column - 2 : column + 3].max(axis=(0, 1))
    assert edge.max() > 120
    row, column = pixel(20.0, 4.0)
    point = image[row - 1 : row + 2, column - 1 : column + 2].reshape(-1, 3).max(axis=0).astype(int)
    assert point[2] > point[0] + 10, "a car is blue; height would be grey"
    row, column = pixel(10.0, -25.0)
    assert image[row - 2 : row + 3, column - 2 : column + 3].max() < 60


def test_labelled_points_have_the_colour_of_their_class(sample: Sample) -> None:
    semantic = np.array([SemanticClass.CAR, SemanticClass.VEGETATION, 0], np.uint8)
    labelled = replace(sample, annotations=replace(sample.annotations, point_semantic=semantic))
    image = draw_annotations(labelled, view=VIEW, width=600, height=400, title="a title")
    row, column = pixel(30.0, -20.0)
    point = image[row - 1 : row + 2, column - 1 : column + 2].reshape(-1, 3).astype(int)
    green = point[point.sum(axis=1).argmax()]
    assert green[1] > green[0]
    assert green[1] > green[2]


def test_nothing_to_draw() -> None:
    cloud = PointCloud.empty()
    truth = Annotations.from_boxes(cloud, np.zeros((0, 7), np.float32), np.zeros(0, np.uint8))
    empty = Sample("a", cloud, truth, Transform(np.eye(4), "ego", "lidar"), Transform(np.eye(4), "global", "ego"))
    assert draw_annotations(empty).shape == (960, 1280, 3)
