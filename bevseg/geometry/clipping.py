"""Areas of polygons inside of half planes and of a disc around the origin: exact, in closed form."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def area_in_disc(outline: Float[np.ndarray, "k n 2"], radius_m: float) -> Float[np.ndarray, "k"]:
    """Area that each outline (corners in turn, counter-clockwise) shares with the disc around the origin.

    By Green's theorem it is the sum over the edges of the signed area that the triangle from the origin to the edge
    shares with the disc: a triangle where the edge runs inside the disc, a sector where it runs outside.
    """
    a, way = outline, np.roll(outline, -1, axis=1) - outline
    length = (way * way).sum(axis=-1)
    length = np.where(length == 0, 1.0, length)  # corners that coincide span nothing
    nearest = -(a * way).sum(axis=-1) / length
    miss = (a * a).sum(axis=-1) - nearest**2 * length - radius_m**2
    half = np.sqrt(np.maximum(-miss, 0.0) / length)
    enter, leave = (np.clip(nearest + side * half, 0.0, 1.0)[..., None] for side in (-1, 1))
    p, q = a + enter * way, a + leave * way
    area = _cross(p, q) + radius_m**2 * (_angle(a, p) + _angle(q, a + way))
    return area.sum(axis=1) / 2


def cut_by_half_plane(
    outline: Float[np.ndarray, "k n 2"], normal: Float[np.ndarray, "2"]
) -> Float[np.ndarray, "k m 2"]:
    """What of each outline lies where `normal . p >= 0`, for a unit normal: twice as many corners.

    Corners beyond the line are moved onto it. There the new outline may run to and fro, which encloses nothing.
    """
    following = np.roll(outline, -1, axis=1)
    here, there = outline @ normal, following @ normal
    moved = outline - np.minimum(here, 0.0)[..., None] * normal
    share = here / np.where(here == there, 1.0, here - there)
    crosses = ((here < 0) != (there < 0))[..., None]
    crossing = np.where(crosses, outline + share[..., None] * (following - outline), moved)
    return np.stack([moved, crossing], axis=2).reshape(len(outline), 2 * outline.shape[1], 2)


def _cross(a: Float[np.ndarray, "*shape 2"], b: Float[np.ndarray, "*shape 2"]) -> Float[np.ndarray, "*shape"]:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _angle(a: Float[np.ndarray, "*shape 2"], b: Float[np.ndarray, "*shape 2"]) -> Float[np.ndarray, "*shape"]:
    """From a to b about the origin, -pi to pi."""
    return np.arctan2(_cross(a, b), (a * b).sum(axis=-1))
