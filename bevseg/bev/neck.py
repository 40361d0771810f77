"""The neck: dense context at strides 8 and 4, carried down to stride 2 (a feature pyramid, Lin et al., CVPR 2017).

Laterals are projected while still sparse: a linear layer on the occupied cells costs a fraction of one on the map.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bevseg.bev.features import BevFeatures
from bevseg.bev.flatten import to_dense
from bevseg.geometry.grid import BevGrid
from bevseg.voxels.voxelize import SparseVoxels

OUTPUT_STRIDE = 2
"""The map of the neck has cells twice as wide as the grid of the points."""


@dataclass(frozen=True)
class NeckConfig:
    """Widths and depths of the dense layers at each stride.

    Attributes:
        channels_8: Width at stride 8.
        channels_4: Width at stride 4.
        channels_2: Width at stride 2 and of the output.
        convs_8: Layers of 3 x 3 at stride 8.
        convs_4: Layers of 3 x 3 at stride 4.
        convs_2: Layers of 3 x 3 at stride 2.
    """

    channels_8: int = 96
    channels_4: int = 64
    channels_2: int = 48
    convs_8: int = 3
    convs_4: int = 2
    convs_2: int = 1


def build_neck(config: NeckConfig, *, level_channels: tuple[int, ...]) -> FpnNeck:
    """The neck of a config, over levels of these widths at strides 1, 2, 4, 8."""
    return FpnNeck(config, level_channels=level_channels)


class FpnNeck(nn.Module):
    """Top-down feature pyramid over the levels of an encoder."""

    def __init__(self, config: NeckConfig, *, level_channels: tuple[int, ...]) -> None:
        super().__init__()
        self.out_channels = config.channels_2
        _, in_2, in_4, in_8 = level_channels
        self.lateral_8 = nn.Linear(in_8, config.channels_8)
        self.lateral_4 = nn.Linear(in_4, config.channels_4)
        self.lateral_2 = nn.Linear(in_2, config.channels_2)
        self.convs_8 = _convs(config.channels_8, config.convs_8)
        self.convs_4 = _convs(config.channels_4, config.convs_4)
        self.convs_2 = _convs(config.channels_2, config.convs_2)
        self.down_4 = nn.Conv2d(config.channels_8, config.channels_4, 1)
        self.down_2 = nn.Conv2d(config.channels_4, config.channels_2, 1)

    def forward(self, levels: tuple[SparseVoxels, ...], grid: BevGrid) -> BevFeatures:
        """A dense map at stride 2.

        Args:
            levels: Two-dimensional features at strides 1, 2, 4, 8.
            grid: The grid at stride 1.
        """
        _, fine, middle, coarse = levels
        map_8 = self.convs_8(_lateral(coarse, self.lateral_8))
        map_4 = self.convs_4(_add_upsampled(_lateral(middle, self.lateral_4), self.down_4(map_8)))
        map_2 = self.convs_2(_add_upsampled(_lateral(fine, self.lateral_2), self.down_2(map_4)))
        return BevFeatures(map_2, grid.coarser(OUTPUT_STRIDE))


def _convs(channels: int, count: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(count):
        layers += [
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def _lateral(voxels: SparseVoxels, projection: nn.Linear) -> Float[Tensor, "batch channel y x"]:
    return to_dense(replace(voxels, features=projection(voxels.features)))


def _add_upsampled(
    fine: Float[Tensor, "batch channel y x"], coarse: Float[Tensor, "batch channel coarse_y coarse_x"]
) -> Float[Tensor, "batch channel y x"]:
    """Adds each coarse cell to the two by two fine cells that it covers; an odd edge covers one."""
    repeated = nn.functional.interpolate(coarse, scale_factor=2.0, mode="nearest")
    return fine + repeated[:, :, : fine.shape[2], : fine.shape[3]]


def fuse_dense_batch_norm(module: nn.Module) -> nn.Module:
    """A copy for inference in which each dense convolution has taken in the batch norm right after it.

    Raises:
        ValueError: The module is in training mode.
    """
    if module.training:
        raise ValueError("only a module in eval mode can be fused; call .eval() first")
    fused = copy.deepcopy(module)
    for part in fused.modules():
        if isinstance(part, nn.Sequential):
            _fuse_sequence(part)
    return fused


def _fuse_sequence(sequence: nn.Sequential) -> None:
    for i in range(len(sequence) - 1):
        conv, norm = sequence[i], sequence[i + 1]
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            sequence[i] = torch.nn.utils.fusion.fuse_conv_bn_eval(conv, norm)
            sequence[i + 1] = nn.Identity()
