"""The drawing board: objects and street furniture are put on it one by one, and nothing may overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from bevseg.results.classes import SemanticClass
from bevseg.simulation.layout.objects import Objects
from bevseg.simulation.layout.surface import Surface
from bevseg.simulation.shapes.catalog import KIND_INDEX, KINDS, kinds_of, shapes_of
from bevseg.simulation.shapes.mesh import Mesh

_MAX_FOOTPRINTS = 4096


class Plan:
    """A world in the making. The only mutable thing of the simulator; it lives while one world is drawn."""

    def __init__(self, surface: Surface, rng: np.random.Generator) -> None:
        self.surface = surface
        self.rng = rng
        self.stuff: list[PlacedStuff] = []
        self._rows: list[tuple[float, ...]] = []
        self._footprints = np.zeros((_MAX_FOOTPRINTS, 5))
        self._used = 0

    def is_free(self, footprint: Float[np.ndarray, "5"], *, margin_m: float = 0.0) -> bool:
        """Whether `(x, y, l, w, yaw)`, grown by the margin, touches nothing that is there."""
        grown = footprint + np.array([0, 0, 2 * margin_m, 2 * margin_m, 0])
        return not bool(footprints_overlap(grown, self._footprints[: self._used]).any())

    def reserve(self, footprint: Float[np.ndarray, "5"]) -> None:
        """Keeps a place from being built on."""
        if self._used < _MAX_FOOTPRINTS:
            self._footprints[self._used] = footprint
            self._used += 1

    def draw_object(self, label: SemanticClass, *, ridden: bool | None = None, kind: str | None = None) -> ObjectDraft:
        """Kind, variant, size and tint of a new object, not placed yet."""
        rng = self.rng
        if kind is None:
            kinds, cumulative = kinds_of(label, ridden=ridden)
            index = int(kinds[np.searchsorted(cumulative, rng.random(), side="right")])
        else:
            index = KIND_INDEX[kind]
        entry = KINDS[index]
        variant = int(rng.integers(entry.variants))
        length, width, height = shapes_of(index)[variant].size_lwh_m
        common, single = rng.normal(0, entry.size_spread), rng.normal(0, entry.size_spread / 2, 3)
        factor = np.clip(1 + common + single, 0.8, 1.25)
        low, high = entry.tint
        tint = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        size = (length * float(factor[0]), width * float(factor[1]), height * float(factor[2]))
        return ObjectDraft(index, variant, size, tint)

    def place(
        self,
        draft: ObjectDraft,
        x_m: float,
        y_m: float,
        yaw_rad: float,
        *,
        speed_mps: float = 0.0,
        curvature_per_m: float = 0.0,
        margin_m: float = 0.05,
    ) -> bool:
        """Puts the object there if the place is free; says whether it did."""
        length, width, height = draft.size_lwh_m
        footprint = np.array([x_m, y_m, length, width, yaw_rad])
        if not self.is_free(footprint, margin_m=margin_m):
            return False
        self.reserve(footprint)
        row = (draft.kind, draft.variant, x_m, y_m, 0.0, length, width, height, yaw_rad)
        self._rows.append((*row, speed_mps, curvature_per_m, draft.tint))
        return True

    def place_stuff(
        self,
        piece: PlacedStuff,
        footprint_lw_m: tuple[float, float],
        *,
        margin_m: float = 0.1,
    ) -> bool:
        """Puts a piece of the surroundings there if its footprint is free; says whether it did."""
        footprint = np.array([piece.x_m, piece.y_m, *footprint_lw_m, piece.yaw_rad])
        if not self.is_free(footprint, margin_m=margin_m):
            return False
        self.reserve(footprint)
        self.stuff.append(piece)
        return True

    def objects(self) -> Objects:
        """All objects placed so far, standing on the ground; track ids count from 1."""
        rows = np.array(self._rows, dtype=np.float64).reshape(-1, 12)
        objects = Objects(
            kind=rows[:, 0].astype(np.int64),
            variant=rows[:, 1].astype(np.int64),
            boxes=rows[:, 2:9].copy(),
            speed_mps=rows[:, 9],
            curvature_per_m=rows[:, 10],
            tint=rows[:, 11],
            track_id=np.arange(1, len(rows) + 1),
        )
        return objects.on_ground(self.surface)


@dataclass(frozen=True)
class ObjectDraft:
    """An object that has a shape but no place yet."""

    kind: int
    variant: int
    size_lwh_m: tuple[float, float, float]
    tint: float

    @property
    def length_m(self) -> float:
        return self.size_lwh_m[0]

    @property
    def width_m(self) -> float:
        return self.size_lwh_m[1]


@dataclass(frozen=True, eq=False)
class PlacedStuff:
    """A piece of the surroundings with its stretch, class, place and reflectance factor."""

    mesh: Mesh
    scale: tuple[float, float, float]
    semantic: SemanticClass
    x_m: float
    y_m: float
    yaw_rad: float
    tint: float


def footprints_overlap(one: Float[np.ndarray, "5"], others: Float[np.ndarray, "n 5"]) -> Bool[np.ndarray, "n"]:
    """Whether the rectangle `(x, y, l, w, yaw)` overlaps each of the others (separating axes)."""
    dx, dy = others[:, 0] - one[0], others[:, 1] - one[1]
    reach = np.hypot(one[2], one[3]) / 2 + np.hypot(others[:, 2], others[:, 3]) / 2
    overlap: np.ndarray = dx * dx + dy * dy < reach * reach
    near = np.flatnonzero(overlap)
    if not len(near):
        return overlap
    dx, dy, length, width, yaw = dx[near], dy[near], others[near, 2], others[near, 3], others[near, 4]
    c, s = np.abs(np.cos(yaw - one[4])), np.abs(np.sin(yaw - one[4]))
    c1, s1, c2, s2 = np.cos(one[4]), np.sin(one[4]), np.cos(yaw), np.sin(yaw)
    overlap[near] = (
        (np.abs(c1 * dx + s1 * dy) < (one[2] + length * c + width * s) / 2)
        & (np.abs(-s1 * dx + c1 * dy) < (one[3] + length * s + width * c) / 2)
        & (np.abs(c2 * dx + s2 * dy) < (length + one[2] * c + one[3] * s) / 2)
        & (np.abs(-s2 * dx + c2 * dy) < (width + one[2] * s + one[3] * c) / 2)
    )
    return overlap
