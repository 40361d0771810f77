"""Steady ids: through motion, through a gap, across classes of one group, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.geometry.frames import FrameError, Transform
from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import PointLabels, Scene, VisibilityMap
from bevseg.tracking.tracker import Tracker, TrackerConfig

GRID = BevGrid(x_min_m=4.0, y_min_m=-10.0, cell_m=1.0, width=40, height=20)
CAR, TRUCK, PERSON = SemanticClass.CAR, SemanticClass.TRUCK, SemanticClass.PEDESTRIAN


def _scene(step: int, xy_m: list[tuple[float, float]], labels: list[SemanticClass]) -> Scene:
    """Scan `step` of ten a second; point k lies on object k, and the last on none."""
    k = len(xy_m)
    boxes = np.zeros((k, 7), np.float32)
    boxes[:, :2] = np.array(xy_m, np.float32).reshape(k, 2)
    boxes[:, 3:6] = (4, 2, 1.5)
    instances = Instances.from_detections(
        label=np.array(labels, np.uint8),
        score=np.full(k, 0.5, np.float32),
        boxes=boxes,
        velocity_mps=np.full((k, 2), np.nan, np.float32),
        amodal=BevMasks.from_cells(GRID, [np.array([j]) for j in range(k)]),
    )
    points = PointLabels(np.zeros(k + 1, np.uint8), np.append(np.arange(1, k + 1), 0).astype(np.int32))
    visibility = VisibilityMap(GRID, np.zeros(GRID.shape, np.uint8))
    return Scene(step * 100_000_000, "lidar", instances, OcclusionGraph.empty(k), visibility, points)


def _here(x_m: float = 0.0) -> Transform:
    return Transform.from_yaw(0.0, np.array([x_m, 0.0, 0.0]), dst="map", src="lidar")


def test_ids_stay_when_the_order_of_the_objects_changes() -> None:
    tracker = Tracker()
    first = tracker.follow(_scene(0, [(10, 0), (20, 3)], [CAR, CAR]), _here())
    second = tracker.follow(_scene(1, [(20.3, 3), (10.2, 0)], [CAR, CAR]), _here())
    assert first.instances.id.tolist() == [1, 2]
    assert second.instances.id.tolist() == [2, 1]
    assert second.points.instance.tolist() == [2, 1, 0]


def test_a_standing_object_keeps_its_id_while_the_vehicle_drives_and_turns() -> None:
    tracker, ids = Tracker(), []
    for step in range(20):
        T = Transform.from_yaw(0.05 * step, np.array([1.5 * step, 0.0, 0.0]), dst="map", src="lidar")
        seen = T.inverse().apply(np.array([[40.0, 5.0, 0.0]]))[0]
        ids += tracker.follow(_scene(step, [(seen[0], seen[1])], [CAR]), T).instances.id.tolist()
    assert set(ids) == {1}


def test_a_fast_object_that_is_hidden_for_half_a_second_comes_out_with_its_id() -> None:
    tracker = Tracker()
    steps = [k for k in range(20) if not 10 <= k < 15]
    ids = [tracker.follow(_scene(k, [(10 + 1.2 * k, 0.0)], [CAR]), _here()).instances.id.tolist()[0] for k in steps]
    assert set(ids) == {1}


def test_after_its_memory_an_object_is_new() -> None:
    tracker = Tracker(TrackerConfig(memory_s=0.3))
    tracker.follow(_scene(0, [(10, 0)], [CAR]), _here())
    tracker.follow(_scene(2, [], []), _here())
    assert tracker.tracks.id.tolist() == [1]
    assert tracker.follow(_scene(4, [(10, 0)], [CAR]), _here()).instances.id.tolist() == [2]


def test_a_car_may_become_a_truck_but_no_person() -> None:
    tracker = Tracker()
    tracker.follow(_scene(0, [(10, 0)], [CAR]), _here())
    assert tracker.follow(_scene(1, [(10, 0)], [TRUCK]), _here()).instances.id.tolist() == [1]
    assert tracker.follow(_scene(2, [(10, 0)], [PERSON]), _here()).instances.id.tolist() == [2]


def test_what_is_out_of_reach_is_new_and_each_track_goes_on_once() -> None:
    tracker = Tracker()
    tracker.follow(_scene(0, [(10, 0)], [CAR]), _here())
    ids = tracker.follow(_scene(1, [(11.0, 0), (10.1, 0), (15, 0)], [CAR] * 3), _here()).instances.id.tolist()
    assert ids == [2, 1, 3]


def test_scenes_without_objects_pass() -> None:
    tracker = Tracker()
    empty = tracker.follow(_scene(0, [], []), _here())
    assert len(empty.instances) == 0
    assert empty.points.instance.tolist() == [0]
    assert tracker.follow(_scene(1, [(10, 0)], [CAR]), _here()).instances.id.tolist() == [1]


def test_the_scene_given_is_not_changed() -> None:
    tracker = Tracker()
    tracker.follow(_scene(0, [(10, 0)], [CAR]), _here())
    scene = _scene(1, [(30, 0), (10, 0)], [CAR, CAR])
    tracker.follow(scene, _here())
    assert scene.instances.id.tolist() == [1, 2]
    assert scene.points.instance.tolist() == [1, 2, 0]


def test_wrong_frames_and_times_are_refused() -> None:
    tracker = Tracker()
    with pytest.raises(FrameError, match="'lidar'"):
        tracker.follow(_scene(0, [], []), Transform.identity("ego"))
    tracker.follow(_scene(5, [], []), _here())
    with pytest.raises(ValueError, match="follow in time"):
        tracker.follow(_scene(4, [], []), _here())


@pytest.mark.parametrize(
    "wrong", [{"reach_m": 0.0}, {"reach_mps": -1.0}, {"memory_s": -0.1}, {"velocity_gain": 0.0}, {"velocity_gain": 1.5}]
)
def test_configs_that_cannot_work_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="a tracker needs"):
        TrackerConfig(**wrong)
