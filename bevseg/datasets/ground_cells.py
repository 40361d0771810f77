"""Truth about the cells of the ground: what a sensor could tell of each, and where obstacles stand, seen or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from bevseg.results.scene import VisibilityMap


@dataclass(frozen=True, eq=False)
class GroundCells:
    """Truth over one grid in the cloud's frame.

    Attributes:
        visibility: The `CellState` that a sensor of endlessly dense beams, in the same place and with the same field of
            view, would give each cell.
        obstacle: Whether a surface of anything stands in the cell at the heights of obstacles, `[y, x]`. Where it is
            true and the state is HIDDEN, something stands there that cannot be seen.
    """

    visibility: VisibilityMap
    obstacle: Bool[np.ndarray, "height width"]

    def __post_init__(self) -> None:
        if self.obstacle.shape != self.visibility.grid.shape:
            raise ValueError(f"obstacle must have the grid's shape {self.visibility.grid.shape}")
