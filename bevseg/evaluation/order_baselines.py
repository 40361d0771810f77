"""What an order is held against: the two simplest ways to make an `OcclusionGraph` of boxes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from bevseg.evaluation.ordering import LEAST_HIDDEN
from bevseg.geometry.boxes import footprint_corners, wrap_angle
from bevseg.results.occlusion_graph import OcclusionGraph

_SAMPLES = 24
"""Azimuths across each object; shares are good to about 4 %."""


def no_occlusion(num_objects: int) -> OcclusionGraph:
    """Nobody hides anybody: every object is fully visible, none is before another."""
    none = np.zeros(0, np.int32)
    return OcclusionGraph(
        occluder=none,
        occluded=none,
        hidden_fraction=np.zeros(0, np.float32),
        rank=np.zeros(num_objects, np.int32),
        visible_fraction=np.ones(num_objects, np.float32),
    )


def sort_by_nearest_edge(boxes: Float[np.ndarray, "k 7"], sensor_origin_m: Float[np.ndarray, "3"]) -> OcclusionGraph:
    """Objects sorted by the range of the nearest edge of their footprint, the ordering a planner makes of boxes.

    Seen from above, heights aside: of the objects that share an azimuth, the one with the nearest edge hides all
    others. Each object's azimuths are divided evenly; what is hidden on one is credited to the nearest object there.
    A box in which the sensor stands hides nothing and is not hidden.

    Args:
        boxes: `(x, y, z, l, w, h, yaw)`, metres and radians.
        sensor_origin_m: Where the rays start, in the frame of the boxes.
    """
    k = len(boxes)
    if not k:
        return no_occlusion(0)
    boxes, origin = boxes.astype(np.float64), np.asarray(sensor_origin_m, np.float64)
    nearest_m = nearest_edge_m(boxes, origin)
    order = np.argsort(nearest_m, kind="stable")
    rank = np.empty(k, np.int32)
    rank[order] = np.arange(k, dtype=np.int32)
    in_front = _shared_azimuths(boxes, origin) & (rank[None, :] < rank[:, None])[:, :, None]
    in_front &= (nearest_m > 0)[:, None, None] & (nearest_m > 0)[None, :, None]
    first = np.where(in_front, rank[None, :, None], k).min(axis=1)
    hidden = np.stack([(first == place).mean(axis=1) for place in range(k)])[rank]
    occluder, occluded = np.nonzero(hidden >= LEAST_HIDDEN)
    return OcclusionGraph(
        occluder=occluder.astype(np.int32),
        occluded=occluded.astype(np.int32),
        hidden_fraction=hidden[occluder, occluded].astype(np.float32),
        rank=rank,
        visible_fraction=(first == k).mean(axis=1).astype(np.float32),
    )


def nearest_edge_m(boxes: Float[np.ndarray, "k 7"], origin_m: Float[np.ndarray, "3"]) -> Float[np.ndarray, "k"]:
    """Distance in the ground plane from the sensor to each footprint, metres; 0 where it stands in it."""
    offset = origin_m[:2] - boxes[:, :2]
    c, s = np.cos(boxes[:, 6]), np.sin(boxes[:, 6])
    along = np.abs(c * offset[:, 0] + s * offset[:, 1]) - boxes[:, 3] / 2
    across = np.abs(c * offset[:, 1] - s * offset[:, 0]) - boxes[:, 4] / 2
    return np.hypot(np.maximum(along, 0), np.maximum(across, 0))


def _shared_azimuths(boxes: Float[np.ndarray, "k 7"], origin_m: Float[np.ndarray, "3"]) -> Bool[np.ndarray, "k k ray"]:
    """`[j, i, r]`: whether azimuth r of the fan of object j meets the footprint of object i."""
    middle = boxes[:, :2] - origin_m[:2]
    middle_rad = np.arctan2(middle[:, 1], middle[:, 0])
    corner = footprint_corners(boxes) - origin_m[:2]
    from_middle = wrap_angle(np.arctan2(corner[..., 1], corner[..., 0]) - middle_rad[:, None])
    low, high = from_middle.min(axis=1), from_middle.max(axis=1)
    share = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
    azimuth_rad = (middle_rad + low)[:, None] + (high - low)[:, None] * share
    offset = wrap_angle(azimuth_rad[:, None, :] - middle_rad[None, :, None])
    return (offset >= low[None, :, None]) & (offset <= high[None, :, None])
