from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations
from bevseg.geometry.boxes import footprint_cells
from bevseg.geometry.grid import BevGrid
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks

Boxes = list[list[float]]


@pytest.fixture(scope="session")
def grid() -> BevGrid:
    """Neither square nor centred, so that a swap of axes shows."""
    return BevGrid(x_min_m=-5.0, y_min_m=-20.0, cell_m=0.5, width=100, height=60)


@pytest.fixture(scope="session")
def make_objects(grid: BevGrid) -> Callable[..., Instances]:
    def make(label: list[int], boxes: Boxes, *, score: float = 0.5) -> Instances:
        array = np.array(boxes, np.float32).reshape(-1, 7)
        return Instances.from_detections(
            label=np.array(label, np.uint8),
            score=np.full(len(label), score, np.float32),
            boxes=array,
            velocity_mps=np.full((len(label), 2), np.nan, np.float32),
            amodal=BevMasks.from_cells(grid, [footprint_cells(box, grid) for box in array]),
        )

    return make


@pytest.fixture(scope="session")
def truth_as_found(grid: BevGrid) -> Callable[[Annotations], Instances]:
    """The objects that have points, as if a network had found just them."""

    def found(truth: Annotations) -> Instances:
        kept = np.flatnonzero(truth.num_points > 0)
        return Instances.from_detections(
            label=truth.label[kept],
            score=np.ones(len(kept), np.float32),
            boxes=truth.boxes[kept],
            velocity_mps=truth.velocity_mps[kept],
            amodal=BevMasks.from_cells(grid, [footprint_cells(box, grid) for box in truth.boxes[kept]]),
        )

    return found
