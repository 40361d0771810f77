"""What stands on sidewalks and is no object to find: poles, signs, bins, benches, boxes."""

from __future__ import annotations

import numpy as np

from bevseg.simulation.materials import Material
from bevseg.simulation.shapes.mesh import Mesh, box, joined, tube


def lamp_post(rng: np.random.Generator) -> Mesh:
    """A tall pole, most with an arm; its foot is thicker."""
    height, radius = rng.uniform(5.0, 9.0), rng.uniform(0.06, 0.14)
    parts = [tube((0, 0, -0.2), (0, 0, height), (radius * 1.3, radius), Material.METAL, sides=6)]
    if rng.random() < 0.6:
        parts.append(tube((0, 0, height), (0, -2.0, height + 0.3), 0.05, Material.METAL, sides=4))
    if rng.random() < 0.3:
        parts.append(box((0, 0, 0), (0.35, 0.35, 0.6), Material.METAL))
    return joined(parts)


def sign_post(rng: np.random.Generator) -> Mesh:
    """A thin pole with one or two plates that shine back."""
    height = rng.uniform(2.2, 3.2)
    parts = [tube((0, 0, 0), (0, 0, height), 0.035, Material.METAL, sides=4)]
    for k in range(int(rng.integers(1, 3))):
        side = rng.uniform(0.4, 0.8)
        parts.append(box((0.04, 0, height - (k + 1) * 0.75), (0.02, side, 0.65), Material.RETRO))
    return joined(parts)


def traffic_light(rng: np.random.Generator) -> Mesh:
    """A pole with a lamp box, half of them with a mast arm over the road."""
    parts = [
        tube((0, 0, 0), (0, 0, 3.6), 0.09, Material.METAL, sides=6),
        box((0.15, 0, 2.5), (0.25, 0.35, 0.95), Material.DARK),
    ]
    if rng.random() < 0.5:
        parts.append(tube((0, 0, 5.6), (0, -5.0, 5.8), 0.08, Material.METAL, sides=4))
        parts.append(tube((0, 0, 3.5), (0, 0, 5.7), 0.1, Material.METAL, sides=5))
        parts.append(box((0.1, -4.5, 5.0), (0.25, 0.35, 0.95), Material.DARK))
    return joined(parts)


def billboard(rng: np.random.Generator) -> Mesh:
    """A large plate on two legs; now and then its lower edge is at the height of a car."""
    width, low = rng.uniform(1.5, 5.0), rng.uniform(0.4, 2.5)
    parts = [box((0, y * width / 2, 0), (0.1, 0.1, low + 1.6), Material.METAL) for y in (-0.8, 0.8)]
    return joined([*parts, box((0, 0, low), (0.1, width, rng.uniform(1.0, 2.0)), Material.PLASTIC)])


def bin_or_box(rng: np.random.Generator) -> Mesh:
    """Waste bin, letter box, hydrant, cabinet, parcel: between 0.3 and 1.5 m."""
    height = rng.uniform(0.4, 1.5)
    if rng.random() < 0.4:
        return tube((0, 0, 0), (0, 0, height), rng.uniform(0.12, 0.35), Material.METAL, sides=7)
    parts = [box((0, 0, 0), (rng.uniform(0.25, 0.9), rng.uniform(0.25, 0.8), height), Material.PLASTIC)]
    if rng.random() < 0.3:
        parts.append(box((rng.uniform(0.6, 0.9), 0, 0), (0.6, 0.6, 1.05), Material.PLASTIC))
    return joined(parts)


def bench(rng: np.random.Generator) -> Mesh:
    """A seat with or without a back; also stands for a low table."""
    length = rng.uniform(1.4, 2.4)
    parts = [box((0, 0, 0.42), (length, 0.45, 0.06), Material.WOOD)]
    parts += [box((x * length, 0, 0), (0.08, 0.4, 0.42), Material.METAL) for x in (-0.4, 0.4)]
    if rng.random() < 0.6:
        parts.append(box((0, 0.2, 0.6), (length, 0.05, 0.3), Material.WOOD))
    return joined(parts)


def bollards(rng: np.random.Generator) -> Mesh:
    """A row of short posts along x."""
    height, radius = rng.uniform(0.5, 1.1), rng.uniform(0.05, 0.14)
    count, gap = int(rng.integers(2, 7)), rng.uniform(1.0, 2.0)
    return joined(
        [
            tube((x, 0, 0), (x, 0, height), radius, Material.METAL, sides=5)
            for x in (np.arange(count) - (count - 1) / 2) * gap
        ]
    )


def planter(rng: np.random.Generator) -> Mesh:
    """A tub of concrete with a plant in it."""
    length, height = rng.uniform(0.6, 3.0), rng.uniform(0.4, 0.8)
    tub = box((0, 0, 0), (length, 0.6, height), Material.CONCRETE)
    return joined([tub, box((0, 0, height), (0.9 * length, 0.5, rng.uniform(0.2, 0.9)), Material.HEDGE)])


def clutter(rng: np.random.Generator) -> Mesh:
    """A heap of boxes and boards, as on building sites and behind shops."""
    heap = []
    for _ in range(int(rng.integers(2, 7))):
        length, width, height = rng.uniform(0.2, 1.3, 3)
        piece = box((0, 0, 0), (length, width, height), Material.WOOD).turned(rng.uniform(0, np.pi))
        heap.append(piece.moved((rng.normal(0, 0.7), rng.normal(0, 0.7), 0)))
    return joined(heap)
