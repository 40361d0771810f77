"""Lines of sight from the sensor to boxes, and the boxes that stand in their way.

Each object gets its own fan of azimuths, evenly spread over its footprint, so that a pedestrian far away is sampled as
finely as a bus near by. Along one azimuth the object fills an interval of slopes `(z - sensor z) / range`, and the
whole reckoning is in these slopes: no elevation is sampled. What stands in front is taken to stand on the ground, so
it hides every slope below its own top: nothing is seen through the gap under a box whose height is a little wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bevseg.geometry.boxes import footprint_corners, wrap_angle

AZIMUTHS_PER_OBJECT = 24
"""Rays in the fan of one object: a hidden fraction is good to about 4 % of the object's width."""

_NEAREST_M = 1e-2
"""A face nearer than this is taken to be this near, so that slopes stay finite."""


@dataclass(frozen=True, eq=False)
class Fans:
    """The fan of sight lines from one sensor to each of K boxes.

    Attributes:
        sensor_m: Where the lines start.
        middle_rad: Azimuth of the middle of each footprint, counter-clockwise from +x.
        half_width_rad: Half of the angle that the footprint fills, up to pi / 2.
        nearest_m: Range of the nearest point of the footprint; 0 where the sensor is inside.
        holds_sensor: The sensor is above, in or below the footprint: the box hides nothing and is not hidden.
        azimuth_rad: Direction of each ray.
        entry_m: Range at which each ray enters the footprint.
        low: Slope at which the box begins along each ray; `high` where it ends.
    """

    sensor_m: Float[np.ndarray, "3"]
    middle_rad: Float[np.ndarray, "k"]
    half_width_rad: Float[np.ndarray, "k"]
    nearest_m: Float[np.ndarray, "k"]
    holds_sensor: Bool[np.ndarray, "k"]
    azimuth_rad: Float[np.ndarray, "k ray"]
    entry_m: Float[np.ndarray, "k ray"]
    low: Float[np.ndarray, "k ray"]
    high: Float[np.ndarray, "k ray"]

    def ray_of(self, k: Int[np.ndarray, "m"], azimuth_rad: Float[np.ndarray, "m"]) -> Int[np.ndarray, "m"]:
        """The ray of object `k` that is nearest to each azimuth; beyond the fan its outermost ray."""
        rays = self.azimuth_rad.shape[1]
        offset = wrap_angle(azimuth_rad - self.middle_rad[k]) / np.maximum(self.half_width_rad[k], 1e-9)
        return np.clip(np.floor((offset + 1) / 2 * rays), 0, rays - 1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Screens:
    """Pairs of boxes where one stands in front of the other on some ray, ordered by `target`, then near to far.

    Attributes:
        target: Position of the box behind.
        occluder: Position of the box in front.
        slope: Highest slope that the occluder hides along each ray of the target; -inf where it is not in front.
    """

    target: Int[np.ndarray, "p"]
    occluder: Int[np.ndarray, "p"]
    slope: Float[np.ndarray, "p ray"]

    def highest(self, num_objects: int) -> Float[np.ndarray, "k ray"]:
        """Highest slope that any box hides along each ray of each object; -inf where none is in front."""
        highest = np.full((num_objects, self.slope.shape[1]), -np.inf)
        if len(self.target):
            targets, starts = np.unique(self.target, return_index=True)
            highest[targets] = np.maximum.reduceat(self.slope, starts, axis=0)
        return highest

    def highest_nearer(self) -> Float[np.ndarray, "p ray"]:
        """Highest slope that the pairs before each pair hide of the same target; -inf where none does."""
        place = np.arange(len(self.target)) - np.searchsorted(self.target, self.target)
        before = np.full(self.slope.shape, -np.inf)
        for depth in range(1, int(place.max(initial=0)) + 1):
            pair = np.flatnonzero(place == depth)
            before[pair] = np.maximum(before[pair - 1], self.slope[pair - 1])
        return before


def cast_fans(boxes: Float[np.ndarray, "k 7"], sensor_m: Float[np.ndarray, "3"]) -> Fans:
    """Casts the rays of every box.

    Raises:
        ValueError: A box or the sensor position is not finite.
    """
    if not np.isfinite(boxes).all() or not np.isfinite(sensor_m).all():
        bad = np.flatnonzero(~np.isfinite(boxes).all(axis=1))
        raise ValueError(f"boxes and sensor position must be finite, got boxes {bad.tolist()} and sensor {sensor_m}")
    boxes, sensor_m = boxes.astype(np.float64), np.asarray(sensor_m, np.float64)
    gap_m = np.abs(_in_box_axes(boxes, sensor_m[:2])) - boxes[:, 3:5] / 2
    holds_sensor = (gap_m <= 0).all(axis=1)
    middle_rad, half_width_rad = _footprint_azimuths(boxes, sensor_m)
    rays = (np.arange(AZIMUTHS_PER_OBJECT) + 0.5) / AZIMUTHS_PER_OBJECT * 2 - 1
    azimuth_rad = middle_rad[:, None] + half_width_rad[:, None] * rays
    entry_m, exit_m = _crossings(boxes, sensor_m, _directions(azimuth_rad))
    exit_m = np.maximum(exit_m, entry_m)
    bottom_m = (boxes[:, 2] - boxes[:, 5] / 2 - sensor_m[2])[:, None]
    top_m = (boxes[:, 2] + boxes[:, 5] / 2 - sensor_m[2])[:, None]
    return Fans(
        sensor_m=sensor_m,
        middle_rad=middle_rad,
        half_width_rad=half_width_rad,
        nearest_m=np.hypot(*np.maximum(gap_m, 0).T),
        holds_sensor=holds_sensor,
        azimuth_rad=azimuth_rad,
        entry_m=entry_m,
        low=np.minimum(bottom_m / entry_m, bottom_m / exit_m),
        high=np.maximum(top_m / entry_m, top_m / exit_m),
    )


def find_screens(
    boxes: Float[np.ndarray, "k 7"], fans: Fans, *, solid_share: Float[np.ndarray, "k"] | None = None
) -> Screens:
    """Every box that is in front of another one on at least one ray of the other's fan.

    Args:
        boxes: The boxes that the fans were cast to.
        fans: From `cast_fans`.
        solid_share: Share of each box's outline that the object in it fills, 0..1; a box hides as a smaller one on the
            same foot does. Without it boxes are solid.
    """
    screens = _shrunk(boxes.astype(np.float64), np.ones(len(boxes)) if solid_share is None else solid_share)
    target, occluder = np.nonzero(_may_hide(fans))
    directions = _directions(fans.azimuth_rad)
    entry_m, exit_m = _crossings(screens[occluder], fans.sensor_m, directions[:, target])
    in_front = (exit_m > entry_m) & (entry_m < fans.entry_m[target])
    top_m = (screens[:, 2] + screens[:, 5] / 2 - fans.sensor_m[2])[occluder, None]
    slope = np.where(in_front, np.maximum(top_m / entry_m, top_m / np.maximum(exit_m, entry_m)), -np.inf)
    some = np.flatnonzero(in_front.any(axis=1))
    target, occluder = target[some], occluder[some]
    nearest_m = np.where(in_front[some], entry_m[some], np.inf).min(axis=1, initial=np.inf)
    order = np.lexsort((nearest_m, target))
    return Screens(target[order], occluder[order], slope[some[order]])


def _may_hide(fans: Fans) -> Bool[np.ndarray, "target occluder"]:
    """Pairs whose azimuths overlap and of which the occluder begins before the target does everywhere."""
    apart_rad = np.abs(fans.middle_rad[:, None] - fans.middle_rad[None, :])
    apart_rad = np.minimum(apart_rad, 2 * np.pi - apart_rad)
    overlap = apart_rad < fans.half_width_rad[:, None] + fans.half_width_rad[None, :]
    overlap &= ~fans.holds_sensor[:, None] & ~fans.holds_sensor[None, :]
    overlap &= fans.nearest_m[None, :] < fans.entry_m.max(axis=1, initial=0)[:, None]
    np.fill_diagonal(overlap, False)
    return overlap


def _shrunk(boxes: Float[np.ndarray, "k 7"], share: Float[np.ndarray, "k"]) -> Float[np.ndarray, "k 7"]:
    """Boxes on the same foot whose outline is `share` of the original, as much narrower as lower."""
    scale = np.sqrt(share)
    shrunk = boxes.copy()
    shrunk[:, 2] -= boxes[:, 5] / 2 * (1 - scale)
    shrunk[:, 3:6] *= scale[:, None]
    return shrunk


def _directions(azimuth_rad: Float[np.ndarray, "k ray"]) -> Float[np.ndarray, "2 k ray"]:
    return np.stack([np.cos(azimuth_rad), np.sin(azimuth_rad)])


def _footprint_azimuths(
    boxes: Float[np.ndarray, "k 7"], sensor_m: Float[np.ndarray, "3"]
) -> tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]]:
    """Middle and half width of the azimuths of each footprint; angles are taken from the box centre, so none wraps."""
    center = boxes[:, :2] - sensor_m[:2]
    center_rad = np.arctan2(center[:, 1], center[:, 0])
    corners = footprint_corners(boxes) - sensor_m[:2]
    offset_rad = wrap_angle(np.arctan2(corners[..., 1], corners[..., 0]) - center_rad[:, None])
    low_rad, high_rad = offset_rad.min(axis=1), offset_rad.max(axis=1)
    return wrap_angle(center_rad + (low_rad + high_rad) / 2), (high_rad - low_rad) / 2


