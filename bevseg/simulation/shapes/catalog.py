"""Every kind of object that can stand in a scene: its class, how common it is, its sizes and its shapes.

Mean sizes of each class lie near those of nuScenes' training boxes; a test holds them there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, partial

import numpy as np

from bevseg.results.classes import GROUP_OF_CLASS, ClassGroup, SemanticClass
from bevseg.simulation.materials import Material
from bevseg.simulation.shapes import cars, heavy_vehicles, people, static_things
from bevseg.simulation.shapes.mesh import Mesh, box, joined

Builder = Callable[[np.random.Generator], Mesh]


@dataclass(frozen=True)
class ObjectKind:
    """One kind of object.

    Attributes:
        name: Unique name.
        label: Its class.
        build: Makes one variant in metres.
        weight: How common the kind is among those of its class and posture; 0 for one that is only drawn by name.
        size_spread: Standard deviation of the size as a share of it.
        ridden: A rider sits on it, so it moves.
        tint: Lowest and highest reflectance of its paint or cloth; drawn evenly in the logarithm.
        speed_mps: Lowest and highest speed when it moves.
        variants: How many shapes are kept.
    """

    name: str
    label: SemanticClass
    build: Builder
    weight: float = 1.0
    size_spread: float = 0.04
    ridden: bool = False
    tint: tuple[float, float] = (0.04, 0.8)
    speed_mps: tuple[float, float] = (2.0, 15.0)
    variants: int = 8

    @cached_property
    def log_tint(self) -> tuple[float, float]:
        low, high = self.tint
        return float(np.log(low)), float(np.log(high))


@dataclass(frozen=True, eq=False)
class Shape:
    """One variant, stretched to the unit box, and the size in metres that it was built at.

    `coarse_mesh` stands in for it far away, where beams are further apart than its details.
    """

    mesh: Mesh
    coarse_mesh: Mesh
    size_lwh_m: tuple[float, float, float]


_CLOTH = (0.1, 0.8)
_WALK = (0.6, 2.0)
_C = SemanticClass


def _child(rng: np.random.Generator) -> Mesh:
    return people.pedestrian(rng).scaled((rng.uniform(0.65, 0.75),) * 2 + (rng.uniform(0.55, 0.75),))


def _with_pram(rng: np.random.Generator) -> Mesh:
    pram = box((0.75, 0, 0.25), (0.7, 0.45, 0.65), Material.CLOTH)
    return joined([people.pedestrian(rng), pram])


def _car(name: str, profile: cars.CarProfile, weight: float) -> ObjectKind:
    return ObjectKind(name, _C.CAR, partial(cars.build_car, profile), weight)


KINDS: tuple[ObjectKind, ...] = (
    _car("sedan", cars.SEDAN, 3.0),
    _car("hatchback", cars.HATCHBACK, 2.2),
    _car("estate", cars.ESTATE, 1.2),
    _car("coupe", cars.COUPE, 0.5),
    _car("suv", cars.SUV, 3.0),
    _car("minivan", cars.MINIVAN, 1.0),
    _car("panel_van", cars.PANEL_VAN, 0.6),
    ObjectKind("pickup", _C.CAR, cars.build_pickup, 0.7),
    ObjectKind("box_truck", _C.TRUCK, heavy_vehicles.box_truck, 1.5),
    ObjectKind("step_van", _C.TRUCK, heavy_vehicles.step_van, 1.2),
    ObjectKind("flatbed_truck", _C.TRUCK, heavy_vehicles.flatbed_truck, 0.8),
    ObjectKind("dump_truck", _C.TRUCK, heavy_vehicles.dump_truck, 0.6),
    ObjectKind("tank_truck", _C.TRUCK, heavy_vehicles.tank_truck, 0.5),
    ObjectKind("tractor_unit", _C.TRUCK, heavy_vehicles.tractor_unit, 0.8),
    ObjectKind("box_trailer", _C.TRAILER, heavy_vehicles.box_trailer, 2.0),
    ObjectKind("flat_trailer", _C.TRAILER, heavy_vehicles.flat_trailer, 1.0),
    ObjectKind("small_trailer", _C.TRAILER, heavy_vehicles.small_trailer, 0.8),
    ObjectKind("city_bus", _C.BUS, heavy_vehicles.city_bus, 2.0, variants=6),
    ObjectKind("coach", _C.BUS, heavy_vehicles.coach, 1.0, variants=6),
    ObjectKind("minibus", _C.BUS, heavy_vehicles.minibus, 0.7, variants=6),
    ObjectKind("excavator", _C.CONSTRUCTION_VEHICLE, heavy_vehicles.excavator, 2.0),
    ObjectKind("wheel_loader", _C.CONSTRUCTION_VEHICLE, heavy_vehicles.wheel_loader, 1.0),
    ObjectKind("bulldozer", _C.CONSTRUCTION_VEHICLE, heavy_vehicles.bulldozer, 0.7),
    ObjectKind("road_roller", _C.CONSTRUCTION_VEHICLE, heavy_vehicles.road_roller, 0.6),
    ObjectKind("forklift", _C.CONSTRUCTION_VEHICLE, heavy_vehicles.forklift, 0.6),
    ObjectKind("walker", _C.PEDESTRIAN, people.pedestrian, 5.0, 0.05, tint=_CLOTH, speed_mps=_WALK, variants=24),
    ObjectKind("child", _C.PEDESTRIAN, _child, 0.6, 0.05, tint=_CLOTH, speed_mps=_WALK, variants=12),
    ObjectKind("sitting_person", _C.PEDESTRIAN, people.sitting_person, 0.3, 0.04, tint=_CLOTH, speed_mps=(0.0, 0.0)),
    ObjectKind("person_with_pram", _C.PEDESTRIAN, _with_pram, 0.25, 0.04, tint=_CLOTH, speed_mps=_WALK),
    ObjectKind("bicycle", _C.BICYCLE, people.bicycle, 1.0, 0.05),
    ObjectKind(
        "ridden_bicycle", _C.BICYCLE, people.ridden_bicycle, 1.0, ridden=True, tint=_CLOTH, speed_mps=(2.0, 7.0)
    ),
    ObjectKind("motorcycle", _C.MOTORCYCLE, people.motorcycle, 1.0, 0.06),
    ObjectKind("scooter", _C.MOTORCYCLE, people.scooter, 0.7, 0.05),
    ObjectKind("ridden_motorcycle", _C.MOTORCYCLE, people.ridden_motorcycle, 1.0, ridden=True, tint=_CLOTH),
    ObjectKind("ridden_scooter", _C.MOTORCYCLE, people.ridden_scooter, 0.6, ridden=True, tint=_CLOTH),
    ObjectKind("cone", _C.TRAFFIC_CONE, static_things.cone, 2.5, 0.1, tint=(0.3, 0.8)),
    ObjectKind("channelizer", _C.TRAFFIC_CONE, static_things.channelizer, 1.0, 0.06, tint=(0.3, 0.8)),
    ObjectKind("jersey_barrier", _C.BARRIER, static_things.jersey_barrier, 1.2, 0.03, tint=(0.3, 0.8)),
    ObjectKind("fence_barrier", _C.BARRIER, static_things.fence_barrier, 1.0, 0.02, tint=(0.3, 0.8)),
    ObjectKind("plank_barrier", _C.BARRIER, static_things.plank_barrier, 0.8, 0.03, tint=(0.3, 0.8)),
    # Drawn only where a scene asks for them by name:
    ObjectKind("standing_person", _C.PEDESTRIAN, people.standing_person, 0.0, 0.05, tint=_CLOTH, variants=24),
    ObjectKind("laden_person", _C.PEDESTRIAN, people.laden_person, 0.0, 0.05, tint=_CLOTH, variants=16),
    ObjectKind("bus_front_section", _C.BUS, partial(heavy_vehicles.bus_section, rear=False), 0.0, 0.01, variants=6),
    ObjectKind("bus_rear_section", _C.BUS, partial(heavy_vehicles.bus_section, rear=True), 0.0, 0.01, variants=6),
)

KIND_INDEX = {kind.name: k for k, kind in enumerate(KINDS)}

_FILL = 0.985
"""Boxes are drawn by people and leave a little air around the object, as labelled boxes of real sets do."""

_COARSE_CELL_M = 0.28

_SHAPE_SEED = 20240229
"""Shapes are drawn once from this seed and never from the scene's, so that a scene refers to a variant by number."""


