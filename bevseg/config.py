"""The model's configuration: the configs of its stages, composed; one complete YAML holds all of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bevseg.bev.neck import NeckConfig
from bevseg.geometry.grid import BevGrid
from bevseg.instances.decode import DecodeConfig
from bevseg.instances.heads.center_offset import CenterOffsetHeadConfig
from bevseg.instances.panoptic import PanopticConfig
from bevseg.occlusion.plausibility import PlausibilityConfig
from bevseg.voxels.encoder import PillarEncoderConfig, VoxelEncoderConfig
from bevseg.voxels.pillar_features import PillarFeatureConfig
from bevseg.voxels.sparse_conv import Backend
from bevseg.voxels.voxel_features import VoxelFeatureConfig

Precision = Literal["auto", "fp32", "bf16"]
"""Arithmetic of the network; "auto" is bf16 where the device has instructions for it, and fp32 elsewhere."""


@dataclass(frozen=True)
class ModelConfig:
    """Everything that the weights and the meaning of the outputs depend on.

    Attributes:
        name: Short name, as in tables.
        grid: Cells of the input; masks and maps of the output lie on the same.
        features: What is known of each cell, pillar or voxel; of the encoder's kind.
        encoder: Sparse backbone.
        neck: Dense layers.
        head: Instance and semantic head.
        decode: Thresholds from maps to objects.
        plausibility: Which objects must have been seen to be believed.
        panoptic: How points are given to objects.
        sparse_backend: How sparse convolutions run.
        precision: How the network computes.
    """

    name: str = "bevseg-s"
    grid: BevGrid = field(default_factory=lambda: BevGrid.square(half_extent_m=51.2, cell_m=0.2))
    features: PillarFeatureConfig | VoxelFeatureConfig = field(default_factory=PillarFeatureConfig)
    encoder: PillarEncoderConfig | VoxelEncoderConfig = field(
        default_factory=lambda: PillarEncoderConfig(channels=(32, 48, 80, 112))
    )
    neck: NeckConfig = field(
        default_factory=lambda: NeckConfig(
            channels_8=96, channels_4=48, channels_2=48, convs_8=2, convs_4=2, separable_2=1
        )
    )
    head: CenterOffsetHeadConfig = field(default_factory=CenterOffsetHeadConfig)
    decode: DecodeConfig = field(default_factory=DecodeConfig)
    plausibility: PlausibilityConfig = field(default_factory=PlausibilityConfig)
    panoptic: PanopticConfig = field(default_factory=PanopticConfig)
    sparse_backend: Backend = "auto"
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        if isinstance(self.features, PillarFeatureConfig) != isinstance(self.encoder, PillarEncoderConfig):
            raise ValueError(
                "features and encoder must both be of pillars or both of voxels, "
                f"got {type(self.features).__name__} and {type(self.encoder).__name__}"
            )

    @property
    def depth(self) -> int:
        """Height layers of the cells; pillars have one."""
        return self.features.layers if isinstance(self.features, VoxelFeatureConfig) else 1

    @property
    def cell_shape(self) -> tuple[int, ...]:
        """Cells along ([z,] y, x)."""
        return (self.depth, *self.grid.shape) if isinstance(self.features, VoxelFeatureConfig) else self.grid.shape
