"""The model's configuration: the configs of its stages, composed; one complete YAML holds all of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bevseg.bev.neck import NeckConfig
from bevseg.geometry.grid import BevGrid
from bevseg.instances.decode import DecodeConfig
from bevseg.instances.heads.center_offset import CenterOffsetHeadConfig
from bevseg.instances.panoptic import PanopticConfig
from bevseg.voxels.encoder import PillarEncoderConfig
from bevseg.voxels.pillar_features import PillarFeatureConfig
from bevseg.voxels.sparse_conv import Backend

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class ModelConfig:
    """Everything that the weights and the meaning of the outputs depend on.

    Attributes:
        name: Short name, as in tables.
        grid: Cells of the input; masks and maps of the output lie on the same.
        pillars: Features of each cell.
        encoder: Sparse backbone.
        neck: Dense layers.
        head: Instance and semantic head.
        decode: Thresholds from maps to objects.
        panoptic: How points are given to objects.
        sparse_backend: How sparse convolutions run.
        precision: Arithmetic of the network; bf16 needs a CPU or GPU that has it to be fast.
    """

    name: str = "bevseg-s"
    grid: BevGrid = field(default_factory=lambda: BevGrid.square(half_extent_m=51.2, cell_m=0.2))
    pillars: PillarFeatureConfig = field(default_factory=PillarFeatureConfig)
    encoder: PillarEncoderConfig = field(default_factory=lambda: PillarEncoderConfig(channels=(32, 48, 64, 80)))
    neck: NeckConfig = field(default_factory=lambda: NeckConfig(channels_8=64, channels_4=64, channels_2=48, convs_8=2, convs_4=2, separable_2=1))
    head: CenterOffsetHeadConfig = field(default_factory=CenterOffsetHeadConfig)
    decode: DecodeConfig = field(default_factory=DecodeConfig)
    panoptic: PanopticConfig = field(default_factory=PanopticConfig)
    sparse_backend: Backend = "auto"
    precision: Precision = "bf16"
