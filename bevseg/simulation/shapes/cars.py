"""Passenger cars: body, glass house with pillars, seats, wheels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bevseg.simulation.materials import Material
from bevseg.simulation.shapes.mesh import Mesh, box, joined, loft, quad, wheel


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
    (-0.5, -0.46, -0.2, 0.2, 0.42, 0.5), (0.62, 0.68, 0.66, 0.66, 0.56, 0.42), 0.66, (-0.38, 0.22), (-0.22, 0.06),
    _PANES, (4.7, 1.85, 1.47),
)  # fmt: skip
HATCHBACK = CarProfile(
    (-0.5, -0.46, -0.2, 0.24, 0.44, 0.5), (0.5, 0.64, 0.64, 0.62, 0.54, 0.4), 0.63, (-0.47, 0.28), (-0.36, 0.08),
    _PANES, (4.1, 1.78, 1.5),
)  # fmt: skip
ESTATE = CarProfile(
    (-0.5, -0.47, -0.2, 0.22, 0.43, 0.5), (0.5, 0.64, 0.64, 0.63, 0.55, 0.4), 0.64, (-0.48, 0.24), (-0.42, 0.06),
    (0.0, 0.05, 0.24, 0.28, 0.56, 0.6, 0.93, 1.0), (4.75, 1.84, 1.5),
)  # fmt: skip
COUPE = CarProfile(
    (-0.5, -0.46, -0.2, 0.16, 0.42, 0.5), (0.6, 0.68, 0.68, 0.66, 0.52, 0.36), 0.67, (-0.4, 0.18), (-0.16, 0.0),
    (0.0, 0.25, 0.94, 1.0), (4.45, 1.87, 1.33),
)  # fmt: skip
SUV = CarProfile(
    (-0.5, -0.48, -0.2, 0.24, 0.45, 0.5), (0.5, 0.62, 0.62, 0.62, 0.56, 0.42), 0.61, (-0.48, 0.25), (-0.42, 0.1),
    (0.0, 0.05, 0.22, 0.27, 0.55, 0.59, 0.93, 1.0), (4.75, 1.93, 1.75),
)  # fmt: skip
MINIVAN = CarProfile(
    (-0.5, -0.48, -0.2, 0.3, 0.45, 0.5), (0.5, 0.58, 0.58, 0.56, 0.48, 0.36), 0.56, (-0.485, 0.36), (-0.45, 0.16),
    (0.0, 0.04, 0.3, 0.34, 0.62, 0.66, 0.94, 1.0), (4.9, 1.95, 1.9),
)  # fmt: skip
PANEL_VAN = CarProfile(
    (-0.5, -0.49, -0.2, 0.34, 0.46, 0.5), (0.45, 0.5, 0.5, 0.5, 0.44, 0.32), 0.5, (-0.495, 0.4), (-0.485, 0.26),
    (0.0, 0.72, 0.95, 1.0), (5.3, 1.98, 2.1), closed_rear=True,
)  # fmt: skip
PICKUP_CAB = CarProfile(
    (-0.5, -0.49, -0.1, 0.26, 0.46, 0.5), (0.55, 0.56, 0.56, 0.58, 0.55, 0.4), 0.58, (-0.1, 0.26), (-0.07, 0.12),
    _PANES, (5.7, 2.0, 1.9),
)  # fmt: skip

_CLEARANCE = 0.13
_SILL_WIDTH, _SHOULDER_WIDTH, _ROOF_WIDTH = 0.92, 0.96, 0.74


def build_car(profile: CarProfile, rng: np.random.Generator) -> Mesh:
    """A car of that profile with small random deviations of belt, roof and wheels."""
    length, width, height = profile.size_m
    belt_z = (profile.belt_z + rng.uniform(-0.03, 0.03)) * height
    lean = rng.uniform(-0.02, 0.03)
    parts = [
        _lower_body(profile, belt_z),
        _glass_house(profile, belt_z, roof_lean=lean, roof_width=_ROOF_WIDTH + rng.uniform(-0.04, 0.08)),
        *_plates(profile),
        *_wheels(length, width, radius_m=rng.uniform(0.3, 0.36) * height / 1.55),
    ]
    if not profile.closed_rear:
        parts += _seats(profile, belt_z)
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
    for k, (x, top) in enumerate(zip(profile.body_x, profile.body_z, strict=True)):
        at_end = k in (0, len(profile.body_x) - 1)
        half = width / 2 * (0.88 if at_end else 1.0)
        top_z = top * height * scale
        low_z = _CLEARANCE * height * (1.5 if at_end else 1.0)
        mid_z = low_z + 0.55 * (top_z - low_z)
        left = [(half * _SILL_WIDTH, low_z), (half, mid_z), (half * _SHOULDER_WIDTH, top_z)]
        outline = left + [(-y, z) for y, z in reversed(left)]
        rings.append([(x * length, y, z) for y, z in outline])
    return loft(np.array(rings), Material.PAINT)


def _glass_house(profile: CarProfile, belt_z: float, *, roof_lean: float, roof_width: float) -> Mesh:
    length, width, height = profile.size_m
    belt_half, roof_half = width / 2 * _SHOULDER_WIDTH * 0.97, width / 2 * roof_width
    belt_x = np.array(profile.belt_x) * length
    roof_x = (np.array(profile.roof_x) + np.array([0.0, roof_lean])) * length

    def corner(share: float, *, top: bool, side: int) -> tuple[float, float, float]:
        rear, front = roof_x if top else belt_x
        return (rear + share * (front - rear), side * (roof_half if top else belt_half), height if top else belt_z)

    faces = []
    for side in (-1, 1):
        for k, (a, b) in enumerate(zip(profile.side_panes[:-1], profile.side_panes[1:], strict=True)):
            corners = [corner(s, top=t, side=side) for s, t in ((a, False), (b, False), (b, True), (a, True))]
            faces.append(quad(np.array(corners), Material.GLASS if k % 2 else Material.PAINT))
    roof = [corner(s, top=True, side=side) for s, side in ((0.0, -1), (1.0, -1), (1.0, 1), (0.0, 1))]
    faces.append(quad(np.array(roof), Material.PAINT))
    for share in (0.0, 1.0):
        ends = [corner(share, top=t, side=s) for t, s in ((False, -1), (False, 1), (True, 1), (True, -1))]
        sheet = profile.closed_rear and share == 0.0
        faces.append(quad(np.array(ends), Material.PAINT if sheet else Material.GLASS))
    return joined(faces)


def _seats(profile: CarProfile, belt_z: float) -> list[Mesh]:
    length, width, height = profile.size_m
    rear, front = profile.belt_x
    rise = 0.6 * (height - belt_z)
    return [
        box((x * length, y * width, belt_z - 0.02), (0.14, 0.26 * width, rise), Material.INTERIOR)
        for x in (rear + 0.35 * (front - rear), rear + 0.66 * (front - rear))
        for y in (-0.19, 0.19)
    ]


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
        wheel((x * length, side * (width / 2 - 0.1), radius_m), radius_m, 0.21)
        for x in (-0.3, 0.31)
        for side in (-1, 1)
    ]
