"""Second echoes: what a beam meets behind a first surface that lets light through, and which echoes are reported.

The first echo is that of a sensor that reports no other, to the bit. Where it is of glass, wire, a leaf or a drop, the
light that is left goes on, and comes back from the next surface that answers, as much weaker. A sensor tells the two
apart if they are a metre apart. Echoes that part at the edges of surfaces are not simulated: beams have no width.

Source: Velodyne VLP-16 and VLS-128 user manuals, "Laser Return Modes".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from bevseg.simulation.actors import Actors
from bevseg.simulation.beams import Beams
from bevseg.simulation.materials import FREE_PATH_M, LIGHT_LEFT
from bevseg.simulation.measured import Points
from bevseg.simulation.raycast import MAX_LAYERS, STEP_M, Hits, RayScene, first_returns
from bevseg.simulation.returns import Nearest, Returns, detected, nearest_of, object_returns, surroundings_returns
from bevseg.simulation.sensors import ReturnMode
from bevseg.simulation.stage import Stage
from bevseg.simulation.weather import Conditions

APART_M = 1.0
"""Echoes that are nearer to each other are one for the sensor."""

_LEFT_BY_DROP = 0.7
"""Share of a beam's light that is left behind a drop."""


@dataclass(frozen=True, eq=False)
class FirstAnswers:
    """What all beams of a turn met first.

    Attributes:
        objects: The first object on each beam, the nearest answer or not.
        surroundings: Ground and surroundings, looked for no farther than the nearest other answer.
        others: Answers of objects, of the vehicle itself and of drops.
        drops: Those of drops.
        nearest: Of all answers on each beam.
    """

    objects: Hits
    surroundings: Hits
    others: tuple[Returns, ...]
    drops: Returns
    nearest: Nearest

    def first_of(self, hits: Hits) -> Hits:
        """Those hits that are the nearest answers of their beams."""
        return hits[hits.distance_m == self.nearest.distance_m[hits.ray]]

    def light_left(self) -> Float[np.ndarray, "n"]:
        """Share of each beam's light that goes on behind its nearest answer."""
        left = np.zeros(len(self.nearest.distance_m))
        for hits in (self.first_of(self.objects), self.first_of(self.surroundings)):
            left[hits.ray] = LIGHT_LEFT[hits.material]
        left[self.drops.ray[self.drops.distance_m == self.nearest.distance_m[self.drops.ray]]] = _LEFT_BY_DROP
        return left


@dataclass(frozen=True, eq=False)
class SecondAnswers:
    """The next answer of those beams that go on behind their first one.

    Attributes:
        beams: These beams.
        nearest: The next answer on each of them, as bright as the light that was left makes it.
        seen: Which of them the sensor sees.
    """

    beams: Beams
    nearest: Nearest
    seen: Int[np.ndarray, "m"]


def second_answers(
    stage: Stage,
    actors: Actors,
    beams: Beams,
    first: FirstAnswers,
    conditions: Conditions,
    rng: np.random.Generator,
) -> SecondAnswers:
    """Casts the beams on whose first answer lets light through; `beams` are all beams of the turn."""
    left = first.light_left()
    chosen = np.flatnonzero(left > 0)
    row = np.full(len(beams), -1)
    row[chosen] = np.arange(len(chosen))
    part = beams[chosen]
    luck = rng.random((len(part), MAX_LAYERS), dtype=np.float32)
    met = _surroundings_behind(stage.static_scene, part, _in_rows(first.first_of(first.surroundings), row), luck)
    anywhere = np.full(len(part), np.inf)
    stuff = surroundings_returns(stage.static, stage.surface, part, met, anywhere, wet=conditions.wet)
    things = _objects_behind(actors, part, _in_rows(first.first_of(first.objects), row), luck)
    others = [_farther(returns, first.nearest, row) for returns in first.others]
    nearest = nearest_of([*stuff, *others, things], len(part))
    nearest = replace(nearest, brightness=nearest.brightness * left[chosen])
    apart = nearest.distance_m >= first.nearest.distance_m[chosen] + APART_M
    answered = np.flatnonzero(apart & np.isfinite(nearest.distance_m))
    sees = detected(part, answered, nearest.distance_m[answered], nearest.brightness[answered], conditions)
    return SecondAnswers(part, nearest, answered[sees])


def reported(
    mode: ReturnMode,
    first: Points,
    first_strength: Float[np.ndarray, "n"],
    second: Points,
    second_strength: Float[np.ndarray, "m"],
) -> Points:
    """The echoes that a sensor in this mode reports, beam by beam, the nearer one first.

    Args:
        mode: Of the sensor.
        first: First echoes, in the order of beams.
        first_strength: Light that comes back of each.
        second: Second echoes, in the order of beams.
        second_strength: Light that comes back of each.
    """
    _, a, b = np.intersect1d(first.beam, second.beam, assume_unique=True, return_indices=True)
    match mode:
        case "first":
            return first
        case "last":
            second_wins = np.ones(len(a), bool)
        case "strongest":
            second_wins = second_strength[b] > first_strength[a]
        case "dual":
            a = b = np.zeros(0, np.int64)
            second_wins = np.zeros(0, bool)
    keep_first, keep_second = np.ones(len(first), bool), np.ones(len(second), bool)
    keep_first[a[second_wins]] = False
    keep_second[b[~second_wins]] = False
    both = first[keep_first] + second[keep_second]
    return both[np.argsort(both.beam, kind="stable")]


def strength(nearest: Nearest, ray: Int[np.ndarray, "m"]) -> Float[np.ndarray, "m"]:
    """How much light comes back to the sensor: it thins with the square of the distance."""
    light: np.ndarray = nearest.brightness[ray] / nearest.distance_m[ray] ** 2
    return light


def _surroundings_behind(scene: RayScene, beams: Beams, through: Hits, luck: Float[np.ndarray, "n layers"]) -> Hits:
    """What the beams meet of ground and surroundings: behind `through`, or anywhere where something else let it pass.

    Surroundings that are met behind another first answer were on that beam's way at once: its luck there stays.
    """
    start, chance = beams.start_m, beams.chance.copy()
    start[through.ray] = through.distance_m + STEP_M
    chance[through.ray] = luck[through.ray]
    leaf = through[FREE_PATH_M[through.material] > 0]
    depth = -np.log1p(-luck[leaf.ray, -1].astype(np.float64)) * FREE_PATH_M[leaf.material]
    leaves = replace(leaf, distance_m=leaf.distance_m + depth)
    return first_returns(scene, beams.origin_m, beams.directions, chance, start, leaves=leaves)


def _objects_behind(actors: Actors, beams: Beams, through: Hits, luck: Float[np.ndarray, "n layers"]) -> Returns:
    """The next object behind those that let beams through."""
    through = through[np.argsort(through.ray)]
    hits = actors.nearest(beams[through.ray], luck[through.ray], through.distance_m + STEP_M).of_rays(through.ray)
    return object_returns(actors.objects, hits, actors.shine(hits))


def _in_rows(hits: Hits, row: Int[np.ndarray, "n"]) -> Hits:
    """The hits on chosen beams, by the row of each; -1 in `row` is a beam that was not chosen."""
    return hits[row[hits.ray] >= 0].of_rays(row)


def _farther(returns: Returns, nearest: Nearest, row: Int[np.ndarray, "n"]) -> Returns:
    """Answers on chosen beams that are behind their nearest ones, by the row of each."""
    kept = returns[np.flatnonzero((row[returns.ray] >= 0) & (returns.distance_m > nearest.distance_m[returns.ray]))]
    return replace(kept, ray=row[kept.ray])
