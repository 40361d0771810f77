from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.boxes import footprint_cells
from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.occlusion.truth import amodal_masks, observed_truth, true_instances
from bevseg.occlusion.visibility import VisibilityMapper
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.results.occlusion_graph import OcclusionGraph

GRID = BevGrid(x_min_m=2.0, y_min_m=-6.0, cell_m=0.2, width=150, height=70)
BOXES = np.array([[20, 0, -1.05, 1.9, 4.5, 1.5, 0], [10, 0, -0.5, 2.0, 5.5, 2.6, 0]], np.float32)
LABELS = np.array([SemanticClass.CAR, SemanticClass.TRUCK])
XYZ = np.array([[20.1, 0.3, -1], [9.1, 0.5, 0], [9.1, 0.5, 0.2], [15, 3, -1.8]], np.float32)


def _annotations(cloud: PointCloud) -> Annotations:
    return Annotations.from_boxes(cloud, BOXES, LABELS)


def test_amodal_masks_are_the_footprints() -> None:
    masks = amodal_masks(_annotations(PointCloud.from_xyz(XYZ)), GRID)

    for k, box in enumerate(BOXES):
        np.testing.assert_array_equal(masks.cells_of(k), footprint_cells(box.astype(np.float64), GRID))


def test_boxes_and_points_give_an_estimate() -> None:
    cloud = PointCloud.from_xyz(XYZ)

    truth = true_instances(cloud, _annotations(cloud), GRID)

    assert truth.instances.id.tolist() == [1, 2]
    assert truth.instances.label.tolist() == LABELS.tolist()
    assert truth.instances.score.tolist() == [1, 1]
    assert truth.instances.visible_fraction_source == "estimated"
    assert truth.instances.visible_fraction.tolist() == pytest.approx([0, 1], abs=1e-6)
    assert truth.instances.visible.cells_of(0).tolist() == GRID.flat_cells_of(XYZ[:1, :2]).tolist(), "the hit cell"
    assert truth.occlusion.occluders_of(0).tolist() == [1]


def test_labels_of_points_come_before_boxes() -> None:
    cloud = PointCloud.from_xyz(XYZ)
    annotations = replace(_annotations(cloud), point_instance=np.zeros(4, np.int32))

    assert true_instances(cloud, annotations, GRID).instances.visible.area_cells[0] == 0


def test_rays_start_at_the_sensor_of_the_cloud() -> None:
    beside = PointCloud.from_xyz(XYZ[3:], sensor_origin_m=(14.0, -20.0, 0.0))

    truth = true_instances(beside, _annotations(beside), GRID)

    assert truth.occlusion.num_edges == 0
    assert truth.instances.visible_fraction.tolist() == [1, 1]


def test_exact_truth_is_taken_over() -> None:
    cloud = PointCloud.from_xyz(XYZ)
    counted = np.array([0.125, 0.75], np.float32)
    graph = OcclusionGraph(
        occluder=np.array([1], np.int32),
        occluded=np.array([0], np.int32),
        hidden_fraction=np.array([0.875], np.float32),
        rank=np.array([1, 0], np.int32),
        visible_fraction=counted,
    )
    annotations = replace(_annotations(cloud), visible_fraction=counted, occlusion=graph)

    truth = true_instances(cloud, annotations, GRID)

    assert truth.instances.visible_fraction_source == "counted"
    np.testing.assert_array_equal(truth.instances.visible_fraction, counted)
    np.testing.assert_array_equal(truth.occlusion.hidden_fraction, graph.hidden_fraction)
    np.testing.assert_array_equal(truth.occlusion.visible_fraction, counted)


def test_an_object_that_no_beam_could_meet_keeps_an_unknown_fraction() -> None:
    cloud = PointCloud.from_xyz(XYZ)
    counted = np.array([np.nan, 0.75], np.float32)
    annotations = replace(_annotations(cloud), visible_fraction=counted, occlusion=OcclusionGraph.empty(2))

    truth = true_instances(cloud, annotations, GRID)

    np.testing.assert_array_equal(truth.instances.visible_fraction, counted)
    assert truth.occlusion.visible_fraction.tolist() == [1.0, 0.75]


def test_nothing_annotated() -> None:
    cloud = PointCloud.empty()
    annotations = Annotations.from_boxes(cloud, np.zeros((0, 7), np.float32), np.zeros(0, np.uint8))

    truth = true_instances(cloud, annotations, GRID)

    assert len(truth.instances) == 0
    assert len(amodal_masks(annotations, GRID)) == 0
    assert truth.occlusion.num_edges == 0


def _sample(cloud: PointCloud) -> Sample:
    eye = np.eye(4)
    return Sample("one", cloud, _annotations(cloud), Transform(eye, "ego", "lidar"), Transform(eye, "global", "ego"))


def test_a_wall_hides_the_objects_behind_it() -> None:
    x, y = np.meshgrid(np.arange(0.5, 30, 0.5), np.arange(-6, 6, 0.5))
    road = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, -1.8)])
    wall = np.array([(6.0, y, z) for y in np.arange(-4, 4, 0.02) for z in np.arange(-1.7, 2, 0.3)])
    mapper = VisibilityMapper(GRID)
    open_road = observed_truth(_sample(PointCloud.from_xyz(road.astype(np.float32))), mapper)
    walled = observed_truth(
        _sample(PointCloud.from_xyz(np.concatenate([road[x.ravel() < 6], wall]).astype(np.float32))), mapper
    )
    assert open_road.visible_fraction[1] > 0.9
    assert walled.visible_fraction[1] < 0.1
    assert walled.visible.area_cells[1] == 0 < open_road.visible.area_cells[1]


def test_nothing_observed_is_nothing_hidden_by_walls() -> None:
    seen = observed_truth(_sample(PointCloud.empty()), VisibilityMapper(GRID))
    assert seen.visible_fraction.tolist() == pytest.approx([0, 1], abs=1e-6)
