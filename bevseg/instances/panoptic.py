"""Panoptic fusion: one class and one object for every point, from the semantics and the objects together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, UInt8

from bevseg.results.classes import GROUP_OF_CLASS, SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.scene import PointLabels

PanopticPolicy = Literal["instance-priority", "stuff-protected"]

_LAST_THING = int(SemanticClass.TRUCK)


@dataclass(frozen=True)
class PanopticConfig:
    """How a point inside an object's mask is labelled.

    Attributes:
        policy: `instance-priority` gives it to the object, whatever the semantics say of it; `stuff-protected`
            leaves points alone that the semantics call stuff.
        clearance_m: Points lower than this above the ground stay ground, also under a mask.
        headroom_m: Points higher than the box's top by more than this belong to what stands above.
    """

    policy: PanopticPolicy = "stuff-protected"
    clearance_m: float = 0.15
    headroom_m: float = 0.3


def fuse_panoptic(
    xyz: Float[np.ndarray, "n 3"],
    height_m: Float[np.ndarray, "n"],
    semantic: UInt8[np.ndarray, "n"],
    instances: Instances,
    config: PanopticConfig,
) -> PointLabels:
    """Labels every point.

    Args:
        xyz: Points in the frame of the instances, metres.
        height_m: Height of each point above the local ground, metres.
        semantic: `SemanticClass` of each point by itself, 0 outside the grid.
        instances: Objects; where two overlap, the better score has the cell.
        config: Policy and margins.
    """
    owner = _owner_of_points(xyz, instances)
    asked = np.flatnonzero((owner >= 0) & (semantic > 0))
    owner, own_class, above = owner[asked], semantic[asked], height_m[asked] >= config.clearance_m
    top_m = (instances.boxes[:, 2] + instances.boxes[:, 5] / 2)[owner]
    agrees = GROUP_OF_CLASS[own_class] == GROUP_OF_CLASS[instances.label][owner]
    match config.policy:
        case "instance-priority":
            claimed = agrees | above
        case "stuff-protected":
            claimed = agrees | ((own_class <= _LAST_THING) & above)
    claimed &= xyz[asked, 2] <= top_m + config.headroom_m
    chosen, owner = asked[claimed], owner[claimed]
    fused, instance = semantic.copy(), np.zeros(len(semantic), np.int32)
    fused[chosen], instance[chosen] = instances.label[owner], instances.id[owner]
    return PointLabels(fused, instance)


def _owner_of_points(xyz: Float[np.ndarray, "n 3"], instances: Instances) -> Int[np.ndarray, "n"]:
    """Position of the object whose amodal mask holds the point, -1 for none."""
    grid = instances.grid
    owner_of_cell = np.full(grid.num_cells + 1, -1, dtype=np.int64)  # the last entry serves points outside (-1)
    worst_first = np.argsort(instances.score, kind="stable")
    masks = instances.amodal[worst_first]
    owner_of_cell[masks.cells] = np.repeat(worst_first, masks.area_cells)
    return owner_of_cell[grid.flat_cells_of(xyz[:, :2])]
