"""Who hides whom, from boxes alone, and the near-to-far order that follows.

Two objects share azimuths where their footprints overlap as seen from the sensor; along these the one whose footprint
is entered first is in front. It hides the part of the other that lies below its top (see `sight_lines`), so a cone
does not hide a bus. What several objects hide together is credited to the nearest of them, the one that a ray meets.

Shares are measured in solid angle, which is what returns are counted in: they estimate "points that hit the object,
over points that would hit it with all in front removed".

An order learned from the features of two overlapping objects would take the place of `order_boxes` here: same
arguments with the features added, same `OcclusionGraph`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from bevseg.occlusion.sight_lines import Fans, Screens, cast_fans, find_screens
from bevseg.results.occlusion_graph import OcclusionGraph, near_to_far

MIN_HIDDEN_FRACTION = 0.01
"""An object that hides less than this of another is not said to hide it."""


def order_boxes(
    boxes: Float[np.ndarray, "k 7"],
    sensor_origin_m: Float[np.ndarray, "3"],
    *,
    solid_share: Float[np.ndarray, "k"] | None = None,
) -> OcclusionGraph:
    """Orders objects from near to far along the rays of one sensor.

    Args:
        boxes: `(x, y, z, l, w, h, yaw)`, metres and radians; a box that the sensor stands above or in hides nothing.
        sensor_origin_m: Where the rays start, in the frame of the boxes; its height decides what is seen over what.
        solid_share: Share of each box's outline that the object in it fills, 0..1; without it boxes are solid.

    Returns:
        Edges, ranks (ties by the range of the nearest point of the footprint) and estimated visible fractions.
    """
    fans = cast_fans(boxes, sensor_origin_m)
    return graph_from_screens(fans, find_screens(boxes, fans, solid_share=solid_share))


def graph_from_screens(
    fans: Fans, screens: Screens, *, obstacle_slope: Float[np.ndarray, "k ray"] | None = None
) -> OcclusionGraph:
    """The graph of objects whose sight lines are known.

    Args:
        fans: Sight lines to each object.
        screens: The objects in front of others.
        obstacle_slope: Highest slope that things which are no objects hide along each ray (-inf for none); they lower
            the visible fraction and make no edges.
    """
    extent = fans.high - fans.low
    total = np.maximum(extent.sum(axis=1), 1e-9)
    target = screens.target
    low = np.maximum(fans.low[target], screens.highest_nearer())
    hidden = np.clip(np.minimum(screens.slope, fans.high[target]) - low, 0, None).sum(axis=1) / total[target]
    edge = hidden >= MIN_HIDDEN_FRACTION
    blocked = screens.highest(len(extent))
    if obstacle_slope is not None:
        blocked = np.maximum(blocked, obstacle_slope)
    unseen = np.clip(blocked - fans.low, 0, extent).sum(axis=1) / total
    occluder, occluded = screens.occluder[edge], target[edge]
    rank, cycles = near_to_far(occluder, occluded, fans.nearest_m)
    return OcclusionGraph(
        occluder=occluder.astype(np.int32),
        occluded=occluded.astype(np.int32),
        hidden_fraction=hidden[edge].astype(np.float32),
        rank=rank,
        visible_fraction=(1 - unseen).astype(np.float32),
        cycles=cycles,
    )
