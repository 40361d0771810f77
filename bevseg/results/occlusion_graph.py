"""Who hides whom, and the near-to-far order that follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer


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
