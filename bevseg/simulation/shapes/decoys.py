"""What looks like an object from its outline and is none: of the size of vehicles, of people, and of cycles.

Real streets are full of them and no two are alike, so each is put together at random instead of being modelled.
"""

from __future__ import annotations

import numpy as np

from bevseg.simulation.materials import Material
from bevseg.simulation.shapes.mesh import Mesh, box, ellipsoid, joined, tube

_SOLID = (Material.CONCRETE, Material.BRICK, Material.WOOD, Material.PLASTIC, Material.METAL, Material.HEDGE)


def pile(rng: np.random.Generator) -> Mesh:
    """Boxes, crates and heaps, some on others: up to the size of a van, of no regular shape."""
    length, width, height = rng.uniform(1.0, 5.5), rng.uniform(0.5, 2.4), rng.uniform(0.5, 2.6)
    parts = []
    for _ in range(int(rng.integers(2, 7))):
        size = np.array([length, width, height]) * rng.uniform(0.25, 0.9, 3)
        place = (np.array([length, width]) - size[:2]) * rng.uniform(-0.5, 0.5, 2)
        lift = height * rng.uniform(0, 0.4) if rng.random() < 0.25 else 0.0
        material = _one_of(rng, _SOLID)
        if rng.random() < 0.75:
            turn = rng.normal(0, 0.15)
            parts.append(box((0, 0, lift), tuple(size.tolist()), material).turned(turn).moved((*place, 0)))
        else:
            parts.append(ellipsoid((*place, lift), (size[0] / 2, size[1] / 2, size[2]), material))
    return joined(parts)


def front(rng: np.random.Generator) -> Mesh:
    """A piece of a house front along x with what juts out of it: porch, bay, steps, columns, a niche between."""
    length, height, depth = rng.uniform(3.0, 11.0), rng.uniform(1.6, 4.0), rng.uniform(0.3, 2.0)
    material = _one_of(rng, (Material.CONCRETE, Material.BRICK, Material.WOOD))
    parts = [box((0, depth / 2, 0), (length, 0.25, height), material)]
    x = -length / 2
    while x < length / 2 - 0.5:
        width = rng.uniform(0.4, 3.0)
        kind = rng.random()
        if kind < 0.35:  # a bay or a porch with its side walls
            out = rng.uniform(0.3, 1.0) * depth
            parts.append(
                box((x + width / 2, (depth - out) / 2, 0), (width, out, height * rng.uniform(0.3, 1.0)), material)
            )
        elif kind < 0.55:  # steps
            for step in range(int(rng.integers(2, 6))):
                run = depth * (1 - step / 6)
                parts.append(box((x + width / 2, (depth - run) / 2, 0), (width, run, 0.17 * (step + 1)), material))
        elif kind < 0.7:
            parts.append(tube((x, -depth / 2, 0), (x, -depth / 2, height), rng.uniform(0.08, 0.25), material, sides=6))
        x += width + rng.uniform(0.3, 2.5)
    return joined(parts)


def corner(rng: np.random.Generator) -> Mesh:
    """Two low walls, hedges or fences that meet, as long as the sides of a car: an L seen from outside."""
    length, width = rng.uniform(1.5, 6.0), rng.uniform(0.8, 3.0)
    height, thickness = rng.uniform(0.6, 2.2), rng.uniform(0.1, 0.5)
    material = _one_of(rng, (*_SOLID, Material.HEDGE, Material.HEDGE))
    parts = [
        box((0, -width / 2, 0), (length, thickness, height), material),
        box((-length / 2, 0, 0), (thickness, width, height * rng.uniform(0.7, 1.1)), material),
    ]
    if rng.random() < 0.4:
        parts.append(box((length / 2, 0, 0), (thickness, width * rng.uniform(0.3, 1.0), height), material))
    return joined(parts)


def standing_thing(rng: np.random.Generator) -> Mesh:
    """As tall and as wide as a person: parking meter, pump, statue, sapling with its stake, wrapped parasol."""
    height, radius = rng.uniform(1.1, 2.1), rng.uniform(0.08, 0.4)
    material = _one_of(rng, _SOLID)
    kind = rng.random()
    if kind < 0.35:
        return tube((0, 0, 0), (0, 0, height), (radius, radius * rng.uniform(0.3, 1.2)), material, sides=6)
    if kind < 0.6:
        foot = tube((0, 0, 0), (0, 0, 0.6 * height), 0.06, Material.METAL, sides=4)
        return joined([foot, box((0, 0, 0.55 * height), (1.4 * radius, 1.8 * radius, 0.45 * height), material)])
    if kind < 0.8:
        stem = tube((0, 0, 0), (0, 0, 0.7 * height), 0.04, Material.WOOD, sides=4)
        crown = ellipsoid((0, 0, 0.7 * height), (radius, radius, 0.35 * height), Material.HEDGE, around=5, rings=2)
        return joined([stem, crown])
    return box((0, 0, 0), (1.6 * radius, 1.6 * radius, height), material)


def pilaster(rng: np.random.Generator) -> Mesh:
    """What juts out of a wall, as wide as a person: pilaster, downpipe, meter box, door frame. Outwards is x."""
    depth, width, height = rng.uniform(0.1, 0.5), rng.uniform(0.12, 0.8), rng.uniform(1.0, 4.5)
    material = _one_of(rng, (Material.CONCRETE, Material.BRICK, Material.METAL, Material.WOOD))
    if rng.random() < 0.2:
        return tube((0, 0, 0), (0, 0, height), rng.uniform(0.05, 0.15), material, sides=6)
    foot = box((0, 0, 0), (depth * 1.2, width * 1.2, rng.uniform(0.1, 0.6)), material)
    shaft = box((0, 0, 0), (depth, width, height), material)
    return joined([shaft, foot]) if rng.random() < 0.4 else shaft


def thin_row(rng: np.random.Generator) -> Mesh:
    """Rails, empty racks, low gates and railings: of the outline of a cycle, or of several side by side."""
    length, height = rng.uniform(1.0, 3.5), rng.uniform(0.6, 1.3)
    parts = [tube((-length / 2, 0, height), (length / 2, 0, height), 0.03, Material.METAL, sides=4)]
    parts += [
        tube((x, 0, 0), (x, rng.normal(0, 0.05), height), 0.025, Material.METAL, sides=4)
        for x in np.arange(-length / 2, length / 2 + 0.01, rng.uniform(0.15, 0.9))
    ]
    if rng.random() < 0.4:
        parts.append(box((0, 0, 0.2), (length * 0.8, 0.05, height * 0.6), Material.WIRE_MESH))
    return joined(parts)


def _one_of(rng: np.random.Generator, materials: tuple[Material, ...]) -> Material:
    return materials[int(rng.integers(len(materials)))]
