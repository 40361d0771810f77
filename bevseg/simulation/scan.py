"""One turn of the sensor in a world: which beams come back, from where, how bright; points with their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Integer, UInt8

from bevseg.geometry.frames import Transform
from bevseg.results.classes import SemanticClass
from bevseg.simulation.layout.objects import Objects
from bevseg.simulation.layout.surface import Surface
from bevseg.simulation.layout.world import GROUND_TINT, StaticMesh
from bevseg.simulation.materials import REFLECTANCE, SPECULAR
from bevseg.simulation.raycast import MAX_LAYERS, Hits, RayScene, first_returns
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
class _Returns:
    """Nearest answers of one kind, one entry a ray: infinite distance for none."""

    distance_m: Float[np.ndarray, "n"]
    owner: Int[np.ndarray, "n"]
    semantic: UInt8[np.ndarray, "n"]
    brightness: Float[np.ndarray, "n"]


def scan(
    static: StaticMesh,
    static_scene: RayScene,
    surface: Surface,
    objects: Objects,
    sensor: SensorSpec,
    T_world_from_lidar: Transform,
    conditions: Conditions,
    rng: np.random.Generator,
    *,
    occlusion: bool,
) -> Scan:
    """Casts every beam of one turn."""
    local = sensor.directions(float(rng.uniform(0, 2 * np.pi)))
    directions = (local @ T_world_from_lidar.matrix[:3, :3].T).astype(np.float32)
    origin = T_world_from_lidar.translation_m
    chance = rng.random((2, len(local), MAX_LAYERS), dtype=np.float32)
    luck = rng.random(len(local), dtype=np.float32)

    mesh, owner = objects.mesh(surface, seen_from_m=(float(origin[0]), float(origin[1])))
    object_scene = RayScene(mesh)
    start = np.full(len(local), 0.3)
    stuff = _stuff_returns(static, static_scene, surface, origin, directions, chance[0], start, conditions)
    hits = first_returns(object_scene, origin, directions, chance[1], start)
    things = _thing_returns(object_scene, objects, owner, hits, len(local))

    if conditions.ego_body is not None:
        stuff = _with_noise(stuff, conditions.ego_body.distances(local))
    if conditions.drops_share:
        stuff = _with_noise(stuff, drop_distances(conditions, len(local), rng))
    in_front = things.distance_m < stuff.distance_m
    nearest = np.where(in_front, things.distance_m, stuff.distance_m)
    brightness = np.where(in_front, things.brightness, stuff.brightness)
    returned = _detected(nearest, brightness, luck, sensor, conditions)
    counts = None
    if occlusion:
        behind = hits_behind(object_scene, owner, origin, directions, chance[1], objects.boxes, hits)
        owners = owner[behind.triangle]
        shine = _brightness(object_scene.mesh.material[behind.triangle], objects.tint[owners], behind.cosine)
        possible = _detected(behind.distance_m, shine, luck[behind.ray], sensor, conditions)
        front = np.where(in_front, things.owner, -1)
        seen = returned[behind.ray] & (front[behind.ray] == owners)
        behind, owners, seen = behind[possible], owners[possible], seen[possible]
        counts = count_occlusion(owners, seen, front[behind.ray], len(objects))
    semantic = np.where(in_front, things.semantic, stuff.semantic)
    instance = np.where(in_front, things.owner + 1, 0)
    return _measured(local, nearest, brightness, returned, semantic, instance, sensor, conditions, rng, counts)


def _stuff_returns(
    static: StaticMesh,
    scene: RayScene,
    surface: Surface,
    origin: Float[np.ndarray, "3"],
    directions: Float[np.ndarray, "n 3"],
    chance: Float[np.ndarray, "n layers"],
    start: Float[np.ndarray, "n"],
    conditions: Conditions,
) -> _Returns:
    n = len(directions)
    hits = first_returns(scene, origin, directions, chance, start)
    distance = np.full(n, np.inf)
    semantic = np.zeros(n, np.uint8)
    brightness = np.zeros(n)
    distance[hits.ray] = hits.distance_m
    semantic[hits.ray] = static.semantic[hits.triangle]
    material = static.mesh.material[hits.triangle]
    brightness[hits.ray] = _brightness(material, static.tint[hits.triangle], hits.cosine)
    ground = hits[hits.triangle < static.ground_triangles]
    blades = chance[ground.ray, -1]
    lifted, classes = _meet_ground(surface, origin, directions[ground.ray], ground, blades)
    distance[ground.ray] = lifted
    semantic[ground.ray] = classes
    flat = (1 - 0.85 * conditions.wet * (classes == SemanticClass.DRIVEABLE_SURFACE)) * ground.cosine**0.25
    brightness[ground.ray] = GROUND_TINT[classes] * flat * 1.3
    return _Returns(distance, np.zeros(n, np.int64), semantic, brightness)


def _with_noise(stuff: _Returns, distance_m: Float[np.ndarray, "n"]) -> _Returns:
    """The same returns behind others that carry no class: the vehicle's own, or drops in the air."""
    own = distance_m < stuff.distance_m
    return _Returns(
        np.where(own, distance_m, stuff.distance_m),
        stuff.owner,
        np.where(own, SemanticClass.NOISE, stuff.semantic).astype(np.uint8),
        np.where(own, _NOISE_BRIGHTNESS, stuff.brightness),
    )


