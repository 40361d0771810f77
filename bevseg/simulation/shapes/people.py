"""Pedestrians, and bicycles and motorcycles with and without a rider."""

from __future__ import annotations

import numpy as np

from bevseg.simulation.materials import Material
from bevseg.simulation.shapes.mesh import Mesh, Vector, box, ellipsoid, joined, tube


def pedestrian(rng: np.random.Generator, *, stride: float | None = None) -> Mesh:
    """A person in mid-step: legs apart by `stride` (-1..1 of a full step, random if None), arms swung against it."""
    height = rng.uniform(1.55, 1.92)
    swing = float(rng.uniform(-1, 1)) if stride is None else stride
    hip, shoulder = 0.49 * height, 0.81 * height
    step = 0.22 * height * swing
    parts = [
        tube((step, 0.09, 0.0), (0.02, 0.09, hip), (0.06, 0.09), Material.CLOTH),
        tube((-step, -0.09, 0.0), (0.02, -0.09, hip), (0.06, 0.09), Material.CLOTH),
        _torso(hip, shoulder, depth=rng.uniform(0.11, 0.17), half_width=rng.uniform(0.17, 0.25)),
        ellipsoid((0.02, 0, 0.93 * height), (0.1, 0.08, 0.07 * height), Material.SKIN),
    ]
    for side, reach in ((1, -step), (-1, step)):
        hand = (0.8 * reach + rng.uniform(0, 0.15), side * rng.uniform(0.26, 0.36), 0.47 * height)
        parts.append(tube((0, side * 0.21, shoulder), hand, 0.05, Material.CLOTH, sides=4))
    if rng.random() < 0.25:
        parts.append(box((-0.22, 0, 0.55 * height), (0.18, 0.3, 0.24 * height), Material.CLOTH))
    return joined(parts)


def standing_person(rng: np.random.Generator) -> Mesh:
    """A person at rest: legs together or under a coat, arms at the body, folded, or one hand up with a phone."""
    height = rng.uniform(1.5, 1.92)
    hip, shoulder, half_width = 0.49 * height, 0.81 * height, rng.uniform(0.17, 0.26)
    depth, lean = rng.uniform(0.11, 0.2), rng.normal(0, 0.04)
    parts = [
        _torso(hip, shoulder, depth=depth, half_width=half_width),
        ellipsoid((0.02, 0, 0.93 * height), (0.1, 0.08, 0.07 * height), Material.SKIN),
    ]
    if rng.random() < 0.4:  # a coat or a skirt
        hem = rng.uniform(0.1, 0.4) * height
        parts.append(tube((0, 0, hem), (0, 0, 0.6 * height), (rng.uniform(0.18, 0.28), 0.15), Material.CLOTH, sides=6))
        parts.append(tube((0, 0, 0), (0, 0, hem), 0.11, Material.CLOTH, sides=5))
    else:
        stance = rng.uniform(0.06, 0.16)
        for side in (1, -1):
            foot = (rng.normal(0, 0.06), side * stance, 0.0)
            parts.append(tube(foot, (0, side * 0.09, hip), (0.06, 0.09), Material.CLOTH))
    for side in (1, -1):
        hand = (
            (rng.uniform(0.1, 0.35), side * rng.uniform(0.0, 0.15), rng.uniform(0.62, 0.85) * height)
            if rng.random() < 0.4
            else (rng.uniform(-0.05, 0.1), side * (half_width + rng.uniform(0.0, 0.06)), 0.48 * height)
        )
        parts.append(tube((0, side * (half_width - 0.02), shoulder), hand, 0.05, Material.CLOTH, sides=4))
    return joined(parts).pitched(lean)


