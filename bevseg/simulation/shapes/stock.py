"""Buildings, plants and furniture in stock: drawn once, then placed again and again, stretched and turned."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Literal

import numpy as np

from bevseg.simulation.materials import Material
from bevseg.simulation.shapes import buildings, furniture, plants
from bevseg.simulation.shapes.mesh import Mesh

StockName = Literal[
    "building", "house", "brick_wall", "concrete_wall", "chain_fence", "picket_fence", "guard_rail", "hedge",
    "shrub_row", "broadleaf_tree", "conifer", "bare_tree", "thicket", "bush", "container", "bus_shelter", "lamp_post",
    "sign_post", "traffic_light", "billboard", "bin_or_box", "bench", "bollards", "planter", "clutter",
]  # fmt: skip

_STOCK_SEED = 20240301
_BORDER_LENGTHS_M = (2.5, 4.5, 8.0, 14.0)
"""Walls and hedges are kept at these lengths; each is stretched to the length that is wanted."""


@cache
def stock(name: StockName) -> tuple[Mesh, ...]:
    """All variants of a piece, built on first use."""
    count, build = _STOCK[name]
    rng = np.random.default_rng([_STOCK_SEED, sorted(_STOCK).index(name)])
    return tuple(build(rng) for _ in range(count))


@cache
def borders(name: StockName) -> dict[float, tuple[Mesh, ...]]:
    """Variants of a wall, fence or hedge by the length that they were built at."""
    rng = np.random.default_rng([_STOCK_SEED, 1000 + sorted(_BORDERS).index(name)])
    return {length: tuple(_BORDERS[name](rng, length) for _ in range(8)) for length in _BORDER_LENGTHS_M}


def border_of_length(name: StockName, length_m: float, rng: np.random.Generator) -> tuple[Mesh, float]:
    """A variant built near that length, and the stretch along x that makes it fit."""
    nearest = min(_BORDER_LENGTHS_M, key=lambda built: abs(np.log(built / length_m)))
    variants = borders(name)[nearest]
    return variants[int(rng.integers(len(variants)))], length_m / nearest


def _building(rng: np.random.Generator) -> Mesh:
    return buildings.building(rng, length_m=float(rng.uniform(8, 28)), depth_m=float(rng.uniform(8, 18)))


def _wall(material: Material, rng: np.random.Generator, length_m: float) -> Mesh:
    return buildings.wall(length_m, float(rng.uniform(0.5, 2.4)), material)


_STOCK: dict[StockName, tuple[int, Callable[[np.random.Generator], Mesh]]] = {
    "building": (64, _building),
    "house": (32, buildings.house),
    "broadleaf_tree": (40, plants.broadleaf_tree),
    "conifer": (16, plants.conifer),
    "bare_tree": (16, plants.bare_tree),
    "thicket": (24, plants.thicket),
    "bush": (32, plants.bush),
    "container": (24, buildings.container),
    "bus_shelter": (8, buildings.bus_shelter),
    "lamp_post": (16, furniture.lamp_post),
    "sign_post": (12, furniture.sign_post),
    "traffic_light": (8, furniture.traffic_light),
    "billboard": (12, furniture.billboard),
    "bin_or_box": (32, furniture.bin_or_box),
    "bench": (12, furniture.bench),
    "bollards": (16, furniture.bollards),
    "planter": (12, furniture.planter),
    "clutter": (24, furniture.clutter),
}

_BORDERS: dict[StockName, Callable[[np.random.Generator, float], Mesh]] = {
    "brick_wall": partial(_wall, Material.BRICK),
    "concrete_wall": partial(_wall, Material.CONCRETE),
    "chain_fence": lambda rng, length: buildings.chain_fence(length, float(rng.uniform(1.2, 2.2))),
    "picket_fence": lambda rng, length: buildings.picket_fence(length, float(rng.uniform(0.8, 1.8))),
    "guard_rail": lambda rng, length: buildings.guard_rail(length),
    "hedge": lambda rng, length: plants.hedge(rng, length_m=length),
    "shrub_row": lambda rng, length: plants.shrub_row(rng, length_m=length),
}
