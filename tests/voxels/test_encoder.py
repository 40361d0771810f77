from __future__ import annotations

import pytest
import torch

from bevseg.voxels.encoder import (
    PillarEncoder,
    PillarEncoderConfig,
    VoxelEncoder,
    VoxelEncoderConfig,
    build_encoder,
)
from bevseg.voxels.sparse_conv import fuse_batch_norm
from bevseg.voxels.voxelize import SparseVoxels

PILLARS = PillarEncoderConfig(channels=(8, 8, 16, 16), blocks=(1, 1, 0, 2))
VOXELS = VoxelEncoderConfig(channels=(4, 8, 8, 8), blocks=(1, 0, 1, 1), flat_channels=(8, 8, 16, 16))
DEPTH = 11


def _voxels(config: PillarEncoderConfig | VoxelEncoderConfig, share: float = 0.1) -> SparseVoxels:
    shape = (21, 34) if isinstance(config, PillarEncoderConfig) else (DEPTH, 21, 34)
    coords = (torch.rand(2, *shape, generator=torch.Generator().manual_seed(2)) < share).nonzero()
    return SparseVoxels(torch.randn(len(coords), 5), coords, shape, 2)


@pytest.mark.parametrize("config", [PILLARS, VOXELS])
@pytest.mark.parametrize("share", [0.1, 0.0])
def test_four_flat_levels_of_halving_shape(config: PillarEncoderConfig | VoxelEncoderConfig, share: float) -> None:
    encoder = build_encoder(config, in_channels=5, backend="table", depth=DEPTH)
    levels = encoder(_voxels(config, share))
    assert [level.spatial_shape for level in levels] == [(21, 34), (11, 17), (6, 9), (3, 5)]
    assert [level.features.shape[1] for level in levels] == list(encoder.out_channels) == [8, 8, 16, 16]
    assert all(level.batch_size == 2 for level in levels)
    assert all((len(level.coords) > 0) == (share > 0) for level in levels)


def test_builder_matches_the_config() -> None:
    assert isinstance(build_encoder(PILLARS, in_channels=5, backend="table"), PillarEncoder)
    assert isinstance(build_encoder(VOXELS, in_channels=5, backend="table", depth=DEPTH), VoxelEncoder)


@pytest.mark.parametrize("config", [PILLARS, VOXELS])
def test_every_weight_learns(config: PillarEncoderConfig | VoxelEncoderConfig) -> None:
    torch.manual_seed(0)
    encoder = build_encoder(config, in_channels=5, backend="table", depth=DEPTH)
    sum(level.features.square().sum() for level in encoder(_voxels(config))).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())


@pytest.mark.parametrize("config", [PILLARS, VOXELS])
def test_a_scan_does_not_depend_on_its_batch(config: PillarEncoderConfig | VoxelEncoderConfig) -> None:
    torch.manual_seed(0)
    encoder = build_encoder(config, in_channels=5, backend="table", depth=DEPTH).eval()
    both = _voxels(config)
    second = both.coords[:, 0] == 1
    coords = both.coords[second] - torch.tensor([1] + [0] * len(both.spatial_shape))
    alone = encoder(SparseVoxels(both.features[second], coords, both.spatial_shape, 1))
    for level, single in zip(encoder(both), alone, strict=True):
        torch.testing.assert_close(level.features[level.coords[:, 0] == 1], single.features, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("config", [PILLARS, VOXELS])
def test_fused_encoder_computes_the_same(config: PillarEncoderConfig | VoxelEncoderConfig) -> None:
    torch.manual_seed(0)
    encoder = build_encoder(config, in_channels=5, backend="table", depth=DEPTH)
    voxels = _voxels(config)
    for _ in range(10):
        encoder(voxels)
    encoder.eval()
    for level, fused in zip(encoder(voxels), fuse_batch_norm(encoder)(voxels), strict=True):
        torch.testing.assert_close(fused.features, level.features, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("channels", "blocks"), [((8, 8, 8), (1, 1, 1, 1)), ((8, 8, 8, 0), (1, 1, 1, 1))])
def test_config_rejections(channels: tuple[int, ...], blocks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="4 widths"):
        PillarEncoderConfig(channels, blocks)
    with pytest.raises(ValueError, match="4 widths"):
        VoxelEncoderConfig(channels, blocks)
