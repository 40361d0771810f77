from dataclasses import replace

import numpy as np
import pytest

from bevseg.geometry.grid import BevGrid
from bevseg.occlusion.visibility import Observation, VisibilityMapper
from bevseg.occlusion.visible_masks import hit_cells, with_occlusion
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks, footprint_masks

GRID = BevGrid(x_min_m=-5.0, y_min_m=-20.0, cell_m=0.2, width=250, height=180)
SENSOR = np.zeros(3)

CAR = [20.0, 0.0, -1.05, 4.5, 1.9, 1.5, np.pi / 2]
VAN = [10.0, 0.0, -0.5, 2.0, 5.5, 2.6, 0.0]


def _instances(*boxes: list[float], ids: list[int] | None = None) -> Instances:
    array = np.array(boxes, np.float64).reshape(-1, 7)
    k = len(array)
    instances = Instances.from_detections(
        label=np.full(k, 4),
        score=np.ones(k),
        boxes=array,
        velocity_mps=np.full((k, 2), np.nan),
        amodal=footprint_masks(array, GRID),
    )
    if ids is None:
        return instances
    return replace(instances, id=np.array(ids, np.int32))


def _wall(x_m: float, y_m: tuple[float, float], top_m: float) -> Observation:
    """A dense upright wall, from the ground 1.8 m below the sensor up to `top_m` in the sensor's frame."""
    y, z = np.meshgrid(np.arange(*y_m, 0.02), np.arange(-1.4, top_m, 0.1))
    xyz = np.stack([np.full(y.size, x_m), y.ravel(), z.ravel()], axis=1).astype(np.float32)
    return VisibilityMapper(GRID).observe(PointCloud.from_xyz(xyz), xyz[:, 2] + np.float32(1.8))


def test_a_free_standing_object_is_visible_as_a_whole() -> None:
    occluded = with_occlusion(_instances(CAR, [15.0, 12.0, -1, 4, 2, 1.5, 0.4]), SENSOR)

    np.testing.assert_array_equal(occluded.instances.visible.cells, occluded.instances.amodal.cells)
    assert occluded.instances.visible_fraction.tolist() == [1.0, 1.0]
    assert occluded.instances.visible_fraction_source == "estimated"
    assert occluded.occlusion.num_edges == 0


def test_an_object_behind_a_higher_one_is_not_visible() -> None:
    occluded = with_occlusion(_instances(CAR, VAN), SENSOR)

    assert occluded.instances.visible.area_cells[0] == 0
    assert occluded.instances.visible.area_cells[1] == occluded.instances.amodal.area_cells[1]
    assert occluded.occlusion.occluders_of(0).tolist() == [1]
    np.testing.assert_array_equal(occluded.instances.visible_fraction, occluded.occlusion.visible_fraction)


def test_half_an_object_is_visible_beside_a_wall() -> None:
    horizon = _wall(10.0, (0, 8), 0.6).horizon
    occluded = with_occlusion(_instances([20, 0, -1.05, 1.9, 4.5, 1.5, 0]), SENSOR, horizon=horizon)
    visible = GRID.centers_of(occluded.instances.visible.cells_of(0))
    hidden = np.setdiff1d(occluded.instances.amodal.cells_of(0), occluded.instances.visible.cells_of(0))

    assert occluded.instances.visible_fraction[0] == pytest.approx(0.5, abs=0.05)
    assert visible[:, 1].max() < 0.3
    assert GRID.centers_of(hidden)[:, 1].min() > -0.3


@pytest.mark.parametrize(
    ("label", "least", "most"), [(SemanticClass.TRUCK, 0.0, 0.2), (SemanticClass.BICYCLE, 0.25, 0.9)]
)
def test_what_is_mostly_air_hides_less_of_its_box(label: SemanticClass, least: float, most: float) -> None:
    instances = _instances(CAR, [10.0, 0, -1.0, 0.5, 2.6, 1.6, 0])
    instances = replace(instances, label=np.array([SemanticClass.CAR, label], np.uint8))

    assert least <= with_occlusion(instances, SENSOR).instances.visible_fraction[0] <= most


def test_a_strip_of_roof_is_not_a_visible_car() -> None:
    """Two cars in a row: the sensor sees a little of the second one's roof."""
    occluded = with_occlusion(_instances([12, 0, -1.05, 1.9, 4.5, 1.5, 0], CAR), SENSOR)

    assert 0 < occluded.instances.visible_fraction[1] < 0.3
    assert occluded.instances.visible.area_cells[1] == 0


