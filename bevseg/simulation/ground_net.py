"""The ground that rays meet, at any place: a net of triangles, and on it kerbs and bumps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bevseg.simulation.layout.world import GROUND_PIECE, StaticPieces


@dataclass(frozen=True, eq=False)
class GroundNet:
    """The smooth ground as its triangles have it, which lies between its corners a little beside `Surface.height`.

    Attributes:
        first_m: `(x, y)` of its first corner.
        step_m: From corner to corner.
        squares: How many there are each way, each cut in two from its first corner to the opposite one.
        planes: Of each triangle, the one above the cut first, the height as `a + b u + c v` of the place counted in
            steps from the first corner.
    """

    first_m: tuple[float, float]
    step_m: float
    squares: int
    planes: Float[np.ndarray, "3 triangles"]

    @classmethod
    def of(cls, static: StaticPieces) -> GroundNet:
        """The net of a world: its first piece, whose corners come first, row by row."""
        squares = math.isqrt(np.count_nonzero(static.pieces.piece == GROUND_PIECE) // 2)
        corners = static.pieces.mesh.vertices[: (squares + 1) ** 2].astype(np.float64)
        x, y, _ = corners[0].tolist()
        z = corners[:, 2].reshape(squares + 1, squares + 1)
        near, beside, above, far = z[:-1, :-1], z[:-1, 1:], z[1:, :-1], z[1:, 1:]
        along_u, along_v = np.stack([far - above, beside - near], -1), np.stack([above - near, far - beside], -1)
        v, u = np.indices(near.shape)[..., None]
        level = near[..., None] - u * along_u - v * along_v
        planes = np.stack([level, along_u, along_v]).reshape(3, -1)
        return cls((x, y), float(corners[1, 0]) - x, squares, planes)

    def at(self, x_m: Float[np.ndarray, "n"], y_m: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        """Height of the triangle at each place; beyond the edge the outermost triangles go on."""
        u, v = (x_m - self.first_m[0]) / self.step_m, (y_m - self.first_m[1]) / self.step_m
        column, row = (np.clip(place, 0, self.squares - 1).astype(np.int32) for place in (u, v))
        triangle = (row * np.int32(self.squares) + column) * np.int32(2) + (u - column >= v - row)
        level, along_u, along_v = (plane.take(triangle) for plane in self.planes)
        return level + u * along_u + v * along_v
