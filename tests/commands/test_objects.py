"""Rows of objects: the empty table (the ordinary ones are tested through `bevseg demo`)."""

from __future__ import annotations

import numpy as np

from bevseg.commands.objects import object_rows, object_table
from bevseg.geometry.grid import BevGrid
from bevseg.results.instances import Instances
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import PointLabels, Scene, VisibilityMap


def test_nothing_found_has_no_rows() -> None:
    grid = BevGrid(x_min_m=4.0, y_min_m=0.0, cell_m=1.0, width=4, height=2)
    labels = PointLabels(np.zeros(0, np.uint8), np.zeros(0, np.int32))
    visibility = VisibilityMap(grid, np.zeros(grid.shape, np.uint8))
    scene = Scene(0, "lidar", Instances.empty(grid), OcclusionGraph.empty(), visibility, labels)
    assert object_rows(scene) == []
    assert object_table([], title="none").row_count == 0
