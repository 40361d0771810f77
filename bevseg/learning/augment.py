"""Variations of a labelled scan that another vehicle, sensor or street might have given.

First weather and dirt befall it, points are lost (fewer beams, random losses), then rays end elsewhere (a screen in the
way, echoes from below the road, range noise), last the whole scan is mirrored, turned, tilted, scaled and shifted
together with its truth.
Which of these happen, and how much, is drawn from the generator alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from bevseg.datasets.sample import Annotations, Sample
from bevseg.datasets.sample_edit import (
    beams_of,
    keep_points,
    move_along_rays,
    points_on_objects,
    rays_of,
    recounted,
)
from bevseg.geometry.boxes import wrap_angle
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.simulation.corruptions import Corruption, CorruptionKind, corrupt

_GHOST_DROP_M = 1.0
"""Only returns this far below the sensor are taken for the road's when a ghost is made of them."""

_GHOST_REACH = (1.05, 1.6)
"""A ghost lies this many times as far as the return it replaces: the way on from the road to what it mirrors."""


@dataclass(frozen=True)
class AugmentConfig:
    """How often and how far scans are varied; `max_` values bound uniform draws, on both sides where that has sense.

    Attributes:
        weather_probability: Fog, rain, snow, a dirty lens or blocked beams, one of them.
        max_weather: Largest strength of it, 0..1.
        flip_probability: Mirror left and right.
        max_yaw_rad: Turn about z; pi is the full circle. Scans labelled in a sector only are not turned or shifted.
        max_tilt_rad: Roll and pitch.
        max_scale: Size changes by a factor of 1 - max_scale to 1 + max_scale.
        shift_probability: Move the frame's origin away from the sensor (some sets have it at the rear axle).
        max_shift_m: Of that move, along x and along y.
        max_rise_m: Raise or lower the scan: sensors are mounted at any height.
        fewer_beams_probability: Imitate a sensor of fewer beams.
        beam_counts: The numbers of beams to imitate; those that the scan does not exceed change nothing.
        beam_loss_probability: Lose single beams.
        max_beam_loss: Largest share of beams lost so.
        point_loss_probability: Lose single points.
        max_point_loss: Largest share of points lost so.
        range_noise_m: Largest standard deviation of the noise along the rays.
        ghost_probability: Move some returns of the road below it, as wet roads and glass do.
        max_ghosts: Largest share of points so moved.
        screen_probability: Put a flat screen before the sensor; rays that would go on end on it.
        screen_distance_m: Nearest and farthest screen.
        max_screen_rad: Largest half width of the sector behind the screen.
    """

    weather_probability: float = 0.2
    max_weather: float = 0.7
    flip_probability: float = 0.5
    max_yaw_rad: float = float(np.pi)
    max_tilt_rad: float = 0.026
    max_scale: float = 0.05
    shift_probability: float = 0.5
    max_shift_m: float = 1.5
    max_rise_m: float = 0.4
    fewer_beams_probability: float = 0.25
    beam_counts: tuple[int, ...] = (16, 32, 40)
    beam_loss_probability: float = 0.15
    max_beam_loss: float = 0.3
    point_loss_probability: float = 0.3
    max_point_loss: float = 0.75
    range_noise_m: float = 0.03
    ghost_probability: float = 0.3
    max_ghosts: float = 0.01
    screen_probability: float = 0.2
    screen_distance_m: tuple[float, float] = (4.0, 20.0)
    max_screen_rad: float = 0.25

    def __post_init__(self) -> None:
        for name in vars(self):
            value = getattr(self, name)
            if (name.endswith("_probability") or name in _SHARES) and not 0 <= value <= 1:
                raise ValueError(f"{name} must lie in 0..1, got {value}")
            if name in _AMOUNTS and not value >= 0:
                raise ValueError(f"{name} must not be negative, got {value}")
        if not 0 < self.screen_distance_m[0] <= self.screen_distance_m[1] or min(self.beam_counts, default=1) < 1:
            raise ValueError(
                "screen_distance_m must be a range above 0 and beam_counts positive, "
                f"got {self.screen_distance_m} and {self.beam_counts}"
            )


_SHARES = ("max_weather", "max_scale", "max_beam_loss", "max_point_loss", "max_ghosts")
_AMOUNTS = ("max_yaw_rad", "max_tilt_rad", "max_shift_m", "max_rise_m", "range_noise_m", "max_screen_rad")


