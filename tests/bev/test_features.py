from __future__ import annotations

import pytest
import torch

from bevseg.bev.features import BevFeatures
from bevseg.geometry.grid import BevGrid


def test_map_must_fit_the_grid() -> None:
    grid = BevGrid(x_min_m=2.0, y_min_m=0.0, cell_m=0.4, width=6, height=3)
    assert BevFeatures(torch.zeros(1, 2, 3, 6), grid).grid is grid
    with pytest.raises(ValueError, match=r"\(6, 3\) cells does not fit a grid of \(3, 6\)"):
        BevFeatures(torch.zeros(1, 2, 6, 3), grid)
