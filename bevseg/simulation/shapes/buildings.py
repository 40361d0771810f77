"""Facades with bays, recesses, glass and doors; walls, fences and other built things of car-like size."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bevseg.simulation.materials import Material
from bevseg.simulation.shapes.mesh import Mesh, box, joined, quad, tube

_ROOM_DEPTH_M = 4.0


def building(rng: np.random.Generator, *, length_m: float, depth_m: float) -> Mesh:
    """A block whose front looks to -y: bays with windows in up to three storeys, plain walls elsewhere.

    The front stands at y = -depth / 2; x runs along it. Beams that pass a pane meet a wall some metres behind.
    """
    material = Material.BRICK if rng.random() < 0.5 else Material.CONCRETE
    ground_m, storey_m = rng.uniform(2.8, 4.5), rng.uniform(2.6, 3.4)
    height = ground_m + storey_m * rng.integers(0, 6) + rng.uniform(0.2, 1.2)
    front = -depth_m / 2
    bays = max(1, round(length_m / rng.uniform(2.4, 5.0)))
    style = int(rng.integers(5))
    parts = [_shell(length_m, depth_m, height, material)]
    z = 0.0
    for storey in range(3):
        rise = ground_m if storey == 0 else storey_m
        if z + rise > height:
            break
        bay_style = style if storey == 0 else 1
        parts.append(_storey(rng, length_m, front, (z, z + rise), bays, bay_style, material))
        z += rise
    parts.append(_sheet(-length_m / 2, length_m / 2, front, (z, height), material))
    room_y = front + min(_ROOM_DEPTH_M, 0.8 * depth_m)
    parts.append(_sheet(-length_m / 2, length_m / 2, room_y, (0.0, z), Material.INTERIOR))
    if rng.random() < 0.25:
        parts.append(box((rng.uniform(-0.3, 0.3) * length_m, front - 0.6, 2.7), (4.0, 1.2, 0.15), Material.METAL))
    return joined(parts)


def house(rng: np.random.Generator) -> Mesh:
    """A small house with a porch or garage and a pitched roof; its front looks to -y."""
    length, depth, eaves = rng.uniform(7, 13), rng.uniform(6, 10), rng.uniform(2.6, 5.5)
    parts = [
        _shell(length, depth, eaves, Material.BRICK),
        _storey(rng, length, -depth / 2, (0.0, min(eaves, 3.0)), max(2, round(length / 3.2)), 1, Material.BRICK),
        _sheet(-length / 2, length / 2, -depth / 2, (min(eaves, 3.0), eaves), Material.BRICK),
        _sheet(-length / 2, length / 2, 0.0, (0.0, 2.5), Material.INTERIOR),
    ]
    ridge = eaves + rng.uniform(1.5, 3.0)
    for side in (-1, 1):
        roof = [(-length / 2, side * depth / 2, eaves), (length / 2, side * depth / 2, eaves)]
        roof += [(length / 2, 0, ridge), (-length / 2, 0, ridge)]
        parts.append(quad(np.array(roof), Material.BRICK))
    if rng.random() < 0.5:
        parts.append(box((0.25 * length, -depth / 2 - 1.2, 0), (3.2, 2.4, 2.4), Material.BRICK))
    return joined(parts)


def wall(length_m: float, height_m: float, material: Material) -> Mesh:
    """A free-standing wall along x."""
    return box((0, 0, -0.3), (length_m, 0.25, height_m + 0.3), material)


def chain_fence(length_m: float, height_m: float) -> Mesh:
    """Posts, a rail, and wire that most beams pass."""
    posts = [
        tube((x, 0, 0), (x, 0, height_m), 0.03, Material.METAL, sides=3)
        for x in np.linspace(-length_m / 2, length_m / 2, max(2, round(length_m / 3)))
    ]
    return joined([*posts, _sheet(-length_m / 2, length_m / 2, 0.0, (0.05, height_m), Material.WIRE_MESH)])


def picket_fence(length_m: float, height_m: float) -> Mesh:
    """Posts and two or three rails of wood."""
    posts = [
        box((x, 0, 0), (0.1, 0.1, height_m), Material.WOOD)
        for x in np.linspace(-length_m / 2, length_m / 2, max(2, round(length_m / 1.8)))
    ]
    rails = [box((0, 0, z * height_m), (length_m, 0.04, 0.14), Material.WOOD) for z in (0.25, 0.55, 0.85)]
    return joined([*posts, *rails])


def guard_rail(length_m: float) -> Mesh:
    """A steel rail at bumper height on posts."""
    posts = [
        box((x, 0, 0), (0.12, 0.1, 0.7), Material.METAL)
        for x in np.linspace(-length_m / 2, length_m / 2, max(2, round(length_m / 2.5)))
    ]
    return joined([*posts, box((0, 0, 0.45), (length_m, 0.12, 0.31), Material.METAL)])


def container(rng: np.random.Generator) -> Mesh:
    """Something of a vehicle's size that is none: skip, kiosk, shed, shipping container, generator."""
    size = _CONTAINER_SIZES[int(rng.integers(len(_CONTAINER_SIZES)))]
    length, width, height = (float(v * rng.uniform(0.85, 1.15)) for v in size)
    parts = [box((0, 0, 0), (length, width, height), Material.METAL)]
    if rng.random() < 0.3:
        parts.append(box((0, 0, height), (length + 0.6, width + 0.6, 0.12), Material.METAL))
    return joined(parts)


