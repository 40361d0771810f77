"""A road as a strip along an arc, and the way between places in the world and places along the road."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float, Int

_NEARLY_STRAIGHT_PER_M = 1e-5

ROUNDING_M = 1e-2
"""Rough tests let pass by this much more than they would have to."""

Number = TypeVar("Number", float, np.ndarray)
"""One place or many: arithmetic is the same."""


@dataclass(frozen=True)
class Road:
    """A strip along a circular arc (or a straight line); `s` runs along it, `d` to the left of its middle, metres.

    Attributes:
        x_m: Where s = 0 lies.
        y_m: Where s = 0 lies.
        heading_rad: Direction of growing s there.
        curvature_per_m: Positive bends to the left.
        half_width_m: Half of the driveable strip, parking strips included.
        sidewalk_left_m: Width of the sidewalk on the left, 0 for none.
        sidewalk_right_m: Width of the sidewalk on the right, 0 for none.
        start_m: Where the road begins along s.
        end_m: Where it ends.
        median_m: Half width of a raised strip in the middle, 0 for none.
        lane_m: Width of one lane.
        lanes: Lanes each way.
        parking_m: Width of the parking strip each side, inside `half_width_m`; 0 for none.
    """

    x_m: float
    y_m: float
    heading_rad: float
    curvature_per_m: float
    half_width_m: float
    sidewalk_left_m: float
    sidewalk_right_m: float
    start_m: float
    end_m: float
    median_m: float
    lane_m: float
    lanes: int
    parking_m: float

    def pose_at(self, s_m: float, d_m: float) -> tuple[float, float, float]:
        """(x, y, heading) at s along the road and d to its left."""
        k = self.curvature_per_m
        heading = self.heading_rad + k * s_m
        if abs(k) < _NEARLY_STRAIGHT_PER_M:
            x, y = self.x_m + s_m * math.cos(self.heading_rad), self.y_m + s_m * math.sin(self.heading_rad)
        else:
            x = self.x_m + (math.sin(heading) - math.sin(self.heading_rad)) / k
            y = self.y_m - (math.cos(heading) - math.cos(self.heading_rad)) / k
        return x - d_m * math.sin(heading), y + d_m * math.cos(heading), heading

    def to_road(
        self, x_m: Float[np.ndarray, "n"], y_m: Float[np.ndarray, "n"]
    ) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
        """(s, d) of points in the world."""
        return self._unrolled(*self._from_center(x_m, y_m), np.arctan2, np.hypot)

    def locate(self, x_m: float, y_m: float) -> tuple[float, float]:
        """(s, d) of one place: `to_road` in plain numbers, which is faster up to some dozen places."""
        return self._unrolled(*self._from_center(x_m, y_m), math.atan2, math.hypot)

    def places_on(
        self, x_m: Float[np.ndarray, "n"], y_m: Float[np.ndarray, "n"]
    ) -> tuple[Int[np.ndarray, "m"], Float[np.ndarray, "m"]]:
        """Which places lie on the road or on its sidewalks, and d of each of them."""
        ahead, out = self._from_center(x_m, y_m)
        reach = self.half_width_m + max(self.sidewalk_left_m, self.sidewalk_right_m) + ROUNDING_M
        if self._is_straight:
            rough = np.abs(out) <= reach
        else:  # squares tell most places to be elsewhere, at less cost than angles and roots
            square = ahead * ahead + out * out
            rough = (square >= max(self._radius_m - reach, 0.0) ** 2) & (square <= (self._radius_m + reach) ** 2)
        near = np.flatnonzero(rough)
        s, d = self._unrolled(ahead[near], out[near], np.arctan2, np.hypot)
        held = np.flatnonzero(self.holds(s, d))
        return near[held], d[held]

    def holds(self, s_m: Number, d_m: Number) -> Any:
        """Whether a place, or each of many, lies on the road or on its sidewalks."""
        left, right = self.half_width_m + self.sidewalk_left_m, self.half_width_m + self.sidewalk_right_m
        return (s_m >= self.start_m) & (s_m <= self.end_m) & (d_m <= left) & (d_m >= -right)

    def _from_center(self, x_m: Number, y_m: Number) -> tuple[Number, Number]:
        """How far ahead of s = 0, and how far out from the arc's centre towards it; of a straight road, to the left."""
        c, s = self._cos_sin
        dx, dy = x_m - self.x_m, y_m - self.y_m
        ahead, left = c * dx + s * dy, -s * dx + c * dy
        return (ahead, left) if self._is_straight else (ahead, self._radius_m - self._side * left)

    def _unrolled(
        self,
        ahead_m: Number,
        out_m: Number,
        arctan2: Callable[[Number, Number], Number],
        hypot: Callable[[Number, Number], Number],
    ) -> tuple[Number, Number]:
        """(s, d) from what `_from_center` gives."""
        if self._is_straight:
            return ahead_m, out_m
        return arctan2(ahead_m, out_m) * self._radius_m, self._side * (self._radius_m - hypot(ahead_m, out_m))

    @cached_property
    def _cos_sin(self) -> tuple[float, float]:
        return math.cos(self.heading_rad), math.sin(self.heading_rad)

    @cached_property
    def _is_straight(self) -> bool:
        return abs(self.curvature_per_m) < _NEARLY_STRAIGHT_PER_M

    @cached_property
    def _radius_m(self) -> float:
        return 1 / abs(self.curvature_per_m)

    @cached_property
    def _side(self) -> float:
        """+1 bends to the left, -1 to the right."""
        return math.copysign(1.0, self.curvature_per_m)