def _crossings(
    boxes: Float[np.ndarray, "p 7"], sensor_m: Float[np.ndarray, "3"], direction: Float[np.ndarray, "2 p ray"]
) -> tuple[Float[np.ndarray, "p ray"], Float[np.ndarray, "p ray"]]:
    """Ranges at which rays enter and leave the footprint of their box; a ray that misses it leaves before it enters."""
    start = _in_box_axes(boxes, sensor_m[:2])
    c, s = np.cos(boxes[:, 6, None]), np.sin(boxes[:, 6, None])
    along, across = c * direction[0] + s * direction[1], c * direction[1] - s * direction[0]
    entry_m, exit_m = np.full(along.shape, _NEAREST_M), np.full(along.shape, np.inf)
    for axis, rate in enumerate((along, across)):
        per_metre = 1 / np.where(np.abs(rate) < 1e-12, 1e-12, rate)
        middle_m = -start[:, axis, None] * per_metre
        reach_m = boxes[:, 3 + axis, None] / 2 * np.abs(per_metre)
        np.maximum(entry_m, middle_m - reach_m, out=entry_m)
        np.minimum(exit_m, middle_m + reach_m, out=exit_m)
    return entry_m, exit_m


def _in_box_axes(boxes: Float[np.ndarray, "k 7"], xy_m: Float[np.ndarray, "2"]) -> Float[np.ndarray, "k 2"]:
    """A point along the length and the width of each box, from its centre, metres."""
    c, s = np.cos(boxes[:, 6]), np.sin(boxes[:, 6])
    dx, dy = xy_m[0] - boxes[:, 0], xy_m[1] - boxes[:, 1]
    return np.stack([c * dx + s * dy, -s * dx + c * dy], axis=1)
