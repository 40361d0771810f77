"""One turn of the sensor in a world: which beams come back, from where, how bright; points with their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from bevseg.geometry.frames import Transform
from bevseg.simulation.actors import Actors, place_actors
from bevseg.simulation.beams import Beams, send_beams
from bevseg.simulation.echoes import FirstAnswers, reported, second_answers, strength
from bevseg.simulation.measured import Points, measured
from bevseg.simulation.raycast import Hits
from bevseg.simulation.returns import (
    Nearest,
    Returns,
    detected,
    meet_surroundings,
    nearest_of,
    never_seen,
    noise_returns,
    object_returns,
    surroundings_returns,
)
from bevseg.simulation.sensors import SensorSpec
from bevseg.simulation.shutter import SensorPath
from bevseg.simulation.stage import Stage
from bevseg.simulation.truth import OcclusionCounts, count_occlusion
from bevseg.simulation.weather import Conditions, drop_distances
from bevseg.stopwatch import Stopwatch


@dataclass(frozen=True, eq=False)
class Scan:
    """One turn.

    Attributes:
        points: With truth for each, as the sensor saw them at the moment of each.
        counts: Occlusion counts of first echoes, or None where they were not asked for.
    """

    points: Points
    counts: OcclusionCounts | None


def scan(
    stage: Stage,
    sensor: SensorSpec,
    T_world_from_lidar: Transform,
    conditions: Conditions,
    rng: np.random.Generator,
    *,
    path: SensorPath | None = None,
    occlusion: bool,
    watch: Stopwatch,
) -> Scan:
    """Casts every beam of one turn; the points are the same with and without counting occlusion.

    `T_world_from_lidar` is the pose at the end of the turn. Without `path` nothing moves while the sensor turns; with
    it the sensor takes that path, and objects move as they do.
    """
    with watch.stage("beams"):
        beams = send_beams(sensor, T_world_from_lidar, rng, path)
    x_m, y_m, _ = T_world_from_lidar.translation_m.tolist()
    actors = place_actors(stage, beams, path, seen_from_m=(x_m, y_m), watch=watch)
    with watch.stage("rays"):
        chance = (1 - beams.chance)[:, ::-1]  # at objects, apart from that at the surroundings
        met_objects = actors.nearest(beams, chance, beams.start_m)
    with watch.stage("returns"):
        things = object_returns(stage.objects, met_objects, actors.shine(met_objects))
        body, drops = _own_body(beams, conditions), _drops(beams, conditions, rng)
        within = _within([body, drops, things], beams, conditions)
    with watch.stage("rays"):
        met = meet_surroundings(stage.static_scene, stage.surface, beams, within)
    with watch.stage("returns"):
        stuff = surroundings_returns(stage.static, stage.surface, beams, met, within, wet=conditions.wet)
        nearest = nearest_of([*stuff, body, drops, things], len(beams))
        returned = _seen(beams, nearest, conditions)
    counts = None
    if occlusion:
        with watch.stage("truth"):
            behind = actors.behind(beams, chance, met_objects)
            counts = _count(actors, beams, behind, nearest, returned, conditions)
    with watch.stage("sample"):
        points = measured(beams, nearest, returned, conditions, rng)
    if sensor.returns != "first":
        with watch.stage("returns"):
            first = FirstAnswers(met_objects, met, (body, drops, things), drops, nearest)
            points = _with_echoes(stage, actors, beams, first, points, returned, conditions, rng)
    return Scan(points, counts)


def _own_body(beams: Beams, conditions: Conditions) -> Returns:
    """Answers of the vehicle that carries the sensor."""
    body = conditions.ego_body
    return Returns.none() if body is None else noise_returns(body.distances(beams.local))


def _drops(beams: Beams, conditions: Conditions, rng: np.random.Generator) -> Returns:
    """Answers of drops in the air."""
    return noise_returns(drop_distances(conditions, len(beams), rng)) if conditions.drops_share else Returns.none()


def _within(fronts: list[Returns], beams: Beams, conditions: Conditions) -> Float[np.ndarray, "n"]:
    """How far along each beam anything else matters: up to the nearest answer known, nowhere on a lost beam."""
    within = np.where(never_seen(beams, conditions), -np.inf, np.inf)
    for front in fronts:
        within[front.ray] = np.minimum(within[front.ray], front.distance_m)
    return within


def _seen(beams: Beams, nearest: Nearest, conditions: Conditions) -> Int[np.ndarray, "m"]:
    """The beams whose nearest answer the sensor sees."""
    answered = np.flatnonzero(np.isfinite(nearest.distance_m))
    distance, brightness = nearest.distance_m[answered], nearest.brightness[answered]
    return answered[detected(beams, answered, distance, brightness, conditions)]


def _count(
    actors: Actors,
    beams: Beams,
    hits: Hits,
    nearest: Nearest,
    returned: Int[np.ndarray, "m"],
    conditions: Conditions,
) -> OcclusionCounts:
    """Counts the points that each object has, and would have with all removed that stands in front of it."""
    hits = hits[detected(beams, hits.ray, hits.distance_m, actors.shine(hits), conditions)]
    is_point = np.zeros(len(beams), dtype=bool)
    is_point[returned] = True
    front = nearest.owner[hits.ray]
    return count_occlusion(hits.piece, is_point[hits.ray] & (front == hits.piece), front, len(actors.objects))


def _with_echoes(
    stage: Stage,
    actors: Actors,
    beams: Beams,
    first: FirstAnswers,
    points: Points,
    returned: Int[np.ndarray, "m"],
    conditions: Conditions,
    rng: np.random.Generator,
) -> Points:
    """The points of first echoes together with second ones, as the sensor reports them.

    Random numbers of their own leave the first echoes as they are with a sensor that reports these alone.
    """
    own_rng = rng.spawn(1)[0]
    second = second_answers(stage, actors, beams, first, conditions, own_rng)
    more = measured(second.beams, second.nearest, second.seen, conditions, own_rng)
    return reported(
        beams.sensor.returns, points, strength(first.nearest, returned), more, strength(second.nearest, second.seen)
    )
