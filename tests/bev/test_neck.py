from __future__ import annotations

import pytest
import torch

from bevseg.bev.layers import fuse_dense_batch_norm
from bevseg.bev.neck import NeckConfig, build_neck
from bevseg.geometry.grid import BevGrid
from bevseg.voxels.voxelize import SparseVoxels

CHANNELS = (4, 6, 8, 10)
GRID = BevGrid(x_min_m=7.0, y_min_m=-2.0, cell_m=0.5, width=22, height=14)
"""Neither stride 4 nor stride 8 divides it."""


def _levels(share: float = 0.3) -> tuple[SparseVoxels, ...]:
    generator, levels = torch.Generator().manual_seed(1), []
    height, width = GRID.shape
    for channels in CHANNELS:
        coords = (torch.rand(2, height, width, generator=generator) < share).nonzero()
        features = torch.randn(len(coords), channels, generator=generator)
        levels.append(SparseVoxels(features, coords, (height, width), 2))
        height, width = (height + 1) // 2, (width + 1) // 2
    return tuple(levels)


def _config() -> NeckConfig:
    return NeckConfig(channels_8=12, channels_4=10, channels_2=8, convs_8=2, convs_4=1, separable_2=1)


@pytest.mark.parametrize("share", [0.3, 0.0])
def test_output_lies_on_the_grid_of_stride_two(share: float) -> None:
    neck = build_neck(_config(), level_channels=CHANNELS)
    bev = neck(_levels(share), GRID)
    assert bev.map.shape == (2, neck.out_channels, 7, 11)
    assert bev.grid == BevGrid(7.0, -2.0, 1.0, 11, 7)
    assert bev.map.is_contiguous(memory_format=torch.channels_last)


def test_every_weight_and_level_learns() -> None:
    torch.manual_seed(0)
    neck, levels = build_neck(_config(), level_channels=CHANNELS), _levels()
    for level in levels:
        level.features.requires_grad_()
    neck(levels, GRID).map.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in neck.parameters())
    assert all(level.features.grad is not None for level in levels[1:])


def test_a_coarse_cell_acts_where_it_lies() -> None:
    """A change in the last cell at stride 8 moves the far corner of the map and leaves the near one."""
    torch.manual_seed(0)
    neck = build_neck(NeckConfig(12, 10, 8, 0, 0, 0), level_channels=CHANNELS).eval()
    levels = _levels()
    coarse = levels[3]
    last = SparseVoxels(torch.ones(1, 10), torch.tensor([[0, 1, 2]]), coarse.spatial_shape, 2)
    none = SparseVoxels(torch.zeros(0, 10), torch.zeros(0, 3, dtype=torch.int64), coarse.spatial_shape, 2)
    difference = (neck((*levels[:3], last), GRID).map - neck((*levels[:3], none), GRID).map).abs().sum(dim=1)
    assert (difference[0, 4:, 8:] > 1e-4).all()
    assert difference[0, :4].max() < 1e-5
    assert difference[0, :, :8].max() < 1e-5
    assert difference[1].max() < 1e-5


def test_fused_neck_computes_the_same() -> None:
    torch.manual_seed(0)
    neck = build_neck(_config(), level_channels=CHANNELS)
    for _ in range(10):
        neck(_levels(), GRID)
    neck.eval()
    fused = fuse_dense_batch_norm(neck)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in fused.modules())
    torch.testing.assert_close(fused(_levels(), GRID).map, neck(_levels(), GRID).map, rtol=1e-3, atol=1e-4)


def test_bfloat16_autocast_stays_close() -> None:
    torch.manual_seed(0)
    neck = build_neck(_config(), level_channels=CHANNELS).eval()
    exact = neck(_levels(), GRID).map
    with torch.autocast("cpu", torch.bfloat16):
        rounded = neck(_levels(), GRID).map
    assert rounded.dtype == torch.bfloat16
    torch.testing.assert_close(rounded.float(), exact, rtol=0.05, atol=0.02)


def test_training_mode_is_not_fused() -> None:
    with pytest.raises(ValueError, match=r"call \.eval\(\)"):
        fuse_dense_batch_norm(build_neck(_config(), level_channels=CHANNELS))
