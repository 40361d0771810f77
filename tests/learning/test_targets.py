from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bevseg.datasets.sample import Annotations, LabelledView, Sample
from bevseg.geometry.boxes import footprint_cells
from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.instances.decode import DecodeConfig, decode
from bevseg.instances.heads.output import FIRST_THING, HeadOutput
from bevseg.learning.targets import IGNORE, ObjectTargets, TargetConfig, object_targets, semantic_targets
from bevseg.points.cloud import PointCloud
from bevseg.points.ground import GroundModel
from bevseg.results.classes import ClassGroup
from bevseg.results.classes import SemanticClass as C

GRID = BevGrid(x_min_m=2.0, y_min_m=-16.0, cell_m=0.2, width=200, height=160)
GROUND = GroundModel(GRID, np.full(GRID.shape, -1.7, np.float32))

CAR = [20.31, 4.07, -0.9, 4.5, 1.9, 1.6, 0.7]
WALKER = [12.1, -3.3, -0.8, 0.6, 0.7, 1.8, -2.0]


def sample_of(boxes: list[list[float]], labels: list[int], num_points: list[int]) -> Sample:
    k = len(boxes)
    truth = Annotations(
        boxes=np.array(boxes, np.float32).reshape(k, 7),
        label=np.array(labels, np.uint8),
        track_id=np.arange(k),
        velocity_mps=np.tile(np.array([[2.0, 1.0]], np.float32), (k, 1)),
        visible_fraction=np.full(k, np.nan, np.float32),
        num_points=np.array(num_points, np.int64),
        ignored=np.zeros(k, bool),
    )
    lidar = Transform.identity("lidar")
    return Sample("one", PointCloud.empty(), truth, lidar, lidar)


def perfect_output(targets: ObjectTargets) -> HeadOutput:
    """What a head would emit that has learned these targets exactly."""
    heat = torch.logit(torch.from_numpy(targets.heat).float().clamp(1e-4, 1 - 1e-4))
    foreground = torch.where(torch.from_numpy(targets.foreground) > 0, 6.0, -6.0)
    coarse = GRID.coarser(2)
    offset = torch.zeros(2, coarse.num_cells)
    offset[:, targets.cell] = torch.from_numpy(targets.cell_offset_m.T.copy())
    thing, box = torch.zeros(10, coarse.num_cells), torch.zeros(10, coarse.num_cells)
    thing[torch.from_numpy(targets.center_class), torch.from_numpy(targets.center)] = 5.0
    box[:, targets.center] = torch.from_numpy(targets.center_box.T.copy())
    return HeadOutput(
        grid=GRID,
        heat=heat[None],
        foreground=foreground[None],
        offset_m=offset.view(1, 2, *coarse.shape),
        thing_class=thing.view(1, 10, *coarse.shape),
        box=box.view(1, 10, *coarse.shape),
        semantics=torch.zeros(0, 8, 16),
    )


def test_decoding_the_targets_gives_the_truth_back() -> None:
    sample = sample_of([CAR, WALKER], [C.TRUCK, C.PEDESTRIAN], [50, 20])
    targets = object_targets(sample, GROUND, GRID, TargetConfig())
    found = decode(perfect_output(targets), GROUND, DecodeConfig(), with_velocity=True)
    order = np.argsort(found.boxes[:, 0])  # the walker is nearer
    np.testing.assert_allclose(found.boxes[order], [WALKER, CAR], atol=2e-3)
    assert found.label[order].tolist() == [C.PEDESTRIAN, C.TRUCK]
    np.testing.assert_allclose(found.velocity_mps, [[2.0, 1.0]] * 2)
    np.testing.assert_array_equal(found.amodal.cells_of(int(order[1])), footprint_cells(np.array(CAR), GRID))


def test_the_heat_is_one_at_the_centre_alone() -> None:
    targets = object_targets(sample_of([CAR], [C.CAR], [50]), GROUND, GRID, TargetConfig())
    row, column = GRID.cells_of(np.array([CAR[:2]]))[0]
    assert np.argwhere(targets.heat == 1).tolist() == [[ClassGroup.VEHICLE, row, column]]


@pytest.mark.parametrize(("points", "foreground"), [(0, 0), (2, IGNORE), (50, 1)])
def test_what_an_object_teaches_depends_on_its_points(points: int, foreground: int) -> None:
    targets = object_targets(sample_of([CAR], [C.CAR], [points]), GROUND, GRID, TargetConfig(min_points=4))
    cells = footprint_cells(np.array(CAR), GRID)
    assert set(targets.foreground[ClassGroup.VEHICLE].ravel()[cells].tolist()) == {foreground}
    assert (targets.heat == 1).sum() == (points >= 4)


def test_dont_care_areas_are_ignored_for_every_group() -> None:
    sample = sample_of([CAR], [C.NOISE], [50])
    sample = replace(sample, annotations=replace(sample.annotations, ignored=np.array([True])))
    targets = object_targets(sample, GROUND, GRID, TargetConfig())
    cells = footprint_cells(np.array(CAR), GRID)
    assert (targets.foreground.reshape(4, -1)[:, cells] == IGNORE).all()
    assert not (targets.heat == 1).any()


def test_objects_outside_the_labelled_view_or_the_grid_are_not_taught() -> None:
    behind = [20.0, 40.0, *CAR[2:]]
    sample = sample_of([CAR, behind], [C.CAR, C.CAR], [50, 50])
    view = LabelledView(half_angle_rad=0.01)
    sample = replace(sample, annotations=replace(sample.annotations, view=view))
    assert len(object_targets(sample, GROUND, GRID, TargetConfig()).center) == 0


def test_no_objects() -> None:
    targets = object_targets(sample_of([], [], []), GROUND, GRID, TargetConfig())
    assert not targets.heat.any()
    assert targets.cell.shape == (0,)
    assert targets.center_box.shape == (0, 10)


def test_every_object_weighs_the_same_over_its_cells() -> None:
    targets = object_targets(sample_of([CAR, WALKER], [C.CAR, C.PEDESTRIAN], [9, 9]), GROUND, GRID, TargetConfig())
    assert targets.cell_weight.sum() == pytest.approx(2.0, abs=1e-4)


def test_box_channels_of_a_known_box() -> None:
    targets = object_targets(sample_of([CAR], [C.CAR], [50]), GROUND, GRID, TargetConfig())
    z, log_l, log_w, log_h, cos, sin, *_ = targets.center_box[0]
    assert z == pytest.approx(0.8, abs=1e-5)
    np.testing.assert_allclose(np.exp([log_l, log_w, log_h]), CAR[3:6], rtol=1e-5)
    np.testing.assert_allclose([cos, sin], [np.cos(0.7), np.sin(0.7)], rtol=1e-5)
    assert (targets.center_class == C.CAR - FIRST_THING).all()


def test_semantic_targets_take_the_majority_of_labelled_points() -> None:
    semantic = np.array([4, 4, 7, 0, 0, 11], np.uint8)
    cell = np.array([0, 0, 0, 1, 0, -1])
    assert semantic_targets(semantic, cell, 3).tolist() == [4, 0, 0]


def test_semantic_targets_of_nothing() -> None:
    assert semantic_targets(np.zeros(0, np.uint8), np.zeros(0, np.int64), 0).shape == (0,)
