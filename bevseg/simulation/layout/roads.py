"""Draws the ground of a world: a main road through the origin, side roads, parking lots, green, hills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bevseg.results.classes import SemanticClass
from bevseg.simulation.draws import cumulated, weighted
from bevseg.simulation.layout.road import Road
from bevseg.simulation.layout.surface import Patch, Surface

Setting = Literal["street", "boulevard", "residential", "industrial", "plaza"]

_SETTINGS: tuple[Setting, ...] = ("street", "boulevard", "residential", "industrial", "plaza")
_SETTING_SHARE = (0.34, 0.2, 0.24, 0.12, 0.1)
_HALF_LENGTH_M = 200.0


@dataclass(frozen=True)
class WorldPlan:
    """What a world is about before anything stands in it.

    Attributes:
        setting: Kind of neighbourhood.
        density: Crowdedness, 0..1.
        surface: The ground.
        parking_lots: Indices into `surface.patches` of those with stalls.
        ego_lane_d_m: Where the vehicle drives across the main road, metres to the left of its middle.
        ego_forward: It drives towards growing s.
    """

    setting: Setting
    density: float
    surface: Surface
    parking_lots: tuple[int, ...]
    ego_lane_d_m: float
    ego_forward: bool


def draw_world_plan(rng: np.random.Generator, *, density: float) -> WorldPlan:
    """Setting, roads, patches and hills; s = 0 of the main road is where the vehicle is."""
    setting = _SETTINGS[int(rng.choice(len(_SETTINGS), p=_SETTING_SHARE))]
    main = _main_road(rng, setting)
    roads = [main, *_side_roads(rng, main, setting)]
    patches, lots = _patches(rng, main, setting)
    surface = Surface(
        roads=tuple(roads),
        patches=tuple(patches),
        base=_base_surface(rng, setting),
        kerb_m=float(rng.uniform(0.08, 0.18)) if rng.random() < 0.85 else 0.02,
        slope=(float(rng.normal(0, 0.008)), float(rng.normal(0, 0.008))),
        waves=_waves(rng),
        bank=(0.0, 0.0) if lots else _bank(rng, setting),
        bumps=_bumps(rng),
        camber=float(rng.uniform(0.0, 0.025)),
    )
    forward = bool(rng.random() < 0.75)
    lane = int(rng.integers(main.lanes))
    side = -1 if forward else 1
    offset = main.median_m + (lane + 0.5) * main.lane_m
    return WorldPlan(setting, density, surface, tuple(lots), side * offset, forward)


def _main_road(rng: np.random.Generator, setting: Setting) -> Road:
    lanes = {"street": 1, "boulevard": int(rng.integers(2, 4)), "residential": 1, "industrial": 1, "plaza": 1}[setting]
    if setting == "street" and rng.random() < 0.4:
        lanes = 2
    lane = float(rng.uniform(2.8, 3.6))
    median = float(rng.uniform(0.5, 2.5)) if setting == "boulevard" and rng.random() < 0.6 else 0.0
    parking = float(rng.uniform(2.0, 2.5)) if rng.random() < (0.75 if setting != "industrial" else 0.3) else 0.0
    narrow, wide = (3.0, 7.0) if setting == "plaza" else (1.4, 4.5)
    left, right = (float(rng.uniform(narrow, wide)) if rng.random() < 0.88 else 0.0 for _ in range(2))
    curvature = float(rng.normal(0, 0.006)) if rng.random() < 0.5 else float(rng.normal(0, 0.001))
    curvature = float(np.clip(curvature, -0.015, 0.015))
    return Road(
        0.0, 0.0, 0.0, curvature, median + lanes * lane + parking, left, right, -_HALF_LENGTH_M, _HALF_LENGTH_M,
        median, lane, lanes, parking,
    )  # fmt: skip


def _side_roads(rng: np.random.Generator, main: Road, setting: Setting) -> list[Road]:
    roads: list[tuple[float, Road]] = []
    for _ in range(int(rng.choice(3, p=(0.4, 0.45, 0.15)))):
        s = float(rng.uniform(-60, 60))
        if any(abs(s - taken) < 25 for taken, _ in roads):
            continue
        x, y, heading = main.pose_at(s, 0.0)
        lanes = 1 if rng.random() < 0.7 else 2
        lane = float(rng.uniform(2.8, 3.5))
        parking = 2.2 if rng.random() < 0.4 else 0.0
        walk = float(rng.uniform(1.2, 3.5))
        start = -_HALF_LENGTH_M if rng.random() < 0.6 else 0.0
        turn = np.pi / 2 * (1 if rng.random() < 0.5 else -1) + rng.normal(0, 0.15)
        road = Road(
            x, y, float(heading + turn), float(rng.normal(0, 0.003)),
            lanes * lane + parking, walk, walk, start, _HALF_LENGTH_M, 0.0, lane, lanes, parking,
        )  # fmt: skip
        roads.append((s, road))
    return [road for _, road in roads]


def _patches(rng: np.random.Generator, main: Road, setting: Setting) -> tuple[list[Patch], list[int]]:
    """Green, paved and driveable rectangles beside the road; the parking lots among them by index."""
    patches: list[Patch] = []
    lots: list[int] = []
    for side in (1, -1):
        walk = main.sidewalk_left_m if side == 1 else main.sidewalk_right_m
        edge = main.half_width_m + walk
        for s in np.arange(-75.0, 76.0, 25.0).tolist():
            depth = float(rng.uniform(4, 30))
            surface = _PATCH_SURFACES[weighted(rng, _PATCH_SHARES[setting])]
            x, y, heading = main.pose_at(s, side * (edge + depth / 2))
            length = float(rng.uniform(12, 26))
            patches.append(Patch(x, y, length, depth, heading, surface))
        if rng.random() < (0.35 if setting in ("industrial", "street", "plaza") else 0.2):
            depth, length = float(rng.uniform(18, 36)), float(rng.uniform(30, 70))
            s = float(rng.uniform(-40, 40))
            x, y, heading = main.pose_at(s, side * (edge + 1.0 + depth / 2))
            lots.append(len(patches))
            lot = Patch(x, y, length, depth, heading, SemanticClass.DRIVEABLE_SURFACE)
            patches.append(lot)
    return patches, lots


_PATCH_SURFACES = (
    SemanticClass.TERRAIN,
    SemanticClass.SIDEWALK,
    SemanticClass.OTHER_FLAT,
    SemanticClass.DRIVEABLE_SURFACE,
)
_PATCH_SHARES = {
    "street": cumulated((0.35, 0.45, 0.1, 0.1)),
    "boulevard": cumulated((0.5, 0.3, 0.1, 0.1)),
    "residential": cumulated((0.75, 0.1, 0.05, 0.1)),
    "industrial": cumulated((0.35, 0.1, 0.15, 0.4)),
    "plaza": cumulated((0.15, 0.7, 0.15, 0.0)),
}


def _base_surface(rng: np.random.Generator, setting: Setting) -> SemanticClass:
    paved = {"street": 0.55, "boulevard": 0.4, "residential": 0.1, "industrial": 0.4, "plaza": 0.85}[setting]
    return SemanticClass.SIDEWALK if rng.random() < paved else SemanticClass.TERRAIN


def _waves(rng: np.random.Generator) -> np.ndarray:
    """Three long waves; half of the worlds are almost flat."""
    size = 0.08 if rng.random() < 0.5 else rng.uniform(0.1, 0.5)
    lengths, directions = rng.uniform(30, 120, 3), rng.uniform(0, 2 * np.pi, 3)
    number = 2 * np.pi / lengths
    amplitude = size * rng.uniform(0.2, 1.0, 3) * lengths / 120
    return np.stack([number * np.cos(directions), number * np.sin(directions), rng.uniform(0, 6.28, 3), amplitude], 1)


def _bumps(rng: np.random.Generator) -> np.ndarray:
    """Four short waves of 3 to 14 m and up to 3 cm."""
    number, directions = 2 * np.pi / rng.uniform(3, 14, 4), rng.uniform(0, 2 * np.pi, 4)
    amplitude = rng.uniform(0.003, 0.015) * rng.uniform(0.5, 2.0, 4)
    return np.stack([number * np.cos(directions), number * np.sin(directions), rng.uniform(0, 6.28, 4), amplitude], 1)


def _bank(rng: np.random.Generator, setting: Setting) -> tuple[float, float]:
    if setting == "plaza" or rng.random() < 0.7:
        return (0.0, 0.0)
    return (float(rng.normal(0, 0.07)), float(rng.normal(0, 0.07)))