_CONTAINER_SIZES = (
    (3.6, 1.8, 1.5),
    (2.0, 1.2, 1.3),
    (6.1, 2.4, 2.6),
    (2.8, 2.2, 2.5),
    (1.2, 0.6, 1.3),
    (4.5, 0.9, 1.2),
)


def bus_shelter(rng: np.random.Generator) -> Mesh:
    """A roof on posts with panes at the back and the ends; open to -y."""
    length, depth = rng.uniform(3.0, 5.5), rng.uniform(1.3, 1.8)
    half = depth / 2
    parts = [
        box((0, 0, 2.35), (length, depth, 0.12), Material.METAL),
        _sheet(-length / 2, length / 2, half, (0.2, 2.2), Material.WINDOW),
        box((0, half - 0.3, 0.4), (0.7 * length, 0.35, 0.06), Material.METAL),
    ]
    for x in (-length / 2, length / 2):
        ends = [(x, -half, 0.2), (x, half, 0.2), (x, half, 2.2), (x, -half, 2.2)]
        parts.append(quad(np.array(ends), Material.WINDOW))
        parts += [box((x, y, 0), (0.08, 0.08, 2.35), Material.METAL) for y in (-half, half)]
    return joined(parts)


def _sheet(x_0: float, x_1: float, y: float, z: tuple[float, float], material: Material) -> Mesh:
    return quad(np.array([(x_0, y, z[0]), (x_1, y, z[0]), (x_1, y, z[1]), (x_0, y, z[1])]), material)


def _shell(length: float, depth: float, height: float, material: Material) -> Mesh:
    """Back and side walls, from a little below the ground."""
    x, y = length / 2, depth / 2
    back = _sheet(-x, x, y, (-0.5, height), material)
    sides = [quad(np.array([(e, -y, -0.5), (e, y, -0.5), (e, y, height), (e, -y, height)]), material) for e in (-x, x)]
    return joined([back, *sides])


def _storey(
    rng: np.random.Generator,
    length: float,
    front: float,
    z: tuple[float, float],
    bays: int,
    style: int,
    material: Material,
) -> Mesh:
    """One row of bays. Styles: 0 shop front, 1 windows, 2 doors and garages, 3 arcade, 4 plain wall with ribs."""
    edges = np.linspace(-length / 2, length / 2, bays + 1)
    low, high = z[0] - (0.5 if z[0] == 0 else 0.0), z[1]
    parts = []
    for a, b in pairwise(edges):
        pier = 0.12 * (b - a)
        left, right = a + pier, b - pier
        parts.append(_sheet(a, left, front, (low, high), material))
        parts.append(_sheet(right, b, front, (low, high), material))
        chosen = style if rng.random() < 0.8 else int(rng.integers(5))
        sill, lintel, recess, pane = _opening(rng, chosen, z, material)
        inner = front + recess
        parts.append(_sheet(left, right, inner, (sill, lintel), pane))
        parts.append(_sheet(left, right, front, (low, sill), material))
        parts.append(_sheet(left, right, front, (lintel, high), material))
        if recess > 0.3:
            for x in (left, right):
                cheek = [(x, front, low), (x, inner, low), (x, inner, high), (x, front, high)]
                parts.append(quad(np.array(cheek), material))
    return joined(parts)


def _opening(
    rng: np.random.Generator, style: int, z: tuple[float, float], wall_material: Material
) -> tuple[float, float, float, Material]:
    """Sill height, lintel height, recess and material of what fills one bay."""
    low, rise = z[0], z[1] - z[0]
    match style:
        case 0:
            return low + 0.15 * rise, low + 0.85 * rise, rng.uniform(0.0, 0.3), Material.WINDOW
        case 1:
            return low + 0.33 * rise, low + 0.8 * rise, rng.uniform(0.05, 0.3), Material.WINDOW
        case 2:
            return low, low + 0.75 * rise, rng.uniform(0.2, 1.5), Material.WOOD
        case 3:
            return low, low + 0.85 * rise, rng.uniform(1.5, 3.0), Material.WINDOW
        case _:
            return low, low + rise, rng.uniform(0.0, 0.4), wall_material
