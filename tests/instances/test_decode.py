from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import expit

from bevseg.geometry.boxes import footprint_cells
from bevseg.geometry.grid import BevGrid
from bevseg.instances.calibration import ScoreCalibration
from bevseg.instances.decode import DecodeConfig, coarse_cells, decode
from bevseg.instances.heads.output import FIRST_THING, HeadOutput
from bevseg.points.ground import GroundModel
from bevseg.results.classes import GROUP_OF_CLASS, ClassGroup, SemanticClass

GRID = BevGrid(x_min_m=4.0, y_min_m=-20.0, cell_m=0.2, width=160, height=200)
GROUND_Z_M = -1.5


def flat_ground() -> GroundModel:
    return GroundModel(GRID, np.full(GRID.shape, GROUND_Z_M, np.float32))


def silent() -> HeadOutput:
    """A head that sees nothing, on a grid that is not centred."""
    coarse = (GRID.height // 2, GRID.width // 2)
    return HeadOutput(
        grid=GRID,
        heat=torch.full((1, 4, *GRID.shape), -9.0),
        foreground=torch.full((1, 4, *GRID.shape), -9.0),
        offset_m=torch.zeros(1, 2, *coarse),
        thing_class=torch.zeros(1, 10, *coarse),
        box=torch.zeros(1, 10, *coarse),
        semantics=torch.zeros(0, 8, 16),
    )


def say(output: HeadOutput, box: list[float], label: SemanticClass, logit: float = 4.0) -> None:
    """Writes into the maps what a perfect head would say of one object."""
    group = int(GROUP_OF_CLASS[label])
    x, y, z, l, w, h, yaw = box
    cells = footprint_cells(np.array(box), GRID)
    rows, columns = np.divmod(cells, GRID.width)
    output.foreground[0, group, rows, columns] = 4.0
    parents = coarse_cells(cells, GRID)
    offset = np.array([x, y]) - GRID.coarser(2).centers_of(parents)
    output.offset_m[0, :, rows // 2, columns // 2] = torch.from_numpy(offset.T.astype(np.float32))
    row, column = GRID.cells_of(np.array([[x, y]]))[0]
    output.heat[0, group, row, column] = logit
    output.thing_class[0, label - FIRST_THING, row // 2, column // 2] = 5.0
    angles = [math.cos(yaw), math.sin(yaw), math.cos(2 * yaw), math.sin(2 * yaw)]
    channels = [z - GROUND_Z_M, math.log(l), math.log(w), math.log(h), *angles, 3.0, -1.0]
    output.box[0, :, row // 2, column // 2] = torch.tensor(channels)


def test_decode_returns_what_the_maps_say() -> None:
    box = [20.33, 5.12, -0.7, 4.5, 1.9, 1.6, 2.4]
    output = silent()
    say(output, box, SemanticClass.TRUCK)
    found = decode(output, flat_ground(), DecodeConfig(), with_velocity=True)
    assert found.label.tolist() == [SemanticClass.TRUCK]
    np.testing.assert_allclose(found.boxes[0], box, atol=1e-4)
    np.testing.assert_allclose(found.velocity_mps[0], [3.0, -1.0])
    np.testing.assert_array_equal(found.amodal.cells_of(0), footprint_cells(np.array(box), GRID))
    assert found.score[0] == pytest.approx(1 / (1 + math.exp(-4.0)))


def test_a_single_sweep_has_no_velocity() -> None:
    output = silent()
    say(output, [20.0, 5.0, -0.7, 4.5, 1.9, 1.6, 0.1], SemanticClass.CAR)
    assert np.isnan(decode(output, flat_ground(), DecodeConfig()).velocity_mps).all()


def test_nothing_found_is_empty() -> None:
    found = decode(silent(), flat_ground(), DecodeConfig())
    assert len(found) == 0
    assert found.grid == GRID


def test_foreground_without_a_centre_belongs_to_nobody() -> None:
    output = silent()
    output.foreground[0, ClassGroup.VEHICLE, 50:60, 50:60] = 4.0
    assert len(decode(output, flat_ground(), DecodeConfig())) == 0


def test_touching_cars_share_no_cell() -> None:
    output = silent()
    say(output, [20.0, 0.0, -0.7, 4.4, 1.8, 1.6, 0.0], SemanticClass.CAR)
    say(output, [20.0, 2.0, -0.7, 4.4, 1.8, 1.6, 0.0], SemanticClass.CAR, logit=3.0)
    found = decode(output, flat_ground(), DecodeConfig())
    assert len(found) == 2
    assert found.amodal.intersection_cells(found.amodal)[0, 1] == 0
    assert found.score[0] > found.score[1]


def _with_second_peak(output: HeadOutput, box: list[float], *, columns: int) -> None:
    """The same box once more, from a cooler peak some columns on."""
    row, column = GRID.cells_of(np.array([box[:2]]))[0]
    output.heat[0, ClassGroup.VEHICLE, row, column + columns] = 2.0
    there, here = (row // 2, (column + columns) // 2), (row // 2, column // 2)
    output.box[0, :, there[0], there[1]] = output.box[0, :, here[0], here[1]]


def test_a_second_peak_on_one_object_is_a_duplicate() -> None:
    output = silent()
    box = [20.0, 0.0, -0.7, 11.0, 2.6, 3.0, 0.0]
    say(output, box, SemanticClass.BUS)
    _with_second_peak(output, box, columns=4)
    found = decode(output, flat_ground(), DecodeConfig())
    assert found.id.tolist() == [1]
    assert found.amodal.area_cells[0] == len(footprint_cells(np.array(box), GRID))


def test_overlap_is_measured_on_the_smaller_footprint() -> None:
    output = silent()
    say(output, [20.0, 0.0, -0.7, 12.0, 2.8, 3.0, 0.0], SemanticClass.BUS)
    say(output, [23.0, 0.0, -0.7, 4.4, 1.8, 1.6, 0.0], SemanticClass.CAR, logit=3.0)
    assert len(decode(output, flat_ground(), DecodeConfig(max_overlap=0.5))) == 1
    assert len(decode(output, flat_ground(), DecodeConfig(max_overlap=1.0))) == 2


def test_what_stands_around_the_sensor_is_the_own_vehicle() -> None:
    output = silent()
    say(output, [20.0, 5.0, -0.7, 4.5, 1.9, 1.6, 0.6], SemanticClass.CAR, logit=4.0)
    say(output, [20.0, 9.0, -0.7, 4.5, 1.9, 1.6, 0.6], SemanticClass.CAR, logit=3.0)
    found = decode(output, flat_ground(), DecodeConfig(), sensor_xy_m=np.array([21.5, 6.0]))
    np.testing.assert_allclose(found.boxes[:, 1], [9.0], atol=1e-4)
    assert len(decode(output, flat_ground(), DecodeConfig(), sensor_xy_m=np.array([19.0, 6.5]))) == 2


def test_a_plateau_gives_one_peak() -> None:
    output = silent()
    say(output, [20.0, 0.0, -0.7, 4.4, 1.8, 1.6, 0.0], SemanticClass.CAR)
    row, column = GRID.cells_of(np.array([[20.0, 0.0]]))[0]
    output.heat[0, ClassGroup.VEHICLE, row, column + 1] = output.heat[0, ClassGroup.VEHICLE, row, column]
    assert len(decode(output, flat_ground(), DecodeConfig())) == 1


def test_groups_do_not_suppress_each_other() -> None:
    output = silent()
    say(output, [20.0, 0.0, -0.7, 4.4, 1.8, 1.6, 0.0], SemanticClass.CAR)
    say(output, [20.6, 0.2, -0.7, 0.7, 0.7, 1.7, 0.0], SemanticClass.PEDESTRIAN)
    found = decode(output, flat_ground(), DecodeConfig())
    assert sorted(found.label.tolist()) == [SemanticClass.CAR, SemanticClass.PEDESTRIAN]


def test_scores_are_calibrated_before_they_are_judged() -> None:
    output = silent()
    say(output, [20.0, 0.0, -0.7, 4.4, 1.8, 1.6, 0.0], SemanticClass.CAR, logit=1.0)
    say(output, [20.0, 12.0, -0.7, 8.0, 2.5, 3.0, 0.0], SemanticClass.TRUCK, logit=0.5)
    offset = [0.0] * 10
    offset[SemanticClass.CAR - 1], offset[SemanticClass.TRUCK - 1] = -3.0, 1.0
    shy_of_cars = ScoreCalibration(slope=(2.0, 1.0, 1.0, 1.0), offset=tuple(offset))
    found = decode(output, flat_ground(), DecodeConfig(min_score=(0.2,) * 4, calibration=shy_of_cars))
    assert found.label.tolist() == [SemanticClass.TRUCK, SemanticClass.CAR]
    np.testing.assert_allclose(found.score, expit([2.0, -1.0]), rtol=1e-3)
    strict = decode(output, flat_ground(), DecodeConfig(min_score=(0.3,) * 4, calibration=shy_of_cars))
    assert strict.label.tolist() == [SemanticClass.TRUCK]


def test_low_scores_are_dropped_by_group() -> None:
    output = silent()
    say(output, [20.0, 0.0, -0.7, 4.4, 1.8, 1.6, 0.0], SemanticClass.CAR, logit=0.0)
    say(output, [30.0, 0.0, -0.7, 0.7, 0.7, 1.7, 0.0], SemanticClass.PEDESTRIAN, logit=0.0)
    found = decode(output, flat_ground(), DecodeConfig(min_score=(0.6, 0.4, 0.4, 0.4)))
    assert found.label.tolist() == [SemanticClass.PEDESTRIAN]
