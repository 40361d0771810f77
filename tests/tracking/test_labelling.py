"""Tracks beside the ids of a scan, and velocities over the ground in the scan's own axes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import PointLabels, Scene, VisibilityMap
from bevseg.results.track_labels import TrackState
from bevseg.tracking.labelling import follow_objects
from bevseg.tracking.tracker import Tracker

GRID = BevGrid(x_min_m=-40.0, y_min_m=-20.0, cell_m=1.0, width=120, height=40)
TENTATIVE, CONFIRMED = int(TrackState.TENTATIVE), int(TrackState.CONFIRMED)


def scan(step: int, xy_m: list[tuple[float, float]], *, known_mps: float = np.nan) -> Scene:
    """Cars in scan `step` of ten a second, with ids that are turned round from scan to scan."""
    k = len(xy_m)
    boxes = np.zeros((k, 7), np.float32)
    boxes[:, :2] = np.array(xy_m, np.float32).reshape(k, 2)
    instances = Instances.from_detections(
        label=np.full(k, 4, np.uint8),
        score=np.full(k, 0.5, np.float32),
        boxes=boxes,
        velocity_mps=np.full((k, 2), known_mps, np.float32),
        amodal=BevMasks.from_cells(GRID, [np.array([j]) for j in range(k)]),
    )
    instances = replace(instances, id=np.roll(instances.id, step))
    points = PointLabels(np.zeros(1, np.uint8), np.zeros(1, np.int32))
    visibility = VisibilityMap(GRID, np.zeros(GRID.shape, np.uint8))
    return Scene(step * 100_000_000, "base_link", instances, OcclusionGraph.empty(k), visibility, points)


def pose(step: int) -> Transform:
    """A vehicle that drives a bend at 8 m/s."""
    return Transform.from_yaw(0.5 + 0.04 * step, np.array([0.8 * step, 0.1 * step, 0.0]), dst="odom", src="base_link")


def seen(step: int, xy_m: tuple[float, float]) -> tuple[float, float]:
    x, y, _ = pose(step).inverse().apply(np.array([[*xy_m, 0.0]]))[0].tolist()
    return x, y


def test_velocities_are_those_over_the_ground_in_the_axes_of_the_vehicle() -> None:
    tracker, states = Tracker(), []
    for step in range(6):
        given = scan(step, [seen(step, (30.0, 4.0)), seen(step, (10.0 + 0.9 * step, -0.3 * step))])
        scene, labels = follow_objects(tracker, given, pose(step))
        assert scene.instances.id.tolist() == given.instances.id.tolist() == labels.instance.tolist()
        assert labels.track.tolist() == [1, 2]
        states.append(labels.state.tolist())
        assert np.isnan(scene.instances.velocity_mps).all() == (step < 2)
    assert states == [[TENTATIVE] * 2] * 2 + [[CONFIRMED] * 2] * 4
    standing, moving = scene.instances.velocity_mps
    np.testing.assert_allclose(standing, [0, 0], atol=1e-3)
    np.testing.assert_allclose(moving, pose(5).matrix[:2, :2].T @ [9.0, -3.0], atol=1e-3)


def test_a_velocity_that_the_model_knows_stays() -> None:
    tracker = Tracker()
    for step in range(4):
        scene, _ = follow_objects(tracker, scan(step, [(5.0, 1.0)], known_mps=-2.5), pose(0))
    assert scene.instances.velocity_mps.tolist() == [[-2.5, -2.5]]


def test_no_object_has_no_track() -> None:
    scene, labels = follow_objects(Tracker(), scan(0, []), pose(0))
    assert (len(scene.instances), len(labels.track)) == (0, 0)


def test_after_a_new_beginning_no_id_comes_twice() -> None:
    tracker = Tracker()
    follow_objects(tracker, scan(5, [(5.0, 1.0)]), pose(0))
    with pytest.raises(ValueError, match="follow in time"):
        follow_objects(tracker, scan(1, [(5.0, 1.0)]), pose(0))
    tracker.begin_anew()
    _, labels = follow_objects(tracker, scan(1, [(5.0, 1.0)]), pose(0))
    assert (labels.track.tolist(), labels.state.tolist()) == ([2], [TENTATIVE])
