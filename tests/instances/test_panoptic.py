from __future__ import annotations

import numpy as np
import pytest

from bevseg.geometry.boxes import footprint_cells
from bevseg.geometry.grid import BevGrid
from bevseg.instances.panoptic import PanopticConfig, fuse_panoptic
from bevseg.results.classes import SemanticClass as C
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks

GRID = BevGrid(x_min_m=2.0, y_min_m=-3.0, cell_m=0.2, width=100, height=60)
CAR_BOX = np.array([10.0, 1.0, -0.8, 4.0, 2.0, 1.6, 0.0], np.float32)


def one_car() -> Instances:
    return Instances.from_detections(
        label=np.array([C.CAR]),
        score=np.array([0.9], np.float32),
        boxes=CAR_BOX[None],
        velocity_mps=np.zeros((1, 2), np.float32),
        amodal=BevMasks.from_cells(GRID, [footprint_cells(CAR_BOX, GRID)]),
    )


# On the car; on the road under it; a leaf above the roof; a wall beside it; a bush that looks into the mask.
XYZ = np.array([[10, 1, -0.5], [10, 1, -1.58], [10, 1, 2.0], [10, -2.5, 0.0], [10, 1.5, -0.4], [90, 0, 0]], np.float32)
HEIGHT_M = XYZ[:, 2] + 1.6
SEMANTIC = np.array([C.CAR, C.DRIVEABLE_SURFACE, C.VEGETATION, C.MANMADE, C.VEGETATION, 0], np.uint8)


def test_stuff_protected_leaves_stuff_alone() -> None:
    labels = fuse_panoptic(XYZ, HEIGHT_M, SEMANTIC, one_car(), PanopticConfig(policy="stuff-protected"))
    assert labels.instance.tolist() == [1, 0, 0, 0, 0, 0]
    np.testing.assert_array_equal(labels.semantic, SEMANTIC)


def test_instance_priority_claims_what_lies_in_the_mask_but_not_the_ground() -> None:
    labels = fuse_panoptic(XYZ, HEIGHT_M, SEMANTIC, one_car(), PanopticConfig(policy="instance-priority"))
    assert labels.instance.tolist() == [1, 0, 0, 0, 1, 0]
    assert labels.semantic[4] == C.CAR


def test_a_point_takes_the_class_of_its_object() -> None:
    semantic = SEMANTIC.copy()
    semantic[0] = C.TRUCK
    labels = fuse_panoptic(XYZ, HEIGHT_M, semantic, one_car(), PanopticConfig())
    assert labels.semantic[0] == C.CAR


def test_the_better_score_has_the_shared_cell() -> None:
    car, walker = one_car(), one_car()
    both = Instances.from_detections(
        label=np.array([C.CAR, C.PEDESTRIAN]),
        score=np.array([0.5, 0.8], np.float32),
        boxes=np.concatenate([car.boxes, walker.boxes]),
        velocity_mps=np.zeros((2, 2), np.float32),
        amodal=BevMasks.from_cells(GRID, [car.amodal.cells_of(0), walker.amodal.cells_of(0)]),
    )
    labels = fuse_panoptic(XYZ[:1], HEIGHT_M[:1], SEMANTIC[:1], both, PanopticConfig())
    assert labels.instance.tolist() == [2]
    assert labels.semantic.tolist() == [C.PEDESTRIAN]


@pytest.mark.parametrize("policy", ["instance-priority", "stuff-protected"])
def test_no_objects_and_no_points(policy: str) -> None:
    config = PanopticConfig(policy=policy)  # type: ignore[arg-type]
    labels = fuse_panoptic(XYZ, HEIGHT_M, SEMANTIC, Instances.empty(GRID), config)
    assert not labels.instance.any()
    nothing = fuse_panoptic(XYZ[:0], HEIGHT_M[:0], SEMANTIC[:0], one_car(), config)
    assert nothing.semantic.shape == (0,)
