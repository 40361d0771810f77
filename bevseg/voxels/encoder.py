"""Sparse backbones: occupied cells in, features at four strides out.

Both encoders give one two-dimensional `SparseVoxels` for each stride 1, 2, 4, 8, finest first, so that what follows
does not ask which of them ran.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from bevseg.voxels.neighbour_table import SparseLevel, Window
from bevseg.voxels.sparse_conv import ResolvedBackend, SparseBasicBlock, SparseConvBlock, VoxelBatchNorm
from bevseg.voxels.voxelize import SparseVoxels

NUM_LEVELS = 4
"""Strides 1, 2, 4 and 8."""


@dataclass(frozen=True)
class PillarEncoderConfig:
    """A two-dimensional residual backbone over pillars.

    Attributes:
        channels: Width at strides 1, 2, 4, 8.
        blocks: Residual blocks at each stride.
    """

    channels: tuple[int, ...] = (32, 64, 96, 128)
    blocks: tuple[int, ...] = (1, 1, 1, 1)

    def __post_init__(self) -> None:
        _check_levels(self.channels, self.blocks)


@dataclass(frozen=True)
class VoxelEncoderConfig:
    """A three-dimensional residual backbone over voxels, each level pressed flat at its end.

    Attributes:
        channels: Width at strides 1, 2, 4, 8 along every axis.
        blocks: Residual blocks at each stride.
        flat_channels: Width at each stride after the height axis is pressed flat.
    """

    channels: tuple[int, ...] = (16, 32, 64, 128)
    blocks: tuple[int, ...] = (2, 2, 2, 2)
    flat_channels: tuple[int, ...] = (32, 64, 96, 128)

    def __post_init__(self) -> None:
        _check_levels(self.channels, self.blocks)
        _check_levels(self.flat_channels, self.blocks)


def build_encoder(
    config: PillarEncoderConfig | VoxelEncoderConfig, *, in_channels: int, backend: ResolvedBackend, depth: int = 1
) -> PillarEncoder | VoxelEncoder:
    """The encoder of a config.

    Args:
        config: Which encoder, and its sizes.
        in_channels: Features of each occupied cell.
        backend: See `resolve_backend`.
        depth: Layers of the voxel grid; pillars have one.
    """
    match config:
        case PillarEncoderConfig():
            return PillarEncoder(config, in_channels=in_channels, backend=backend)
        case VoxelEncoderConfig():
            return VoxelEncoder(config, in_channels=in_channels, depth=depth, backend=backend)


class PillarEncoder(nn.Module):
    """Linear stem, then at each stride a halving convolution (but at the first) and residual blocks."""

    def __init__(self, config: PillarEncoderConfig, *, in_channels: int, backend: ResolvedBackend) -> None:
        super().__init__()
        self.out_channels = config.channels
        self.backbone = _Backbone(config.channels, config.blocks, in_channels=in_channels, dims=2, backend=backend)

    def forward(self, voxels: SparseVoxels) -> tuple[SparseVoxels, ...]:
        """Features at strides 1, 2, 4, 8."""
        return tuple(output.voxels for output in self.backbone(voxels))


class VoxelEncoder(nn.Module):
    """The same in three dimensions (as SECOND's middle layers); then each level is pressed flat.

    Pressing flat is a convolution over the whole height, so that every layer keeps weights of its own.
    """

    def __init__(self, config: VoxelEncoderConfig, *, in_channels: int, depth: int, backend: ResolvedBackend) -> None:
        super().__init__()
        self.out_channels = config.flat_channels
        self.backbone = _Backbone(config.channels, config.blocks, in_channels=in_channels, dims=3, backend=backend)
        flat = []
        for channels, flat_channels in zip(config.channels, config.flat_channels, strict=True):
            flat.append(SparseConvBlock(channels, flat_channels, (depth, 1, 1), backend=backend))
            depth = (depth + 1) // 2
        self.flat = nn.ModuleList(flat)

    def forward(self, voxels: SparseVoxels) -> tuple[SparseVoxels, ...]:
        """Features at strides 1, 2, 4, 8 with coordinates (batch, y, x)."""
        outputs = self.backbone(voxels)
        return tuple(_flatten(output, self.flat[i]) for i, output in enumerate(outputs))


@dataclass(frozen=True, eq=False)
class _Output:
    """Features at one stride, with the level that holds their tables."""

    level: SparseLevel
    voxels: SparseVoxels


class _Stage(nn.Module):
    """A halving convolution, where `halve` is given, and residual blocks."""

    def __init__(self, halve: SparseConvBlock | None, blocks: list[SparseBasicBlock]) -> None:
        super().__init__()
        self.halve = halve
        self.blocks = nn.ModuleList(blocks)

    def forward(self, output: _Output) -> _Output:
        """The next level, or the same one without `halve`."""
        level, features = output.level, output.voxels.features
        if self.halve is not None:
            coarser = level.coarser(Window.halving(level.dims))
            level, features = coarser.level, self.halve(features, coarser.table)
        for block in self.blocks:
            features = block(features, level.submanifold())
        return _Output(level, SparseVoxels(features, level.coords, level.spatial_shape, level.batch_size))


class _Backbone(nn.Module):
    def __init__(
        self,
        channels: tuple[int, ...],
        blocks: tuple[int, ...],
        *,
        in_channels: int,
        dims: int,
        backend: ResolvedBackend,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Linear(in_channels, channels[0], bias=False), VoxelBatchNorm(channels[0]), nn.ReLU(inplace=True)
        )
        stages = []
        for i, (width, count) in enumerate(zip(channels, blocks, strict=True)):
            halve = SparseConvBlock(channels[i - 1], width, (3,) * dims, backend=backend) if i else None
            stages.append(_Stage(halve, [SparseBasicBlock(width, dims, backend=backend) for _ in range(count)]))
        self.stages = nn.ModuleList(stages)

    def forward(self, voxels: SparseVoxels) -> list[_Output]:
        """The outputs of all stages, finest first."""
        level = SparseLevel(voxels.coords, voxels.spatial_shape, voxels.batch_size)
        stem = SparseVoxels(self.stem(voxels.features), level.coords, level.spatial_shape, level.batch_size)
        outputs = [_Output(level, stem)]
        for stage in self.stages:
            outputs.append(stage(outputs[-1]))
        return outputs[1:]


def _flatten(output: _Output, flat: nn.Module) -> SparseVoxels:
    depth = output.level.spatial_shape[0]
    coarser = output.level.coarser(Window((depth, 1, 1), (depth, 1, 1), (0, 0, 0)))
    features = flat(output.voxels.features, coarser.table)
    coords = coarser.level.coords[:, [0, 2, 3]]
    return SparseVoxels(features, coords, coarser.level.spatial_shape[1:], coarser.level.batch_size)


def _check_levels(channels: tuple[int, ...], blocks: tuple[int, ...]) -> None:
    if len(channels) != NUM_LEVELS or len(blocks) != NUM_LEVELS or min(channels) < 1 or min(blocks) < 0:
        raise ValueError(
            f"an encoder needs {NUM_LEVELS} widths of at least 1 and as many block counts of at least 0, "
            f"got channels={channels}, blocks={blocks}"
        )
