"""One turn of the sensor in a world: which beams come back, from where, how bright; points with their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Integer, UInt8

from bevseg.geometry.frames import Transform
from bevseg.results.classes import SemanticClass
from bevseg.simulation.beams import Beams, send_beams
from bevseg.simulation.layout.objects import Objects
from bevseg.simulation.layout.surface import Surface
from bevseg.simulation.layout.world import StaticMesh
from bevseg.simulation.raycast import Hits, RayScene, first_returns
from bevseg.simulation.returns import (
    Returns,
    brightness_of,
    detected,
    in_front_of,
    noise_returns,
    object_returns,
    surroundings_returns,
)
from bevseg.simulation.sensors import SensorSpec
from bevseg.simulation.truth import OcclusionCounts, count_occlusion, hits_behind
from bevseg.simulation.weather import Conditions, drop_distances


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

    static: StaticMesh
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
) -> Scan:
    """Casts every beam of one turn; the points are the same with and without counting occlusion."""
    beams = send_beams(sensor, T_world_from_lidar, rng)
    actors = _build_actors(stage, beams)
    hits = first_returns(actors.scene, beams.origin_m, beams.directions, actors.chance, beams.start_m)
    things = object_returns(stage.objects, actors.owner, hits, actors.shine(hits), len(beams))
    stuff = surroundings_returns(stage.static, stage.static_scene, stage.surface, beams, wet=conditions.wet)
    if conditions.ego_body is not None:
        stuff = in_front_of(noise_returns(conditions.ego_body.distances(beams.local)), stuff)
    if conditions.drops_share:
        stuff = in_front_of(noise_returns(drop_distances(conditions, len(beams), rng)), stuff)
    nearest = in_front_of(things, stuff)
    returned = detected(beams, np.arange(len(beams)), nearest.distance_m, nearest.brightness, conditions)
    counts = _count(actors, beams, hits, nearest, returned, conditions) if occlusion else None
    return _measured(beams, nearest, np.flatnonzero(returned), conditions, rng, counts)


@dataclass(frozen=True, eq=False)
class _Actors:
    """The objects as triangles that rays can be cast against.

    Attributes:
        objects: The objects.
        scene: Their triangles.
        owner: Index of the object of each triangle.
        chance: Luck of each beam at the surfaces of objects, apart from that at the surroundings.
    """

    objects: Objects
    scene: RayScene
    owner: Int[np.ndarray, "t"]
    chance: Float[np.ndarray, "n layers"]

    def shine(self, hits: Hits) -> Float[np.ndarray, "h"]:
        """Brightness of each hit."""
        tint = self.objects.tint[self.owner[hits.triangle]]
        return brightness_of(self.scene.mesh.material[hits.triangle], tint, hits.cosine)


def _build_actors(stage: Stage, beams: Beams) -> _Actors:
    seen_from = (float(beams.origin_m[0]), float(beams.origin_m[1]))
    mesh, owner = stage.objects.mesh(stage.surface, seen_from_m=seen_from)
    return _Actors(stage.objects, RayScene(mesh), owner, np.ascontiguousarray(1 - beams.chance[:, ::-1]))


def _count(
    actors: _Actors,
    beams: Beams,
    first: Hits,
    nearest: Returns,
    returned: Bool[np.ndarray, "n"],
    conditions: Conditions,
) -> OcclusionCounts:
    """Counts the points that each object has, and would have with all removed that stands in front of it."""
    hits = hits_behind(actors.scene, actors.owner, beams, actors.chance, actors.objects.boxes, first)
    hits = hits[detected(beams, hits.ray, hits.distance_m, actors.shine(hits), conditions)]
    owners = actors.owner[hits.triangle]
    front = nearest.owner[hits.ray]
    return count_occlusion(owners, returned[hits.ray] & (front == owners), front, len(actors.objects))


def _measured(
    beams: Beams,
    nearest: Returns,
    ray: Int[np.ndarray, "m"],
    conditions: Conditions,
    rng: np.random.Generator,
    counts: OcclusionCounts | None,
) -> Scan:
    """The points as the sensor reports them: with noise, and a few ground points mirrored to below the ground."""
    distance, semantic = nearest.distance_m[ray], nearest.semantic[ray]
    ground = (semantic >= SemanticClass.DRIVEABLE_SURFACE) & (semantic <= SemanticClass.TERRAIN)
    ghost = ground & (rng.random(len(ray)) < conditions.ghost_share) & (distance > _NEAREST_GHOST_M)
    distance = np.where(ghost, distance * rng.uniform(1.05, 1.7, len(ray)), distance)
    distance += rng.normal(0, beams.sensor.range_noise_m, len(ray))
    glow = 0.4 * np.clip(nearest.brightness[ray], 0, 4) ** 0.85 * np.exp(rng.normal(0, 0.2, len(ray)))
    step, ring = np.divmod(ray, beams.sensor.num_beams)
    before_end = (step + 1) / beams.sensor.azimuth_steps - 1
    return Scan(
        xyz=(beams.local[ray] * distance[:, None]).astype(np.float32),
        intensity=np.clip(glow, 0, 1).astype(np.float32),
        time_s=(before_end * beams.sensor.turn_s).astype(np.float32),
        ring=ring.astype(np.int32),
        semantic=np.where(ghost, SemanticClass.NOISE, semantic).astype(np.uint8),
        instance=np.where(ghost, 0, nearest.owner[ray] + 1).astype(np.int32),
        counts=counts,
    )


_NEAREST_GHOST_M = 3.0
