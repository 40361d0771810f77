"""The default head, label then cluster: a heatmap of centres, and for each cell the way to its object's centre.

The idea is Panoptic-DeepLab's (Cheng et al., CVPR 2020) in bird's-eye view, where the foreground is amodal: a cell
belongs to a car also where a wall hides that part. Centres and boxes are CenterPoint's (Yin et al., CVPR 2021).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from bevseg.bev.features import BevFeatures
from bevseg.bev.flatten import gather_at
from bevseg.bev.layers import separable_block
from bevseg.instances.heads.output import BOX_CHANNELS, NUM_GROUPS, NUM_THINGS, HeadOutput
from bevseg.results.classes import NUM_CLASSES

_COARSE = [2, NUM_THINGS, len(BOX_CHANNELS)]
"""Channels of offset, class and box."""

_PRIOR = 0.01
"""Initial probability of every heat and foreground cell, so that the first steps are not spent on empty ground
(Lin et al., Focal Loss, ICCV 2017)."""


@dataclass(frozen=True)
class CenterOffsetHeadConfig:
    """Sizes of the head.

    Attributes:
        channels: Width of the shared separable layer.
        semantic_layers: Height layers with semantics of their own.
        semantic_layer_m: Height of one layer, metres.
        semantic_z_min_m: Lower edge of the first layer above the ground; points beyond either end take the end layer.
        semantic_channels: Width of the hidden layer for semantics.
    """

    channels: int = 64
    semantic_layers: int = 8
    semantic_layer_m: float = 0.5
    semantic_z_min_m: float = -0.25
    semantic_channels: int = 96


class CenterOffsetHead(nn.Module):
    """1 x 1 maps over the neck's features; the fine ones gain a factor of two by a pixel shuffle."""

    def __init__(self, config: CenterOffsetHeadConfig, *, bev_channels: int, pillar_channels: int) -> None:
        super().__init__()
        self.config = config
        self.shared = separable_block(bev_channels, config.channels)
        self.fine = nn.Conv2d(config.channels, 4 * 2 * NUM_GROUPS, 1)
        self.coarse = nn.Conv2d(config.channels, sum(_COARSE), 1)
        self.semantic = nn.Sequential(
            nn.Linear(config.channels + pillar_channels, config.semantic_channels),
            nn.ReLU(inplace=True),
            nn.Linear(config.semantic_channels, config.semantic_layers * (NUM_CLASSES - 1)),
        )
        self._start_from_prior()

    def forward(
        self,
        bev: BevFeatures,
        pillar_features: Float[Tensor, "pillar channel"],
        pillar_coords: Int[Tensor, "pillar 3"],
    ) -> HeadOutput:
        """Maps for a batch.

        Args:
            bev: Features on the coarse grid.
            pillar_features: Features of each occupied pillar of the fine grid, before any stride.
            pillar_coords: (batch, row, column) of those pillars on the fine grid.
        """
        shared = self.shared(bev.map)
        heat, foreground = _shuffled(self.fine(shared)).chunk(2, dim=1)
        offset_m, thing_class, box = self.coarse(shared).split(_COARSE, dim=1)
        parents = pillar_coords // pillar_coords.new_tensor([1, 2, 2])
        context = gather_at(shared, parents)
        semantics = self.semantic(torch.cat([context, pillar_features.to(context.dtype)], dim=1))
        return HeadOutput(
            grid=bev.grid.finer(2),
            heat=heat,
            foreground=foreground,
            offset_m=offset_m,
            thing_class=thing_class,
            box=box,
            semantics=semantics.view(len(semantics), self.config.semantic_layers, NUM_CLASSES - 1),
        )

    def _start_from_prior(self) -> None:
        bias = -math.log((1 - _PRIOR) / _PRIOR)
        with torch.no_grad():
            assert self.fine.bias is not None
            self.fine.bias.fill_(bias)


def _shuffled(maps: Float[Tensor, "batch channel_4 y x"]) -> Float[Tensor, "batch channel fine_y fine_x"]:
    """`torch.pixel_shuffle` by 2, in the order of channels-last memory, where that is two and a half times as fast."""
    batch, channels, height, width = maps.shape
    cells = maps.permute(0, 2, 3, 1).view(batch, height, width, channels // 4, 2, 2)
    return cells.permute(0, 3, 1, 4, 2, 5).reshape(batch, channels // 4, 2 * height, 2 * width)
