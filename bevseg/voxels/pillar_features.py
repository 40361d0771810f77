"""What the network knows about each pillar: quantities that mean the same for every lidar.

Height above the local ground in bins, and log counts, keep their distribution from one sensor to another; counts
normalised by range and heights over a global plane do not (see the table in the README). Reflectance is left out: its
scale is each sensor's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from bevseg.geometry.grid import BevGrid, VoxelGrid
from bevseg.voxels.voxelize import voxelize

_FIXED_POINT = float(2**16)
"""Sums run over integers of 1/65536 m, which add up to the same bits in any order and on any device."""


@dataclass(frozen=True)
class PillarFeatureConfig:
    """Height bins of a pillar, above the local ground; points beyond either end count in the end bin."""

    bins: int = 18
    bin_m: float = 0.25
    z_min_m: float = -0.5

    @property
    def channels(self) -> int:
        """Number of features that `pillar_features` makes."""
        return self.bins + 10


@dataclass(frozen=True, eq=False)
class CellFeatures:
    """The occupied cells (pillars or voxels) of one scan or batch, as an encoder takes them.

    Attributes:
        features: One row for each cell.
        coords: (batch, [z,] row, column), ascending.
        point_to_pillar: For each point the place of its column of space among the occupied ones, ascending by (batch,
            row, column); -1 for points outside the grid.
        num_pillars: Number of occupied columns.
    """

    features: Float[Tensor, "cell channel"]
    coords: Int64[Tensor, "cell axes"]
    point_to_pillar: Int64[Tensor, "n"]
    num_pillars: int


def pillar_features(
    xyz: Float[Tensor, "n 3"],
    height_m: Float[Tensor, "n"],
    sensor_xy_m: tuple[float, float],
    grid: BevGrid,
    config: PillarFeatureConfig,
    *,
    age_s: Float[Tensor, "n"] | None = None,
) -> CellFeatures:
    """Groups the points of one scan into pillars and describes each.

    Features, in order: occupancy of each height bin (0 or 1); log(1 + points); highest, lowest and mean height above
    ground, metres; mean (x, y) from the pillar's centre, in cells; range from the sensor in units of 50 m; unit vector
    (x, y) away from the sensor; mean age of the points, seconds.

    Args:
        xyz: Points in the frame of the grid, metres.
        height_m: Height above the local ground, metres.
        sensor_xy_m: Where the rays of the newest sweep start.
        grid: The pillars.
        config: Height bins.
        age_s: How long before the stamp each point was measured, 0 or more; None for a single sweep.
    """
    one_layer = VoxelGrid(grid, -1e6, 2e6, 1)
    batch_index = torch.zeros(len(xyz), dtype=torch.int64, device=xyz.device)
    voxels = voxelize(xyz, batch_index, one_layer, batch_size=1)
    coords = voxels.coords[:, [0, 2, 3]]
    count = len(coords)
    # Points outside go to a row of their own at the end: cheaper than leaving them out of every column first.
    owner = torch.where(voxels.point_to_voxel >= 0, voxels.point_to_voxel, count)
    height = height_m.clamp(-5.0, 20.0)
    points = voxels.num_points.to(torch.float32)
    x, y = _exact_mean(xyz[:, 0], owner, points), _exact_mean(xyz[:, 1], owner, points)
    age = torch.zeros_like(points) if age_s is None else _exact_mean(age_s, owner, points)
    away_x, away_y = x - sensor_xy_m[0], y - sensor_xy_m[1]
    distance = torch.hypot(away_x, away_y).clamp(min=1e-3)
    columns = [
        points.log1p(),
        _extreme(height, owner, count, "amax"),
        _extreme(height, owner, count, "amin"),
        _exact_mean(height, owner, points),
        (x - grid.x_of(coords[:, 2] + 0.5)) / grid.cell_m,
        (y - grid.y_of(coords[:, 1] + 0.5)) / grid.cell_m,
        distance / 50.0,
        away_x / distance,
        away_y / distance,
        age,
    ]
    features = torch.cat([_height_bins(height, owner, count, config), torch.stack(columns, dim=1)], dim=1)
    return CellFeatures(features, coords, voxels.point_to_voxel, count)


def _height_bins(
    height_m: Float[Tensor, "n"], owner: Int64[Tensor, "n"], count: int, config: PillarFeatureConfig
) -> Float[Tensor, "pillar bin"]:
    layer = ((height_m - config.z_min_m) / config.bin_m).clamp(0, config.bins - 1).long()
    occupied = torch.zeros((count + 1) * config.bins, device=height_m.device)
    occupied.index_fill_(0, owner * config.bins + layer, 1.0)
    return occupied.view(count + 1, config.bins)[:count]


def _exact_mean(
    values: Float[Tensor, "n"], owner: Int64[Tensor, "n"], points: Float[Tensor, "pillar"]
) -> Float[Tensor, "pillar"]:
    fixed = (values * _FIXED_POINT).round().long()
    total = torch.zeros(len(points) + 1, dtype=torch.int64, device=values.device).index_add_(0, owner, fixed)
    return total[:-1].to(torch.float32) / (_FIXED_POINT * points)


def _extreme(
    values: Float[Tensor, "n"], owner: Int64[Tensor, "n"], count: int, reduce: Literal["amin", "amax"]
) -> Float[Tensor, "pillar"]:
    start = torch.zeros(count + 1, device=values.device)
    return start.scatter_reduce(0, owner, values, reduce, include_self=False)[:count]
