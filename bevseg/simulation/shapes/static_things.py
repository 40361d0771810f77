"""Traffic cones and barriers: things that stand in rows. A barrier is short along its heading and wide across it."""

from __future__ import annotations

import numpy as np

from bevseg.simulation.materials import Material
from bevseg.simulation.shapes.mesh import Mesh, box, joined, prism, tube


def cone(rng: np.random.Generator) -> Mesh:
    """A cone on a square foot with one band that shines."""
    height = rng.uniform(0.7, 1.1)
    band = 0.55 * height
    return joined(
        [
            box((0, 0, 0), (0.4, 0.4, 0.04), Material.RUBBER),
            tube((0, 0, 0.04), (0, 0, band), (0.16, 0.1), Material.PLASTIC, sides=8),
            tube((0, 0, band), (0, 0, band + 0.15), (0.1, 0.075), Material.RETRO, sides=8),
            tube((0, 0, band + 0.15), (0, 0, height), (0.075, 0.025), Material.PLASTIC, sides=8),
        ]
    )


def channelizer(rng: np.random.Generator) -> Mesh:
    """A drum or a post on a foot, used as cones are."""
    height = rng.uniform(0.9, 1.2)
    radius = rng.choice([0.05, 0.22])
    return joined(
        [
            box((0, 0, 0), (0.42, 0.42, 0.06), Material.RUBBER),
            tube((0, 0, 0.06), (0, 0, 0.6 * height), radius, Material.PLASTIC, sides=8),
            tube((0, 0, 0.6 * height), (0, 0, height), radius * 0.9, Material.RETRO, sides=8),
        ]
    )


def jersey_barrier(rng: np.random.Generator) -> Mesh:
    """A concrete or plastic wall element with a broad foot."""
    material = Material.CONCRETE if rng.random() < 0.5 else Material.PLASTIC
    outline = np.array(
        [(-0.3, 0), (0.3, 0), (0.28, 0.12), (0.14, 0.3), (0.09, 0.9), (-0.09, 0.9), (-0.14, 0.3), (-0.28, 0.12)]
    )
    return prism(outline, rng.uniform(1.8, 3.2), material)


def fence_barrier(rng: np.random.Generator) -> Mesh:
    """A crowd-control fence: a frame with bars, on two feet."""
    width, height = rng.uniform(2.0, 2.6), 1.1
    parts = [box((0, y * width / 2, 0.1), (0.04, 0.05, height - 0.1), Material.METAL) for y in (-0.98, 0.98)]
    parts += [box((0, 0, z), (0.04, width, 0.05), Material.METAL) for z in (0.15, height - 0.05)]
    parts += [box((0, y, 0), (0.5, 0.05, 0.12), Material.METAL) for y in (-0.35 * width, 0.35 * width)]
    parts += [box((0, y * width, 0.2), (0.02, 0.02, height - 0.25), Material.METAL) for y in np.linspace(-0.4, 0.4, 9)]
    return joined(parts)


def plank_barrier(rng: np.random.Generator) -> Mesh:
    """Two A-shaped legs with one or two striped planks."""
    width, height = rng.uniform(1.4, 2.6), rng.uniform(0.9, 1.15)
    parts = []
    for y in (-0.42 * width, 0.42 * width):
        parts += [tube((x, y, 0), (0, y, height), 0.03, Material.METAL, sides=4) for x in (-0.25, 0.25)]
    planks = (0.55, 0.8) if rng.random() < 0.6 else (0.78,)
    parts += [box((0, 0, z * height), (0.05, width, 0.2), Material.PLASTIC) for z in planks]
    return joined(parts)
