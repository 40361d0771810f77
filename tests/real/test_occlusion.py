"""Estimated occlusion against the returns of real objects: those said to be hidden have few."""

from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.pandaset import PandaSetSource
from bevseg.geometry.grid import BevGrid
from bevseg.occlusion.truth import true_instances
from bevseg.occlusion.visibility import VisibilityMapper
from bevseg.points.ground import estimate_ground
from bevseg.results.classes import GROUP_OF_CLASS, ClassGroup
from bevseg.results.scene import CellState

pytestmark = pytest.mark.real

MAPPER = VisibilityMapper(BevGrid.square(half_extent_m=51.2, cell_m=0.2))


def test_vehicles_said_to_be_hidden_have_few_returns(real_data: Path) -> None:
    """Returns fall with the square of the range, so that returns times range squared compare over the scene."""
    source = PandaSetSource(real_data / "pandaset_002")
    fractions, weights = [], []
    for index in range(0, len(source), 10):
        sample = source[index]
        boxes = sample.annotations.boxes
        range_m = np.hypot(*(boxes[:, :2] - sample.cloud.sensor_origins_m[0, :2]).T)
        chosen = (GROUP_OF_CLASS[sample.annotations.label] == ClassGroup.VEHICLE) & (range_m < 45)
        height_m = estimate_ground(sample.cloud).height_above(sample.cloud.xyz)
        observed = MAPPER.observe(sample.cloud, height_m)
        truth = true_instances(sample.cloud, sample.annotations, MAPPER.grid, horizon=observed.horizon)
        fractions.append(truth.instances.visible_fraction[chosen])
        weights.append((sample.annotations.num_points * range_m**2)[chosen])
    fraction, weight = np.concatenate(fractions), np.concatenate(weights)

    hidden, partly, free = weight[fraction < 0.05], weight[(fraction > 0.05) & (fraction < 0.4)], weight[fraction > 0.8]
    assert min(len(hidden), len(partly), len(free)) >= 10
    assert np.median(hidden) < np.median(partly) / 2
    assert np.median(partly) < np.median(free)


def test_parked_and_driven_streets_are_seen_and_buildings_hide(real_data: Path) -> None:
    sample = PandaSetSource(real_data / "pandaset_002")[0]
    cloud = sample.cloud
    height_m = estimate_ground(cloud).height_above(cloud.xyz)
    visibility = MAPPER.visibility(cloud, height_m)

    share = np.bincount(visibility.state.ravel(), minlength=4) / MAPPER.grid.num_cells
    assert 0.05 < share[CellState.FREE] < 0.4
    assert 0.005 < share[CellState.OCCUPIED] < 0.1
    assert share[CellState.HIDDEN] > 0.5, "a street between facades"
    near = MAPPER.grid.flat_cells_of(np.array([[4.0, 0.0], [6.0, 0.5]]))
    assert (visibility.state.ravel()[near] == CellState.FREE).all(), "the lane ahead of the vehicle"
