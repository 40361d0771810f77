"""Motion along arcs, and braking behind what stands in the way."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.simulation.layout.motion import EgoMotion, simulate_motion
from bevseg.simulation.layout.objects import Objects
from bevseg.simulation.layout.plan import rectangles_overlap


def _objects(boxes: list[list[float]], speeds: list[float], curvatures: list[float]) -> Objects:
    k = len(boxes)
    return Objects(
        kind=np.zeros(k, np.int64),
        variant=np.zeros(k, np.int64),
        boxes=np.array(boxes, dtype=np.float64).reshape(-1, 7),
        speed_mps=np.array(speeds, dtype=np.float64),
        curvature_per_m=np.array(curvatures, dtype=np.float64),
        tint=np.ones(k),
        track_id=np.arange(1, k + 1),
    )


FAR_EGO = EgoMotion((0.0, 500.0, 0.0), 0.0, 0.0)


def test_an_arc_is_a_circle() -> None:
    radius = 20.0
    mover = _objects([[radius, 0, 0, 4, 2, 1.5, np.pi / 2]], [5.0], [1 / radius])
    path = simulate_motion(mover, FAR_EGO, steps=60, step_s=0.1)
    np.testing.assert_allclose(np.hypot(*path.pose[:, 0, :2].T), radius, rtol=1e-9)
    moved = path.objects_at(59, mover)
    assert moved.boxes[0, 6] == pytest.approx(np.pi / 2 + 59 * 0.5 / radius)
    assert moved.track_id.tolist() == [1]


def test_a_car_stops_behind_a_standing_one() -> None:
    cars = _objects([[0, 0, 0, 4, 2, 1.5, 0], [40, 0, 0, 4, 2, 1.5, 0]], [12.0, 0.0], [0.0, 0.0])
    path = simulate_motion(cars, FAR_EGO, steps=120, step_s=0.1)
    assert path.speed_mps[0, 0] == 12.0
    assert path.speed_mps[-1, 0] == 0.0
    for pose in path.pose:
        one, two = ((x, y, 4.0, 2.0, yaw) for x, y, yaw in pose[:2].tolist())
        assert not rectangles_overlap(one, two)


def test_the_vehicle_itself_is_an_obstacle() -> None:
    follower = _objects([[0, 0, 0, 4, 2, 1.5, 0]], [8.0], [0.0])
    path = simulate_motion(follower, EgoMotion((30.0, 0.0, 0.0), 0.0, 0.0), steps=100, step_s=0.1)
    assert path.pose[-1, 0, 0] < 30 - 4
    assert path.ego_pose_at(99) == (30.0, 0.0, 0.0)


def test_without_objects_only_the_vehicle_moves() -> None:
    path = simulate_motion(_objects([], [], []), EgoMotion((1.0, 2.0, 0.0), 6.0, 0.0), steps=11, step_s=0.1)
    assert path.ego_pose_at(10)[0] == pytest.approx(7.0)
    assert len(path.objects_at(5, _objects([], [], []))) == 0