_NOISE_BRIGHTNESS = 0.2


def _meet_ground(
    surface: Surface,
    origin: Float[np.ndarray, "3"],
    directions: Float[np.ndarray, "h 3"],
    hits: Hits,
    blades: Float[np.ndarray, "h"],
) -> tuple[Float[np.ndarray, "h"], UInt8[np.ndarray, "h"]]:
    """Distance and class where beams meet the ground with its kerbs.

    `hits` are on the smooth ground. Raised surface is met earlier, by the way that the beam needs to sink one kerb's
    height; where the beam passes above road at that point but the smooth hit is raised, it meets the kerb's face.
    On terrain `blades` in 0..1 says how high in the grass each beam ends.
    """
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
    return distance - np.clip(relief / slant, -0.1 * distance, 0.1 * distance), final


_GRASS_M = 0.08


def _ripple(x_m: Float[np.ndarray, "h"], y_m: Float[np.ndarray, "h"]) -> Float[np.ndarray, "h"]:
    """A rough surface between 0 and 1 that depends on the place alone."""
    return 0.5 + 0.25 * (np.sin(7.1 * x_m + 3.3 * np.sin(2.3 * y_m)) + np.sin(6.3 * y_m + 2.9 * np.sin(1.7 * x_m)))


def _class_at(
    surface: Surface, origin: Float[np.ndarray, "3"], directions: Float[np.ndarray, "h 3"], distance: np.ndarray
) -> UInt8[np.ndarray, "h"]:
    return surface.classes(origin[0] + directions[:, 0] * distance, origin[1] + directions[:, 1] * distance)


def _thing_returns(
    scene: RayScene, objects: Objects, owner: Int[np.ndarray, "t"], hits: Hits, num_rays: int
) -> _Returns:
    distance = np.full(num_rays, np.inf)
    owners = np.zeros(num_rays, np.int64)
    semantic = np.zeros(num_rays, np.uint8)
    brightness = np.zeros(num_rays)
    distance[hits.ray] = hits.distance_m
    owners[hits.ray] = owner[hits.triangle]
    semantic[hits.ray] = objects.label[owner[hits.triangle]]
    brightness[hits.ray] = _brightness(
        scene.mesh.material[hits.triangle], objects.tint[owner[hits.triangle]], hits.cosine
    )
    return _Returns(distance, owners, semantic, brightness)


def _brightness(
    material: UInt8[np.ndarray, "h"], tint: Float[np.ndarray, "h"], cosine: Float[np.ndarray, "h"]
) -> Float[np.ndarray, "h"]:
    """Share of the light that returns: reflectance, less for slanting and for polished surfaces."""
    return REFLECTANCE[material] * tint * np.maximum(cosine, 0.02) ** (0.5 + 1.5 * SPECULAR[material])


def _detected(
    distance: Float[np.ndarray, "h"],
    brightness: Float[np.ndarray, "h"],
    luck: Float[np.ndarray, "h"],
    sensor: SensorSpec,
    conditions: Conditions,
) -> Bool[np.ndarray, "h"]:
    """Whether each beam is seen to return: half of the time where its signal just reaches the threshold."""
    reach = sensor.reach_m * conditions.reach_factor * np.sqrt(brightness / 0.1)
    with np.errstate(over="ignore"):
        probability = (1 - conditions.lost_share) / (1 + np.exp((distance - reach) / (0.08 * sensor.reach_m)))
    return (luck < probability) & (distance < sensor.max_range_m) & (distance > sensor.min_range_m)


def _measured(
    local: Float[np.ndarray, "n 3"],
    distance: Float[np.ndarray, "n"],
    brightness: Float[np.ndarray, "n"],
    returned: Bool[np.ndarray, "n"],
    semantic: UInt8[np.ndarray, "n"],
    instance: Int[np.ndarray, "n"],
    sensor: SensorSpec,
    conditions: Conditions,
    rng: np.random.Generator,
    counts: OcclusionCounts | None,
) -> Scan:
    ray = np.flatnonzero(returned)
    distance, semantic, instance = distance[ray], semantic[ray], instance[ray]
    ground = (semantic >= SemanticClass.DRIVEABLE_SURFACE) & (semantic <= SemanticClass.TERRAIN)
    ghost = ground & (rng.random(len(ray)) < conditions.ghost_share) & (distance > 3)
    distance = np.where(ghost, distance * rng.uniform(1.05, 1.7, len(ray)), distance)
    semantic = np.where(ghost, SemanticClass.NOISE, semantic).astype(np.uint8)
    noisy = distance + rng.normal(0, sensor.range_noise_m, len(ray))
    glow = 0.4 * np.clip(brightness[ray], 0, 4) ** 0.85 * np.exp(rng.normal(0, 0.2, len(ray)))
    step = ray // sensor.num_beams
    return Scan(
        xyz=(local[ray] * noisy[:, None]).astype(np.float32),
        intensity=np.clip(glow, 0, 1).astype(np.float32),
        time_s=((step + 1) / sensor.azimuth_steps - 1).astype(np.float32) * np.float32(sensor.turn_s),
        ring=(ray % sensor.num_beams).astype(np.int32),
        semantic=semantic,
        instance=np.where(ghost, 0, instance).astype(np.int32),
        counts=counts,
    )
