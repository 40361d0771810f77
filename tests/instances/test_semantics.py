from __future__ import annotations

import torch

from bevseg.instances.heads.center_offset import CenterOffsetHeadConfig
from bevseg.instances.semantics import point_semantics, semantic_cells

CONFIG = CenterOffsetHeadConfig(semantic_layers=4, semantic_layer_m=0.5, semantic_z_min_m=-0.25)


def test_cells_count_layers_within_pillars() -> None:
    pillar = torch.tensor([0, 2, 2, -1])
    height = torch.tensor([0.0, 0.3, 1.3, 0.0])
    assert semantic_cells(pillar, height, CONFIG).tolist() == [0, 9, 11, -1]


def test_heights_beyond_the_layers_take_the_end_layer() -> None:
    pillar = torch.tensor([1, 1])
    assert semantic_cells(pillar, torch.tensor([-5.0, 50.0]), CONFIG).tolist() == [4, 7]


def test_points_take_the_likeliest_class_of_their_cell() -> None:
    semantics = torch.zeros(2, 4, 16)
    semantics[1, 2, 6] = 3.0  # channel 6 is class 7
    assert point_semantics(semantics, torch.tensor([6, 0, -1])).tolist() == [7, 1, 0]


def test_no_pillar_and_no_point() -> None:
    assert point_semantics(torch.zeros(0, 4, 16), torch.tensor([-1, -1])).tolist() == [0, 0]
    assert point_semantics(torch.zeros(2, 4, 16), torch.zeros(0, dtype=torch.int64)).shape == (0,)
