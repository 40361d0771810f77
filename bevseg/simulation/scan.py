"""One turn of the sensor in a world: which beams come back, from where, how bright; points with their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Integer, UInt8

from bevseg.geometry.frames import Transform
from bevseg.results.classes import SemanticClass
from bevseg.simulation.beams import Beams, send_beams
from bevseg.simulation.layout.objects import Objects
from bevseg.simulation.layout.surface import Surface
from bevseg.simulation.layout.world import StaticPieces
from bevseg.simulation.raycast import Hits, RayScene, first_returns
from bevseg.simulation.returns import (
    Nearest,
    Returns,
    brightness_of,
    detected,
    meet_surroundings,
    nearest_of,
    never_seen,
    noise_returns,
    object_returns,
    surroundings_returns,
)
from bevseg.simulation.sensors import SensorSpec
from bevseg.simulation.truth import OcclusionCounts, count_occlusion, hits_behind
from bevseg.simulation.weather import Conditions, drop_distances
from bevseg.stopwatch import Stopwatch


@dataclass(frozen=True, eq=False)
class Scan:
    """Points of one turn, in the sensor's frame, with truth.

    Attributes:
        xyz: Metres, float32.
        intensity: 0..1.
        time_s: Before the end of the turn, 0 or negative.
        ring: Beam, 0 the lowest.
        semantic: `SemanticClass` of each point; 0 for reflections and the vehicle itself.
        instance: 1 + index of the object, 0 for none.
        counts: Occlusion counts, or None where they were not asked for.
    """

    xyz: Float[np.ndarray, "n 3"]
    intensity: Float[np.ndarray, "n"]
    time_s: Float[np.ndarray, "n"]
    ring: Integer[np.ndarray, "n"]
    semantic: UInt8[np.ndarray, "n"]
    instance: Integer[np.ndarray, "n"]
    counts: OcclusionCounts | None


@dataclass(frozen=True, eq=False)
class Stage:
    """What there is to see: ground and surroundings with their ray scene, and the objects."""

    static: StaticPieces
    static_scene: RayScene
    surface: Surface
    objects: Objects


def scan(
    stage: Stage,
    sensor: SensorSpec,
    T_world_from_lidar: Transform,
    conditions: Conditions,
    rng: np.random.Generator,
    *,
    occlusion: bool,
    watch: Stopwatch,
) -> Scan:
    """Casts every beam of one turn; the points are the same with and without counting occlusion."""
    with watch.stage("beams"):
        beams = send_beams(sensor, T_world_from_lidar, rng)
    with watch.stage("mesh"):
        pieces = stage.objects.assembly(stage.surface, seen_from_m=(beams.origin_m[0], beams.origin_m[1]))
    with watch.stage("tree"):
        actors = _Actors(stage.objects, RayScene(pieces), (1 - beams.chance)[:, ::-1])
    with watch.stage("rays"):
        first = first_returns(actors.scene, beams.origin_m, beams.directions, actors.chance, beams.start_m)
    with watch.stage("returns"):
        things = object_returns(stage.objects, first, actors.shine(first))
        noise = _noise(beams, conditions, rng)
        within = _within([*noise, things], beams, conditions)
    with watch.stage("rays"):
        met = meet_surroundings(stage.static_scene, stage.surface, beams, within)
    with watch.stage("returns"):
        stuff = surroundings_returns(stage.static, stage.surface, beams, met, within, wet=conditions.wet)
        nearest = nearest_of([*stuff, *noise, things], len(beams))
        returned = _seen(beams, nearest, conditions)
    counts = None
    if occlusion:
        with watch.stage("truth"):
            counts = _count(actors, beams, first, nearest, returned, conditions)
    with watch.stage("sample"):
        return _measured(beams, nearest, returned, conditions, rng, counts)


def _noise(beams: Beams, conditions: Conditions, rng: np.random.Generator) -> list[Returns]:
    """Answers of the vehicle that carries the sensor, and of drops in the air."""
    noise = []
    if conditions.ego_body is not None:
        noise.append(noise_returns(conditions.ego_body.distances(beams.local)))
    if conditions.drops_share:
        noise.append(noise_returns(drop_distances(conditions, len(beams), rng)))
    return noise


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


@dataclass(frozen=True, eq=False)
class _Actors:
    """The objects as triangles that rays can be cast against.

    Attributes:
        objects: The objects.
        scene: Their triangles; piece k is object k.
        chance: Luck of each beam at the surfaces of objects, apart from that at the surroundings.
    """

    objects: Objects
    scene: RayScene
    chance: Float[np.ndarray, "n layers"]

    def shine(self, hits: Hits) -> Float[np.ndarray, "h"]:
        """Brightness of each hit."""
        return brightness_of(hits.material, self.objects.tint[hits.piece], hits.cosine)


def _count(
    actors: _Actors,
    beams: Beams,
    first: Hits,
    nearest: Nearest,
    returned: Int[np.ndarray, "m"],
    conditions: Conditions,
) -> OcclusionCounts:
    """Counts the points that each object has, and would have with all removed that stands in front of it."""
    hits = hits_behind(actors.scene, beams, actors.chance, actors.objects.boxes, first)
    hits = hits[detected(beams, hits.ray, hits.distance_m, actors.shine(hits), conditions)]
    is_point = np.zeros(len(beams), dtype=bool)
    is_point[returned] = True
    front = nearest.owner[hits.ray]
    return count_occlusion(hits.piece, is_point[hits.ray] & (front == hits.piece), front, len(actors.objects))


def _measured(
    beams: Beams,
    nearest: Nearest,
    ray: Int[np.ndarray, "m"],
    conditions: Conditions,
    rng: np.random.Generator,
    counts: OcclusionCounts | None,
) -> Scan:
    """The points as the sensor reports them: with noise, and a few ground points mirrored to below the ground."""
    distance, semantic = nearest.distance_m[ray], nearest.semantic[ray]
    ground = (semantic >= SemanticClass.DRIVEABLE_SURFACE) & (semantic <= SemanticClass.TERRAIN)
    mirrored = rng.random(len(ray)) < conditions.ghost_share
    ghost = np.flatnonzero(mirrored & ground & (distance > _NEAREST_GHOST_M))
    distance[ghost] *= rng.uniform(1.05, 1.7, len(ray))[ghost]
    distance += rng.normal(0, beams.sensor.range_noise_m, len(ray))
    glow = 0.4 * np.clip(nearest.brightness[ray], 0, 4) ** 0.85 * np.exp(rng.normal(0, 0.2, len(ray)))
    step, ring = np.divmod(ray, beams.sensor.num_beams)
    before_end = (step + 1) / beams.sensor.azimuth_steps - 1
    instance = (nearest.owner[ray] + 1).astype(np.int32)
    semantic[ghost], instance[ghost] = SemanticClass.NOISE, 0
    return Scan(
        xyz=np.stack([beams.local[:, axis][ray] * distance for axis in range(3)], axis=1).astype(np.float32),
        intensity=np.clip(glow, 0, 1).astype(np.float32),
        time_s=(before_end * beams.sensor.turn_s).astype(np.float32),
        ring=ring.astype(np.int32),
        semantic=semantic,
        instance=instance,
        counts=counts,
    )


_NEAREST_GHOST_M = 3.0
