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
from bevseg.bev.layers import separable_block
from bevseg.instances.heads.output import BOX_CHANNELS, NUM_GROUPS, NUM_THINGS, HeadOutput
from bevseg.results.classes import NUM_CLASSES

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
        self._split = [NUM_GROUPS, NUM_GROUPS, 2]
        self.shared = separable_block(bev_channels, config.channels)
        self.fine = nn.Conv2d(config.channels, 4 * sum(self._split), 1)
        self.coarse = nn.Conv2d(config.channels, NUM_THINGS + len(BOX_CHANNELS), 1)
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
        fine = nn.functional.pixel_shuffle(self.fine(shared), 2).float()
        heat, foreground, offset_m = fine.split(self._split, dim=1)
        thing_class, box = self.coarse(shared).float().split([NUM_THINGS, len(BOX_CHANNELS)], dim=1)
        batch, row, column = pillar_coords.unbind(dim=1)
        context = shared.permute(0, 2, 3, 1)[batch, row // 2, column // 2]
        semantics = self.semantic(torch.cat([context, pillar_features.to(context.dtype)], dim=1))
        return HeadOutput(
            grid=bev.grid.finer(2),
            heat=heat,
            foreground=foreground,
            offset_m=offset_m,
            thing_class=thing_class,
            box=box,
            semantics=semantics.float().view(len(semantics), self.config.semantic_layers, NUM_CLASSES - 1),
        )

    def _start_from_prior(self) -> None:
        bias = -math.log((1 - _PRIOR) / _PRIOR)
        with torch.no_grad():
            assert self.fine.bias is not None
            self.fine.bias.zero_()
            self.fine.bias[: 4 * 2 * NUM_GROUPS].fill_(bias)
