"""What comes back along each beam: distance, class, owner and brightness, and whether the sensor sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from bevseg.results.classes import SemanticClass
from bevseg.simulation.beams import Beams
from bevseg.simulation.ground import meet_ground
from bevseg.simulation.layout.objects import Objects
from bevseg.simulation.layout.surface import Surface
from bevseg.simulation.layout.world import GROUND_TINT, StaticMesh
from bevseg.simulation.materials import REFLECTANCE, SPECULAR
from bevseg.simulation.raycast import Hits, RayScene, first_returns
from bevseg.simulation.weather import Conditions

_NOISE_BRIGHTNESS = 0.2
_GROUND_GAIN = 1.3
_GROUND_SLANT = 0.25
"""Ground sends back far more at flat angles than a Lambertian surface; both numbers fit nuScenes' rings on asphalt."""
_EDGE_SHARE = 0.08
"""Width of the range in which returns fade out, as a share of the sensor's reach."""


@dataclass(frozen=True, eq=False)
class Returns:
    """The nearest answer on each beam.

    Attributes:
        distance_m: Infinite for none.
        owner: Index of the object, -1 for none.
        semantic: `SemanticClass`.
        brightness: Share of the light that comes back, may exceed 1 for reflectors.
    """

    distance_m: Float[np.ndarray, "n"]
    owner: Int[np.ndarray, "n"]
    semantic: UInt8[np.ndarray, "n"]
    brightness: Float[np.ndarray, "n"]

    @classmethod
    def nothing(cls, num_beams: int) -> Returns:
        return cls(
            np.full(num_beams, np.inf),
            np.full(num_beams, -1, np.int64),
            np.zeros(num_beams, np.uint8),
            np.zeros(num_beams),
        )


def surroundings_returns(static: StaticMesh, scene: RayScene, surface: Surface, beams: Beams, *, wet: float) -> Returns:
    """What the beams meet of ground and surroundings if there were no objects; `wet` 0..1 darkens the road."""
    result = Returns.nothing(len(beams))
    hits = first_returns(scene, beams.origin_m, beams.directions, beams.chance, beams.start_m)
    result.distance_m[hits.ray] = hits.distance_m
    result.semantic[hits.ray] = static.semantic[hits.triangle]
    material = static.mesh.material[hits.triangle]
    result.brightness[hits.ray] = brightness_of(material, static.tint[hits.triangle], hits.cosine)
    flat = hits[hits.triangle < static.ground_triangles]
    ground = meet_ground(surface, beams, flat, beams.chance[flat.ray, -1])
    result.distance_m[flat.ray] = ground.distance_m
    result.semantic[flat.ray] = ground.semantic
    dry = 1 - 0.85 * wet * (ground.semantic == SemanticClass.DRIVEABLE_SURFACE)
    result.brightness[flat.ray] = GROUND_TINT[ground.semantic] * dry * _GROUND_GAIN * flat.cosine**_GROUND_SLANT
    return result


def object_returns(
    objects: Objects, owner: Int[np.ndarray, "t"], mesh_hits: Hits, shine: Float[np.ndarray, "h"], num_beams: int
) -> Returns:
    """The first objects on the beams; `owner` names the object of each triangle, `shine` the brightness of each hit."""
    result = Returns.nothing(num_beams)
    owners = owner[mesh_hits.triangle]
    result.distance_m[mesh_hits.ray] = mesh_hits.distance_m
    result.owner[mesh_hits.ray] = owners
    result.semantic[mesh_hits.ray] = objects.label[owners]
    result.brightness[mesh_hits.ray] = shine
    return result


def in_front_of(front: Returns, back: Returns) -> Returns:
    """The nearer of two answers on each beam."""
    nearer = front.distance_m < back.distance_m
    return Returns(
        np.where(nearer, front.distance_m, back.distance_m),
        np.where(nearer, front.owner, back.owner),
        np.where(nearer, front.semantic, back.semantic),
        np.where(nearer, front.brightness, back.brightness),
    )


def noise_returns(distance_m: Float[np.ndarray, "n"]) -> Returns:
    """Answers that carry no class: from the vehicle itself, or from drops in the air."""
    n = len(distance_m)
    return Returns(distance_m, np.full(n, -1, np.int64), np.zeros(n, np.uint8), np.full(n, _NOISE_BRIGHTNESS))


def brightness_of(
    material: UInt8[np.ndarray, "h"], tint: Float[np.ndarray, "h"], cosine: Float[np.ndarray, "h"]
) -> Float[np.ndarray, "h"]:
    """Share of the light that returns: reflectance, less for slanting and for polished surfaces."""
    return REFLECTANCE[material] * tint * np.maximum(cosine, 0.02) ** (0.5 + 1.5 * SPECULAR[material])


def detected(
    beams: Beams,
    ray: Int[np.ndarray, "h"],
    distance_m: Float[np.ndarray, "h"],
    brightness: Float[np.ndarray, "h"],
    conditions: Conditions,
) -> Bool[np.ndarray, "h"]:
    """Whether the sensor sees each answer: half of the time where its signal just reaches the threshold."""
    sensor = beams.sensor
    reach = sensor.reach_m * conditions.reach_factor * np.sqrt(brightness / 0.1)
    with np.errstate(over="ignore"):
        fading = 1 + np.exp((distance_m - reach) / (_EDGE_SHARE * sensor.reach_m))
    seen = beams.luck[ray] < (1 - conditions.lost_share) / fading
    within: np.ndarray = (distance_m < sensor.max_range_m) & (distance_m > sensor.min_range_m)
    return seen & within
