"""Pillar and voxel features: the same points described over a column of space and over its layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bevseg.geometry.grid import BevGrid
from bevseg.voxels.cells import Grouping, SeenFrom
from bevseg.voxels.pillar_features import PillarFeatureConfig, pillar_features
from bevseg.voxels.voxel_features import VoxelFeatureConfig, voxel_features

GRID = BevGrid(x_min_m=4.0, y_min_m=-2.0, cell_m=0.5, width=20, height=12)
PILLARS, VOXELS = PillarFeatureConfig(bins=8, bin_m=0.5, z_min_m=0.0), VoxelFeatureConfig(8, 0.5, 0.0)
SENSOR = (1.0, 0.0)

# Two points in one column at different heights, one in another column, one outside the grid.
XYZ = torch.tensor([[5.1, -1.9, 0.0], [5.3, -1.7, 0.0], [9.0, 3.9, 0.0], [3.0, 0.0, 0.0]])
HEIGHT = torch.tensor([0.2, 1.6, 0.7, 0.5])


def test_pillars_describe_their_points() -> None:
    cells = pillar_features(XYZ, HEIGHT, SENSOR, GRID, PILLARS)
    assert cells.coords.tolist() == [[0, 0, 2], [0, 11, 10]]
    assert cells.point_to_pillar.tolist() == [0, 0, 1, -1]
    first = cells.features[0]
    assert first[:8].tolist() == [1, 0, 0, 1, 0, 0, 0, 0]
    log_count, highest, lowest, mean, dx, dy, distance, away_x, away_y, age = first[8:].tolist()
    assert log_count == pytest.approx(np.log(3))
    assert (highest, lowest, mean) == pytest.approx((1.6, 0.2, 0.9), abs=1e-4)
    assert (dx, dy) == pytest.approx(((5.2 - 5.25) / 0.5, (-1.8 + 1.75) / 0.5), abs=1e-3)
    assert distance == pytest.approx(np.hypot(4.2, 1.8) / 50, abs=1e-4)
    assert np.arctan2(away_y, away_x) == pytest.approx(np.arctan2(-1.8, 4.2), abs=1e-3)
    assert age == 0


def test_voxels_split_a_column_by_height() -> None:
    cells = voxel_features(XYZ, HEIGHT, SENSOR, GRID, VOXELS)
    assert cells.coords.tolist() == [[0, 0, 0, 2], [0, 1, 11, 10], [0, 3, 0, 2]]
    assert cells.point_to_pillar.tolist() == [0, 0, 1, -1]
    assert cells.num_pillars == 2
    assert cells.features[2, 1].item() == pytest.approx(1.6, abs=1e-4)
    assert cells.features[2, 4].item() == pytest.approx((1.6 - 1.75) / 0.5, abs=1e-3)


@pytest.mark.parametrize("height", [-9.0, 99.0])
def test_points_beyond_the_layers_count_in_the_end_layer(height: float) -> None:
    heights = torch.full((4,), height)
    end = 0 if height < 0 else 7
    assert pillar_features(XYZ, heights, SENSOR, GRID, PILLARS).features[0, :8].argmax() == end
    assert set(voxel_features(XYZ, heights, SENSOR, GRID, VOXELS).coords[:, 1].tolist()) == {end}


def test_age_is_the_mean_of_the_points() -> None:
    age = torch.tensor([0.0, 0.1, 0.05, 0.0])
    assert pillar_features(XYZ, HEIGHT, SENSOR, GRID, PILLARS, age_s=age).features[0, -1].item() == pytest.approx(
        0.05, abs=1e-4
    )
    assert voxel_features(XYZ, HEIGHT, SENSOR, GRID, VOXELS, age_s=age).features[2, -1].item() == pytest.approx(
        0.1, abs=1e-4
    )


@pytest.mark.parametrize("kind", ["pillars", "voxels"])
def test_the_order_of_points_changes_no_bit(kind: str) -> None:
    rng = np.random.default_rng(0)
    xyz = torch.from_numpy(rng.uniform((3, -3, 0), (15, 5, 0), (500, 3)).astype(np.float32))
    height = torch.from_numpy(rng.uniform(-1, 5, 500).astype(np.float32))
    order = torch.from_numpy(rng.permutation(500))
    if kind == "pillars":
        one, other = (pillar_features(xyz[i], height[i], SENSOR, GRID, PILLARS) for i in (torch.arange(500), order))
    else:
        one, other = (voxel_features(xyz[i], height[i], SENSOR, GRID, VOXELS) for i in (torch.arange(500), order))
    assert torch.equal(one.features, other.features)
    assert torch.equal(one.coords, other.coords)
    assert torch.equal(one.point_to_pillar[order], other.point_to_pillar)


@pytest.mark.parametrize("points", [XYZ[:0], XYZ[3:]], ids=["no points", "none in the grid"])
def test_nothing_in_the_grid(points: torch.Tensor) -> None:
    height = torch.zeros(len(points))
    for cells, channels in (
        (pillar_features(points, height, SENSOR, GRID, PILLARS), PILLARS.channels),
        (voxel_features(points, height, SENSOR, GRID, VOXELS), VOXELS.channels),
    ):
        assert cells.features.shape == (0, channels)
        assert cells.num_pillars == 0
        assert (cells.point_to_pillar == -1).all()


def test_features_are_finite_at_the_sensor() -> None:
    at_sensor = torch.tensor([[5.25, 0.25, 0.0]])
    cells = pillar_features(at_sensor, torch.zeros(1), (5.25, 0.25), GRID, PILLARS)
    assert torch.isfinite(cells.features).all()


def test_grouping_reduces_each_cell() -> None:
    groups = Grouping.of(torch.tensor([0, 1, -1, 1]), torch.tensor([1, 2]))
    values = torch.tensor([1.0, 2.0, 100.0, 4.0])
    assert groups.mean(values).tolist() == [1.0, 3.0]
    assert groups.extreme(values, "amax").tolist() == [1.0, 4.0]
    assert groups.extreme(values, "amin").tolist() == [1.0, 2.0]


def test_seen_from_points_away_from_the_sensor() -> None:
    seen = SeenFrom.of(torch.tensor([1.0]), torch.tensor([30.0]), (1.0, -20.0))
    assert seen.range_50m.tolist() == [1.0]
    assert (seen.away_x.item(), seen.away_y.item()) == pytest.approx((0.0, 1.0))
