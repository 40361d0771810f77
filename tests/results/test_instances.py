from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks, footprint_masks

GRID = BevGrid(x_min_m=4.0, y_min_m=-2.0, cell_m=0.5, width=20, height=12)
BOXES = np.array(
    [[6, 0, -1, 2, 1, 1.5, 0], [8, 0, -1, 2, 1, 1.5, 0], [12, 3, -1, 1, 1, 1.5, 0], [90, 0, -1, 2, 1, 1.5, 0]]
)


def _instances() -> Instances:
    return Instances.from_detections(
        label=np.array([SemanticClass.CAR] * 3 + [SemanticClass.BUS]),
        score=np.array([0.9, 0.8, 0.7, 0.6]),
        boxes=BOXES,
        velocity_mps=np.full((4, 2), np.nan),
        amodal=footprint_masks(BOXES, GRID),
    )


def test_detections_get_ids_from_1_and_leave_occlusion_open() -> None:
    instances = _instances()

    assert instances.id.tolist() == [1, 2, 3, 4]
    assert instances.boxes.dtype == np.float32
    assert instances.grid == GRID
    assert instances.visible.area_cells.tolist() == [0, 0, 0, 0]
    assert np.isnan(instances.visible_fraction).all()
    assert instances.visible_fraction_source == "unknown"


@pytest.mark.parametrize("index", [np.array([3, 1]), np.array([False, True, False, True])])
def test_getitem_moves_every_array(index: np.ndarray) -> None:
    chosen = _instances()[index]
    order = np.arange(4)[index]

    assert chosen.id.tolist() == (order + 1).tolist()
    np.testing.assert_array_equal(chosen.boxes, BOXES[order].astype(np.float32))
    np.testing.assert_array_equal(chosen.amodal.area_cells, _instances().amodal.area_cells[order])


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"score": np.zeros(3, np.float32)}, "score must have shape"),
        ({"visible_fraction": np.zeros(5, np.float32)}, "visible_fraction must have shape"),
        ({"amodal": BevMasks.empty(GRID)}, "amodal must have shape"),
        ({"visible": BevMasks.empty(GRID)}, "visible must have shape"),
        ({"id": np.array([1, 2, 2, 3])}, "unique and positive"),
        ({"id": np.array([0, 1, 2, 3])}, "unique and positive"),
    ],
)
def test_arrays_that_disagree_are_rejected(changed: dict[str, Any], message: str) -> None:
    instances = _instances()
    with pytest.raises(ValueError, match=message):
        replace(instances, **changed)


def test_statistics() -> None:
    statistics = _instances().statistics()

    assert statistics.count == 4
    np.testing.assert_allclose(statistics.area_m2, [2.0, 2.0, 1.0, 0.0])
    np.testing.assert_allclose(
        statistics.nearest_edge_m[:3], [np.hypot(5.25, 0.25), np.hypot(7.25, 0.25), np.hypot(11.75, 2.75)], 1e-6
    )
    assert np.isnan(statistics.nearest_edge_m[3]), "a mask without cells has no edge"
    assert statistics.touching_neighbours.tolist() == [1, 1, 0, 0]


def test_empty() -> None:
    instances = Instances.empty(GRID)

    assert len(instances) == 0
    assert len(instances[np.zeros(0, bool)]) == 0
    statistics = instances.statistics()
    assert statistics.count == 0
    assert statistics.area_m2.shape == statistics.touching_neighbours.shape == (0,)
