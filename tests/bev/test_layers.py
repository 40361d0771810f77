from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from bevseg.bev.layers import conv_block, fuse_dense_batch_norm, separable_block


@pytest.mark.parametrize("block", [conv_block, separable_block])
def test_blocks_keep_the_map_and_change_the_width(block: Callable[[int, int], nn.Sequential]) -> None:
    outputs = block(4, 6)(torch.randn(2, 4, 5, 9))
    assert outputs.shape == (2, 6, 5, 9)
    assert outputs.min() == 0
    assert outputs.max() > 0


def test_separable_block_is_the_smaller() -> None:
    sizes = [sum(p.numel() for p in block(32, 32).parameters()) for block in (conv_block, separable_block)]
    assert sizes[1] < sizes[0] / 5


def test_only_a_norm_right_after_a_convolution_is_fused() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))
    module(torch.randn(8, 3, 4, 4))
    fused = fuse_dense_batch_norm(module.eval())
    kinds = [type(part).__name__ for part in fused.children()]
    assert kinds == ["Conv2d", "ReLU", "BatchNorm2d", "Conv2d", "Identity"]
    inputs = torch.randn(1, 3, 4, 4)
    torch.testing.assert_close(fused(inputs), module(inputs))
