"""Where beams meet the ground: kerbs, grass, bumps, and the class of the surface there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from bevseg.results.classes import SemanticClass
from bevseg.simulation.beams import Beams
from bevseg.simulation.layout.surface import Surface
from bevseg.simulation.raycast import Hits, origins_of


@dataclass(frozen=True, eq=False)
class GroundHits:
    """Distance along each beam in metres, and `SemanticClass` of the ground there."""

    distance_m: Float[np.ndarray, "h"]
    semantic: UInt8[np.ndarray, "h"]


def smooth_end_m(surface: Surface, within_m: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """How far along beams the smooth ground has to be looked for to find all real ground within `within_m`."""
    return within_m / (1 - _MOST_RELIEF) + surface.kerb_m / _FLATTEST + _ROUNDING_M


def earliest_m(surface: Surface, hits: Hits) -> Float[np.ndarray, "h"]:
    """How near the real ground can be, at the least, where beams meet the smooth ground at `hits`."""
    return (1 - _MOST_RELIEF) * (hits.distance_m - surface.kerb_m / _slant(hits)) - _ROUNDING_M


def meet_ground(surface: Surface, beams: Beams, hits: Hits, blades: Float[np.ndarray, "h"]) -> GroundHits:
    """Where beams meet the ground with its kerbs.

    `hits` are on the smooth ground. Raised surface is met earlier, by the way that the beam needs to sink one kerb's
    height; where the beam passes above road at that point but the smooth hit is raised, it meets the kerb's face.
    On terrain `blades` in 0..1 says how high in the grass each beam ends.
    """
    origin = origins_of(beams.origin_m, hits.ray)
    path = _Path(origin, *(beams.directions[:, axis][hits.ray] for axis in (0, 1)))
    slant = _slant(hits)
    distance = hits.distance_m - surface.kerb_m / slant
    semantic = surface.classes(*path.at(distance))
    road = SemanticClass.DRIVEABLE_SURFACE
    sinks = np.flatnonzero(semantic == road)
    distance[sinks] = hits.distance_m[sinks]
    semantic[sinks] = surface.classes(*path[sinks].at(distance[sinks]))
    face = sinks[semantic[sinks] != road]
    low, high = distance[face] - surface.kerb_m / slant[face], distance[face]
    for _ in range(4):
        middle = (low + high) / 2
        still_road = surface.classes(*path[face].at(middle)) == road
        low, high = np.where(still_road, middle, low), np.where(still_road, high, middle)
    distance[face] = high
    x, y = path.at(distance)
    relief = surface.relief(x, y)
    terrain = np.flatnonzero(semantic == SemanticClass.TERRAIN)
    relief[terrain] += _GRASS_M * (0.3 + 0.7 * _ripple(x[terrain], y[terrain])) * blades[terrain]
    most = _MOST_RELIEF * distance
    return GroundHits(distance - np.clip(relief / slant, -most, most), semantic)


_FLATTEST = 0.02
"""Cosine that flatter beams are taken to have."""
_MOST_RELIEF = 0.1
"""Bumps and grass change the distance by no larger share."""
_ROUNDING_M = 1e-3


def _slant(hits: Hits) -> Float[np.ndarray, "h"]:
    return np.maximum(hits.cosine, _FLATTEST)


@dataclass(frozen=True, eq=False)
class _Path:
    """Beams seen from above: where they start, and the horizontal parts of their directions."""

    origin_m: Float[np.ndarray, "... 3"]
    dx: Float[np.ndarray, "h"]
    dy: Float[np.ndarray, "h"]

    def __getitem__(self, index: Int[np.ndarray, "j"]) -> _Path:
        return _Path(origins_of(self.origin_m, index), self.dx[index], self.dy[index])

    def at(self, distance_m: Float[np.ndarray, "h"]) -> tuple[Float[np.ndarray, "h"], Float[np.ndarray, "h"]]:
        """(x, y) at a distance along each beam."""
        return self.origin_m[..., 0] + self.dx * distance_m, self.origin_m[..., 1] + self.dy * distance_m


_GRASS_M = 0.08


def _ripple(x_m: Float[np.ndarray, "h"], y_m: Float[np.ndarray, "h"]) -> Float[np.ndarray, "h"]:
    """A rough surface between 0 and 1 that depends on the place alone."""
    return 0.5 + 0.25 * (np.sin(7.1 * x_m + 3.3 * np.sin(2.3 * y_m)) + np.sin(6.3 * y_m + 2.9 * np.sin(1.7 * x_m)))
