"""What the bird's-eye-view network hands to the heads."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from bevseg.geometry.grid import BevGrid


@dataclass(frozen=True, eq=False)
class BevFeatures:
    """A dense feature map and the grid it lies on; the memory format of the map is channels-last."""

    map: Float[Tensor, "batch channel y x"]
    grid: BevGrid

    def __post_init__(self) -> None:
        if tuple(self.map.shape[2:]) != self.grid.shape:
            raise ValueError(f"a map of {tuple(self.map.shape[2:])} cells does not fit a grid of {self.grid.shape}")
