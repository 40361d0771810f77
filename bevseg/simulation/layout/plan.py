"""The drawing board: objects and street furniture are put on it one by one, and nothing may overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bevseg.results.classes import SemanticClass
from bevseg.simulation.draws import uniform, weighted
from bevseg.simulation.layout.objects import Objects
from bevseg.simulation.layout.surface import Surface
from bevseg.simulation.shapes.catalog import KIND_INDEX, KINDS, kinds_of, shapes_of
from bevseg.simulation.shapes.mesh import Mesh

_MAX_FOOTPRINTS = 4096

Rectangle = tuple[float, ...]
"""`(x, y, l, w, yaw)`, metres and radians."""


class Plan:
    """A world in the making. The only mutable thing of the simulator; it lives while one world is drawn."""

    def __init__(self, surface: Surface, rng: np.random.Generator) -> None:
        self.surface = surface
        self.rng = rng
        self.stuff: list[PlacedStuff] = []
        self.standing: list[Rectangle] = []
        self._rows: list[tuple[float, ...]] = []
        self._taken: list[Rectangle] = []
        self._circles = np.zeros((3, _MAX_FOOTPRINTS))  # x, y and radius around each place that is taken

    def is_free(self, footprint: Rectangle, *, margin_m: float = 0.0) -> bool:
        """Whether a footprint, grown by the margin, touches nothing that is there."""
        x, y, length, width, yaw = footprint
        grown = (x, y, length + 2 * margin_m, width + 2 * margin_m, yaw)
        taken_x, taken_y, radius = self._circles[:, : len(self._taken)]
        dx, dy, reach = taken_x - x, taken_y - y, radius + math.hypot(grown[2], grown[3]) / 2
        near = (dx * dx + dy * dy < reach * reach).nonzero()[0].tolist()
        return not any(rectangles_overlap(grown, self._taken[k]) for k in near)

    def reserve(self, footprint: Rectangle) -> None:
        """Keeps a place from being built on."""
        if len(self._taken) < _MAX_FOOTPRINTS:
            x, y, length, width, _ = footprint
            self._circles[:, len(self._taken)] = x, y, math.hypot(length, width) / 2
            self._taken.append(footprint)

    def draw_object(self, label: SemanticClass, *, ridden: bool | None = None, kind: str | None = None) -> ObjectDraft:
        """Kind, variant, size and tint of a new object, not placed yet."""
        rng = self.rng
        if kind is None:
            kinds, cumulative = kinds_of(label, ridden=ridden)
            index = kinds[weighted(rng, cumulative)]
        else:
            index = KIND_INDEX[kind]
        entry = KINDS[index]
        variant = int(rng.integers(entry.variants))
        common = 1 + rng.normal(0, entry.size_spread)
        length, width, height = (
            size * min(max(common + rng.normal(0, entry.size_spread / 2), 0.8), 1.25)
            for size in shapes_of(index)[variant].size_lwh_m
        )
        tint = float(np.exp(uniform(rng, *entry.log_tint)))
        return ObjectDraft(index, variant, (length, width, height), tint)

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
        footprint = (x_m, y_m, length, width, yaw_rad)
        if not self.is_free(footprint, margin_m=margin_m):
            return False
        self.reserve(footprint)
        if not speed_mps:
            self.standing.append(footprint)
        row = (draft.kind, draft.variant, x_m, y_m, 0.0, length, width, height, yaw_rad)
        self._rows.append((*row, speed_mps, curvature_per_m, draft.tint))
        return True

    def add_stuff(self, piece: PlacedStuff, footprint_lw_m: tuple[float, float]) -> None:
        """Puts a piece of the surroundings on the board, whose place has been found free."""
        footprint = (piece.x_m, piece.y_m, *footprint_lw_m, piece.yaw_rad)
        self.reserve(footprint)
        self.standing.append(footprint)
        self.stuff.append(piece)

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


def rectangles_overlap(one: Rectangle, other: Rectangle) -> bool:
    """Whether two rectangles overlap (separating axes). Plain numbers: for a single pair that is faster than arrays."""
    x_1, y_1, length_1, width_1, yaw_1 = one
    x_2, y_2, length_2, width_2, yaw_2 = other
    dx, dy = x_2 - x_1, y_2 - y_1
    c, s = abs(math.cos(yaw_2 - yaw_1)), abs(math.sin(yaw_2 - yaw_1))
    c_1, s_1, c_2, s_2 = math.cos(yaw_1), math.sin(yaw_1), math.cos(yaw_2), math.sin(yaw_2)
    return (
        abs(c_1 * dx + s_1 * dy) < (length_1 + length_2 * c + width_2 * s) / 2
        and abs(-s_1 * dx + c_1 * dy) < (width_1 + length_2 * s + width_2 * c) / 2
        and abs(c_2 * dx + s_2 * dy) < (length_2 + length_1 * c + width_1 * s) / 2
        and abs(-s_2 * dx + c_2 * dy) < (width_2 + length_1 * s + width_1 * c) / 2
    )
