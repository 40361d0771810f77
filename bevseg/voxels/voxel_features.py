"""What the network knows about each voxel; the height axis is height above the local ground."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from bevseg.geometry.grid import BevGrid, VoxelGrid
from bevseg.voxels.cells import CellFeatures, Grouping, SeenFrom
from bevseg.voxels.voxelize import keys_of_coords, voxelize

_CHANNELS = 9


@dataclass(frozen=True)
class VoxelFeatureConfig:
    """Height layers above the local ground; points beyond either end count in the end layer."""

    layers: int = 24
    layer_m: float = 0.25
    z_min_m: float = -1.0

    @property
    def channels(self) -> int:
        """Number of features that `voxel_features` makes."""
        return _CHANNELS


def voxel_features(
    xyz: Float[Tensor, "n 3"],
    height_m: Float[Tensor, "n"],
    sensor_xy_m: tuple[float, float],
    grid: BevGrid,
    config: VoxelFeatureConfig,
    *,
    age_s: Float[Tensor, "n"] | None = None,
) -> CellFeatures:
    """Groups the points of one scan into voxels and describes each.

    Features, in order: log(1 + points); mean height above ground, metres; mean (x, y, z) from the voxel's centre, in
    cells; range from the sensor in units of 50 m; unit vector (x, y) away from the sensor; mean age, seconds.

    Args: As for `pillar_features`.
    """
    space = VoxelGrid(grid, config.z_min_m, config.layer_m, config.layers)
    half = config.layer_m / 2  # into the middle of the end layers, clear of rounding at their edges
    height = height_m.clamp(space.z_min_m + half, space.z_max_m - half)
    batch_index = torch.zeros(len(xyz), dtype=torch.int64, device=xyz.device)
    voxels = voxelize(torch.cat([xyz[:, :2], height[:, None]], dim=1), batch_index, space, batch_size=1)
    _, layer, row, column = voxels.coords.unbind(dim=1)
    groups = Grouping.of(voxels.point_to_voxel, voxels.num_points)
    x, y, z = groups.mean(xyz[:, 0]), groups.mean(xyz[:, 1]), groups.mean(height)
    seen = SeenFrom.of(x, y, sensor_xy_m)
    columns = [
        groups.num_points.log1p(),
        z,
        (x - grid.x_of(column + 0.5)) / grid.cell_m,
        (y - grid.y_of(row + 0.5)) / grid.cell_m,
        (z - space.z_of(layer + 0.5)) / config.layer_m,
        seen.range_50m,
        seen.away_x,
        seen.away_y,
        torch.zeros_like(x) if age_s is None else groups.mean(age_s),
    ]
    columns_of_space = keys_of_coords(voxels.coords[:, [0, 2, 3]], (1, *grid.shape))
    pillars, pillar_of_voxel = torch.unique(columns_of_space, return_inverse=True)
    outside = pillar_of_voxel.new_tensor([-1])
    point_to_pillar = torch.cat([pillar_of_voxel, outside])[voxels.point_to_voxel]
    return CellFeatures(torch.stack(columns, dim=1), voxels.coords, point_to_pillar, len(pillars))
