"""Oriented boxes `(x, y, z, l, w, h, yaw)`: centre and size in metres, yaw counter-clockwise from +x in radians."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid


def footprint_corners(boxes: Float[np.ndarray, "k 7"]) -> Float[np.ndarray, "k 4 2"]:
    """Corners of the boxes on the ground: front left, rear left, rear right, front right (counter-clockwise)."""
    signs = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], dtype=boxes.dtype) / 2
    local = signs * boxes[:, None, 3:5]
    c, s = np.cos(boxes[:, 6, None]), np.sin(boxes[:, 6, None])
    x = boxes[:, 0, None] + c * local[..., 0] - s * local[..., 1]
    y = boxes[:, 1, None] + s * local[..., 0] + c * local[..., 1]
    return np.stack([x, y], axis=-1)


def in_box_frame(xyz_m: Float[np.ndarray, "n 3"], box: Float[np.ndarray, "7"]) -> Float[np.ndarray, "n 3"]:
    """Coordinates along the box's length, width and height, from its centre, in metres."""
    c, s = np.cos(box[6]), np.sin(box[6])
    d = xyz_m - box[:3]
    return np.stack([c * d[:, 0] + s * d[:, 1], -s * d[:, 0] + c * d[:, 1], d[:, 2]], axis=1)


def points_in_box(
    xyz_m: Float[np.ndarray, "n 3"], box: Float[np.ndarray, "7"], *, margin_m: float = 0.0
) -> Bool[np.ndarray, "n"]:
    """Whether each point lies inside the box grown by `margin_m` on every side."""
    reach = np.hypot(box[3], box[4]) / 2 + 2 * abs(margin_m)
    near = (np.abs(xyz_m[:, 0] - box[0]) <= reach) & (np.abs(xyz_m[:, 1] - box[1]) <= reach)
    inside = np.zeros(len(xyz_m), dtype=bool)
    candidates = np.flatnonzero(near)
    local = in_box_frame(xyz_m[candidates], box)
    inside[candidates] = (np.abs(local) <= box[3:6] / 2 + margin_m).all(axis=1)
    return inside


def count_points_in_boxes(xyz_m: Float[np.ndarray, "n 3"], boxes: Float[np.ndarray, "k 7"]) -> Int[np.ndarray, "k"]:
    """Number of points inside each box."""
    return np.array([np.count_nonzero(points_in_box(xyz_m, box)) for box in boxes], dtype=np.int64)


def footprints_hold(boxes: Float[np.ndarray, "k 7"], xy_m: Float[np.ndarray, "2"]) -> Bool[np.ndarray, "k"]:
    """Whether the footprint of each box holds a point of the ground."""
    d = xy_m - boxes[:, :2]
    c, s = np.cos(boxes[:, 6]), np.sin(boxes[:, 6])
    along, across = np.abs(c * d[:, 0] + s * d[:, 1]), np.abs(c * d[:, 1] - s * d[:, 0])
    return (along <= boxes[:, 3] / 2) & (across <= boxes[:, 4] / 2)


def footprint_edge_towards(box: Float[np.ndarray, "7"], xy_m: Float[np.ndarray, "2"]) -> Float[np.ndarray, "2"]:
    """Where the line from the middle of `box` to a place in metres leaves the box; the place if it lies inside."""
    return footprint_edges_towards(box[None], xy_m[None])[0]


def footprint_edges_towards(
    boxes: Float[np.ndarray, "k 7"], xy_m: Float[np.ndarray, "k 2"]
) -> Float[np.ndarray, "k 2"]:
    """`footprint_edge_towards` of each box and its place."""
    away = xy_m - boxes[:, :2]
    c, s = np.cos(boxes[:, 6]), np.sin(boxes[:, 6])
    local = np.abs(np.stack([c * away[:, 0] + s * away[:, 1], c * away[:, 1] - s * away[:, 0]], axis=1))
    share = (boxes[:, 3:5] / 2 / np.maximum(local, 1e-6)).min(axis=1, keepdims=True)
    return boxes[:, :2] + away * np.minimum(share, 1.0)


def footprint_cells(box: Float[np.ndarray, "7"], grid: BevGrid) -> Int[np.ndarray, "m"]:
    """Sorted flat indices of the cells whose centre lies in the box's footprint; empty where none does."""
    corners = footprint_corners(box[None].astype(np.float64))[0]
    low, high = corners.min(axis=0), corners.max(axis=0)
    (row_0, column_0), (row_1, column_1) = grid.cells_of(np.stack([low, high]))
    rows = np.arange(max(row_0, 0), min(row_1, grid.height - 1) + 1)
    columns = np.arange(max(column_0, 0), min(column_1, grid.width - 1) + 1)
    flat = (rows[:, None] * grid.width + columns[None, :]).ravel()
    offset = grid.centers_of(flat) - box[:2]
    c, s = np.cos(box[6]), np.sin(box[6])
    along = np.abs(c * offset[:, 0] + s * offset[:, 1])
    across = np.abs(-s * offset[:, 0] + c * offset[:, 1])
    return flat[(along <= box[3] / 2) & (across <= box[4] / 2)]


def transform_boxes(transform: Transform, boxes: Float[np.ndarray, "k 7"]) -> Float[np.ndarray, "k 7"]:
    """Moves boxes from `transform.src` to `transform.dst`; roll and pitch turn the centre but not the box."""
    moved = boxes.copy()
    moved[:, :3] = transform.apply(boxes[:, :3])
    moved[:, 6] = wrap_angle(boxes[:, 6] + transform.yaw_rad)
    return moved


def wrap_angle(angle_rad: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """The same angles in [-pi, pi)."""
    return (angle_rad + np.pi) % (2 * np.pi) - np.pi
