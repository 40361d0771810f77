"""Trucks, trailers, buses and construction vehicles, in several odd forms."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bevseg.simulation.materials import Material
from bevseg.simulation.shapes.mesh import Mesh, box, joined, prism, quad, tube, wheel


def box_truck(rng: np.random.Generator) -> Mesh:
    """A cab and a closed body with a gap between them."""
    length, width, height = rng.uniform(6.0, 9.0), rng.uniform(2.2, 2.55), rng.uniform(2.6, 3.7)
    cab_length = rng.uniform(1.6, 2.1)
    body_length = length - cab_length - 0.15
    body = box((-length / 2 + body_length / 2, 0, 0.95), (body_length, width, height - 0.95), Material.PAINT)
    cab = _cab(front_x=length / 2, length=cab_length, width=width * 0.93, height=min(height, rng.uniform(2.2, 2.8)))
    frame = box((0, 0, 0.6), (length * 0.96, 0.9, 0.35), Material.DARK)
    return joined([body, cab, frame, *_axles((-0.28 * length, length / 2 - 1.1), width, 0.45)])


def step_van(rng: np.random.Generator) -> Mesh:
    """A one-box delivery van."""
    length, width, height = rng.uniform(5.8, 7.2), rng.uniform(2.0, 2.35), rng.uniform(2.5, 3.0)
    outline = np.array([(-0.5, 0.16), (0.5, 0.16), (0.5, 0.38), (0.44, 0.5), (0.33, 0.97), (0.3, 1.0), (-0.5, 1.0)]) * [
        length,
        height,
    ]
    pane = np.array([(0.442, -0.45, 0.52), (0.442, 0.45, 0.52), (0.345, 0.42, 0.92), (0.345, -0.42, 0.92)])
    glass = quad(pane * [length, width, height] + [0.02, 0, 0.02], Material.DARK)
    return joined([prism(outline, width, Material.PAINT), glass, *_axles((-0.3 * length, 0.32 * length), width, 0.38)])


def flatbed_truck(rng: np.random.Generator) -> Mesh:
    """A cab and an open bed with or without a load."""
    length, width = rng.uniform(6.0, 9.0), rng.uniform(2.2, 2.5)
    bed_length = length - 2.2
    bed_x = -length / 2 + bed_length / 2
    parts = [
        box((bed_x, 0, 0.9), (bed_length, width, 0.2), Material.METAL),
        _cab(front_x=length / 2, length=2.0, width=width * 0.95, height=rng.uniform(2.4, 3.0)),
        *_axles((-0.3 * length, length / 2 - 1.1), width, 0.45),
    ]
    if rng.random() < 0.5:
        load = (bed_length * rng.uniform(0.4, 0.9), width * 0.8, rng.uniform(0.5, 1.6))
        parts.append(box((bed_x, 0, 1.1), load, Material.WOOD))
    else:
        parts += [box((bed_x, y * width / 2, 1.1), (bed_length, 0.05, 0.4), Material.METAL) for y in (-1, 1)]
    return joined(parts)


def dump_truck(rng: np.random.Generator) -> Mesh:
    """A tipper with a tub whose sides lean outwards."""
    length, width, height = rng.uniform(6.5, 8.5), 2.5, rng.uniform(2.9, 3.4)
    tub_length = length - 2.3
    tub = np.array([(-0.5, 0.4), (0.42, 0.4), (0.5, 1.0), (-0.54, 1.0)]) * [tub_length, height]
    tub[:, 0] += -length / 2 + tub_length * 0.55
    parts = [
        prism(tub, width, Material.PAINT),
        _cab(front_x=length / 2, length=2.1, width=2.4, height=height * 0.92),
        box((0, 0, 0.6), (length * 0.95, 0.9, 0.4), Material.DARK),
    ]
    return joined([*parts, *_axles((-0.38 * length, -0.22 * length, length / 2 - 1.2), width, 0.5)])


def tractor_unit(rng: np.random.Generator) -> Mesh:
    """The part of a semi that pulls: a high cab over a bare frame."""
    length, width, height = rng.uniform(5.8, 7.0), 2.5, rng.uniform(3.0, 3.8)
    bonnet = rng.random() < 0.5
    cab_front = length / 2 - (1.5 if bonnet else 0.0)
    parts = [
        _cab(front_x=cab_front, length=rng.uniform(2.0, 2.6), width=width, height=height),
        box((-0.05 * length, 0, 0.65), (length * 0.9, 1.0, 0.35), Material.DARK),
        *_axles((-0.4 * length, -0.22 * length, length / 2 - 1.2), width, 0.5),
    ]
    if bonnet:
        parts.append(box((length / 2 - 0.75, 0, 0.6), (1.5, 1.8, 1.3), Material.PAINT))
    return joined(parts)


def tank_truck(rng: np.random.Generator) -> Mesh:
    """A cab and a round tank (fuel, water, concrete mixer)."""
    length, width = rng.uniform(7.0, 9.0), 2.45
    radius = rng.uniform(0.9, 1.15)
    parts = [
        tube((-length / 2, 0, 1.1 + radius), (length / 2 - 2.4, 0, 1.1 + radius), radius, Material.METAL, sides=10),
        _cab(front_x=length / 2, length=2.1, width=2.35, height=2.9),
        box((0, 0, 0.6), (length * 0.95, 1.0, 0.5), Material.DARK),
    ]
    return joined([*parts, *_axles((-0.35 * length, -0.2 * length, length / 2 - 1.2), width, 0.5)])


def box_trailer(rng: np.random.Generator) -> Mesh:
    """A closed semi-trailer: a long box high above the road, wheels far back, landing legs in front."""
    length, width, height = rng.uniform(9.0, 14.5), rng.uniform(2.5, 2.9), rng.uniform(3.6, 4.1)
    parts = [box((0, 0, 1.1), (length, width, height - 1.1), Material.PAINT)]
    parts += [box((0.25 * length, y, 0), (0.15, 0.15, 1.1), Material.METAL) for y in (-0.8, 0.8)]
    if rng.random() < 0.5:
        parts += [
            box((-0.02 * length, y * width / 2, 0.45), (0.35 * length, 0.04, 0.6), Material.METAL) for y in (-1, 1)
        ]
    return joined([*parts, *_axles((-0.42 * length, -0.33 * length), width, 0.5)])


def flat_trailer(rng: np.random.Generator) -> Mesh:
    """A flat semi-trailer, half of them with a load of one to three pieces."""
    length, width = rng.uniform(9.0, 13.5), 2.5
    parts = [box((0, 0, 1.0), (length, width, 0.3), Material.METAL)]
    parts.append(box((0.495 * length, 0, 1.3), (0.1, width, 1.2), Material.METAL))
    parts += [
        box((x * length, 0, 1.3), (0.25 * length, 2.2, rng.uniform(0.6, 2.4)), Material.WOOD)
        for x in np.linspace(-0.3, 0.3, int(rng.integers(0, 4)))
    ]
    return joined([*parts, *_axles((-0.42 * length, -0.33 * length), width, 0.5)])


def small_trailer(rng: np.random.Generator) -> Mesh:
    """What a car pulls: a tub or a small closed box on one axle, with a drawbar."""
    length, width = rng.uniform(3.0, 5.5), rng.uniform(1.6, 2.2)
    height = rng.choice([0.7, 1.5, 2.0])
    parts = [
        box((-0.12 * length, 0, 0.5), (0.76 * length, width, height), Material.METAL),
        box((0.38 * length, 0, 0.45), (0.24 * length, 0.1, 0.1), Material.DARK),
    ]
    return joined([*parts, *_axles((-0.15 * length,), width, 0.32)])


def city_bus(rng: np.random.Generator) -> Mesh:
    """A low-floor bus: sheet below, a band of windows, a roof with boxes on it."""
    length, width, height = rng.uniform(10.5, 12.5), rng.uniform(2.5, 2.95), rng.uniform(3.0, 3.5)
    return _bus(length, width, height, window_z=(0.38, 0.82), roof_box=rng.random() < 0.6)


def bus_section(rng: np.random.Generator, *, rear: bool) -> Mesh:
    """One of the two sections of an articulated bus; the rear one has the bellows in front."""
    length = rng.uniform(6.3, 7.3) if rear else rng.uniform(9.3, 10.5)
    width, height = rng.uniform(2.5, 2.65), rng.uniform(3.0, 3.4)
    section = _bus(length, width, height, window_z=(0.38, 0.82), roof_box=not rear)
    if not rear:
        return section
    ahead = length / 2
    bellows = tube((ahead, 0, height / 2), (ahead + 0.8, 0, height / 2), 0.5 * width, Material.CLOTH, sides=8)
    return joined([section, bellows])


def coach(rng: np.random.Generator) -> Mesh:
    """A high coach for travel."""
    length, width, height = rng.uniform(11.0, 13.5), rng.uniform(2.5, 2.9), rng.uniform(3.4, 3.9)
    return _bus(length, width, height, window_z=(0.5, 0.88), roof_box=False)


def minibus(rng: np.random.Generator) -> Mesh:
    """A shuttle of half the length."""
    length, width, height = rng.uniform(6.5, 8.5), rng.uniform(2.1, 2.5), rng.uniform(2.6, 3.0)
    return _bus(length, width, height, window_z=(0.42, 0.82), roof_box=rng.random() < 0.3)


def excavator(rng: np.random.Generator) -> Mesh:
    """Tracks, a turning house with a cab, and an arm that reaches out in front."""
    parts = [box((0, y, 0), (rng.uniform(3.2, 4.0), 0.55, 0.85), Material.DARK) for y in (-1.1, 1.1)]
    parts.append(box((-0.5, 0, 0.95), (2.6, 2.5, 1.1), Material.PAINT))
    parts.append(box((0.5, 0.75, 0.95), (1.5, 0.95, 1.75), Material.PAINT))
    elbow_x, elbow_z = rng.uniform(2.0, 3.0), rng.uniform(3.0, 4.2)
    hand_x, hand_z = elbow_x + rng.uniform(0.4, 1.6), rng.uniform(0.5, 1.5)
    parts.append(tube((0.8, -0.2, 1.5), (elbow_x, -0.2, elbow_z), 0.25, Material.PAINT))
    parts.append(tube((elbow_x, -0.2, elbow_z), (hand_x, -0.2, hand_z), 0.2, Material.PAINT))
    parts.append(box((hand_x, -0.2, max(hand_z - 0.7, 0)), (0.8, 1.0, 0.7), Material.METAL))
    return joined(parts)


def wheel_loader(rng: np.random.Generator) -> Mesh:
    """Four big wheels, a cab in the middle, a bucket in front."""
    bucket_z = rng.uniform(0.05, 1.5)
    parts = [
        box((-1.4, 0, 0.8), (2.8, 1.9, 1.3), Material.PAINT),
        box((0.1, 0, 0.9), (1.3, 1.5, 2.4), Material.PAINT),
        box((1.5, 0, 0.8), (1.6, 0.9, 0.7), Material.DARK),
        box((3.0, 0, bucket_z), (1.1, 2.7, 1.0), Material.METAL),
    ]
    parts += [tube((1.2, y, 1.3), (2.7, y, bucket_z + 0.5), 0.12, Material.PAINT) for y in (-0.6, 0.6)]
    parts += [wheel((x, y, 0.75), 0.75, 0.6) for x in (-1.5, 1.5) for y in (-1.1, 1.1)]
    return joined(parts)


def bulldozer(rng: np.random.Generator) -> Mesh:
    """Tracks, a cab and a blade."""
    parts = [box((0, y, 0), (3.6, 0.6, 1.0), Material.DARK) for y in (-1.05, 1.05)]
    parts.append(box((0.7, 0, 0.6), (1.9, 1.2, 1.2), Material.PAINT))
    parts.append(box((-0.7, 0, 0.8), (1.5, 1.6, rng.uniform(1.8, 2.3)), Material.PAINT))
    parts.append(box((2.4, 0, rng.uniform(0, 0.4)), (0.3, 3.1, 1.1), Material.METAL))
    return joined(parts)


def road_roller(rng: np.random.Generator) -> Mesh:
    """A drum in front, a canopy in the middle."""
    parts = [
        tube((1.5, -1.0, 0.65), (1.5, 1.0, 0.65), 0.65, Material.METAL, sides=10),
        box((-0.9, 0, 0.6), (2.4, 1.7, 1.0), Material.PAINT),
        box((-0.2, 0, rng.uniform(2.5, 2.9)), (1.6, 1.5, 0.12), Material.PAINT),
    ]
    parts += [box((x, y, 1.5), (0.07, 0.07, 1.1), Material.METAL) for x in (-0.9, 0.5) for y in (-0.7, 0.7)]
    return joined([*parts, *(wheel((-1.4, y, 0.65), 0.65, 0.5) for y in (-0.85, 0.85))])


def forklift(rng: np.random.Generator) -> Mesh:
    """A short truck with a mast, also standing for other small machines."""
    mast = rng.uniform(2.0, 3.2)
    parts = [
        box((-0.4, 0, 0.3), (1.9, 1.2, 0.8), Material.PAINT),
        box((-0.3, 0, 2.0), (1.2, 1.1, 0.08), Material.DARK),
        box((0.7, 0.4, 0.1), (0.12, 0.12, mast), Material.METAL),
        box((0.7, -0.4, 0.1), (0.12, 0.12, mast), Material.METAL),
        box((1.3, 0, 0.2), (1.1, 0.9, 0.08), Material.METAL),
    ]
    parts += [box((x, y, 1.1), (0.06, 0.06, 0.95), Material.METAL) for x in (-0.8, 0.25) for y in (-0.5, 0.5)]
    return joined([*parts, *(wheel((x, y, 0.3), 0.3, 0.25) for x in (-0.9, 0.4) for y in (-0.55, 0.55))])


def _cab(*, front_x: float, length: float, width: float, height: float) -> Mesh:
    """A cab whose windscreen lies a little back; its side windows and screen are glass over a dark inside."""
    outline = np.array([(-1.0, 0.2), (0.0, 0.2), (0.0, 0.52), (-0.1, 0.97), (-0.15, 1.0), (-1.0, 1.0)])
    shell = prism(outline * [length, height] + [front_x, 0], width, Material.PAINT)
    screen = np.array([(0.0, -0.46, 0.55), (0.0, 0.46, 0.55), (-0.09, 0.45, 0.93), (-0.09, -0.45, 0.93)])
    screen = screen * [length, width, height] + [front_x + 0.03, 0, 0]
    return joined([shell, quad(screen, Material.DARK)])


def _axles(xs: tuple[float, ...], width: float, radius_m: float) -> list[Mesh]:
    return [wheel((x, side * (width / 2 - 0.15), radius_m), radius_m, 0.3) for x in xs for side in (-1, 1)]


def _bus(length: float, width: float, height: float, *, window_z: tuple[float, float], roof_box: bool) -> Mesh:
    low, high = window_z[0] * height, window_z[1] * height
    shell = [
        box((0, 0, 0.3), (length, width, low - 0.3), Material.PAINT),
        box((0, 0, high), (length, width * 0.98, height - high - (0.25 if roof_box else 0.0)), Material.PAINT),
        box((0, 0, low), (length * 0.8, width * 0.5, 0.5 * (high - low)), Material.INTERIOR),
    ]
    panes = max(3, round(length / 1.6))
    edges = np.linspace(-length / 2, length / 2, panes + 1)
    for y in (-width / 2, width / 2):
        for a, b in pairwise(edges):
            corners = [(a + 0.12, y, low), (b, y, low), (b, y, high), (a + 0.12, y, high)]
            shell.append(quad(np.array(corners), Material.GLASS))
            shell.append(box((a + 0.06, y * 0.98, low), (0.12, 0.08, high - low), Material.PAINT))
    for x in (-length / 2, length / 2):
        corners = [(x, y, z) for y, z in ((-width / 2, low), (width / 2, low), (width / 2, high), (-width / 2, high))]
        shell.append(quad(np.array(corners), Material.GLASS))
    if roof_box:
        shell.append(box((-0.1 * length, 0, height - 0.25), (0.35 * length, 0.7 * width, 0.25), Material.PLASTIC))
    return joined([*shell, *_axles((-0.28 * length, 0.3 * length), width, 0.48)])
