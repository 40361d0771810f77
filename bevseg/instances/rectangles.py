"""Rectangles from the visible sides of an object: the closest fit, and the completion of what the sensor cannot see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_ANGLES_RAD = np.deg2rad(np.arange(0.0, 90.0, 2.5))
_CLOSEST_M = 0.05
"""Points nearer to an edge than this (the noise of the sensor) count as this near."""


@dataclass(frozen=True, eq=False)
class Rectangle:
    """A rectangle on the ground around some points.

    Attributes:
        yaw_rad: Direction of its first side, in [0, pi / 2), counter-clockwise from +x.
        low_m: Lower edges along the first and the second side's direction, in the axes turned by `yaw_rad`.
        high_m: Upper edges likewise.
        residual_m: Mean distance of the points to the nearest edge: small for a shell, large for a bush.
    """

    yaw_rad: float
    low_m: Float[np.ndarray, "2"]
    high_m: Float[np.ndarray, "2"]
    residual_m: float

    @property
    def size_m(self) -> Float[np.ndarray, "2"]:
        return self.high_m - self.low_m


def fit_rectangle(xy_m: Float[np.ndarray, "n 2"]) -> Rectangle:
    """The rectangle around the points whose edges lie closest to them.

    Every direction is tried; each point counts with one over its distance to the nearest edge (the closeness
    criterion of Zhang, Xu, Dong and Dolan, "Efficient L-Shape Fitting for Vehicle Detection", IV 2017).

    Raises:
        ValueError: There are no points.
    """
    if not len(xy_m):
        raise ValueError("a rectangle needs at least one point, got none")
    c, s = np.cos(_ANGLES_RAD), np.sin(_ANGLES_RAD)
    first = xy_m[:, :1] * c + xy_m[:, 1:] * s
    second = xy_m[:, 1:] * c - xy_m[:, :1] * s
    to_edge = np.minimum(_to_nearer_end(first), _to_nearer_end(second))
    best = int((1.0 / np.maximum(to_edge, _CLOSEST_M)).sum(axis=0).argmax())
    along = np.stack([first[:, best], second[:, best]], axis=1)
    return Rectangle(
        yaw_rad=float(_ANGLES_RAD[best]),
        low_m=along.min(axis=0),
        high_m=along.max(axis=0),
        residual_m=float(to_edge[:, best].mean()),
    )


def _to_nearer_end(along_m: Float[np.ndarray, "n angle"]) -> Float[np.ndarray, "n angle"]:
    return np.minimum(along_m - along_m.min(axis=0), along_m.max(axis=0) - along_m)


def complete(
    rectangle: Rectangle, *, size_m: Float[np.ndarray, "2"], sensor_xy_m: Float[np.ndarray, "2"]
) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2"]]:
    """Centre (x, y) and size of the rectangle grown to at least `size_m`, away from the sensor.

    The edge that faces the sensor is the one that was seen, so it stays. Along a side that the sensor looks at
    squarely neither end is known better than the other, and both move.
    """
    c, s = np.cos(rectangle.yaw_rad), np.sin(rectangle.yaw_rad)
    sensor = np.array([c * sensor_xy_m[0] + s * sensor_xy_m[1], c * sensor_xy_m[1] - s * sensor_xy_m[0]])
    missing = np.maximum(size_m - rectangle.size_m, 0.0)
    away = np.where(sensor < rectangle.low_m, 1.0, np.where(sensor > rectangle.high_m, -1.0, 0.0))
    center = (rectangle.low_m + rectangle.high_m) / 2 + away * missing / 2
    return np.array([c * center[0] - s * center[1], s * center[0] + c * center[1]]), rectangle.size_m + missing
