"""The objects of one scene as parallel arrays, their motion, and their triangles."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from bevseg.simulation.layout.arc import along_arc
from bevseg.simulation.layout.surface import Surface
from bevseg.simulation.shapes.assemble import Assembly, assemble
from bevseg.simulation.shapes.catalog import KINDS, shapes_of


@dataclass(frozen=True, eq=False)
class Objects:
    """K objects in the world; entry k of every array is the same one.

    Attributes:
        kind: Index into `KINDS`.
        variant: Which of the kind's shapes.
        boxes: `(x, y, z, l, w, h, yaw)` in the world, z at the centre.
        speed_mps: Along the heading.
        curvature_per_m: Of its path; with the speed this is its whole motion.
        tint: Reflectance of paint or cloth, 0..1.
        track_id: Steady over a drive.
    """

    kind: Int[np.ndarray, "k"]
    variant: Int[np.ndarray, "k"]
    boxes: Float[np.ndarray, "k 7"]
    speed_mps: Float[np.ndarray, "k"]
    curvature_per_m: Float[np.ndarray, "k"]
    tint: Float[np.ndarray, "k"]
    track_id: Int[np.ndarray, "k"]

    def __len__(self) -> int:
        return len(self.kind)

    def __getitem__(self, index: Bool[np.ndarray, "k"] | Int[np.ndarray, "j"]) -> Objects:
        return Objects(
            self.kind[index], self.variant[index], self.boxes[index], self.speed_mps[index],
            self.curvature_per_m[index], self.tint[index], self.track_id[index],
        )  # fmt: skip

    @property
    def label(self) -> Int[np.ndarray, "k"]:
        """`SemanticClass` of each object."""
        return _LABEL_OF_KIND[self.kind]

    @property
    def velocity_mps(self) -> Float[np.ndarray, "k 2"]:
        yaw = self.boxes[:, 6]
        return self.speed_mps[:, None] * np.stack([np.cos(yaw), np.sin(yaw)], axis=1)

    @property
    def moving(self) -> Bool[np.ndarray, "k"]:
        return self.speed_mps != 0

    def earlier(self, before_s: float) -> Objects:
        """The objects so many seconds before, not yet on the ground."""
        boxes = self.boxes.copy()
        boxes[:, [0, 1, 6]] = along_arc(boxes[:, [0, 1, 6]], -before_s * self.speed_mps, self.curvature_per_m)
        return replace(self, boxes=boxes)

    def on_ground(self, surface: Surface) -> Objects:
        """The objects lowered or lifted until they stand on the ground, kerbs included."""
        boxes = self.boxes.copy()
        x, y = boxes[:, 0], boxes[:, 1]
        boxes[:, 2] = surface.height(x, y) + surface.standing(x, y) + boxes[:, 5] / 2
        return replace(self, boxes=boxes)

    def assembly(self, surface: Surface, *, seen_from_m: tuple[float, float]) -> Assembly:
        """The objects as pieces in the world, piece k being object k. Shapes follow the slope under them.

        Objects further than some tens of metres from `seen_from_m` have coarser shapes.
        """
        boxes = self.boxes
        near = np.hypot(boxes[:, 0] - seen_from_m[0], boxes[:, 1] - seen_from_m[1]) < _DETAIL_RANGE_M
        variants = [shapes_of(k)[v] for k, v in zip(self.kind.tolist(), self.variant.tolist(), strict=True)]
        return assemble(
            [v.mesh if n else v.coarse_mesh for v, n in zip(variants, near.tolist(), strict=True)],
            scale=boxes[:, 3:6],
            xy_m=boxes[:, :2],
            yaw_rad=boxes[:, 6],
            lift_m=boxes[:, 2] - boxes[:, 5] / 2 - surface.height(boxes[:, 0], boxes[:, 1]),
            ground=surface.height,
        )


_DETAIL_RANGE_M = 35.0

_LABEL_OF_KIND = np.array([int(kind.label) for kind in KINDS])
