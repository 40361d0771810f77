"""Where beams meet the ground: kerbs, grass, bumps, and the class of the surface there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from bevseg.results.classes import SemanticClass
from bevseg.simulation.beams import Beams
from bevseg.simulation.layout.surface import Surface
from bevseg.simulation.raycast import Hits


@dataclass(frozen=True, eq=False)
class GroundHits:
    """Distance along each beam in metres, and `SemanticClass` of the ground there."""

    distance_m: Float[np.ndarray, "h"]
    semantic: UInt8[np.ndarray, "h"]


def meet_ground(surface: Surface, beams: Beams, hits: Hits, blades: Float[np.ndarray, "h"]) -> GroundHits:
    """Where beams meet the ground with its kerbs.

    `hits` are on the smooth ground. Raised surface is met earlier, by the way that the beam needs to sink one kerb's
    height; where the beam passes above road at that point but the smooth hit is raised, it meets the kerb's face.
    On terrain `blades` in 0..1 says how high in the grass each beam ends.
    """
    origin, directions = beams.origin_m, beams.directions[hits.ray]
    slant = np.maximum(hits.cosine, 0.02)
    before = hits.distance_m - surface.kerb_m / slant
    classes = _class_at(surface, origin, directions, hits.distance_m)
    early = _class_at(surface, origin, directions, before)
    road = SemanticClass.DRIVEABLE_SURFACE
    on_top = early != road
    on_face = ~on_top & (classes != road)
    distance = np.where(on_top, before, hits.distance_m)
    if on_face.any():
        low, high = before[on_face], hits.distance_m[on_face]
        for _ in range(4):
            middle = (low + high) / 2
            still_road = _class_at(surface, origin, directions[on_face], middle) == road
            low, high = np.where(still_road, middle, low), np.where(still_road, high, middle)
        distance[on_face] = high
    final = np.where(on_top, early, classes).astype(np.uint8)
    x, y = (origin[axis] + directions[:, axis] * distance for axis in (0, 1))
    grass = _GRASS_M * (0.3 + 0.7 * _ripple(x, y)) * blades
    relief = surface.relief(x, y) + np.where(final == SemanticClass.TERRAIN, grass, 0.0)
    return GroundHits(distance - np.clip(relief / slant, -0.1 * distance, 0.1 * distance), final)


_GRASS_M = 0.08


def _ripple(x_m: Float[np.ndarray, "h"], y_m: Float[np.ndarray, "h"]) -> Float[np.ndarray, "h"]:
    """A rough surface between 0 and 1 that depends on the place alone."""
    return 0.5 + 0.25 * (np.sin(7.1 * x_m + 3.3 * np.sin(2.3 * y_m)) + np.sin(6.3 * y_m + 2.9 * np.sin(1.7 * x_m)))


def _class_at(
    surface: Surface, origin: Float[np.ndarray, "3"], directions: Float[np.ndarray, "h 3"], distance: np.ndarray
) -> UInt8[np.ndarray, "h"]:
    return surface.classes(origin[0] + directions[:, 0] * distance, origin[1] + directions[:, 1] * distance)
