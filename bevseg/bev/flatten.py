"""Between sparse voxels and dense bird's-eye-view maps. No two voxels share a cell, so all of it is deterministic."""

from __future__ import annotations

import math

from jaxtyping import Float, Int64
from torch import Tensor

from bevseg.voxels.voxelize import SparseVoxels, keys_of_coords


def to_dense(voxels: SparseVoxels) -> Float[Tensor, "batch channel y x"]:
    """Lays features out as a map, zero where no voxel is; channels-last in memory.

    Height layers of three-dimensional voxels become channels: channel c of layer z is channel z * channels + c.
    """
    batch, y, x = voxels.batch_size, *voxels.spatial_shape[-2:]
    layers, channels = math.prod(voxels.spatial_shape[:-2]), voxels.features.shape[1]
    columns = voxels.coords[:, [0, -2, -1, *range(1, voxels.coords.shape[1] - 2)]]
    rows = keys_of_coords(columns, (batch, y, x, *voxels.spatial_shape[:-2]))
    dense = voxels.features.new_zeros(batch * y * x * layers, channels).index_copy_(0, rows, voxels.features)
    return dense.view(batch, y, x, layers * channels).permute(0, 3, 1, 2)


def add_sparse(dense: Float[Tensor, "batch channel y x"], voxels: SparseVoxels) -> Float[Tensor, "batch channel y x"]:
    """A map plus the features of two-dimensional voxels at their cells; channels-last in memory."""
    rows = dense.permute(0, 2, 3, 1)
    keys = keys_of_coords(voxels.coords, tuple(rows.shape[:3]))
    return rows.flatten(0, 2).index_add(0, keys, voxels.features).view(rows.shape).permute(0, 3, 1, 2)


def gather_at(dense: Float[Tensor, "batch channel y x"], coords: Int64[Tensor, "n 3"]) -> Float[Tensor, "n channel"]:
    """The features of a map at cells (batch, y, x)."""
    rows = dense.permute(0, 2, 3, 1)
    return rows.flatten(0, 2).index_select(0, keys_of_coords(coords, tuple(rows.shape[:3])))
