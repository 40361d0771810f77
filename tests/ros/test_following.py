"""When the node goes on with its tracks, and when it begins anew."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import PointLabels, Scene, VisibilityMap
from bevseg_ros.following import Following, StandingFrame
from bevseg_ros.policies import RefusedError
from bevseg_ros.transforms import TransformHistory

GRID = BevGrid(1.0, -3.0, 0.5, 8, 6)
SECOND = 1_000_000_000


def at(frame: str = "lidar", cars: int = 2, *, x_m: float = 0.0) -> Scene:
    boxes = np.zeros((cars, 7), np.float32)
    boxes[:, 0], boxes[:, 1] = x_m, np.arange(cars) * 10
    instances = Instances.from_detections(
        label=np.full(cars, SemanticClass.CAR, np.uint8),
        score=np.full(cars, 0.5, np.float32),
        boxes=boxes,
        velocity_mps=np.full((cars, 2), np.nan, np.float32),
        amodal=BevMasks.from_cells(GRID, [np.array([cell]) for cell in range(cars)]),
    )
    points = PointLabels(np.zeros(1, np.uint8), np.zeros(1, np.int32))
    visibility = VisibilityMap(GRID, np.zeros(GRID.shape, np.uint8))
    return Scene(5, frame, instances, OcclusionGraph.empty(cars), visibility, points)


def tracks_of(following: Following, second: float, frame: str = "lidar") -> list[int]:
    _, labels = following.follow(at(frame), round(second * SECOND), 0.0)
    return labels.track.tolist()


def test_ids_stay_through_a_gap_and_begin_anew_after_a_jump_or_in_another_frame() -> None:
    following = Following(StandingFrame())
    assert tracks_of(following, 7.0) == [1, 2]
    assert tracks_of(following, 7.4) == [1, 2]  # three clouds were dropped
    assert tracks_of(following, 2.0) == [3, 4]
    assert tracks_of(following, 2.1) == [3, 4]
    assert tracks_of(following, 2.2, "rear") == [5, 6]
    following.begin_anew()
    assert tracks_of(following, 2.3, "rear") == [7, 8]
    following.begin_anew()
    following.begin_anew()  # with nothing between, it is one
    assert following.state(error="", failing=False).begun_anew == 4


def test_the_stamp_of_the_scene_is_left_alone() -> None:
    followed, _ = Following(StandingFrame()).follow(at(), 9 * SECOND, 0.0)
    assert followed.stamp_ns == at().stamp_ns != 9 * SECOND


def test_a_cloud_that_odometry_does_not_cover_costs_no_track() -> None:
    odometry = TransformHistory("odom", "odometry")
    following = Following(odometry)
    with pytest.raises(RefusedError) as refused:
        tracks_of(following, 1.0, "base_link")
    assert refused.value.reason == "no_odometry"
    for second, x in ((0, 0.0), (2, 40.0)):
        pose = Transform.from_yaw(0.0, np.array([x, 0.0, 0.0]), dst="odom", src="base_link")
        odometry.add(second * SECOND, pose)
    assert tracks_of(following, 1.5, "base_link") == [1, 2]
    with pytest.raises(RefusedError, match="older than the cloud"):
        tracks_of(following, 2.1, "base_link")
    there = at("base_link", x_m=-10.0)  # by so much the vehicle went on, while the cars stood
    assert following.follow(there, 2 * SECOND, 0.0)[1].track.tolist() == [1, 2]


def test_nobody_there() -> None:
    _, labels = Following(StandingFrame()).follow(at(cars=0), SECOND, 0.0)
    assert len(labels.track) == 0
