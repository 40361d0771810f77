"""Truth that is asked for beside the points: it agrees with them, and they stay what they are without it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.sample import Sample
from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import SemanticClass
from bevseg.results.scene import CellState
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.drive import DriveConfig, DriveSource
from bevseg.simulation.frozen_set import sample_hash
from bevseg.simulation.source import SimulatedSource

GRID = BevGrid(-20.0, -24.0, 0.2, 240, 200)
CONFIG = SimulationConfig(seed=7, frames=3, sensors=("hdl-32e",), range_m=40.0, occlusion=False, ghost_share=0.0)
ASKED = replace(CONFIG, truncation=True, ground_cells=GRID)


@pytest.fixture(scope="module")
def samples() -> tuple[Sample, ...]:
    source = SimulatedSource(ASKED)
    return tuple(source[index] for index in range(len(source)))


def _cells(sample: Sample, chosen: np.ndarray) -> np.ndarray:
    cell = GRID.flat_cells_of(sample.cloud.xyz[chosen, :2])
    return cell[cell >= 0]


def test_the_points_are_the_same_as_without(samples: tuple[Sample, ...]) -> None:
    bare = SimulatedSource(CONFIG)[1]
    assert sample_hash(samples[1]) == sample_hash(bare)
    assert bare.annotations.ground is None
    assert bare.annotations.truncation is None


def test_points_of_the_ground_lie_on_free_ground(samples: tuple[Sample, ...]) -> None:
    for sample in samples:
        semantic = sample.annotations.point_semantic
        assert semantic is not None
        ground = (semantic >= SemanticClass.DRIVEABLE_SURFACE) & (semantic <= SemanticClass.TERRAIN)
        truth = sample.annotations.ground
        assert truth is not None
        cell = _cells(sample, ground)
        states = truth.visibility.state.ravel()[cell[~truth.obstacle.ravel()[cell]]]
        assert len(states) > 3000
        # The others lie in cells at the ends of shadows, on the faces of kerbs, or on the lowest ring, whose cells have
        # their centres below it; or a beam was lucky among leaves.
        assert (states == CellState.FREE).mean() > 0.96
        assert (states == CellState.UNOBSERVED).mean() < 0.03


def test_points_of_objects_lie_on_occupied_cells(samples: tuple[Sample, ...]) -> None:
    for sample in samples:
        truth = sample.annotations
        assert truth.point_instance is not None
        bottom = truth.boxes[:, 2] - truth.boxes[:, 5] / 2
        owner = truth.point_instance - 1
        height = sample.cloud.xyz[:, 2] - bottom[owner]
        assert truth.ground is not None
        cell = _cells(sample, (owner >= 0) & (height > 0.5) & (height < 2.3))
        states = truth.ground.visibility.state.ravel()[cell]
        assert len(states) > 200
        assert (states == CellState.OCCUPIED).mean() > 0.9  # noise of the range moves some into the next cell


def test_all_states_occur_and_obstacles_are_never_free(samples: tuple[Sample, ...]) -> None:
    truth = samples[0].annotations.ground
    assert truth is not None
    assert set(np.unique(truth.visibility.state)) == set(CellState)
    assert not np.isin(truth.visibility.state[truth.obstacle], [CellState.FREE]).any()
    assert truth.obstacle[truth.visibility.state == CellState.OCCUPIED].all()


def test_truncation_is_that_of_range_and_sector() -> None:
    ahead = replace(ASKED, sensors=("at128",), ground_cells=None)
    truth = SimulatedSource(ahead)[0].annotations
    assert truth.truncation is not None
    bearing = np.abs(np.degrees(np.arctan2(truth.boxes[:, 1], truth.boxes[:, 0])))
    distance = np.hypot(truth.boxes[:, 0], truth.boxes[:, 1])
    assert (truth.truncation[(bearing < 40) & (distance > 12) & (distance < 32)] == 0).all()
    assert (truth.truncation[bearing > 120] == 1).all()


def test_drives_have_it_too() -> None:
    sample = DriveSource(DriveConfig(replace(ASKED, frames=2)))[1]
    assert sample.annotations.ground is not None
    assert sample.annotations.truncation is not None
    assert len(sample.annotations.truncation) == len(sample.annotations)
