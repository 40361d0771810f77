"""Trees, hedges and bushes: hulls filled with a medium that beams go into before they return."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bevseg.simulation.materials import Material
from bevseg.simulation.shapes.mesh import Mesh, box, ellipsoid, joined, tube


def broadleaf_tree(rng: np.random.Generator) -> Mesh:
    """A trunk, sometimes a fork, and one to three overlapping crowns."""
    height = rng.uniform(4.0, 12.0)
    clear = rng.uniform(1.6, 0.45 * height + 0.5)
    radius = rng.uniform(0.06, 0.1) + 0.015 * height
    parts = [
        tube((0, 0, -0.2), (rng.uniform(-0.3, 0.3), 0, clear + 1.0), (radius, 0.7 * radius), Material.WOOD, sides=6)
    ]
    spread = rng.uniform(0.22, 0.38) * height
    for _ in range(int(rng.integers(1, 4))):
        shift = rng.uniform(-0.5, 0.5, 2) * spread
        radii = spread * rng.uniform(0.6, 1.0, 2)
        half = 0.5 * (height - clear) * rng.uniform(0.6, 1.0)
        parts.append(ellipsoid((shift[0], shift[1], clear + half), (radii[0], radii[1], half), Material.FOLIAGE))
    return joined(parts)


def conifer(rng: np.random.Generator) -> Mesh:
    """A cone of needles that starts near the ground."""
    height = rng.uniform(3.0, 12.0)
    clear = rng.uniform(0.1, 1.2)
    crown = tube((0, 0, clear), (0, 0, height), (rng.uniform(0.15, 0.25) * height, 0.05), Material.FOLIAGE, sides=7)
    return joined([tube((0, 0, -0.2), (0, 0, clear + 0.5), 0.14, Material.WOOD), crown])


def bare_tree(rng: np.random.Generator) -> Mesh:
    """A trunk with branches and no leaves."""
    height = rng.uniform(4.0, 9.0)
    parts = [tube((0, 0, -0.2), (0, 0, 0.7 * height), (0.15, 0.07), Material.WOOD, sides=6)]
    for _ in range(int(rng.integers(5, 10))):
        angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 0.3) * height
        low = rng.uniform(0.3, 0.7) * height
        end = (reach * np.cos(angle), reach * np.sin(angle), low + rng.uniform(0.1, 0.3) * height)
        parts.append(tube((0, 0, low), end, (0.06, 0.02), Material.WOOD, sides=3))
    return joined(parts)


def thicket(rng: np.random.Generator) -> Mesh:
    """A dense patch of trees and bushes, some metres long, whose leaves may reach the ground."""
    length, depth = rng.uniform(4.0, 12.0), rng.uniform(1.5, 5.0)
    parts = []
    for _ in range(int(rng.integers(4, 9))):
        x, y = rng.uniform(-0.5, 0.5) * length, rng.uniform(-0.5, 0.5) * depth
        radius, height = rng.uniform(0.7, 2.2), rng.uniform(1.0, 5.5)
        material = Material.FOLIAGE if rng.random() < 0.6 else Material.HEDGE
        parts.append(ellipsoid((x, y, 0.45 * height), (radius, radius, 0.55 * height), material))
        parts.append(tube((x, y, -0.2), (x, y, 0.5 * height), 0.06, Material.WOOD, sides=3))
    return joined(parts)


def bush(rng: np.random.Generator) -> Mesh:
    """One to four low crowns side by side."""
    parts = []
    for _ in range(int(rng.integers(1, 5))):
        x, y = rng.normal(0, 0.5, 2)
        radius, height = rng.uniform(0.3, 0.9), rng.uniform(0.4, 1.6)
        parts.append(ellipsoid((x, y, 0.4 * height), (radius, radius, 0.6 * height), Material.HEDGE, around=6, rings=2))
    return joined(parts)


def hedge(rng: np.random.Generator, *, length_m: float) -> Mesh:
    """A cut hedge along x; of the height and the width of a two-wheeler at its smallest, of a van at its tallest."""
    height, width = rng.uniform(0.5, 2.2), rng.uniform(0.4, 1.1)
    pieces = max(1, round(length_m / rng.uniform(1.5, 6.0)))
    edges = np.linspace(-length_m / 2, length_m / 2, pieces + 1)
    return joined(
        [
            box(
                ((a + b) / 2, rng.normal(0, 0.05), -0.1),
                (b - a, width * rng.uniform(0.85, 1.1), 0.1 + height * rng.uniform(0.85, 1.1)),
                Material.HEDGE,
            )
            for a, b in pairwise(edges)
        ]
    )


def shrub_row(rng: np.random.Generator, *, length_m: float) -> Mesh:
    """Low plants in a row, ragged in height."""
    parts = []
    for x in np.arange(-length_m / 2, length_m / 2, rng.uniform(0.6, 1.2)):
        radius, height = rng.uniform(0.25, 0.55), rng.uniform(0.3, 1.3)
        parts.append(
            ellipsoid(
                (x, rng.normal(0, 0.1), 0.4 * height), (radius, radius, 0.6 * height), Material.HEDGE, around=5, rings=2
            )
        )
    return joined(parts)
