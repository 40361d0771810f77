"""Who hides whom, and the near-to-far order that follows."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Integer
from scipy import sparse
from scipy.sparse import csgraph

ARROWS_OF_ONE = 4
"""So many arrows may start at one object where they are drawn."""


@dataclass(frozen=True, eq=False)
class OcclusionGraph:
    """Edges between objects given by their position in `Instances` (0..k-1), not by their id.

    Attributes:
        occluder: Position of the object in front, one entry an edge.
        occluded: Position of the object behind.
        hidden_fraction: Share of the object behind that this edge hides, 0..1.
        rank: Near-to-far place of each object along the sensor's rays, from 0; objects in one cycle share a rank.
        visible_fraction: Share of each object that the sensor sees, 0..1.
        cycles: Groups of objects that hide each other in a circle; reported, never hidden.
    """

    occluder: Integer[np.ndarray, "e"]
    occluded: Integer[np.ndarray, "e"]
    hidden_fraction: Float[np.ndarray, "e"]
    rank: Integer[np.ndarray, "k"]
    visible_fraction: Float[np.ndarray, "k"]
    cycles: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        edges, k = len(self.occluder), len(self.rank)
        if len(self.occluded) != edges or len(self.hidden_fraction) != edges:
            raise ValueError(
                f"the three edge arrays must have one length, got {edges}, "
                f"{len(self.occluded)}, {len(self.hidden_fraction)}"
            )
        if len(self.visible_fraction) != k:
            raise ValueError(f"visible_fraction must have {k} entries as rank has, got {len(self.visible_fraction)}")
        for name, ends in (("occluder", self.occluder), ("occluded", self.occluded)):
            if edges and not (int(ends.min()) >= 0 and int(ends.max()) < k):
                raise ValueError(f"{name} must index the {k} objects")

    @classmethod
    def empty(cls, num_objects: int = 0) -> OcclusionGraph:
        """No edges: every object fully visible, in the order given."""
        none = np.zeros(0, np.int32)
        return cls(
            none,
            none,
            np.zeros(0, np.float32),
            np.arange(num_objects, dtype=np.int32),
            np.ones(num_objects, np.float32),
        )

    @property
    def num_edges(self) -> int:
        return len(self.occluder)

    def occluders_of(self, k: int) -> Integer[np.ndarray, "_"]:
        """Positions of the objects that hide object `k`, the one that hides most first."""
        edges = np.flatnonzero(self.occluded == k)
        return self.occluder[edges[np.argsort(-self.hidden_fraction[edges], kind="stable")]]


def chosen_edges(graph: OcclusionGraph, *, at_least: float) -> Int[np.ndarray, "a"]:
    """Edges worth an arrow: for each hidden object the one that hides it most, where it hides `at_least` of it."""
    by_share = np.argsort(-graph.hidden_fraction, kind="stable")
    _, first = np.unique(graph.occluded[by_share], return_index=True)
    strongest = by_share[np.sort(first)]
    return strongest[graph.hidden_fraction[strongest] >= at_least]


@dataclass(frozen=True, eq=False)
class Thinned:
    """Edges that are shown, and how many more the objects in front of them have.

    Attributes:
        edges: Indices of the edges that are shown.
        crowded: Objects that hide more than is shown.
        left_out: How many edges of each of those are not shown.
    """

    edges: Int[np.ndarray, "a"]
    crowded: Int[np.ndarray, "c"]
    left_out: Int[np.ndarray, "c"]


def thinned(graph: OcclusionGraph, edges: Int[np.ndarray, "e"], *, most: int = ARROWS_OF_ONE) -> Thinned:
    """Of each object in front the edges to what it hides most of, at most so many: fans of arrows cannot be read."""
    by_share = edges[np.argsort(-graph.hidden_fraction[edges], kind="stable")]
    occluder = graph.occluder[by_share].astype(np.int64)
    grouped = np.argsort(occluder, kind="stable")
    crowded, first, count = np.unique(occluder[grouped], return_index=True, return_counts=True)
    turn = np.empty(len(edges), np.int64)
    turn[grouped] = np.arange(len(edges)) - np.repeat(first, count)
    too_many = count > most
    return Thinned(np.sort(by_share[turn < most]), crowded[too_many], count[too_many] - most)


def near_to_far(
    occluder: Int[np.ndarray, "e"], occluded: Int[np.ndarray, "e"], range_m: Float[np.ndarray, "k"]
) -> tuple[Int[np.ndarray, "k"], tuple[tuple[int, ...], ...]]:
    """Rank of each object, and the groups that hide each other in a circle.

    The rank is the topological order of the edges, the nearest object first among those that are free to come next.
    Objects of one circle are placed together, at the range of the nearest, and share a rank.
    """
    k = len(range_m)
    if not k:
        return np.zeros(0, np.int32), ()
    edges = sparse.csr_matrix((np.ones(len(occluder), np.int8), (occluder, occluded)), shape=(k, k))
    num_groups, group = csgraph.connected_components(edges, directed=True, connection="strong")
    group_range_m = np.full(num_groups, np.inf)
    np.minimum.at(group_range_m, group, range_m)
    group_rank = _topological_rank(group[occluder], group[occluded], group_range_m)
    circles = np.flatnonzero(np.bincount(group) > 1)
    cycles = sorted(tuple(np.flatnonzero(group == circle).tolist()) for circle in circles)
    return group_rank[group], tuple(cycles)


def _topological_rank(
    before: Int[np.ndarray, "e"], after: Int[np.ndarray, "e"], range_m: Float[np.ndarray, "k"]
) -> Int[np.ndarray, "k"]:
    """Kahn's order of a graph whose only circles are loops at one node; of the free nodes the nearest comes first."""
    successors: list[set[int]] = [set() for _ in range_m]
    for near, far in zip(before.tolist(), after.tolist(), strict=True):
        if near != far:
            successors[near].add(far)
    waits_for = np.bincount([far for fars in successors for far in fars], minlength=len(range_m)).tolist()
    ranges_m = range_m.tolist()
    free = [(ranges_m[node], node) for node, count in enumerate(waits_for) if not count]
    heapq.heapify(free)
    rank = np.zeros(len(ranges_m), np.int32)
    for place in range(len(ranges_m)):
        _, node = heapq.heappop(free)
        rank[node] = place
        for far in successors[node]:
            waits_for[far] -= 1
            if not waits_for[far]:
                heapq.heappush(free, (ranges_m[far], far))
    return rank