@cache
def shapes_of(kind: int) -> tuple[Shape, ...]:
    """All variants of a kind, built on first use."""
    entry = KINDS[kind]
    rng = np.random.default_rng([_SHAPE_SEED, kind])
    shapes = []
    for _ in range(entry.variants):
        mesh = entry.build(rng)
        length, width, height = (float(v) / _FILL for v in mesh.high - mesh.low)
        coarse = mesh.simplified(_COARSE_CELL_M) if GROUP_OF_CLASS[entry.label] == ClassGroup.VEHICLE else mesh
        shapes.append(Shape(mesh.normalised(fill=_FILL), coarse.normalised(fill=_FILL), (length, width, height)))
    return tuple(shapes)


@cache
def kinds_of(label: SemanticClass, *, ridden: bool | None = None) -> tuple[list[int], list[float]]:
    """Indices into `KINDS` of a class and their cumulative probability; `ridden` chooses a posture."""
    chosen = [
        (k, kind.weight)
        for k, kind in enumerate(KINDS)
        if kind.weight and kind.label == label and ridden in (None, kind.ridden)
    ]
    weights = np.array([w for _, w in chosen])
    cumulative = np.cumsum(weights) / weights.sum()
    cumulative[-1] = 1.0
    return [k for k, _ in chosen], cumulative.tolist()