def laden_person(rng: np.random.Generator) -> Mesh:
    """A person with a suitcase, bags in both hands, a shopping cart, or an open umbrella."""
    person = pedestrian(rng, stride=float(rng.uniform(-0.5, 0.5)))
    load = rng.random()
    if load < 0.35:
        case = box((-0.5, 0.15, 0.05), (0.25, 0.4, rng.uniform(0.5, 0.75)), Material.PLASTIC)
        return joined([person, case, tube((-0.5, 0.15, 0.5), (-0.1, 0.3, 0.85), 0.02, Material.METAL, sides=3)])
    if load < 0.65:
        return joined([person, *(box((0, y, 0.25), (0.35, 0.16, 0.4), Material.CLOTH) for y in (-0.38, 0.38))])
    if load < 0.8:
        cart = [
            box((0.75, 0, 0.45), (0.75, 0.5, 0.5), Material.WIRE_MESH),
            box((0.75, 0, 0.2), (0.7, 0.45, 0.06), Material.METAL),
        ]
        return joined([person, *cart])
    shade = tube((0.1, 0, 1.85), (0.1, 0, 2.1), (rng.uniform(0.4, 0.55), 0.05), Material.CLOTH, sides=8)
    return joined([person, shade, tube((0.15, 0.1, 1.0), (0.1, 0, 1.95), 0.015, Material.METAL, sides=3)])


def sitting_person(rng: np.random.Generator) -> Mesh:
    """A person on a bench or in a wheelchair: thighs level, back upright."""
    seat = rng.uniform(0.42, 0.52)
    return joined(
        [
            *_legs(hip=(0.0, seat), knee=(0.42, seat), foot=(0.45, 0.0), spread=0.1),
            _torso(seat, seat + 0.58, depth=0.15, half_width=0.21),
            ellipsoid((0.02, 0, seat + 0.75), (0.1, 0.08, 0.13), Material.SKIN),
        ]
    )


def bicycle(rng: np.random.Generator) -> Mesh:
    """A parked bicycle that leans a little: two spoked wheels, a frame of tubes, a handlebar."""
    frame = _bicycle_frame(rng.uniform(0.3, 0.36), base=rng.uniform(1.0, 1.12))
    return frame.rolled(rng.uniform(-0.15, 0.15))


def ridden_bicycle(rng: np.random.Generator) -> Mesh:
    """A bicycle with its rider, who belongs to the object."""
    lean = rng.uniform(0.1, 0.35)
    seat = rng.uniform(0.88, 0.98)
    return joined(
        [_bicycle_frame(0.34, base=1.05), *_rider(seat, lean=lean, seat_x=-0.22, foot_z=0.2, hands=(0.36, 1.05))]
    )


def motorcycle(rng: np.random.Generator) -> Mesh:
    """A parked motorcycle."""
    return joined(_motorcycle_parts(rng))


def ridden_motorcycle(rng: np.random.Generator) -> Mesh:
    """A motorcycle with its rider, sometimes with a second one behind."""
    parts = [
        *_motorcycle_parts(rng),
        *_rider(0.78, lean=rng.uniform(0.0, 0.3), seat_x=-0.15, foot_z=0.3, hands=(0.4, 1.02)),
    ]
    if rng.random() < 0.2:
        parts += _rider(0.82, lean=0.05, seat_x=-0.5, foot_z=0.35, hands=(-0.15, 1.1))
    return joined(parts)


def scooter(rng: np.random.Generator) -> Mesh:
    """A step-through scooter, parked."""
    return joined(_scooter_parts(rng))


def ridden_scooter(rng: np.random.Generator) -> Mesh:
    """A step-through scooter with its rider."""
    rider = _rider(0.76, lean=0.02, seat_x=-0.25, foot_z=0.3, hands=(0.4, 1.0))
    return joined([*_scooter_parts(rng), *rider])


def _torso(low: float, high: float, *, depth: float, half_width: float) -> Mesh:
    return ellipsoid((0, 0, (low + high) / 2), (depth, half_width, 0.58 * (high - low)), Material.CLOTH, rings=4)


def _legs(
    *, hip: tuple[float, float], knee: tuple[float, float], foot: tuple[float, float], spread: float
) -> list[Mesh]:
    legs = []
    for y in (-spread, spread):
        legs.append(tube((hip[0], y, hip[1]), (knee[0], y, knee[1]), 0.08, Material.CLOTH, sides=4))
        legs.append(tube((knee[0], y, knee[1]), (foot[0], y, foot[1]), 0.06, Material.CLOTH, sides=4))
    return legs


