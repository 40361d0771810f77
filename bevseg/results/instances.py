"""The objects of one scan, as parallel arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

from bevseg.geometry.grid import BevGrid
from bevseg.results.masks import BevMasks

VisibleFractionSource = Literal["counted", "estimated", "unknown"]


@dataclass(frozen=True, eq=False)
class Instances:
    """K objects on one grid; entry k of every array is the same object.

    Attributes:
        id: Positive and unique within the scan; the per-point instance labels refer to it.
        label: `SemanticClass` of each object.
        score: Confidence, 0..1.
        boxes: `(x, y, z, l, w, h, yaw)`: centre and size in metres, yaw counter-clockwise from +x, in radians.
        velocity_mps: `(vx, vy)`; NaN where it cannot be known (a single sweep).
        amodal: The whole footprint of each object, hidden parts too.
        visible: The part of `amodal` that the sensor saw; empty until the occlusion stage fills it.
        visible_fraction: Points that hit the object over points that would hit it with all that stands in front
            removed, 0..1; NaN until the occlusion stage fills it.
        visible_fraction_source: Whether the fraction was counted (simulation) or estimated from geometry.
    """

    id: Integer[np.ndarray, "k"]
    label: Integer[np.ndarray, "k"]
    score: Float[np.ndarray, "k"]
    boxes: Float[np.ndarray, "k 7"]
    velocity_mps: Float[np.ndarray, "k 2"]
    amodal: BevMasks
    visible: BevMasks
    visible_fraction: Float[np.ndarray, "k"]
    visible_fraction_source: VisibleFractionSource = "unknown"

    def __post_init__(self) -> None:
        k = len(self.id)
        shapes = {
            "label": (self.label.shape, (k,)),
            "score": (self.score.shape, (k,)),
            "boxes": (self.boxes.shape, (k, 7)),
            "velocity_mps": (self.velocity_mps.shape, (k, 2)),
            "visible_fraction": (self.visible_fraction.shape, (k,)),
            "amodal": ((len(self.amodal),), (k,)),
            "visible": ((len(self.visible),), (k,)),
        }
        for name, (got, expected) in shapes.items():
            if got != expected:
                raise ValueError(f"{name} must have shape {expected} for {k} ids, got {got}")
        if len(np.unique(self.id)) != k or (k and int(self.id.min()) < 1):
            raise ValueError("instance ids must be unique and positive")

    @classmethod
    def from_detections(
        cls,
        *,
        label: Integer[np.ndarray, "k"],
        score: Float[np.ndarray, "k"],
        boxes: Float[np.ndarray, "k 7"],
        velocity_mps: Float[np.ndarray, "k 2"],
        amodal: BevMasks,
    ) -> Instances:
        """Objects as a head decodes them: ids count from 1, the occlusion fields are still open."""
        k = len(label)
        return cls(
            id=np.arange(1, k + 1, dtype=np.int32),
            label=label.astype(np.uint8),
            score=score.astype(np.float32),
            boxes=boxes.astype(np.float32),
            velocity_mps=velocity_mps.astype(np.float32),
            amodal=amodal,
            visible=BevMasks.from_cells(amodal.grid, [np.zeros(0, np.int64)] * k),
            visible_fraction=np.full(k, np.nan, np.float32),
        )

    @classmethod
    def empty(cls, grid: BevGrid) -> Instances:
        return cls.from_detections(
            label=np.zeros(0, np.uint8),
            score=np.zeros(0, np.float32),
            boxes=np.zeros((0, 7), np.float32),
            velocity_mps=np.zeros((0, 2), np.float32),
            amodal=BevMasks.empty(grid),
        )

    def __len__(self) -> int:
        return len(self.id)

    def __getitem__(self, index: Bool[np.ndarray, "k"] | Int[np.ndarray, "j"]) -> Instances:
        """The chosen objects, in the chosen order; every array moves together, ids stay."""
        return replace(
            self,
            id=self.id[index],
            label=self.label[index],
            score=self.score[index],
            boxes=self.boxes[index],
            velocity_mps=self.velocity_mps[index],
            amodal=self.amodal[index],
            visible=self.visible[index],
            visible_fraction=self.visible_fraction[index],
        )

    @property
    def grid(self) -> BevGrid:
        return self.amodal.grid

    def statistics(self) -> InstanceStatistics:
        """Count, area, nearest edge and touching neighbours of the amodal masks."""
        centers = self.grid.centers_of(self.amodal.cells)
        nearest_m = np.full(len(self), np.inf)
        np.minimum.at(nearest_m, self.amodal.owner, np.hypot(centers[:, 0], centers[:, 1]))
        return InstanceStatistics(
            count=len(self),
            area_m2=self.amodal.area_cells * self.grid.cell_m**2,
            nearest_edge_m=np.where(np.isinf(nearest_m), np.nan, nearest_m),
            touching_neighbours=self.amodal.touching().sum(axis=1),
        )


@dataclass(frozen=True, eq=False)
class InstanceStatistics:
    """What `Instances.statistics` returns.

    Attributes:
        count: Number of objects.
        area_m2: Area of each amodal mask, square metres.
        nearest_edge_m: Range from the origin of the nearest cell centre of each mask, metres; NaN for an empty mask.
        touching_neighbours: Number of other masks that each mask overlaps or borders on.
    """

    count: int
    area_m2: Float[np.ndarray, "k"]
    nearest_edge_m: Float[np.ndarray, "k"]
    touching_neighbours: Int[np.ndarray, "k"]
