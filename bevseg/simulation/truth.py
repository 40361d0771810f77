"""Exact truth about occlusion: every object that a beam would meet, and what stood in front of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bevseg.results.occlusion_graph import OcclusionGraph, near_to_far
from bevseg.simulation.beams import Beams
from bevseg.simulation.raycast import Hits, RayScene, concatenated, first_returns, origins_of

_MAX_OBJECTS_ON_A_RAY = 6


def hits_behind(
    scene: RayScene,
    beams: Beams,
    chance: Float[np.ndarray, "n layers"],
    boxes: Float[np.ndarray, "k 7"],
    first: Hits,
) -> Hits:
    """Every object on each ray, as if all in front of it were removed; `first` are the nearest, the rest follow.

    The pieces of the scene are the objects. A ray goes on where it leaves the box of the object that it met.
    """
    behind: list[Hits] = []
    last = first
    for _ in range(_MAX_OBJECTS_ON_A_RAY - 1):
        if not len(last):
            break
        directions = beams.directions.take(last.ray, axis=0)
        origin = origins_of(beams.origin_m, last.ray)
        leave = _leaving_distance(origin, directions, boxes, last.piece)
        start = np.maximum(leave, last.distance_m) + 0.02
        found = first_returns(scene, origin, directions, chance[last.ray], start)
        last = found.of_rays(last.ray)
        behind.append(last)
    met_first = np.full(len(beams), -1)
    met_first[first.ray] = first.piece
    hits = concatenated(behind)
    hits = hits[hits.piece != met_first[hits.ray]]
    _, once = np.unique(hits.ray * len(boxes) + hits.piece, return_index=True)
    return concatenated([first, hits[once]])


@dataclass(frozen=True, eq=False)
class OcclusionCounts:
    """What counting gives.

    Attributes:
        possible: Points on each object with all that stands in front removed.
        visible: Points on each object.
        hidden_by: `[i, j]`: points of object j whose beam ended at object i instead.
    """

    possible: Int[np.ndarray, "k"]
    visible: Int[np.ndarray, "k"]
    hidden_by: Int[np.ndarray, "k k"]


def count_occlusion(
    objects: Int[np.ndarray, "h"],
    visible: Bool[np.ndarray, "h"],
    in_front: Int[np.ndarray, "h"],
    num_objects: int,
) -> OcclusionCounts:
    """Counts would-be points: the object of each, whether it was seen, and the object in front (-1: none)."""
    k = num_objects
    possible = np.bincount(objects, minlength=k)
    seen = np.bincount(objects[visible], minlength=k)
    hidden = ~visible & (in_front >= 0) & (in_front != objects)
    pairs = np.bincount(in_front[hidden] * k + objects[hidden], minlength=k * k)
    return OcclusionCounts(possible, seen, pairs.reshape(k, k))


def visible_fraction(counts: OcclusionCounts) -> Float[np.ndarray, "k"]:
    """Seen over possible points; NaN for an object that no beam could meet."""
    with np.errstate(invalid="ignore"):
        return (counts.visible / counts.possible).astype(np.float32)


def occlusion_graph(counts: OcclusionCounts, nearest_m: Float[np.ndarray, "k"]) -> OcclusionGraph:
    """Edges with the share of the object behind that each hides, and the near-to-far order that follows."""
    occluder, occluded = np.nonzero(counts.hidden_by)
    share = counts.hidden_by[occluder, occluded] / counts.possible[occluded]
    rank, cycles = near_to_far(occluder, occluded, nearest_m)
    return OcclusionGraph(
        occluder=occluder.astype(np.int32),
        occluded=occluded.astype(np.int32),
        hidden_fraction=share.astype(np.float32),
        rank=rank,
        visible_fraction=visible_fraction(counts),
        cycles=cycles,
    )


def _leaving_distance(
    origin_m: Float[np.ndarray, "... 3"],
    directions: Float[np.ndarray, "h 3"],
    boxes: Float[np.ndarray, "k 7"],
    met: Int[np.ndarray, "h"],
) -> Float[np.ndarray, "h"]:
    """Distance at which each ray leaves the footprint of the box that it met (slabs along length and width)."""
    c, s = np.cos(boxes[:, 6])[met], np.sin(boxes[:, 6])[met]
    dx, dy = directions[:, 0], directions[:, 1]
    ox, oy = (origin_m[..., axis] - boxes[:, axis][met] for axis in (0, 1))
    leave = np.full(len(met), np.inf)
    for o, d, half in (
        (c * ox + s * oy, c * dx + s * dy, boxes[:, 3][met] / 2),
        (-s * ox + c * oy, -s * dx + c * dy, boxes[:, 4][met] / 2),
    ):
        slope = np.where(np.abs(d) < 1e-6, 1e-6, d)
        leave = np.minimum(leave, np.maximum((half - o) / slope, (-half - o) / slope))
    return leave
