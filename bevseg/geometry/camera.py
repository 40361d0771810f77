"""A pinhole camera beside the lidar, and what boxes look like in its picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from bevseg.geometry.boxes import footprint_corners
from bevseg.geometry.frames import Transform

_NEAR_M = 0.1
"""What is nearer to the plane of the camera is cut off before it is projected."""

_CORNER_PAIRS = np.array([[k, (k + 1) % 4] for k in range(4)])
_EDGES = np.concatenate([_CORNER_PAIRS, _CORNER_PAIRS + 4, [[k, k + 4] for k in range(4)]])
"""The twelve edges of a box with corners 0..3 at its bottom and 4..7 above them."""


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera whose frame is x right, y down, z forward.

    Attributes:
        T_camera_from_lidar: Where it is.
        projection: From homogeneous places in the camera's frame to pixels times depth.
        size_wh_px: Width and height of the picture, pixels.
    """

    T_camera_from_lidar: Transform
    projection: Float[np.ndarray, "3 4"]
    size_wh_px: tuple[int, int]


@dataclass(frozen=True, eq=False)
class ImageBoxes:
    """Boxes in the picture.

    Attributes:
        ltrb_px: Left, top, right, bottom within the picture, pixels; 0 outside.
        truncation: Share of the box's area in the plane of the picture that the picture does not show.
    """

    ltrb_px: Float[np.ndarray, "k 4"]
    truncation: Float[np.ndarray, "k"]


def image_boxes(boxes: Float[np.ndarray, "k 7"], camera: Camera) -> ImageBoxes:
    """Projects boxes in the lidar's frame; what lies behind the camera is cut off."""
    pixels, ahead = _projected_edges(_corners_in_camera(boxes, camera.T_camera_from_lidar), camera.projection)
    low = np.where(ahead[..., None], pixels, np.inf).min(axis=(1, 2), initial=np.inf)
    high = np.where(ahead[..., None], pixels, -np.inf).max(axis=(1, 2), initial=-np.inf)
    last_px = np.array(camera.size_wh_px) - 1.0
    shown_low, shown_high = np.clip(low, 0, last_px), np.clip(high, 0, last_px)
    shown = np.prod(shown_high - shown_low, axis=1)
    inside = ahead.any(axis=(1, 2)) & (shown > 0)
    whole = np.where(inside, np.prod(np.where(inside[:, None], high - low, 1.0), axis=1), 1.0)
    ltrb = np.where(inside[:, None], np.concatenate([shown_low, shown_high], axis=1), 0.0)
    return ImageBoxes(ltrb, np.where(inside, np.maximum(1 - shown / whole, 0.0), 1.0))


def _corners_in_camera(boxes: Float[np.ndarray, "k 7"], T_camera_from_lidar: Transform) -> Float[np.ndarray, "k 8 3"]:
    footprint = np.tile(footprint_corners(boxes), (1, 2, 1))
    z = boxes[:, 2:3] + boxes[:, 5:6] / 2 * np.repeat([-1.0, 1.0], 4)
    corners = np.concatenate([footprint, z[..., None]], axis=2)
    return T_camera_from_lidar.apply(corners.reshape(-1, 3)).reshape(-1, 8, 3)


def _projected_edges(
    corners: Float[np.ndarray, "k 8 3"], projection: Float[np.ndarray, "3 4"]
) -> tuple[Float[np.ndarray, "k 12 2 2"], Bool[np.ndarray, "k 12 2"]]:
    """Pixels of both ends of each edge, cut off where it comes too near to the camera; false for edges behind it."""
    ends = corners[:, _EDGES]
    depth = ends[..., 2]
    others = ends[:, :, ::-1]
    rise = others[..., 2] - depth
    share = np.where(depth < _NEAR_M, (_NEAR_M - depth) / np.where(rise == 0, 1.0, rise), 0.0)
    cut = ends + share[..., None] * (others - ends)
    ahead = np.repeat((depth >= _NEAR_M).any(axis=2, keepdims=True), 2, axis=2)
    at = np.where(ahead[..., None], cut, 1.0) @ projection[:, :3].T + projection[:, 3]
    return at[..., :2] / at[..., 2:], ahead
