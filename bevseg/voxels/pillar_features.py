"""What the network knows about each pillar: quantities that mean the same for every lidar.

Height above the local ground in bins, and log counts, keep their distribution from one sensor to another; counts
normalised by range and heights over a global plane do not (see the table in the README). Reflectance is left out: its
scale is each sensor's own.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    from_sensor_m: Float[Tensor, "n 2"],
    age_s: Float[Tensor, "n"],
    grid: BevGrid,
    config: PillarFeatureConfig,
) -> CellFeatures:
    """Groups the points of one scan into pillars and describes each.

    Features, in order: occupancy of each height bin (0 or 1); log(1 + points); highest, lowest and mean height above
    ground, metres; mean (x, y) from the pillar's centre, in cells; range from the sensor in units of 50 m; unit vector
    (x, y) away from the sensor; mean age of the points, seconds.

    Args:
        xyz: Points in the frame of the grid, metres.
        height_m: Height above the local ground, metres.
        from_sensor_m: From where each point's ray starts to the point, (x, y) metres.
        age_s: How long before the stamp each point was measured, 0 or more.
        grid: The pillars.
        config: Height bins.
    """
    one_layer = VoxelGrid(grid, -1e6, 2e6, 1)
    batch_index = torch.zeros(len(xyz), dtype=torch.int64, device=xyz.device)
    voxels = voxelize(xyz, batch_index, one_layer, batch_size=1)
    coords = voxels.coords[:, [0, 2, 3]]
    inside = torch.nonzero(voxels.point_to_voxel >= 0).squeeze(1)
    owner, count = voxels.point_to_voxel[inside], len(coords)
    xy, height = xyz[inside, :2], height_m[inside].clamp(-5.0, 20.0)

    layer = ((height - config.z_min_m) / config.bin_m).floor().long().clamp(0, config.bins - 1)
    occupied = torch.zeros(count * config.bins, device=xyz.device)
    occupied[owner * config.bins + layer] = 1.0

    points = voxels.num_points.to(torch.float32)
    quantities = torch.cat([xy, height[:, None], from_sensor_m[inside], age_s[inside, None]], dim=1)
    mean = _exact_mean(quantities, owner, points)
    center = torch.stack([grid.x_of(coords[:, 2] + 0.5), grid.y_of(coords[:, 1] + 0.5)], dim=1)
    distance = mean[:, 3:5].norm(dim=1, keepdim=True)
    lowest = torch.full((count,), torch.inf, device=xyz.device).scatter_reduce(0, owner, height, "amin")
    highest = torch.full((count,), -torch.inf, device=xyz.device).scatter_reduce(0, owner, height, "amax")
    features = [
        occupied.view(count, config.bins),
        torch.stack([points.log1p(), highest, lowest, mean[:, 2]], dim=1),
        (mean[:, :2] - center) / grid.cell_m,
        distance / 50.0,
        mean[:, 3:5] / distance.clamp(min=1e-3),
        mean[:, 5:6],
    ]
    return CellFeatures(torch.cat(features, dim=1), coords, voxels.point_to_voxel, count)


def _exact_mean(
    values: Float[Tensor, "n quantity"], owner: Int64[Tensor, "n"], points: Float[Tensor, "pillar"]
) -> Float[Tensor, "pillar quantity"]:
    fixed = (values * _FIXED_POINT).round().long()
    total = torch.zeros((len(points), values.shape[1]), dtype=torch.int64, device=values.device)
    total.index_add_(0, owner, fixed)
    return total.to(torch.float32) / (_FIXED_POINT * points[:, None])
