"""The ground: roads with sidewalks beside them, patches of other surface, smooth hills, kerbs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from bevseg.results.classes import SemanticClass
from bevseg.simulation.layout.road import ROUNDING_M, Number, Road


@dataclass(frozen=True)
class Patch:
    """A rectangle of another surface: centre, full length and width in metres, yaw in radians."""

    x_m: float
    y_m: float
    length_m: float
    width_m: float
    yaw_rad: float
    surface: SemanticClass

    def holds(self, x_m: Number, y_m: Number) -> Any:
        """Whether it holds a place, or each of many."""
        c, s = self.cos_sin
        dx, dy = x_m - self.x_m, y_m - self.y_m
        return (abs(c * dx + s * dy) <= self.length_m / 2) & (abs(c * dy - s * dx) <= self.width_m / 2)

    @cached_property
    def reach_m(self) -> float:
        """Radius of a circle around it."""
        return math.hypot(self.length_m, self.width_m) / 2 + ROUNDING_M

    @cached_property
    def cos_sin(self) -> tuple[float, float]:
        return math.cos(self.yaw_rad), math.sin(self.yaw_rad)


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
        lanes = np.zeros(len(x_m), dtype=np.uint8)  # of how many roads
        medians = np.zeros(len(x_m), dtype=bool)
        for road in self.roads:
            on, d = road.places_on(x_m, y_m)
            classes[on] = SemanticClass.SIDEWALK
            across = np.abs(d)
            lanes[on[across <= road.half_width_m]] += 1
            medians[on[across < road.median_m]] = True
        classes[lanes > 0] = SemanticClass.DRIVEABLE_SURFACE
        classes[medians & (lanes == 1)] = SemanticClass.OTHER_FLAT  # a crossing road cuts the median
        beside = np.flatnonzero(classes == 0)
        classes[beside] = self._plot_classes(x_m[beside], y_m[beside])
        return classes

    def is_driveable(self, x_m: float, y_m: float) -> bool:
        """Whether `classes` calls one place driveable; in plain numbers, which is faster up to some dozen places."""
        places = [(road, *road.locate(x_m, y_m)) for road in self.roads]
        across = [(abs(d), road) for road, s, d in places if road.holds(s, d)]
        if across:
            lanes = sum(way <= road.half_width_m for way, road in across)
            return lanes > 1 or (lanes == 1 and not any(way < road.median_m for way, road in across))
        if not any(patch.holds(x_m, y_m) for patch in self._driveable_patches):
            return False
        last = next(patch for patch in reversed(self.patches) if patch.holds(x_m, y_m))
        return last.surface == SemanticClass.DRIVEABLE_SURFACE

    def may_be_driveable(self, x_m: float, y_m: float, within_m: float) -> bool:
        """False only if no place within so many metres is driveable: a cheap test before that of many places."""
        if any(abs(road.locate(x_m, y_m)[1]) <= road.half_width_m + within_m for road in self.roads):
            return True
        return any(
            math.hypot(x_m - patch.x_m, y_m - patch.y_m) <= patch.reach_m + within_m
            for patch in self._driveable_patches
        )

    def is_paved(self, x_m: float, y_m: float) -> bool:
        """Whether one place lies on a road or on its sidewalks."""
        return any(road.holds(*road.locate(x_m, y_m)) for road in self.roads)

    @cached_property
    def _driveable_patches(self) -> tuple[Patch, ...]:
        return tuple(patch for patch in self.patches if patch.surface == SemanticClass.DRIVEABLE_SURFACE)

    def _plot_classes(self, x_m: Float[np.ndarray, "n"], y_m: Float[np.ndarray, "n"]) -> UInt8[np.ndarray, "n"]:
        """Surface of places beside the roads: the last patch that holds each, or the base."""
        classes = np.full(len(x_m), self.base, dtype=np.uint8)
        center_x, center_y, reach, c, s, half_length, half_width, surface = self._patch_columns
        x, y = (  # a rough test of all patches at once; single precision halves its time
            np.subtract.outer(center.astype(np.float32), at.astype(np.float32))
            for center, at in ((center_x, x_m), (center_y, y_m))
        )
        near = np.flatnonzero(x * x + y * y <= np.square(reach[:, None], dtype=np.float32))
        patch, place = np.divmod(near, len(x_m))
        dx, dy = x_m[place] - center_x[patch], y_m[place] - center_y[patch]
        held = np.abs(c[patch] * dx + s[patch] * dy) <= half_length[patch]
        held &= np.abs(c[patch] * dy - s[patch] * dx) <= half_width[patch]
        classes[place[held]] = surface[patch[held]]  # patch after patch: later ones lie over earlier ones
        return classes

    @cached_property
    def _patch_columns(self) -> Float[np.ndarray, "8 p"]:
        """Of each patch: centre, radius of a circle around it, cosine and sine of yaw, half length and width, class."""
        rows = [(p.x_m, p.y_m, p.reach_m, *p.cos_sin, p.length_m / 2, p.width_m / 2, p.surface) for p in self.patches]
        return np.array(rows, dtype=np.float64).reshape(-1, 8).T

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