def augment(sample: Sample, rng: np.random.Generator, config: AugmentConfig) -> Sample:
    """A variation of the sample; the argument stays as it is.

    `num_points` is counted anew (an object may be left with none). `visible_fraction` falls only by the screen, which
    stands in front: lost beams and points thin out hidden and visible parts alike. The poses `T_ego_from_lidar` and
    `T_global_from_ego` stay those of the original scan: the result has no place in the world. Truth about the cells of
    the ground is dropped: the scan moves on their grid, and a screen hides other ones.
    """
    befallen = _in_weather(sample, rng, config)
    kept = keep_points(befallen, _surviving(befallen.cloud, rng, config))
    bent = _with_ghosts(_behind_screen(kept, rng, config), rng, config)
    noisy = _with_range_noise(bent, rng, config)
    return _moved(recounted(noisy), _draw_motion(sample.annotations, rng, config))


def _in_weather(sample: Sample, rng: np.random.Generator, config: AugmentConfig) -> Sample:
    if not rng.random() < config.weather_probability:
        return sample
    kind = _WEATHER[int(rng.integers(len(_WEATHER)))]
    return corrupt(sample, Corruption(kind, float(rng.uniform(0, config.max_weather))), rng)


_WEATHER: tuple[CorruptionKind, ...] = ("fog", "rain", "snow", "dirty-lens", "blocked-beams")


def _surviving(cloud: PointCloud, rng: np.random.Generator, config: AugmentConfig) -> Bool[np.ndarray, "n"]:
    """Which points are left after beams and single points are lost."""
    kept = np.ones(len(cloud), dtype=bool)
    fewer, lossy = rng.random(2) < (config.fewer_beams_probability, config.beam_loss_probability)
    if (fewer or lossy) and len(cloud):
        beam = beams_of(cloud)
        beams = int(beam.max()) + 1
        alive = np.ones(beams, dtype=bool)
        if fewer and config.beam_counts:
            alive &= _every_so_many(beams, int(rng.choice(config.beam_counts)), start=rng.random())
        if lossy:
            alive &= rng.random(beams) >= rng.uniform(0, config.max_beam_loss)
        kept = alive[beam]
    if rng.random() < config.point_loss_probability:
        kept &= rng.random(len(cloud), dtype=np.float32) >= rng.uniform(0, config.max_point_loss)
    return kept


def _every_so_many(beams: int, wanted: int, *, start: float) -> Bool[np.ndarray, "beams"]:
    """Evenly spread `wanted` of `beams`; all where there are no more than that. `start` in 0..1 shifts the choice."""
    if wanted >= beams:
        return np.ones(beams, dtype=bool)
    passed = np.floor((np.arange(beams + 1) * wanted) / beams + start)
    return np.diff(passed) > 0


def _behind_screen(sample: Sample, rng: np.random.Generator, config: AugmentConfig) -> Sample:
    """Rays that would pass a flat screen end on it; objects behind it lose visible fraction with their points."""
    if not rng.random() < config.screen_probability:
        return sample
    bearing = rng.uniform(-np.pi, np.pi)
    distance_m = rng.uniform(*config.screen_distance_m)
    spread = np.tan(min(rng.uniform(0, config.max_screen_rad), 1.5))
    ray = rays_of(sample.cloud)
    ahead = ray[:, 0] * np.float32(np.cos(bearing)) + ray[:, 1] * np.float32(np.sin(bearing))
    aside = ray[:, 1] * np.float32(np.cos(bearing)) - ray[:, 0] * np.float32(np.sin(bearing))
    hit = np.flatnonzero((ahead > distance_m) & (np.abs(aside) < spread * ahead))
    if not len(hit):
        return sample
    moved = move_along_rays(sample, hit, SemanticClass.MANMADE, reach=np.float32(distance_m) / ahead[hit])
    before, after = points_on_objects(sample), points_on_objects(moved)
    left = np.divide(after, before, out=np.ones(len(before)), where=before > 0)
    truth = moved.annotations
    occlusion = truth.occlusion
    if occlusion is not None:
        occlusion = replace(occlusion, visible_fraction=(occlusion.visible_fraction * left).astype(np.float32))
    visible = (truth.visible_fraction * left).astype(truth.visible_fraction.dtype)
    return replace(moved, annotations=replace(truth, visible_fraction=visible, occlusion=occlusion))


