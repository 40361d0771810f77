"""The neck: dense context at strides 8 and 4, carried down to stride 2 (a feature pyramid, Lin et al., CVPR 2017).

Laterals are projected while still sparse: a linear layer on the occupied cells costs a fraction of one on the map.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor, nn

from bevseg.bev.features import BevFeatures
from bevseg.bev.flatten import add_sparse, to_dense
from bevseg.bev.layers import conv_block, separable_block
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
        separable_2: Separable layers of 3 x 3 at stride 2.
    """

    channels_8: int = 96
    channels_4: int = 64
    channels_2: int = 48
    convs_8: int = 3
    convs_4: int = 1
    separable_2: int = 1


def build_neck(config: NeckConfig, *, level_channels: tuple[int, ...]) -> FpnNeck:
    """The neck of a config, over levels of these widths at strides 1, 2, 4, 8."""
    return FpnNeck(config, level_channels=level_channels)


class FpnNeck(nn.Module):
    """Top-down feature pyramid over the levels of an encoder."""

    def __init__(self, config: NeckConfig, *, level_channels: tuple[int, ...]) -> None:
        super().__init__()
        self.out_channels = config.channels_2
        _, in_2, in_4, in_8 = level_channels
        at_8, at_4, at_2 = config.channels_8, config.channels_4, config.channels_2
        self.lateral_8 = nn.Linear(in_8, at_8)
        self.lateral_4 = nn.Linear(in_4, at_4)
        self.lateral_2 = nn.Linear(in_2, at_2)
        self.convs_8 = nn.Sequential(*(conv_block(at_8, at_8) for _ in range(config.convs_8)))
        self.convs_4 = nn.Sequential(*(conv_block(at_4, at_4) for _ in range(config.convs_4)))
        self.convs_2 = nn.Sequential(*(separable_block(at_2, at_2) for _ in range(config.separable_2)))
        self.down_4 = nn.Conv2d(at_8, at_4, 1)
        self.down_2 = nn.Conv2d(at_4, at_2, 1)

    def forward(self, levels: tuple[SparseVoxels, ...], grid: BevGrid) -> BevFeatures:
        """A dense map at stride 2.

        Args:
            levels: Two-dimensional features at strides 1, 2, 4, 8.
            grid: The grid at stride 1.
        """
        _, fine, middle, coarse = levels
        map_8 = self.convs_8(to_dense(_projected(coarse, self.lateral_8)))
        map_4 = self.convs_4(_merged(self.down_4(map_8), _projected(middle, self.lateral_4)))
        map_2 = self.convs_2(_merged(self.down_2(map_4), _projected(fine, self.lateral_2)))
        return BevFeatures(map_2, grid.coarser(OUTPUT_STRIDE))


def _projected(voxels: SparseVoxels, projection: nn.Linear) -> SparseVoxels:
    return replace(voxels, features=projection(voxels.features))


def _merged(
    coarse: Float[Tensor, "batch channel coarse_y coarse_x"], fine: SparseVoxels
) -> Float[Tensor, "batch channel y x"]:
    """Copies each coarse cell to the two by two fine cells it covers (fewer at an odd edge), and adds the voxels."""
    height, width = fine.spatial_shape
    repeated = nn.functional.interpolate(coarse, scale_factor=2.0, mode="nearest")
    return add_sparse(repeated[:, :, :height, :width], fine)
