"""What comes back along each beam: distance, class, owner and brightness, and whether the sensor sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from bevseg.results.classes import SemanticClass
from bevseg.simulation.beams import Beams
from bevseg.simulation.ground import earliest_m, meet_ground, smooth_end_m
from bevseg.simulation.layout.objects import Objects
from bevseg.simulation.layout.surface import Surface
from bevseg.simulation.layout.world import GROUND_PIECE, GROUND_TINT, StaticPieces
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
    """Answers of one kind, at most one on each beam; entry k of every array is the same answer.

    Attributes:
        ray: Index of the beam.
        distance_m: Along it.
        owner: Index of the object, -1 for none.
        semantic: `SemanticClass`.
        brightness: Share of the light that comes back, may exceed 1 for reflectors.
    """

    ray: Int[np.ndarray, "h"]
    distance_m: Float[np.ndarray, "h"]
    owner: Int[np.ndarray, "h"]
    semantic: UInt8[np.ndarray, "h"]
    brightness: Float[np.ndarray, "h"]

    @classmethod
    def none(cls) -> Returns:
        return cls(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.uint8), np.zeros(0))

    def __len__(self) -> int:
        return len(self.ray)

    def __getitem__(self, index: Int[np.ndarray, "j"]) -> Returns:
        return Returns(
            self.ray[index], self.distance_m[index], self.owner[index], self.semantic[index], self.brightness[index]
        )


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest answer on each beam; infinitely far, of nobody, dark and without a class where there is none."""

    distance_m: Float[np.ndarray, "n"]
    owner: Int[np.ndarray, "n"]
    semantic: UInt8[np.ndarray, "n"]
    brightness: Float[np.ndarray, "n"]


def nearest_of(kinds: Sequence[Returns], num_beams: int) -> Nearest:
    """The nearest of all answers on each beam; of two at one distance that of the earlier kind."""
    nearest = Nearest(
        np.full(num_beams, np.inf),
        np.full(num_beams, -1, np.int64),
        np.zeros(num_beams, np.uint8),
        np.zeros(num_beams),
    )
    for answers in kinds:
        nearer = np.flatnonzero(answers.distance_m < nearest.distance_m[answers.ray])
        ray = answers.ray[nearer]
        nearest.distance_m[ray] = answers.distance_m[nearer]
        nearest.owner[ray] = answers.owner[nearer]
        nearest.semantic[ray] = answers.semantic[nearer]
        nearest.brightness[ray] = answers.brightness[nearer]
    return nearest


def meet_surroundings(scene: RayScene, surface: Surface, beams: Beams, within_m: Float[np.ndarray, "n"]) -> Hits:
    """What the beams meet of smooth ground and surroundings: all that can answer up to `within_m` along each."""
    end = smooth_end_m(surface, within_m)
    return first_returns(scene, beams.origin_m, beams.directions, beams.chance, beams.start_m, end)


def surroundings_returns(
    static: StaticPieces,
    surface: Surface,
    beams: Beams,
    hits: Hits,
    within_m: Float[np.ndarray, "n"],
    *,
    wet: float,
) -> tuple[Returns, Returns]:
    """Answers of the ground and of all that stands on it; `wet` 0..1 darkens the road.

    Ground beyond `within_m`, where nobody looks at it, is left out: working out its kerbs and bumps takes long.
    """
    flat = hits.piece == GROUND_PIECE
    near = flat & (earliest_m(surface, hits) <= within_m[hits.ray])
    return _ground_returns(surface, beams, hits[near], wet), _upright_returns(static, hits[~flat])


def _ground_returns(surface: Surface, beams: Beams, hits: Hits, wet: float) -> Returns:
    ground = meet_ground(surface, beams, hits, beams.chance[:, -1][hits.ray])
    dry = 1 - 0.85 * wet * (ground.semantic == SemanticClass.DRIVEABLE_SURFACE)
    brightness = GROUND_TINT[ground.semantic] * dry * _GROUND_GAIN * hits.cosine**_GROUND_SLANT
    return Returns(hits.ray, ground.distance_m, _nobody(len(hits)), ground.semantic, brightness)


def _upright_returns(static: StaticPieces, hits: Hits) -> Returns:
    brightness = brightness_of(hits.material, static.tint[hits.piece], hits.cosine)
    return Returns(hits.ray, hits.distance_m, _nobody(len(hits)), static.semantic[hits.piece], brightness)


def object_returns(objects: Objects, hits: Hits, shine: Float[np.ndarray, "h"]) -> Returns:
    """The first objects on the beams, which the pieces of `hits` are; `shine` is the brightness of each hit."""
    return Returns(hits.ray, hits.distance_m, hits.piece, objects.label.astype(np.uint8)[hits.piece], shine)


def noise_returns(distance_m: Float[np.ndarray, "n"]) -> Returns:
    """Answers that carry no class: from the vehicle itself, or from drops in the air; infinitely far for none."""
    ray = np.flatnonzero(np.isfinite(distance_m))
    n = len(ray)
    return Returns(ray, distance_m[ray], _nobody(n), np.zeros(n, np.uint8), np.full(n, _NOISE_BRIGHTNESS))


def brightness_of(
    material: UInt8[np.ndarray, "h"], tint: Float[np.ndarray, "h"], cosine: Float[np.ndarray, "h"]
) -> Float[np.ndarray, "h"]:
    """Share of the light that returns: reflectance, less for slanting and for polished surfaces."""
    return REFLECTANCE[material] * tint * np.maximum(cosine, 0.02) ** (0.5 + 1.5 * SPECULAR[material])


def never_seen(beams: Beams, conditions: Conditions) -> Bool[np.ndarray, "n"]:
    """Beams that are lost whatever they meet."""
    return beams.luck.astype(np.float64) >= 1 - conditions.lost_share


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


def _nobody(count: int) -> Int[np.ndarray, "h"]:
    return np.full(count, -1, np.int64)
