"""What the network knows about each pillar: quantities that mean the same for every lidar.

Height above the local ground in bins, and log counts, keep their distribution from one sensor to another; counts
normalised by range, and heights over one global plane, do not. Reflectance is left out: its scale is each sensor's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from bevseg.geometry.grid import BevGrid, VoxelGrid
from bevseg.voxels.cells import CellFeatures, Grouping, SeenFrom
from bevseg.voxels.voxelize import voxelize


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
    groups = Grouping.of(voxels.point_to_voxel, voxels.num_points)
    height = height_m.clamp(-5.0, 20.0)
    x, y = groups.mean(xyz[:, 0]), groups.mean(xyz[:, 1])
    seen = SeenFrom.of(x, y, sensor_xy_m)
    columns = [
        groups.num_points.log1p(),
        groups.extreme(height, "amax"),
        groups.extreme(height, "amin"),
        groups.mean(height),
        (x - grid.x_of(coords[:, 2] + 0.5)) / grid.cell_m,
        (y - grid.y_of(coords[:, 1] + 0.5)) / grid.cell_m,
        seen.range_50m,
        seen.away_x,
        seen.away_y,
        torch.zeros_like(x) if age_s is None else groups.mean(age_s),
    ]
    features = torch.cat([_height_bins(height, groups, config), torch.stack(columns, dim=1)], dim=1)
    return CellFeatures(features, coords, voxels.point_to_voxel, len(coords))


def _height_bins(
    height_m: Float[Tensor, "n"], groups: Grouping, config: PillarFeatureConfig
) -> Float[Tensor, "pillar bin"]:
    layer = ((height_m - config.z_min_m) / config.bin_m).clamp(0, config.bins - 1).long()
    pillars = len(groups.num_points)
    occupied = torch.zeros((pillars + 1) * config.bins, device=height_m.device)
    occupied.index_fill_(0, groups.owner * config.bins + layer, 1.0)
    return occupied.view(pillars + 1, config.bins)[:pillars]
