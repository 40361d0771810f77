"""Passenger cars: body, glass house with pillars, seats, wheels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bevseg.simulation.materials import Material
from bevseg.simulation.shapes.mesh import Mesh, Vector, box, joined, loft, quad, wheel


@dataclass(frozen=True)
class CarProfile:
    """Side view of a car in shares of its length (x, -0.5 rear to 0.5 front) and height (z, 0 to 1).

    Attributes:
        body_x: Stations of the lower body from rear to front.
        body_z: Upper edge of the lower body at each station.
        belt_z: Where the glass house starts.
        belt_x: Rear and front end of the glass house at the belt.
        roof_x: Rear and front end of the roof.
        side_panes: Shares along the side where pillar and pane alternate, pillar first.
        closed_rear: Side panes behind the first are sheet metal (delivery vans).
        size_m: Length, width and height that the shape is built at.
    """

    body_x: tuple[float, ...]
    body_z: tuple[float, ...]
    belt_z: float
    belt_x: tuple[float, float]
    roof_x: tuple[float, float]
    side_panes: tuple[float, ...]
    size_m: tuple[float, float, float]
    closed_rear: bool = False


_PANES = (0.0, 0.07, 0.40, 0.46, 0.90, 1.0)

SEDAN = CarProfile(
    (-0.5, -0.48, -0.42, -0.2, 0.2, 0.40, 0.47, 0.5), (0.5, 0.62, 0.67, 0.67, 0.66, 0.58, 0.5, 0.38), 0.66,
    (-0.40, 0.22), (-0.22, 0.06), _PANES, (4.75, 1.86, 1.47),
)  # fmt: skip
HATCHBACK = CarProfile(
    (-0.5, -0.485, -0.44, -0.2, 0.24, 0.41, 0.47, 0.5), (0.46, 0.58, 0.64, 0.64, 0.62, 0.56, 0.49, 0.37), 0.63,
    (-0.475, 0.28), (-0.34, 0.08), _PANES, (4.1, 1.79, 1.5),
)  # fmt: skip
ESTATE = CarProfile(
    (-0.5, -0.485, -0.45, -0.2, 0.22, 0.41, 0.47, 0.5), (0.46, 0.58, 0.64, 0.64, 0.63, 0.57, 0.49, 0.37), 0.64,
    (-0.48, 0.24), (-0.4, 0.06), (0.0, 0.05, 0.24, 0.28, 0.56, 0.6, 0.93, 1.0), (4.75, 1.84, 1.5),
)  # fmt: skip
COUPE = CarProfile(
    (-0.5, -0.48, -0.42, -0.2, 0.16, 0.38, 0.47, 0.5), (0.5, 0.62, 0.68, 0.69, 0.66, 0.55, 0.45, 0.33), 0.67,
    (-0.4, 0.18), (-0.16, 0.0), (0.0, 0.25, 0.94, 1.0), (4.45, 1.87, 1.33),
)  # fmt: skip
SUV = CarProfile(
    (-0.5, -0.485, -0.45, -0.2, 0.24, 0.42, 0.475, 0.5), (0.46, 0.56, 0.62, 0.62, 0.62, 0.58, 0.51, 0.39), 0.61,
    (-0.48, 0.25), (-0.4, 0.09), (0.0, 0.05, 0.22, 0.27, 0.55, 0.59, 0.93, 1.0), (4.75, 1.95, 1.75),
)  # fmt: skip
MINIVAN = CarProfile(
    (-0.5, -0.487, -0.45, -0.2, 0.3, 0.42, 0.475, 0.5), (0.42, 0.52, 0.57, 0.58, 0.56, 0.5, 0.43, 0.33), 0.56,
    (-0.485, 0.36), (-0.43, 0.16), (0.0, 0.04, 0.3, 0.34, 0.62, 0.66, 0.94, 1.0), (4.95, 1.97, 1.85),
)  # fmt: skip
PANEL_VAN = CarProfile(
    (-0.5, -0.495, -0.46, -0.2, 0.34, 0.43, 0.48, 0.5), (0.42, 0.48, 0.5, 0.5, 0.5, 0.46, 0.38, 0.3), 0.5,
    (-0.495, 0.4), (-0.48, 0.26), (0.0, 0.72, 0.95, 1.0), (5.3, 1.99, 2.1), closed_rear=True,
)  # fmt: skip
PICKUP_CAB = CarProfile(
    (-0.5, -0.495, -0.47, -0.1, 0.26, 0.43, 0.485, 0.5), (0.5, 0.55, 0.56, 0.56, 0.58, 0.56, 0.5, 0.38), 0.58,
    (-0.1, 0.26), (-0.06, 0.12), _PANES, (5.7, 2.0, 1.9),
)  # fmt: skip

_CLEARANCE = 0.13
_PLAN_TAPER = (0.76, 0.88, 0.96, 1.0, 1.0, 0.96, 0.86, 0.7)
"""Half width at each station: seen from above, the corners of a car are round."""
_SECTION = ((0.88, 0.0), (0.985, 0.2), (1.0, 0.52), (0.965, 0.86), (0.87, 1.0))
"""Half width and height of the lower body across, from sill to shoulder."""
_RAIL_HEIGHT, _CROWN_WIDTH = 0.93, 0.7
"""Where the side panes end as a share of the height, and how wide the top of the roof is as a share of the rails."""


def build_car(profile: CarProfile, rng: np.random.Generator) -> Mesh:
    """A car of that profile with small random deviations of belt, roof and wheels."""
    length, width, height = profile.size_m
    belt_z = (profile.belt_z + rng.uniform(-0.03, 0.03)) * height
    lean = rng.uniform(-0.02, 0.03)
    parts = [
        _lower_body(profile, belt_z),
        _glass_house(profile, belt_z, roof_lean=lean, roof_width=rng.uniform(0.66, 0.78)),
        *_plates(profile),
        *_wheels(length, width, radius_m=rng.uniform(0.3, 0.36) * height / 1.55),
    ]
    if not profile.closed_rear:
        parts += _seats(profile, belt_z, rng)
    return joined(parts)


def build_pickup(rng: np.random.Generator) -> Mesh:
    """A cab in front of an open bed, sometimes with a load."""
    length, width, height = PICKUP_CAB.size_m
    parts = [build_car(PICKUP_CAB, rng)]
    wall_z, wall_h = 0.55 * height, 0.14 * height
    parts += [
        box((-0.3 * length, y * width, wall_z), (0.4 * length, 0.06, wall_h), Material.PAINT) for y in (-0.45, 0.45)
    ]
    parts.append(box((-0.49 * length, 0, wall_z), (0.06, 0.9 * width, wall_h), Material.PAINT))
    if rng.random() < 0.4:
        load_h = rng.uniform(0.2, 0.9)
        parts.append(box((-0.3 * length, 0, wall_z), (0.35 * length, 0.75 * width, load_h), Material.PLASTIC))
    return joined(parts)


def _lower_body(profile: CarProfile, belt_z: float) -> Mesh:
    length, width, height = profile.size_m
    scale = belt_z / (profile.belt_z * height)
    rings = []
    for x, top, taper in zip(profile.body_x, profile.body_z, _PLAN_TAPER, strict=True):
        half, top_z = width / 2 * taper, top * height * scale
        low_z = _CLEARANCE * height * (1 + 1.8 * (1 - taper))
        left = [(half * y, low_z + z * (top_z - low_z)) for y, z in _SECTION]
        outline = left + [(-y, z) for y, z in reversed(left)]
        rings.append([(x * length, y, z) for y, z in outline])
    return loft(np.array(rings), Material.PAINT)


def _glass_house(profile: CarProfile, belt_z: float, *, roof_lean: float, roof_width: float) -> Mesh:
    """Side panes and pillars up to the rails, front and rear screen, and a roof that is round across and along."""
    length, width, height = profile.size_m
    belt_half, rail_half = width / 2 * _SECTION[-1][0] * 0.99, width / 2 * roof_width
    rail_z = belt_z + _RAIL_HEIGHT * (height - belt_z)
    belt_x = np.array(profile.belt_x) * length
    rail_x = (np.array(profile.roof_x) + np.array([0.0, roof_lean])) * length
    belt = {side: _between((belt_x, side * belt_half, belt_z)) for side in (-1, 1)}
    rail = {side: _between((rail_x, side * rail_half, rail_z)) for side in (-1, 1)}
    faces = []
    for side in (-1, 1):
        for k, (a, b) in enumerate(pairwise(profile.side_panes)):
            corners = [belt[side](a), belt[side](b), rail[side](b), rail[side](a)]
            faces.append(quad(np.array(corners), Material.GLASS if k % 2 else Material.PAINT))
    for share in (0.0, 1.0):
        ends = [belt[-1](share), belt[1](share), rail[1](share), rail[-1](share)]
        sheet = profile.closed_rear and share == 0.0
        faces.append(quad(np.array(ends), Material.PAINT if sheet else Material.GLASS))
    low = [rail[side](share) for share, side in ((0.0, -1), (1.0, -1), (1.0, 1), (0.0, 1))]
    crown = [_between((rail_x, side * rail_half * _CROWN_WIDTH, height)) for side in (-1, 1)]
    high = [crown[0](0.1), crown[0](0.86), crown[1](0.86), crown[1](0.1)]
    faces.append(loft(np.array([low, high]), Material.PAINT))
    return joined(faces)


def _between(edge: tuple[np.ndarray, float, float]) -> Callable[[float], Vector]:
    """Points along an edge: x runs between the two ends given, y and z stay."""
    (rear, front), y, z = edge
    return lambda share: (float(rear + share * (front - rear)), y, z)


def _seats(profile: CarProfile, belt_z: float, rng: np.random.Generator) -> list[Mesh]:
    """Backrests and heads of seats above the belt line, dark and never in quite the same place."""
    length, width, height = profile.size_m
    rear, front = profile.belt_x
    seats = []
    for share in (rng.uniform(0.2, 0.4), rng.uniform(0.5, 0.7)):
        x = (rear + share * (front - rear)) * length
        rise = rng.uniform(0.35, 0.6) * (height - belt_z)
        seats += [
            box((x, y * width, belt_z - 0.02), (0.1, 0.2 * width, rise), Material.INTERIOR) for y in (-0.19, 0.19)
        ]
    return seats


def _plates(profile: CarProfile) -> list[Mesh]:
    """Number plates and rear lights: small, but they return most of the light."""
    length, width, height = profile.size_m
    spots = [(0.502, 0.0, 0.24, 0.5, 0.11), (-0.502, 0.0, 0.34, 0.5, 0.11)]
    spots += [(-0.502, side * 0.36 * width, 0.45, 0.16, 0.14) for side in (-1, 1)]
    plates = []
    for x, y, z, wide, high in spots:
        corners = [(x * length, y + dy * wide / 2, z * height + dz * high) for dy, dz in _UNIT_SQUARE]
        plates.append(quad(np.array(corners), Material.RETRO))
    return plates


_UNIT_SQUARE = ((-1, 0), (1, 0), (1, 1), (-1, 1))


def _wheels(length: float, width: float, *, radius_m: float) -> list[Mesh]:
    return [
        wheel((x * length, side * (width / 2 - 0.12), radius_m), radius_m, 0.21)
        for x in (-0.3, 0.31)
        for side in (-1, 1)
    ]