def _with_ghosts(sample: Sample, rng: np.random.Generator, config: AugmentConfig) -> Sample:
    """Some returns from low places go on along their ray, to below the road."""
    if not rng.random() < config.ghost_probability or not len(sample.cloud):
        return sample
    chosen = rng.integers(0, len(sample.cloud), int(rng.uniform(0, config.max_ghosts) * len(sample.cloud)))
    chosen = np.unique(chosen)
    low = chosen[rays_of(sample.cloud)[chosen, 2] < -_GHOST_DROP_M]
    reach = rng.uniform(*_GHOST_REACH, size=len(low)).astype(np.float32)
    return move_along_rays(sample, low, SemanticClass.NOISE, reach=reach)


def _with_range_noise(sample: Sample, rng: np.random.Generator, config: AugmentConfig) -> Sample:
    """Moves every return along its ray; its label stays."""
    sigma_m = np.float32(rng.uniform(0, config.range_noise_m))
    cloud = sample.cloud
    ray = rays_of(cloud)
    length_m = np.sqrt(np.einsum("nd,nd->n", ray, ray))
    step = sigma_m * rng.standard_normal(len(cloud), dtype=np.float32) / np.maximum(length_m, np.float32(0.1))
    return replace(sample, cloud=replace(cloud, xyz=cloud.xyz + ray * step[:, None]))


@dataclass(frozen=True, eq=False)
class _Motion:
    """`p -> linear @ p + shift_m`, where `linear` mirrors y (or not), turns by `yaw_rad`, tilts, and scales."""

    linear: Float[np.ndarray, "3 3"]
    shift_m: Float[np.ndarray, "3"]
    yaw_rad: float
    scale: float
    mirrors: bool


def _draw_motion(truth: Annotations, rng: np.random.Generator, config: AugmentConfig) -> _Motion:
    mirrors = bool(rng.random() < config.flip_probability)
    yaw_rad = float(rng.uniform(-config.max_yaw_rad, config.max_yaw_rad))
    roll, pitch = rng.uniform(-config.max_tilt_rad, config.max_tilt_rad, 2)
    scale = float(1 + rng.uniform(-config.max_scale, config.max_scale))
    shifts = rng.random() < config.shift_probability
    shift_m = np.append(
        rng.uniform(-config.max_shift_m, config.max_shift_m, 2) * shifts,
        rng.uniform(-config.max_rise_m, config.max_rise_m),
    )
    if truth.view.half_angle_rad < np.pi:
        yaw_rad, shift_m = 0.0, shift_m * (0, 0, 1)  # the labelled sector lies around +x of the origin, and must stay
    mirror = np.diag([1.0, -1.0 if mirrors else 1.0, 1.0])
    turn = _rotation(0, 1, yaw_rad)
    tilt = _rotation(1, 2, roll) @ _rotation(2, 0, pitch)
    return _Motion(scale * tilt @ turn @ mirror, shift_m, yaw_rad, scale, mirrors)


def _rotation(a: int, b: int, angle_rad: float) -> Float[np.ndarray, "3 3"]:
    """Turns axis `a` towards axis `b`."""
    matrix = np.eye(3)
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    matrix[a, a], matrix[b, b], matrix[b, a], matrix[a, b] = c, c, s, -s
    return matrix


def _moved(sample: Sample, motion: _Motion) -> Sample:
    """The scan and its truth after the motion."""
    cloud, truth = sample.cloud, sample.annotations
    linear, shift_m = motion.linear.astype(np.float32), motion.shift_m.astype(np.float32)
    ray_origins = None if cloud.ray_origins_m is None else cloud.ray_origins_m @ linear.T + shift_m
    boxes = truth.boxes.astype(np.float32)  # a copy
    boxes[:, :3] = truth.boxes[:, :3] @ linear.T + shift_m
    boxes[:, 3:6] *= np.float32(motion.scale)
    boxes[:, 6] = wrap_angle((-truth.boxes[:, 6] if motion.mirrors else truth.boxes[:, 6]) + motion.yaw_rad)
    velocity = (truth.velocity_mps @ linear[:2, :2].T).astype(truth.velocity_mps.dtype)
    # A disc around the old origin holds the smaller disc around the new one.
    view_m = truth.view.max_range_m * motion.scale - float(np.hypot(*motion.shift_m[:2]))
    return replace(
        sample,
        cloud=replace(
            cloud,
            xyz=cloud.xyz @ linear.T + shift_m,
            sensor_origins_m=(cloud.sensor_origins_m @ linear.T + shift_m).astype(cloud.sensor_origins_m.dtype),
            ray_origins_m=ray_origins,
        ),
        annotations=replace(
            truth,
            boxes=boxes,
            velocity_mps=velocity,
            view=replace(truth.view, max_range_m=max(view_m, 0.0)),
            ground=None,
        ),
    )
