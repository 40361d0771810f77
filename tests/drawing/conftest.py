"""A small hand-made scene: a car that hides most of a second one, a pedestrian beside them, and a few points."""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.geometry.boxes import footprint_cells
from bevseg.geometry.grid import BevGrid
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import CellState, PointLabels, Scene, VisibilityMap

GRID = BevGrid(x_min_m=4.0, y_min_m=-16.0, cell_m=0.4, width=100, height=60)
"""Not centred: x from 4 to 44, y from -16 to 8."""

BOXES = np.array(
    [
        [14.0, 0.0, -0.9, 4.6, 1.9, 1.6, 0.0],
        [21.0, 0.4, -0.9, 4.4, 1.8, 1.6, 0.3],
        [12.0, -9.0, -0.8, 0.8, 0.8, 1.8, np.pi / 2],
    ],
    np.float32,
)


@pytest.fixture
def cloud() -> PointCloud:
    """Returns on the near car, on the pedestrian, on the ground and one far outside of every view."""
    xyz = [[11.8, 0.5, -1.0], [11.8, -0.5, -1.0], [11.7, -9.0, -0.5], [8.0, 3.0, -1.8], [400.0, 0.0, 0.0]]
    return PointCloud.from_xyz(np.array(xyz, np.float32), stamp_ns=5)


@pytest.fixture
def scene() -> Scene:
    amodal = BevMasks.from_cells(GRID, [footprint_cells(box.astype(float), GRID) for box in BOXES])
    second = amodal.cells_of(1)
    near_half = second[GRID.centers_of(second)[:, 1] > 0.4]
    visible = BevMasks.from_cells(GRID, [amodal.cells_of(0), near_half, amodal.cells_of(2)])
    fraction = np.array([1.0, 0.38, 1.0], np.float32)
    instances = Instances(
        id=np.array([7, 3, 12], np.int32),
        label=np.array([SemanticClass.CAR, SemanticClass.CAR, SemanticClass.PEDESTRIAN], np.uint8),
        score=np.array([0.91, 0.55, 0.7], np.float32),
        boxes=BOXES,
        velocity_mps=np.full((3, 2), np.nan, np.float32),
        amodal=amodal,
        visible=visible,
        visible_fraction=fraction,
        visible_fraction_source="estimated",
    )
    graph = OcclusionGraph(
        occluder=np.array([0], np.int32),
        occluded=np.array([1], np.int32),
        hidden_fraction=np.array([0.62], np.float32),
        rank=np.array([1, 2, 0], np.int32),
        visible_fraction=fraction,
    )
    state = np.full(GRID.shape, CellState.FREE, np.uint8)
    state[:, 80:] = CellState.UNOBSERVED
    labels = PointLabels(np.array([4, 4, 7, 11, 0], np.uint8), np.array([7, 7, 12, 0, 0], np.int32))
    return Scene(5, "lidar", instances, graph, VisibilityMap(GRID, state), labels, {"network": 20.0})


@pytest.fixture
def empty_scene() -> Scene:
    """Nothing found in a cloud without points."""
    return Scene(
        stamp_ns=0,
        frame="lidar",
        instances=Instances.empty(GRID),
        occlusion=OcclusionGraph.empty(),
        visibility=VisibilityMap(GRID, np.zeros(GRID.shape, np.uint8)),
        points=PointLabels(np.zeros(0, np.uint8), np.zeros(0, np.int32)),
    )
