"""The network: one line a stage."""

from __future__ import annotations

import copy
import logging
import platform
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bevseg.bev.layers import fuse_dense_batch_norm
from bevseg.bev.neck import build_neck
from bevseg.config import ModelConfig, Precision
from bevseg.instances.heads.center_offset import CenterOffsetHead
from bevseg.instances.heads.output import HeadOutput
from bevseg.points.cloud import PointCloud
from bevseg.points.ground import GroundModel
from bevseg.voxels.cells import CellFeatures
from bevseg.voxels.encoder import build_encoder
from bevseg.voxels.pillar_features import PillarFeatureConfig, pillar_features
from bevseg.voxels.row_products import with_row_linears
from bevseg.voxels.sparse_conv import fuse_batch_norm, resolve_backend
from bevseg.voxels.voxel_features import VoxelFeatureConfig, voxel_features
from bevseg.voxels.voxelize import SparseVoxels

_log = logging.getLogger(__name__)

ResolvedPrecision = Literal["fp32", "bf16"]


@dataclass(frozen=True, eq=False)
class DescribedPoints:
    """A scan as the network takes it, with the height of every point above the local ground in metres."""

    cells: CellFeatures
    height_m: Float[Tensor, "n"]


def describe_points(cloud: PointCloud, ground: GroundModel, config: ModelConfig) -> DescribedPoints:
    """Groups a cloud into cells and describes each (see `pillar_features`, `voxel_features`)."""
    xyz = torch.from_numpy(cloud.xyz)
    height_m = torch.from_numpy(ground.height_above(cloud.xyz))
    x_m, y_m, _ = cloud.sensor_origins_m[0].tolist()
    # Within one sweep every sensor counts time its own way; between sweeps age tells them apart.
    age_s = torch.from_numpy(-cloud.time_s) if cloud.num_sweeps > 1 else None
    match config.features:
        case PillarFeatureConfig():
            cells = pillar_features(xyz, height_m, (x_m, y_m), config.grid, config.features, age_s=age_s)
        case VoxelFeatureConfig():
            cells = voxel_features(xyz, height_m, (x_m, y_m), config.grid, config.features, age_s=age_s)
    return DescribedPoints(cells, height_m)


class BevSegNet(nn.Module):
    """Cells to head maps."""

    def __init__(self, config: ModelConfig, *, device: torch.device) -> None:
        super().__init__()
        self.config = config
        self.precision = resolve_precision(config.precision, device)
        backend = resolve_backend(config.sparse_backend, device)
        self.encoder = build_encoder(
            config.encoder, in_channels=config.features.channels, backend=backend, depth=config.depth
        )
        self.neck = build_neck(config.neck, level_channels=self.encoder.out_channels)
        self.head = CenterOffsetHead(
            config.head, bev_channels=self.neck.out_channels, pillar_channels=self.encoder.out_channels[0]
        )
        self.to(device)

    def forward(self, cells: CellFeatures, batch_size: int = 1) -> HeadOutput:
        """Maps for a batch of scans."""
        weights = next(self.parameters()).dtype
        mixed = self.precision == "bf16" and weights == torch.float32
        with torch.autocast(cells.features.device.type, dtype=torch.bfloat16, enabled=mixed):
            voxels = SparseVoxels(cells.features.to(weights), cells.coords, self.config.cell_shape, batch_size)
            levels = self.encoder(voxels)
            bev = self.neck(levels, self.config.grid)
            return self.head(bev, levels[0].features, levels[0].coords)


def build_network(config: ModelConfig, *, device: torch.device | str = "cpu") -> BevSegNet:
    """The network of a config with fresh weights, in training mode."""
    return BevSegNet(config, device=torch.device(device))


def resolve_precision(precision: Precision, device: torch.device) -> ResolvedPrecision:
    """The arithmetic that a network on `device` computes in."""
    if precision != "auto":
        return precision
    if has_native_bf16(device):
        return "bf16"
    _log.warning("this %s has no bf16 instructions: the network runs in fp32", device.type.upper())
    return "fp32"


def has_native_bf16(device: torch.device) -> bool:
    """Whether the device computes in bf16 by itself; where it does not, bf16 is emulated and slower than fp32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    # oneDNN counts every x86 CPU with AVX-512 in and emulates; on others what it says is what they have.
    if platform.machine().lower() in ("x86_64", "amd64"):
        asked = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # since torch 2.6; before, none can tell
        return asked is not None and bool(asked())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def for_inference(network: BevSegNet) -> BevSegNet:
    """A copy in evaluation mode: every batch norm folded into the convolution before it, weights in its precision."""
    fused = fuse_dense_batch_norm(fuse_batch_norm(copy.deepcopy(network).eval()))
    with_row_linears(fused)
    return fused.to(torch.bfloat16) if network.precision == "bf16" else fused
