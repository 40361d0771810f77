import numpy as np
import pytest

from bevseg.geometry.grid import BevGrid
from bevseg.results.instances import Instances
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import CellState, PointLabels, Scene, VisibilityMap

GRID = BevGrid(x_min_m=4.0, y_min_m=-2.0, cell_m=0.5, width=20, height=12)


def _scene(num_ranked: int) -> Scene:
    return Scene(
        stamp_ns=5,
        frame="lidar",
        instances=Instances.empty(GRID),
        occlusion=OcclusionGraph.empty(num_ranked),
        visibility=VisibilityMap(GRID, np.zeros(GRID.shape, np.uint8)),
        points=PointLabels(np.zeros(0, np.uint8), np.zeros(0, np.int32)),
    )


def test_a_scene_without_objects_or_points() -> None:
    scene = _scene(0)

    assert scene.grid == GRID
    assert scene.timings_ms == {}
    np.testing.assert_array_equal(scene.T_output_from_input.matrix, np.eye(4))


def test_a_graph_of_other_objects_is_rejected() -> None:
    with pytest.raises(ValueError, match="1 objects, instances of 0"):
        _scene(1)


def test_a_map_of_another_shape_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"shape \(12, 20\)"):
        VisibilityMap(GRID, np.zeros((20, 12), np.uint8))


@pytest.mark.usefixtures("shapes_unchecked")
def test_labels_of_two_lengths_are_rejected() -> None:
    with pytest.raises(ValueError, match="must agree"):
        PointLabels(np.zeros(3, np.uint8), np.zeros(2, np.int32))


def test_unobserved_is_zero_so_that_an_empty_map_claims_nothing() -> None:
    assert [int(state) for state in CellState] == [0, 1, 2, 3]
    assert CellState(0) is CellState.UNOBSERVED
