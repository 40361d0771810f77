"""What cannot have been seen is not believed, where that has proved wise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.geometry.grid import BevGrid
from bevseg.occlusion.plausibility import PlausibilityConfig, drop_unseen
from bevseg.occlusion.visibility import Horizon, VisibilityMapper
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import footprint_masks

GRID = BevGrid(x_min_m=-5.0, y_min_m=-20.0, cell_m=0.2, width=250, height=180)
SENSOR = np.zeros((1, 3))


def horizon_of_wall() -> Horizon:
    """A wall 12 m ahead, from y = 0 to the left, higher than anybody."""
    y, z = np.meshgrid(np.arange(0.0, 10.0, 0.02), np.arange(-1.4, 3.0, 0.1))
    xyz = np.stack([np.full(y.size, 12.0), y.ravel(), z.ravel()], axis=1).astype(np.float32)
    return VisibilityMapper(GRID).observe(PointCloud.from_xyz(xyz), xyz[:, 2] + np.float32(1.8)).horizon


def objects(*labels: SemanticClass, y_m: tuple[float, ...]) -> Instances:
    boxes = np.array([[18.0, y, -0.9, 0.8, 0.8, 1.8, 0.0] for y in y_m])
    return Instances.from_detections(
        label=np.array(labels),
        score=np.linspace(0.9, 0.5, len(labels)),
        boxes=boxes.reshape(-1, 7),
        velocity_mps=np.full((len(labels), 2), np.nan),
        amodal=footprint_masks(boxes.reshape(-1, 7), GRID),
    )


def test_pedestrians_behind_a_wall_are_dropped_and_vehicles_are_not() -> None:
    person, car = SemanticClass.PEDESTRIAN, SemanticClass.CAR
    found = objects(person, car, person, y_m=(6.0, 8.0, -6.0))
    kept = drop_unseen(found, SENSOR, [horizon_of_wall()], PlausibilityConfig())
    assert kept.label.tolist() == [car, person]
    assert kept.boxes[:, 1].tolist() == [8.0, -6.0]
    assert kept.id.tolist() == [1, 2]


def test_what_a_second_sensor_can_have_seen_stays() -> None:
    person, high_up = SemanticClass.PEDESTRIAN, np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 40.0]])
    wall = horizon_of_wall()
    found = objects(person, person, y_m=(6.0, -6.0))
    free = replace(wall, slope=np.full_like(wall.slope, -np.inf))
    assert len(drop_unseen(found, high_up, [wall, wall], PlausibilityConfig())) == 1
    assert len(drop_unseen(found, high_up, [wall, free], PlausibilityConfig())) == 2


def test_without_a_threshold_all_stay() -> None:
    found = objects(SemanticClass.PEDESTRIAN, y_m=(6.0,))
    assert drop_unseen(found, SENSOR, [horizon_of_wall()], PlausibilityConfig((0.0,) * 4)) is found


def test_no_objects() -> None:
    nothing = Instances.empty(GRID)
    assert len(drop_unseen(nothing, SENSOR, [horizon_of_wall()], PlausibilityConfig())) == 0


def test_a_share_is_a_share() -> None:
    with pytest.raises(ValueError, match="min_visible"):
        PlausibilityConfig((0.0, 1.5, 0.0, 0.0))