def _rider(seat_z: float, *, lean: float, seat_x: float, foot_z: float, hands: tuple[float, float]) -> list[Mesh]:
    torso = _torso(0.0, 0.56, depth=0.15, half_width=0.21).pitched(lean).moved((seat_x, 0, seat_z))
    top: Vector = (seat_x + 0.56 * np.sin(lean), 0, seat_z + 0.56 * np.cos(lean))
    arms = [
        tube((top[0], y * 0.8, top[2] - 0.06), (hands[0], y, hands[1]), 0.045, Material.CLOTH, sides=4)
        for y in (-0.26, 0.26)
    ]
    head = ellipsoid((top[0] + 0.06, 0, top[2] + 0.16), (0.12, 0.1, 0.14), Material.SKIN)
    legs = _legs(hip=(seat_x, seat_z), knee=(seat_x + 0.35, seat_z - 0.25), foot=(seat_x + 0.15, foot_z), spread=0.13)
    return [torso, head, *arms, *legs]


def _spoked_wheel(x: float, radius: float, *, sides: int = 8) -> list[Mesh]:
    """A thin disc that most beams pass, and a rim of short bars."""
    disc = tube((x, -0.01, radius), (x, 0.01, radius), 0.9 * radius, Material.SPOKES, sides=sides)
    angle = np.arange(sides + 1) * 2 * np.pi / sides
    px, pz = x + radius * np.cos(angle), radius + radius * np.sin(angle)
    rim = [tube((px[k], 0, pz[k]), (px[k + 1], 0, pz[k + 1]), 0.025, Material.RUBBER, sides=3) for k in range(sides)]
    return [disc, *rim]


def _bicycle_frame(radius: float, *, base: float) -> Mesh:
    rear, front = -base / 2, base / 2
    bars: list[tuple[Vector, Vector]] = [
        ((rear, 0, radius), (-0.02, 0, 0.3)),
        ((-0.02, 0, 0.3), (-0.2, 0, 0.92)),
        ((-0.16, 0, 0.8), (0.36, 0, 0.85)),
        ((-0.02, 0, 0.3), (0.38, 0, 0.8)),
        ((front, 0, radius), (0.36, 0, 1.0)),
        ((0.36, -0.28, 1.02), (0.36, 0.28, 1.02)),
        ((rear, 0, radius), (-0.16, 0, 0.8)),
    ]
    tubes = [tube(a, b, 0.025, Material.PAINT, sides=3) for a, b in bars]
    saddle = box((-0.22, 0, 0.92), (0.26, 0.15, 0.06), Material.DARK)
    return joined([*_spoked_wheel(rear, radius), *_spoked_wheel(front, radius), *tubes, saddle])


def _motorcycle_parts(rng: np.random.Generator) -> list[Mesh]:
    base, radius = rng.uniform(1.3, 1.5), 0.31
    parts = [
        tube((x, -0.07, radius), (x, 0.07, radius), radius, Material.RUBBER, sides=9) for x in (-base / 2, base / 2)
    ]
    parts += [
        box((-0.02, 0, 0.25), (0.65, 0.32, 0.4), Material.METAL),
        box((0.18, 0, 0.65), (0.5, 0.3, 0.26), Material.PAINT),
        box((-0.38, 0, 0.68), (0.7, 0.26, 0.12), Material.DARK),
        tube((base / 2, 0, radius), (base / 2 - 0.25, 0, 1.0), 0.06, Material.METAL, sides=4),
        tube((base / 2 - 0.28, -0.36, 1.02), (base / 2 - 0.28, 0.36, 1.02), 0.03, Material.DARK, sides=4),
    ]
    if rng.random() < 0.4:
        parts.append(box((base / 2 - 0.12, 0, 0.8), (0.3, 0.4, 0.45), Material.PLASTIC))
    if rng.random() < 0.35:
        parts.append(box((-0.75, 0, 0.75), (0.4, 0.45, 0.35), Material.PLASTIC))
    return parts


def _scooter_parts(rng: np.random.Generator) -> list[Mesh]:
    base, radius = rng.uniform(1.2, 1.35), 0.24
    return [
        *(tube((x, -0.06, radius), (x, 0.06, radius), radius, Material.RUBBER, sides=8) for x in (-base / 2, base / 2)),
        box((-0.4, 0, 0.3), (0.75, 0.34, 0.45), Material.PAINT),
        box((0.1, 0, 0.24), (0.5, 0.36, 0.1), Material.PAINT),
        box((0.42, 0, 0.3), (0.14, 0.42, 0.6), Material.PAINT),
        tube((0.44, -0.33, 1.02), (0.44, 0.33, 1.02), 0.03, Material.DARK, sides=4),
    ]
