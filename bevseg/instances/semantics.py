"""Between points and the cells of the semantic output: one cell for each occupied pillar and height layer."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from bevseg.instances.heads.center_offset import CenterOffsetHeadConfig


def semantic_cells(
    point_to_pillar: Int64[Tensor, "n"], height_m: Float[Tensor, "n"], config: CenterOffsetHeadConfig
) -> Int64[Tensor, "n"]:
    """Flat index `pillar * layers + layer` of each point, -1 outside the grid.

    Args:
        point_to_pillar: Row of the pillar of each point, -1 outside.
        height_m: Height of each point above the local ground, metres.
        config: The height layers.
    """
    layer = ((height_m - config.semantic_z_min_m) / config.semantic_layer_m).floor().long()
    layer = layer.clamp(0, config.semantic_layers - 1)
    return torch.where(point_to_pillar >= 0, point_to_pillar * config.semantic_layers + layer, -1)


def point_semantics(semantics: Float[Tensor, "pillar layer 16"], cells: Int64[Tensor, "n"]) -> UInt8[np.ndarray, "n"]:
    """`SemanticClass` of each point: the likeliest of its cell, 0 for points outside the grid (cell -1)."""
    cells = cells.to(semantics.device)
    if not semantics.numel():
        return np.zeros(len(cells), np.uint8)
    # Most layers of most pillars hold no point: only those that do are asked for their class.
    logits = semantics.flatten(0, 1)
    held = torch.zeros(len(logits) + 1, dtype=torch.bool, device=cells.device).index_fill_(0, cells, True)
    asked = torch.nonzero(held[:-1]).squeeze(1)
    best = torch.zeros(len(logits) + 1, dtype=torch.uint8, device=cells.device)  # the last is that of cell -1
    best[asked] = logits.index_select(0, asked).argmax(dim=1).to(torch.uint8) + 1  # channel 0 is class 1
    return best[cells].cpu().numpy()
