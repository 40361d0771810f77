"""Scenes from clusters."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.baseline import ClusterSegmenter
from bevseg.geometry.grid import BevGrid
from bevseg.instances.clusters import ClusterConfig, segment_clusters
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.results.scene import CellState

AHEAD = BevGrid(x_min_m=2.0, y_min_m=-8.0, cell_m=0.2, width=130, height=80)
ROAD_Z_M = -1.8


def _car(x_m: float, y_m: float, *, step_m: float = 0.1, up_m: float = 0.1) -> np.ndarray:
    """Rear and right side of a car whose near corner stands at (x, y)."""
    up = np.arange(0.1, 1.5, up_m) + ROAD_Z_M
    rear = [(x_m, y_m + t, z) for t in np.arange(0, 1.8, step_m) for z in up]
    side = [(x_m + t, y_m, z) for t in np.arange(0, 4.4, step_m) for z in up]
    return np.array(rear + side)


def _street(*cars: np.ndarray) -> PointCloud:
    x, y = np.meshgrid(np.arange(-10, 30, 0.4), np.arange(-15, 15, 0.4))
    road = np.stack([x.ravel(), y.ravel(), np.full(x.size, ROAD_Z_M)], axis=1)
    return PointCloud.from_xyz(np.concatenate([road, *cars]).astype(np.float32), stamp_ns=17, frame="sensor")


def test_one_car_behind_another_is_hidden_by_it() -> None:
    cloud = _street(_car(8, -0.9), _car(14, -0.9))
    scene = ClusterSegmenter(AHEAD).segment(cloud)
    assert (scene.stamp_ns, scene.frame, scene.grid) == (17, "sensor", AHEAD)
    assert scene.instances.label.tolist() == [SemanticClass.CAR] * 2
    near, far = np.argsort(scene.instances.boxes[:, 0])
    assert scene.occlusion.occluder.tolist() == [near]
    assert scene.occlusion.occluded.tolist() == [far]
    assert scene.instances.visible_fraction[far] < scene.instances.visible_fraction[near]
    assert np.isin([CellState.FREE, CellState.OCCUPIED, CellState.HIDDEN], scene.visibility.state).all()
    assert list(scene.timings_ms) == ["clusters", "ground", "point_labels", "visibility", "occlusion"]


def test_points_of_objects_have_their_class_and_all_others_none() -> None:
    car = _car(8, -0.9)
    scene = ClusterSegmenter(AHEAD).segment(_street(car))
    assert scene.instances.id.tolist() == [1]
    points = scene.points
    np.testing.assert_array_equal(points.semantic, np.where(points.instance == 1, SemanticClass.CAR, 0))
    own = points.instance[-len(car) :] == 1
    assert own.mean() > 0.8
    assert not points.instance[: -len(car)].any()


def test_objects_below_the_score_of_their_group_are_dropped() -> None:
    cloud = _street(_car(8, -0.9), _car(8, 4.0, step_m=0.2, up_m=0.5))
    scores = segment_clusters(cloud, AHEAD, ClusterConfig()).score
    assert len(scores) == 2
    assert scores[0] > scores[1] > 0
    between = float(scores.mean())
    kept = ClusterSegmenter(AHEAD, min_score=(between, 0.0, 0.0, 0.0)).segment(cloud).instances
    np.testing.assert_array_equal(kept.score, scores[:1])
    others = ClusterSegmenter(AHEAD, min_score=(0.0, 1.0, 1.0, 1.0)).segment(cloud).instances
    assert others.id.tolist() == [1, 2]


@pytest.mark.parametrize("cloud", [PointCloud.empty(), _street()], ids=["empty", "bare"])
def test_a_scan_without_objects_is_a_valid_scene(cloud: PointCloud) -> None:
    scene = ClusterSegmenter().segment(cloud)
    assert len(scene.instances) == 0
    assert scene.grid == BevGrid.square(half_extent_m=51.2, cell_m=0.2)
    assert not scene.points.semantic.any()
    assert len(scene.points.semantic) == len(cloud)
