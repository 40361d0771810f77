from __future__ import annotations

import pytest
import torch

from bevseg.bev.features import BevFeatures
from bevseg.geometry.grid import BevGrid
from bevseg.instances.heads.center_offset import CenterOffsetHead, CenterOffsetHeadConfig, _shuffled
from bevseg.instances.heads.output import BOX_CHANNELS

COARSE = BevGrid(x_min_m=2.0, y_min_m=-3.0, cell_m=0.4, width=10, height=6)
CONFIG = CenterOffsetHeadConfig(channels=8, semantic_layers=3, semantic_channels=8)


@pytest.fixture
def head() -> CenterOffsetHead:
    torch.manual_seed(0)
    return CenterOffsetHead(CONFIG, bev_channels=5, pillar_channels=4).eval()


def test_shapes_of_every_map(head: CenterOffsetHead) -> None:
    bev = BevFeatures(torch.randn(2, 5, 6, 10).to(memory_format=torch.channels_last), COARSE)
    coords = torch.tensor([[0, 0, 0], [0, 11, 19], [1, 5, 7]])
    output = head(bev, torch.randn(3, 4), coords)
    assert output.grid == COARSE.finer(2)
    assert output.heat.shape == output.foreground.shape == (2, 4, 12, 20)
    assert output.offset_m.shape == (2, 2, 6, 10)
    assert output.thing_class.shape == (2, 10, 6, 10)
    assert output.box.shape == (2, len(BOX_CHANNELS), 6, 10)
    assert output.semantics.shape == (3, 3, 16)


def test_no_pillars(head: CenterOffsetHead) -> None:
    bev = BevFeatures(torch.zeros(1, 5, 6, 10).to(memory_format=torch.channels_last), COARSE)
    output = head(bev, torch.zeros(0, 4), torch.zeros(0, 3, dtype=torch.int64))
    assert output.semantics.shape == (0, 3, 16)


def test_an_untrained_head_expects_empty_ground(head: CenterOffsetHead) -> None:
    bev = BevFeatures(torch.zeros(1, 5, 6, 10).to(memory_format=torch.channels_last), COARSE)
    output = head(bev, torch.zeros(0, 4), torch.zeros(0, 3, dtype=torch.int64))
    assert output.heat.sigmoid().max() < 0.1
    assert output.foreground.sigmoid().max() < 0.1


def test_semantics_see_the_map_below_their_pillar(head: CenterOffsetHead) -> None:
    bev_map = torch.zeros(1, 5, 6, 10).to(memory_format=torch.channels_last)
    bev_map[0, :, 2, 9] = 5.0
    coords = torch.tensor([[0, 5, 19], [0, 5, 1]])  # the first lies in the coarse cell (2, 9)
    pillars = torch.zeros(2, 4)
    near, far = head(BevFeatures(bev_map, COARSE), pillars, coords).semantics
    flat, _ = head(BevFeatures(torch.zeros_like(bev_map), COARSE), pillars, coords).semantics
    assert not torch.allclose(near, flat)
    assert torch.allclose(far, flat)


@pytest.mark.parametrize("memory", [torch.channels_last, torch.contiguous_format])
def test_shuffling_is_torch_pixel_shuffle(memory: torch.memory_format) -> None:
    maps = torch.randn(2, 12, 3, 5).to(memory_format=memory)
    assert torch.equal(_shuffled(maps), torch.nn.functional.pixel_shuffle(maps, 2))
