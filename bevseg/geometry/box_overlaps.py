"""How much oriented boxes overlap, exactly: areas of footprints, volumes, and their IoU.

A footprint is clipped in the frame of the other, where that one is aligned with the axes: its edges are cut wherever
they meet the lines of the other's sides, and then every vertex is moved to the nearest point of the other. What lies
outside collapses onto the sides without area, so the polygon that is left encloses just what both cover.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from bevseg.geometry.boxes import footprint_corners


def near_pairs(a: Float[np.ndarray, "k 7"], b: Float[np.ndarray, "j 7"]) -> Int[np.ndarray, "n 2"]:
    """Index into `a` and into `b` of the boxes so near to each other that their footprints may overlap, row by row."""
    reach = np.hypot(a[:, 3], a[:, 4])[:, None] / 2 + np.hypot(b[:, 3], b[:, 4]) / 2
    return np.argwhere(np.hypot(a[:, None, 0] - b[:, 0], a[:, None, 1] - b[:, 1]) < reach)


def paired_areas(a: Float[np.ndarray, "n 7"], b: Float[np.ndarray, "n 7"]) -> Float[np.ndarray, "n"]:
    """Area that the footprint of each box of `a` shares with that of the box of `b` beside it, square metres."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    half = b[:, None, 3:5] / 2
    vertices = np.clip(_cut_edges(_corners_in_frame_of(b, a), half), -half, half)
    x, y = vertices[..., 0], vertices[..., 1]
    twice = x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)
    return np.maximum(twice.sum(axis=1) / 2, 0.0)


def paired_volumes(a: Float[np.ndarray, "n 7"], b: Float[np.ndarray, "n 7"]) -> Float[np.ndarray, "n"]:
    """Volume that each box of `a` shares with the box of `b` beside it, cubic metres."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    top = np.minimum(a[:, 2] + a[:, 5] / 2, b[:, 2] + b[:, 5] / 2)
    bottom = np.maximum(a[:, 2] - a[:, 5] / 2, b[:, 2] - b[:, 5] / 2)
    return paired_areas(a, b) * np.maximum(top - bottom, 0.0)


def footprint_iou(a: Float[np.ndarray, "k 7"], b: Float[np.ndarray, "j 7"]) -> Float[np.ndarray, "k j"]:
    """IoU of each footprint of `a` with each of `b`."""
    pairs = near_pairs(a, b)
    one, other = a[pairs[:, 0]], b[pairs[:, 1]]
    iou = np.zeros((len(a), len(b)))
    iou[pairs[:, 0], pairs[:, 1]] = iou_of(paired_areas(one, other), footprint_areas(one), footprint_areas(other))
    return iou


def footprint_areas(boxes: Float[np.ndarray, "k 7"]) -> Float[np.ndarray, "k"]:
    """Area of each footprint, square metres."""
    return np.prod(boxes[:, 3:5].astype(np.float64), axis=1)


def box_volumes(boxes: Float[np.ndarray, "k 7"]) -> Float[np.ndarray, "k"]:
    """Volume of each box, cubic metres."""
    return np.prod(boxes[:, 3:6].astype(np.float64), axis=1)


def iou_of(
    shared: Float[np.ndarray, "n"], a: Float[np.ndarray, "n"], b: Float[np.ndarray, "n"]
) -> Float[np.ndarray, "n"]:
    """Shared size over the size that both cover together, 0 where both are without size."""
    union = a + b - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def _corners_in_frame_of(b: Float[np.ndarray, "n 7"], a: Float[np.ndarray, "n 7"]) -> Float[np.ndarray, "n 4 2"]:
    """The corners of `a`, counter-clockwise, seen from the centre of `b` along its length and width."""
    moved = a.copy()
    moved[:, :2] -= b[:, :2]
    corners = footprint_corners(moved)
    c, s = np.cos(b[:, 6, None]), np.sin(b[:, 6, None])
    x, y = corners[..., 0], corners[..., 1]
    return np.stack([c * x + s * y, c * y - s * x], axis=-1)


def _cut_edges(corners: Float[np.ndarray, "n 4 2"], half: Float[np.ndarray, "n 1 2"]) -> Float[np.ndarray, "n 20 2"]:
    """The corners, and after each the places where the edge to the next one crosses x = +-half and y = +-half."""
    along = np.roll(corners, -1, axis=1) - corners
    lines = np.concatenate([-half, half], axis=1)[:, None]
    is_parallel = along == 0
    share = (lines - corners[:, :, None]) / np.where(is_parallel, 1.0, along)[:, :, None]
    share = np.where(is_parallel[:, :, None], 0.0, np.clip(share, 0.0, 1.0)).reshape(len(corners), 4, 4)
    share = np.concatenate([np.zeros((len(corners), 4, 1)), np.sort(share, axis=2)], axis=2)
    cut = corners[:, :, None] + share[..., None] * along[:, :, None]
    return cut.reshape(len(corners), 20, 2)
