"""The ground: roads as arcs with sidewalks beside them, patches of other surface, smooth hills, kerbs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, UInt8

from bevseg.results.classes import SemanticClass

_NEARLY_STRAIGHT_PER_M = 1e-5


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
        c, s = np.cos(self.heading_rad), np.sin(self.heading_rad)
        dx, dy = x_m - self.x_m, y_m - self.y_m
        ahead, left = c * dx + s * dy, -s * dx + c * dy
        k = self.curvature_per_m
        if abs(k) < _NEARLY_STRAIGHT_PER_M:
            return ahead, left
        sign, radius = np.sign(k), 1 / abs(k)
        inward = radius - sign * left
        return np.arctan2(ahead, inward) * radius, sign * (radius - np.hypot(ahead, inward))


@dataclass(frozen=True)
class Patch:
    """A rectangle of another surface: centre, full length and width in metres, yaw in radians."""

    x_m: float
    y_m: float
    length_m: float
    width_m: float
    yaw_rad: float
    surface: SemanticClass


@dataclass(frozen=True, eq=False)
class Surface:
    """The ground of one world.

    Attributes:
        roads: The main road first.
        patches: Later ones lie over earlier ones; roads lie over all.
        base: Surface where neither road nor patch is.
        kerb_m: How much all but driveable surface is raised.
        slope: Rise for each metre along x and along y.
        waves: Rows of (wave number x, wave number y, phase, amplitude): the hills.
        bank: Rise for each metre beyond the sidewalk of the main road, left and right.
        bumps: Rows like those of `waves`, of a few metres and centimetres: what makes rings on the ground waver.
        camber: Fall of the main road for each metre from its middle.
    """

    roads: tuple[Road, ...]
    patches: tuple[Patch, ...]
    base: SemanticClass
    kerb_m: float
    slope: tuple[float, float]
    waves: Float[np.ndarray, "w 4"]
    bank: tuple[float, float]
    bumps: Float[np.ndarray, "b 4"]
    camber: float

    def classes(self, x_m: Float[np.ndarray, "n"], y_m: Float[np.ndarray, "n"]) -> UInt8[np.ndarray, "n"]:
        """`SemanticClass` of the ground at each place."""
        classes = np.zeros(len(x_m), dtype=np.uint8)
        medians = np.zeros(len(x_m), dtype=bool)
        lanes = np.zeros(len(x_m), dtype=bool)
        for road in self.roads:
            s, d = road.to_road(x_m, y_m)
            along = (s >= road.start_m) & (s <= road.end_m)
            walk = (d <= road.half_width_m + road.sidewalk_left_m) & (d >= -road.half_width_m - road.sidewalk_right_m)
            classes[along & walk] = SemanticClass.SIDEWALK
            crossing = along & (np.abs(d) <= road.half_width_m)
            medians = (medians & ~crossing) | (along & ~lanes & (np.abs(d) < road.median_m))
            lanes |= crossing
        classes[lanes] = SemanticClass.DRIVEABLE_SURFACE
        classes[medians] = SemanticClass.OTHER_FLAT
        beside = np.flatnonzero(classes == 0)
        classes[beside] = self._plot_classes(x_m[beside], y_m[beside])
        return classes

    def _plot_classes(self, x_m: Float[np.ndarray, "n"], y_m: Float[np.ndarray, "n"]) -> UInt8[np.ndarray, "n"]:
        """Surface of places beside the roads: the last patch that holds each, or the base."""
        inside = np.ones((len(self.patches) + 1, len(x_m)), dtype=bool)
        table = self._patch_table
        dx, dy = x_m - table[:, 0, None], y_m - table[:, 1, None]
        c, s = table[:, 2, None], table[:, 3, None]
        inside[1:] = np.abs(c * dx + s * dy) <= table[:, 4, None]
        inside[1:] &= np.abs(c * dy - s * dx) <= table[:, 5, None]
        last = len(self.patches) - np.argmax(inside[::-1], axis=0)
        return np.array([self.base, *(p.surface for p in self.patches)], np.uint8)[last]

    @cached_property
    def _patch_table(self) -> Float[np.ndarray, "p 6"]:
        """Centre, cosine and sine of yaw, half length and half width of each patch."""
        rows = [
            (p.x_m, p.y_m, np.cos(p.yaw_rad), np.sin(p.yaw_rad), p.length_m / 2, p.width_m / 2) for p in self.patches
        ]
        return np.array(rows, dtype=np.float64).reshape(-1, 6)

    def height(self, x_m: Float[np.ndarray, "n"], y_m: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        """Height of the smooth ground without kerbs, metres."""
        z = self.slope[0] * x_m + self.slope[1] * y_m
        for wave_x, wave_y, phase, amplitude in self.waves:
            z = z + amplitude * (np.sin(wave_x * x_m + wave_y * y_m + phase) - np.sin(phase))
        if any(self.bank):
            road = self.roads[0]
            _, d = road.to_road(x_m, y_m)
            left = np.clip(d - road.half_width_m - road.sidewalk_left_m, 0.0, 12.0)
            right = np.clip(-d - road.half_width_m - road.sidewalk_right_m, 0.0, 12.0)
            z = z + self.bank[0] * left + self.bank[1] * right
        return z

    def relief(self, x_m: Float[np.ndarray, "n"], y_m: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        """What the ground deviates from the smooth height without kerbs: bumps and the main road's camber, metres."""
        z = np.zeros(len(x_m))
        for wave_x, wave_y, phase, amplitude in self.bumps:
            z += amplitude * np.sin(wave_x * x_m + wave_y * y_m + phase)
        road = self.roads[0]
        _, d = road.to_road(x_m, y_m)
        return z - self.camber * np.minimum(np.abs(d), road.half_width_m)

    def standing(self, x_m: Float[np.ndarray, "n"], y_m: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        """What lifts a thing that stands there above the smooth height: kerb and relief, metres."""
        kerb = np.where(self.classes(x_m, y_m) == SemanticClass.DRIVEABLE_SURFACE, 0.0, self.kerb_m)
        return kerb + self.relief(x_m, y_m)
