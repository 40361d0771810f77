"""Everything that bevseg says about one scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from jaxtyping import Integer, UInt8

from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.results.instances import Instances
from bevseg.results.occlusion_graph import OcclusionGraph


class CellState(IntEnum):
    """What the sensor could tell about a cell of the ground."""

    UNOBSERVED = 0
    FREE = 1
    OCCUPIED = 2
    HIDDEN = 3


@dataclass(frozen=True, eq=False)
class VisibilityMap:
    """`CellState` of every cell, `state[y, x]` over `grid`."""

    grid: BevGrid
    state: UInt8[np.ndarray, "height width"]

    def __post_init__(self) -> None:
        if self.state.shape != self.grid.shape:
            raise ValueError(f"state must have the grid's shape {self.grid.shape}, got {self.state.shape}")


@dataclass(frozen=True, eq=False)
class PointLabels:
    """Panoptic labels, one entry for each point of the input cloud, in its order.

    Attributes:
        semantic: `SemanticClass`; 0 where the point lies outside the grid.
        instance: `Instances.id` of the object that the point belongs to, 0 for none.
    """

    semantic: UInt8[np.ndarray, "n"]
    instance: Integer[np.ndarray, "n"]

    def __post_init__(self) -> None:
        if self.semantic.shape != self.instance.shape:
            raise ValueError(f"semantic {self.semantic.shape} and instance {self.instance.shape} must agree")


@dataclass(frozen=True, eq=False)
class Scene:
    """The result for one scan, in the x-forward frame `frame`.

    Attributes:
        stamp_ns: Stamp of the input cloud, nanoseconds.
        frame: Frame of boxes, masks and maps.
        instances: The objects, with visible masks and fractions filled in.
        occlusion: Who hides whom; its positions index `instances`.
        visibility: Free, occupied, hidden and unobserved ground.
        points: A label for every input point.
        timings_ms: Time that each stage took, in the order they ran, milliseconds.
        T_output_from_input: From the file's or message's own frame into `frame`.
    """

    stamp_ns: int
    frame: str
    instances: Instances
    occlusion: OcclusionGraph
    visibility: VisibilityMap
    points: PointLabels
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    T_output_from_input: Transform = field(default_factory=lambda: Transform.identity("lidar"))

    def __post_init__(self) -> None:
        if len(self.occlusion.rank) != len(self.instances):
            raise ValueError(
                f"the occlusion graph speaks of {len(self.occlusion.rank)} objects, instances of {len(self.instances)}"
            )

    @property
    def grid(self) -> BevGrid:
        return self.instances.grid
