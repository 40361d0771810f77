"""Occupied cells, pillars or voxels, with what is known of each: what an encoder takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor

_FIXED_POINT = float(2**16)
"""Sums run over integers of 1/65536 of the unit, which add up to the same bits in any order and on any device."""


@dataclass(frozen=True, eq=False)
class CellFeatures:
    """The occupied cells of one scan or batch.

    Attributes:
        features: One row for each cell.
        coords: (batch, [z,] row, column), ascending.
        point_to_pillar: For each point the place of its column of space among the occupied ones, ascending by (batch,
            row, column); -1 for points outside the grid.
        num_pillars: Number of occupied columns.
    """

    features: Float[Tensor, "cell channel"]
    coords: Int64[Tensor, "cell axes"]
    point_to_pillar: Int64[Tensor, "n"]
    num_pillars: int

    def to(self, device: torch.device) -> CellFeatures:
        """The same on another device."""
        return CellFeatures(
            self.features.to(device), self.coords.to(device), self.point_to_pillar.to(device), self.num_pillars
        )


@dataclass(frozen=True, eq=False)
class Grouping:
    """Which cell holds which point, for reductions that give the same bits on every run and device.

    Attributes:
        owner: Cell of each point; points outside have the number of cells, a row of their own that reductions drop:
            cheaper than leaving them out of every column first.
        num_points: Points in each cell.
    """

    owner: Int64[Tensor, "n"]
    num_points: Float[Tensor, "cell"]

    @classmethod
    def of(cls, point_to_cell: Int64[Tensor, "n"], num_points: Int64[Tensor, "cell"]) -> Grouping:
        """From the cell of each point, -1 for points outside."""
        owner = torch.where(point_to_cell >= 0, point_to_cell, len(num_points))
        return cls(owner, num_points.to(torch.float32))

    def mean(self, values: Float[Tensor, "n"]) -> Float[Tensor, "cell"]:
        """Mean of the points of each cell, exact to 1/65536 of the unit."""
        fixed = (values * _FIXED_POINT).round().long()
        total = torch.zeros(len(self.num_points) + 1, dtype=torch.int64, device=values.device)
        total.index_add_(0, self.owner, fixed)
        return total[:-1].to(torch.float32) / (_FIXED_POINT * self.num_points)

    def extreme(self, values: Float[Tensor, "n"], which: Literal["amin", "amax"]) -> Float[Tensor, "cell"]:
        """Least or greatest value in each cell."""
        start = torch.zeros(len(self.num_points) + 1, device=values.device)
        return start.scatter_reduce(0, self.owner, values, which, include_self=False)[:-1]


@dataclass(frozen=True, eq=False)
class SeenFrom:
    """Where cells lie as the sensor sees them.

    Attributes:
        range_50m: Distance on the ground in units of 50 m.
        away_x: x of the unit vector away from the sensor.
        away_y: y of the same.
    """

    range_50m: Float[Tensor, "cell"]
    away_x: Float[Tensor, "cell"]
    away_y: Float[Tensor, "cell"]

    @classmethod
    def of(cls, x_m: Float[Tensor, "cell"], y_m: Float[Tensor, "cell"], sensor_xy_m: tuple[float, float]) -> SeenFrom:
        """Of places given in metres, from the sensor's place."""
        dx, dy = x_m - sensor_xy_m[0], y_m - sensor_xy_m[1]
        distance = torch.hypot(dx, dy).clamp(min=1e-3)
        return cls(distance / 50.0, dx / distance, dy / distance)
