"""The objects as what beams can meet, each where it is when the sensor looks its way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bevseg.geometry.boxes import wrap_angle
from bevseg.simulation.beams import Beams
from bevseg.simulation.layout.objects import Objects
from bevseg.simulation.raycast import Hits, RayScene, concatenated, first_returns
from bevseg.simulation.returns import brightness_of
from bevseg.simulation.shutter import SensorPath
from bevseg.simulation.stage import Stage
from bevseg.simulation.truth import hits_behind
from bevseg.stopwatch import Stopwatch

SLICE_TRAVEL_M = 0.08
"""A turn is cut into slices in which no object goes farther. In each of them objects stand still in the middle of their
way, so nothing is more than half of this from where it should be."""

_OVERHANG_M = 0.3
"""How far beyond its box a shape may reach."""


@dataclass(frozen=True, eq=False)
class _Slice:
    """A part of the turn, and the objects that its beams may meet, where they are in the middle of it.

    Attributes:
        first: Number of its first beam within the turn.
        end: Number of the first beam after it.
        index: Which objects these are.
        boxes: Of these, in the world.
        scene: Their triangles; piece k is the k-th of these.
    """

    first: int
    end: int
    index: Int[np.ndarray, "j"]
    boxes: Float[np.ndarray, "j 7"]
    scene: RayScene

    def rows_of(self, beams: Beams) -> slice:
        """Which of the beams belong to this part."""
        first, end = np.searchsorted(beams.number, (self.first, self.end))
        return slice(int(first), int(end))

    def among_all(self, hits: Hits, rows: slice) -> Hits:
        """Hits on the pieces of this scene by some rows of beams, as hits on objects by all of them."""
        return Hits(hits.ray + rows.start, hits.distance_m, self.index[hits.piece], hits.material, hits.cosine)


@dataclass(frozen=True, eq=False)
class Actors:
    """The objects of a scan as triangles; the pieces of all hits are the objects.

    Attributes:
        objects: The objects, at the stamp.
        slices: The parts of the turn, in the order of time.
    """

    objects: Objects
    slices: tuple[_Slice, ...]

    def nearest(self, beams: Beams, chance: Float[np.ndarray, "n layers"], start_m: Float[np.ndarray, "n"]) -> Hits:
        """The first object behind `start_m` that answers on each beam."""
        found = []
        for part in self.slices:
            rows = part.rows_of(beams)
            some = beams[rows]
            hits = first_returns(part.scene, some.origin_m, some.directions, chance[rows], start_m[rows])
            found.append(part.among_all(hits, rows))
        return concatenated(found)

    def behind(self, beams: Beams, chance: Float[np.ndarray, "n layers"], first: Hits) -> Hits:
        """Every object on each beam, as if all in front of it were removed; `first` are the nearest."""
        place = np.full(len(self.objects), -1)
        found = []
        for part in self.slices:
            rows = part.rows_of(beams)
            place[part.index] = np.arange(len(part.index))
            mine = first[(first.ray >= rows.start) & (first.ray < rows.stop)]
            local = Hits(mine.ray - rows.start, mine.distance_m, place[mine.piece], mine.material, mine.cosine)
            hits = hits_behind(part.scene, beams[rows], chance[rows], part.boxes, local)
            found.append(part.among_all(hits, rows))
        return concatenated(found)

    def shine(self, hits: Hits) -> Float[np.ndarray, "h"]:
        """Brightness of each hit."""
        return brightness_of(hits.material, self.objects.tint[hits.piece], hits.cosine)


def place_actors(
    stage: Stage,
    beams: Beams,
    path: SensorPath | None,
    *,
    seen_from_m: tuple[float, float],
    watch: Stopwatch,
) -> Actors:
    """The objects as all beams of a turn may meet them: all of them at once where nothing moves, else part by part.

    `seen_from_m` is where the sensor is at the stamp: what is far from it has coarser shapes, in all parts alike.
    """
    objects, surface = stage.objects, stage.surface
    if path is None or not objects.moving.any():
        with watch.stage("mesh"):
            pieces = objects.assembly(surface, seen_from_m=seen_from_m)
        with watch.stage("tree"):
            return Actors(objects, (_Slice(0, len(beams), np.arange(len(objects)), objects.boxes, RayScene(pieces)),))
    slices = []
    for part in _parts(path, float(np.abs(objects.speed_mps).max())):
        first, end = int(part[0]) * beams.sensor.num_beams, (int(part[-1]) + 1) * beams.sensor.num_beams
        with watch.stage("mesh"):
            then = objects.earlier(-float(path.time_s[part].mean()))
            index = np.flatnonzero(_may_be_met(then.boxes, beams[first:end]))
            seen = then[index].on_ground(surface)
            pieces = seen.assembly(surface, seen_from_m=seen_from_m)
        with watch.stage("tree"):
            slices.append(_Slice(first, end, index, seen.boxes, RayScene(pieces)))
    return Actors(objects, tuple(slices))


def _parts(path: SensorPath, fastest_mps: float) -> list[Int[np.ndarray, "firing"]]:
    """The firings of each slice, in the order of time."""
    firings = len(path.time_s)
    travel_m = fastest_mps * float(path.time_s[-1] - path.time_s[0])
    return np.array_split(np.arange(firings), min(int(travel_m / SLICE_TRAVEL_M) + 1, firings))


def _may_be_met(boxes: Float[np.ndarray, "k 7"], beams: Beams) -> Bool[np.ndarray, "k"]:
    """Whether each box reaches into the sector that the beams sweep, seen from above."""
    ahead = beams.directions[:, :2].sum(axis=0, dtype=np.float64)
    heading = np.arctan2(ahead[1], ahead[0])
    azimuth = wrap_angle(np.arctan2(beams.directions[:, 1], beams.directions[:, 0]) - heading)
    low, high = float(azimuth.min()), float(azimuth.max())
    origins = np.atleast_2d(beams.origin_m)[:, :2]
    middle = origins.mean(axis=0)
    x, y = (boxes[:, :2] - middle).T
    # The sensor moves while the slice lasts, which is as if boxes were that much larger.
    radius = np.hypot(boxes[:, 3], boxes[:, 4]) / 2 + _OVERHANG_M + np.hypot(*(origins - middle).T).max()
    half = np.arcsin(np.minimum(radius / np.maximum(np.hypot(x, y), 1e-6), 1.0))
    inside = radius >= np.hypot(x, y)
    off = np.abs(wrap_angle(np.arctan2(y, x) - heading - (low + high) / 2))
    return np.asarray(inside | (off <= (high - low) / 2 + half))