def test_a_cell_with_a_return_of_the_object_is_visible() -> None:
    instances = _instances(CAR, VAN)
    xyz = np.array([[20.1, 0.3, -0.5], [20.1, 0.3, -0.4], [19.7, -1.1, -0.5], [20.1, 40, 0]], np.float32)
    own = hit_cells(instances, xyz, np.array([1, 1, 1, 1]))

    occluded = with_occlusion(instances, SENSOR, own_cells=own)

    expected = np.unique(GRID.flat_cells_of(xyz[:3, :2]))
    np.testing.assert_array_equal(occluded.instances.visible.cells_of(0), expected)


def test_own_returns_outside_the_amodal_mask_do_not_widen_it() -> None:
    instances = _instances(CAR, VAN)
    own = hit_cells(instances, np.array([[25.0, 5.0, 0]], np.float32), np.array([1]))

    assert with_occlusion(instances, SENSOR, own_cells=own).instances.visible.area_cells[0] == 0


@pytest.mark.parametrize(("wall_x_m", "hides"), [(12.0, True), (18.8, False), (25.0, False)])
def test_a_wall_hides_what_is_clearly_behind_it(wall_x_m: float, hides: bool) -> None:
    """A wall right at the box's near face may be the object's own side."""
    horizon = _wall(wall_x_m, (-4, 4), 0.6).horizon
    occluded = with_occlusion(_instances([20, 0, -1.05, 1.9, 4.5, 1.5, 0]), SENSOR, horizon=horizon)

    assert occluded.instances.visible_fraction[0] == pytest.approx(0 if hides else 1)
    assert (occluded.instances.visible.area_cells[0] == 0) == hides
    assert occluded.occlusion.num_edges == 0, "a wall is no object"


def test_a_low_wall_leaves_a_bus_visible() -> None:
    bus = [20.0, 0.0, -0.2, 3.0, 12.0, 3.2, 0.0]
    occluded = with_occlusion(_instances(bus), SENSOR, horizon=_wall(12.0, (-9, 9), -0.8).horizon)

    assert 0.6 < occluded.instances.visible_fraction[0] < 1
    assert occluded.instances.visible.area_cells[0] == occluded.instances.amodal.area_cells[0]


def test_nothing_hides_an_object_that_the_sensor_stands_in() -> None:
    ego = [0.3, 0.0, -1.0, 5.0, 2.0, 1.6, 0.0]
    occluded = with_occlusion(_instances(ego, VAN), SENSOR, horizon=_wall(4.0, (-4, 4), 0.6).horizon)

    assert occluded.instances.visible_fraction[0] == 1
    assert occluded.instances.visible.area_cells[0] == occluded.instances.amodal.area_cells[0]


def test_no_objects() -> None:
    instances = Instances.empty(GRID)
    own = hit_cells(instances, np.zeros((2, 3), np.float32), np.array([0, 5]))

    occluded = with_occlusion(instances, SENSOR, horizon=_wall(12.0, (-4, 4), 0.6).horizon, own_cells=own)

    assert len(occluded.instances) == 0
    assert len(occluded.occlusion.rank) == 0


def test_an_object_outside_the_grid_keeps_an_empty_mask() -> None:
    occluded = with_occlusion(_instances([20, 60, -1, 4, 2, 1.5, 0]), SENSOR)

    assert occluded.instances.visible.area_cells.tolist() == [0]
    assert occluded.instances.visible_fraction.tolist() == [1]


def test_hit_cells_follow_ids_and_not_positions() -> None:
    instances = _instances(CAR, VAN, ids=[9, 4])
    xyz = np.array([[20, 0, 0], [10, 0, 0], [10, 0, 1], [11, 1, 0], [12, 1, 0]], np.float32)

    own = hit_cells(instances, xyz, np.array([9, 4, 4, 0, 7]))

    assert own.area_cells.tolist() == [1, 1]
    assert own.cells_of(0).tolist() == GRID.flat_cells_of(xyz[:1, :2]).tolist()
    assert own.cells_of(1).tolist() == GRID.flat_cells_of(xyz[1:2, :2]).tolist()


def test_a_horizon_from_somewhere_else_is_rejected() -> None:
    with pytest.raises(ValueError, match="the horizon was seen from"):
        with_occlusion(_instances(CAR), np.array([1.0, 0, 0]), horizon=_wall(12.0, (-4, 4), 0.6).horizon)


def test_own_cells_of_other_objects_are_rejected() -> None:
    with pytest.raises(ValueError, match="one mask for each of 1 objects, got 0"):
        with_occlusion(_instances(CAR), SENSOR, own_cells=BevMasks.empty(GRID))
