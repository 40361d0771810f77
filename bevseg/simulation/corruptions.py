"""Weather and damage that befall a scan, real or simulated, each with a strength from 0 (nothing) to 1 (severe).

They work on points, not on rays, so that robustness is measured on real frames too. Losses follow the link budget: a
target that returns the share `brightness` of the light at range R is seen while `brightness * exp(-2 a R) / R**2` stays
above the noise, where `a` is the extinction of the air (Beer and Lambert). Fog after Hahner et al. (Fog Simulation on
Real LiDAR Point Clouds, ICCV 2021), rain after Goodin et al. (Predicting the Influence of Rain on LIDAR in ADAS,
Electronics 2019), the kinds of damage after Kong et al. (Robo3D, ICCV 2023).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float

from bevseg.datasets.sample import Sample
from bevseg.datasets.sample_edit import beams_of, keep_points, move_along_rays, rays_of, recounted
from bevseg.datasets.source import Source
from bevseg.results.classes import SemanticClass

CorruptionKind = Literal[
    "fog", "rain", "snow", "dirty-lens", "blocked-beams", "fewer-beams", "timing-jitter", "point-loss", "lift"
]

_REACH_M = 60.0
"""In clear air a target of a tenth of the light is seen half of the time at this range."""
_FADE = 0.35
"""Width of the fading in the logarithm of the signal."""
_UNKNOWN_BRIGHTNESS = 0.25
_LEAST_BRIGHTNESS = 0.03

_FOG_VISIBILITY_M = (400.0, 30.0)
"""Meteorological optical range at strength 0+ and 1; extinction is ln(20) over it."""
_FOG_SCATTER_M = 6.0
_FOG_SCATTER_SHARE = 0.35
"""Fog returns some of the light that it takes: that share of lost echoes, about so far before the sensor."""

_RAIN_MM_PER_H = 50.0
_SNOW_SHARE, _SNOW_SCATTER_M = 0.12, 7.0
_DIRTY_SECTORS, _DIRTY_HALF_WIDTH_RAD = 4, 0.35
_MOST_BLOCKED, _FEWEST_BEAMS_SHARE = 0.5, 0.25
_JITTER_RAD = np.radians(0.6)
_NEAREST_M = 1.0


@dataclass(frozen=True)
class Corruption:
    """One kind of weather or damage.

    Attributes:
        kind: What happens. `fog`, `rain` and `snow` take echoes away and put others into the air; `dirty-lens` takes
            sectors; `blocked-beams` takes single rings, `fewer-beams` all but every so many; `timing-jitter` turns each
            firing by an angle of its own; `point-loss` takes the share `strength` of all points; `lift` raises the
            whole scan and its truth by `strength` metres, as another mounting height would.
        strength: 0 to 1.
    """

    kind: CorruptionKind
    strength: float

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise ValueError(f"the strength of a corruption must lie in 0..1, got {self.strength}")

    @classmethod
    def parse(cls, text: str) -> Corruption:
        """Reads `KIND:STRENGTH`, such as `fog:0.5`.

        Raises:
            ValueError: The text is something else.
        """
        named, _, strength = text.partition(":")
        kinds: tuple[CorruptionKind, ...] = get_args(CorruptionKind)
        try:
            return cls(next(kind for kind in kinds if kind == named), float(strength))
        except (StopIteration, ValueError) as error:
            raise ValueError(
                f"a corruption is KIND:STRENGTH with a strength of 0 to 1 and a kind among {', '.join(kinds)}; "
                f"got '{text}'"
            ) from error


@dataclass(frozen=True)
class CorruptedSource:
    """A `Source` whose every scan has befallen the same corruption; scan i always comes to the same harm."""

    source: Source
    corruption: Corruption
    seed: int = 0

    @property
    def name(self) -> str:
        """That of the source, by which its dataset is known."""
        return self.source.name

    def __len__(self) -> int:
        return len(self.source)

    def name_of(self, index: int) -> str:
        return self.source.name_of(index)

    def __getitem__(self, index: int) -> Sample:
        return corrupt(self.source[index], self.corruption, np.random.default_rng((self.seed, index)))


def corrupt(sample: Sample, corruption: Corruption, rng: np.random.Generator) -> Sample:
    """The scan after the corruption; the argument stays as it is, and strength 0 gives the same points.

    Points that are lost are gone, those that end elsewhere are noise and of no object, `num_points` is counted anew.
    Truth about the cells of the ground stays: what there was to see in clear air, by a sensor without damage.
    """
    if corruption.strength == 0 or not len(sample.cloud):
        return sample
    return recounted(_BY_KIND[corruption.kind](sample, corruption.strength, rng))


def _fog(sample: Sample, strength: float, rng: np.random.Generator) -> Sample:
    clear, thick = _FOG_VISIBILITY_M
    visibility_m = clear * (thick / clear) ** strength
    seen = _still_seen(sample, np.log(20) / visibility_m, rng)
    return _scattered(sample, ~seen, _FOG_SCATTER_SHARE * strength, _FOG_SCATTER_M, rng)


def _rain(sample: Sample, strength: float, rng: np.random.Generator) -> Sample:
    """Extinction 0.01 R^0.6 for a rate of R mm/h, range noise 0.02 z (1 - e^-R)^2 (Goodin et al., eq. 5 and 8)."""
    rate = _RAIN_MM_PER_H * strength
    seen = _still_seen(sample, 0.01 * rate**0.6, rng)
    wet = _scattered(sample, ~seen, 0.1 * strength, _FOG_SCATTER_M, rng)
    noise = 0.02 * (1 - np.exp(-rate)) ** 2 * strength * rng.standard_normal(len(wet.cloud))
    xyz = wet.cloud.xyz + rays_of(wet.cloud) * noise[:, None].astype(np.float32)
    return replace(wet, cloud=replace(wet.cloud, xyz=xyz))


def _snow(sample: Sample, strength: float, rng: np.random.Generator) -> Sample:
    """Flakes end rays near the sensor; farther ones are dimmed a little."""
    flake = rng.random(len(sample.cloud)) < _SNOW_SHARE * strength
    snowed = _scattered(sample, flake, 1.0, _SNOW_SCATTER_M, rng)
    return keep_points(snowed, _still_seen(snowed, 0.012 * strength, rng))


def _dirty_lens(sample: Sample, strength: float, rng: np.random.Generator) -> Sample:
    """Blots, each an ellipse in azimuth and elevation, through which nothing is seen."""
    ray = rays_of(sample.cloud)
    azimuth, elevation = np.arctan2(ray[:, 1], ray[:, 0]), np.arctan2(ray[:, 2], np.hypot(ray[:, 0], ray[:, 1]))
    lost = np.zeros(len(ray), bool)
    for _ in range(max(1, round(_DIRTY_SECTORS * strength))):
        center, half_width = rng.uniform(-np.pi, np.pi), _DIRTY_HALF_WIDTH_RAD * strength * rng.uniform(0.5, 1.0)
        low, half_height = rng.uniform(-0.4, 0.05), rng.uniform(0.05, 0.3)
        aside = (azimuth - center + np.pi) % (2 * np.pi) - np.pi
        lost |= (aside / half_width) ** 2 + ((elevation - low) / half_height) ** 2 < 1
    return keep_points(sample, ~lost)


def _blocked_beams(sample: Sample, strength: float, rng: np.random.Generator) -> Sample:
    beam = beams_of(sample.cloud)
    blocked = rng.random(int(beam.max()) + 1) < _MOST_BLOCKED * strength
    return keep_points(sample, ~blocked[beam])


def _fewer_beams(sample: Sample, strength: float, rng: np.random.Generator) -> Sample:
    """Evenly spread beams are left: all at strength 0, a quarter at 1."""
    beam = beams_of(sample.cloud)
    share = 1 - (1 - _FEWEST_BEAMS_SHARE) * strength
    passed = np.floor(np.arange(int(beam.max()) + 2) * share + rng.random())
    return keep_points(sample, (np.diff(passed) > 0)[beam])


def _timing_jitter(sample: Sample, strength: float, rng: np.random.Generator) -> Sample:
    """Points of one firing (a quarter of a degree) are turned together about the sensor."""
    cloud = sample.cloud
    ray = rays_of(cloud)
    firing = np.floor((np.arctan2(ray[:, 1], ray[:, 0]) + np.pi) * (720 / np.pi)).astype(np.int64)
    turn = (_JITTER_RAD * strength * rng.standard_normal(int(firing.max()) + 1))[firing]
    c, s = np.cos(turn), np.sin(turn)
    turned = np.stack([c * ray[:, 0] - s * ray[:, 1], s * ray[:, 0] + c * ray[:, 1], ray[:, 2]], axis=1)
    return replace(sample, cloud=replace(cloud, xyz=(cloud.xyz - ray + turned).astype(np.float32)))


def _point_loss(sample: Sample, strength: float, rng: np.random.Generator) -> Sample:
    return keep_points(sample, rng.random(len(sample.cloud)) >= strength)


def _lift(sample: Sample, strength: float, rng: np.random.Generator) -> Sample:
    up = np.array([0.0, 0.0, strength], np.float32)
    cloud, truth = sample.cloud, sample.annotations
    boxes = truth.boxes.copy()
    boxes[:, 2] += strength
    raised = replace(
        cloud,
        xyz=cloud.xyz + up,
        sensor_origins_m=cloud.sensor_origins_m + up,
        ray_origins_m=None if cloud.ray_origins_m is None else cloud.ray_origins_m + up,
    )
    return replace(sample, cloud=raised, annotations=replace(truth, boxes=boxes))


def _still_seen(sample: Sample, extinction_per_m: float, rng: np.random.Generator) -> Bool[np.ndarray, "n"]:
    """Which points the sensor would still see: as likely as in clear air, less what is lost on the way."""
    range_m = np.linalg.norm(rays_of(sample.cloud), axis=1)
    brightness = _brightness(sample)
    margin = np.log(brightness / 0.1) + 2 * np.log(_REACH_M / np.maximum(range_m, _NEAREST_M))
    clear, dimmed = _chance(margin), _chance(margin - 2 * extinction_per_m * range_m)
    return rng.random(len(range_m)) < dimmed / np.maximum(clear, 1e-6)


def _brightness(sample: Sample) -> Float[np.ndarray, "n"]:
    intensity = sample.cloud.intensity
    if intensity is None or float(np.ptp(intensity)) == 0:  # some sets write a constant
        return np.full(len(sample.cloud), _UNKNOWN_BRIGHTNESS)
    return np.maximum(intensity.astype(np.float64), _LEAST_BRIGHTNESS)


def _chance(margin: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return 1 / (1 + np.exp(-np.clip(margin / _FADE, -60, 60)))


def _scattered(
    sample: Sample, lost: Bool[np.ndarray, "n"], share: float, mean_m: float, rng: np.random.Generator
) -> Sample:
    """Of the lost echoes a share ends in the air before the sensor instead, the rest is gone."""
    range_m = np.linalg.norm(rays_of(sample.cloud), axis=1)
    at_m = _NEAREST_M + rng.exponential(mean_m, len(range_m))
    airborne = lost & (rng.random(len(range_m)) < share) & (at_m < range_m)
    index = np.flatnonzero(airborne)
    reach = (at_m[index] / range_m[index]).astype(np.float32)
    moved = move_along_rays(sample, index, SemanticClass.NOISE, reach=reach)
    return keep_points(moved, ~lost | airborne)


_BY_KIND: dict[CorruptionKind, Callable[[Sample, float, np.random.Generator], Sample]] = {
    "fog": _fog,
    "rain": _rain,
    "snow": _snow,
    "dirty-lens": _dirty_lens,
    "blocked-beams": _blocked_beams,
    "fewer-beams": _fewer_beams,
    "timing-jitter": _timing_jitter,
    "point-loss": _point_loss,
    "lift": _lift,
}
