"""What lines the streets and is no object: buildings, walls, fences, hedges, trees, poles, clutter."""

from __future__ import annotations

import math

import numpy as np

from bevseg.results.classes import SemanticClass
from bevseg.simulation.draws import cumulated, one_of, uniform, weighted
from bevseg.simulation.layout.plan import PlacedStuff, Plan
from bevseg.simulation.layout.road import Road
from bevseg.simulation.layout.roads import WorldPlan
from bevseg.simulation.shapes.mesh import Mesh
from bevseg.simulation.shapes.stock import StockName, border_of_length, stock

_C = SemanticClass
Pose = tuple[float, float, float]


def add_buildings(plan: Plan, world: WorldPlan, *, range_m: float) -> None:
    """A row of buildings on each side of every road, with gaps; none on the ground of roads and parking lots."""
    rng = plan.rng
    fill = {"street": 0.85, "boulevard": 0.6, "residential": 0.7, "industrial": 0.5, "plaza": 0.8}[world.setting]
    for road in world.surface.roads:
        for side in (1, -1):
            setback = uniform(rng, 4, 12) if world.setting == "residential" else one_of(rng, (0.3, 1.0, 4.0, 10.0))
            s = -range_m - 10.0
            while s < range_m + 10:
                s += _add_building(plan, world, road, (s, side, setback), fill)


def add_borders(plan: Plan, world: WorldPlan, *, range_m: float) -> None:
    """Walls, fences, hedges, rails and shrubs along the plots; some no longer than a car."""
    rng = plan.rng
    for road in world.surface.roads:
        for side in (1, -1):
            walk = road.sidewalk_left_m if side > 0 else road.sidewalk_right_m
            setback = walk + uniform(rng, 0.3, 3.0)
            share = {"residential": 0.6, "plaza": 0.15}.get(world.setting, 0.3)
            s = -range_m + uniform(rng, 0, 8)
            while s < range_m:
                length = uniform(rng, 2.5, 6.0) if rng.random() < 0.5 else uniform(rng, 6.0, 22.0)
                if rng.random() < share:
                    pose = _pose(road, s + length / 2, side * (road.half_width_m + setback), side)
                    name = _BORDERS[weighted(rng, _BORDER_SHARES)]
                    mesh, stretch = border_of_length(name, length, rng)
                    semantic = _C.VEGETATION if name in ("hedge", "shrub_row") else _C.MANMADE
                    _place(plan, mesh, semantic, pose, stretch=stretch)
                s += length + uniform(rng, 0.0, 6.0)


def add_plants(plan: Plan, world: WorldPlan, *, range_m: float) -> None:
    """Rows of street trees, then trees and bushes at random on the plots."""
    rng = plan.rng
    for road in world.surface.roads:
        for side in (1, -1):
            if rng.random() < 0.5:
                walk = road.sidewalk_left_m if side > 0 else road.sidewalk_right_m
                _tree_row(plan, road, side * (road.half_width_m + one_of(rng, (0.7, max(walk, 0.7) + 0.8))), range_m)
    green = {"residential": 45, "boulevard": 34, "industrial": 14}.get(world.setting, 20)
    for _ in range(int(rng.poisson(green))):
        name = _GREEN[weighted(rng, _GREEN_SHARES)]
        small = None if name in ("bush", "thicket") else (0.9, 0.9)
        _place(plan, _from_stock(rng, name), _C.VEGETATION, _off_road(plan, world, range_m), footprint=small)


def add_furniture(plan: Plan, world: WorldPlan, *, range_m: float) -> None:
    """Poles, signs, bins, benches, containers, shelters and heaps beside the roads."""
    rng = plan.rng
    for road in world.surface.roads:
        pitch = uniform(rng, 15, 40)
        for side in (1, -1):
            for s in np.arange(-range_m + uniform(rng, 0, pitch), range_m, pitch).tolist():
                pose = _pose(road, s, side * (road.half_width_m + uniform(rng, 0.3, 0.8)), side)
                name: StockName = "lamp_post" if rng.random() < 0.7 else "traffic_light"
                _place(plan, _from_stock(rng, name), _C.MANMADE, pose, footprint=(0.4, 0.4))
    count = int(rng.poisson(10 + 14 * world.density))
    for k in rng.choice(len(_FURNITURE), size=count, p=_FURNITURE_SHARE):
        name = _FURNITURE[int(k)]
        near = rng.random() < 0.6
        pose = _kerbside(plan, world, range_m) if near else _off_road(plan, world, range_m)
        _place(plan, _from_stock(rng, name), _C.MANMADE, pose)


_FURNITURE: tuple[StockName, ...] = (
    "sign_post", "bin_or_box", "bench", "bollards", "planter", "clutter", "billboard", "container", "bus_shelter",
)  # fmt: skip
_FURNITURE_SHARE = (0.2, 0.22, 0.1, 0.1, 0.09, 0.08, 0.05, 0.12, 0.04)


def place_kerbside(plan: Plan, world: WorldPlan, mesh: Mesh, semantic: SemanticClass, *, range_m: float) -> None:
    """Puts a piece beside a road, along it, where there is room."""
    _place(plan, mesh, semantic, _kerbside(plan, world, range_m))


def place_off_road(plan: Plan, world: WorldPlan, mesh: Mesh, semantic: SemanticClass, *, range_m: float) -> None:
    """Puts a piece anywhere off the roads, turned any way, where there is room."""
    _place(plan, mesh, semantic, _off_road(plan, world, range_m))


def _add_building(plan: Plan, world: WorldPlan, road: Road, where: tuple[float, int, float], fill: float) -> float:
    """Tries one building at (s, side, setback); returns how far to go on along the road."""
    rng = plan.rng
    s, side, setback = where
    if rng.random() > fill:
        return uniform(rng, 4, 15)
    small = world.setting == "residential" or rng.random() < 0.1
    mesh = _from_stock(rng, "house" if small else "building")
    length, depth, _ = (float(v) for v in mesh.high - mesh.low)
    walk = road.sidewalk_left_m if side > 0 else road.sidewalk_right_m
    jitter = float(abs(rng.normal(0, 0.6 if small else 0.15)))
    d = road.half_width_m + walk + setback + jitter + depth / 2
    pose = _pose(road, s + length / 2, side * d, side)
    _place(plan, mesh, _C.MANMADE, pose, on_paved=False)
    return length + (one_of(rng, (0.0, 0.0, 1.5, 5.0)) if not small else uniform(rng, 2, 7))


_BORDERS: tuple[StockName, ...] = (
    "brick_wall", "concrete_wall", "chain_fence", "picket_fence", "guard_rail", "hedge", "shrub_row",
)  # fmt: skip
_BORDER_SHARES = cumulated((0.13, 0.13, 0.1, 0.1, 0.1, 0.29, 0.15))

_GREEN: tuple[StockName, ...] = ("bush", "broadleaf_tree", "conifer", "bare_tree", "thicket")
_GREEN_SHARES = cumulated((0.4, 0.28, 0.09, 0.07, 0.16))


def _from_stock(rng: np.random.Generator, name: StockName) -> Mesh:
    return one_of(rng, stock(name))


def _tree_row(plan: Plan, road: Road, d: float, range_m: float) -> None:
    rng = plan.rng
    pitch = uniform(rng, 6, 15)
    kind: StockName = "broadleaf_tree" if rng.random() < 0.8 else "bare_tree"
    for s in np.arange(-range_m, range_m, pitch).tolist():
        pose = _pose(road, s + rng.normal(0, 0.4), d, 1)
        _place(plan, _from_stock(rng, kind), _C.VEGETATION, pose, footprint=(0.6, 0.6))


def _pose(road: Road, s: float, d: float, side: int) -> Pose:
    """A pose along the road whose -y looks at it."""
    x, y, heading = road.pose_at(s, d)
    return x, y, heading + (0.0 if side > 0 else np.pi)


def _kerbside(plan: Plan, world: WorldPlan, range_m: float) -> Pose:
    rng = plan.rng
    road = one_of(rng, world.surface.roads)
    side = 1 if rng.random() < 0.5 else -1
    s = uniform(rng, -range_m, range_m)
    return _pose(road, s, side * (road.half_width_m + uniform(rng, 0.3, 3.0)), side)


def _off_road(plan: Plan, world: WorldPlan, range_m: float) -> Pose:
    rng = plan.rng
    radius, angle = range_m * math.sqrt(rng.random()), uniform(rng, 0, 2 * np.pi)
    return radius * math.cos(angle), radius * math.sin(angle), uniform(rng, -np.pi, np.pi)


def _place(
    plan: Plan,
    mesh: Mesh,
    semantic: SemanticClass,
    pose: Pose,
    *,
    footprint: tuple[float, float] | None = None,
    stretch: float | None = None,
    on_paved: bool = True,
) -> None:
    """Places the piece unless it would stand on driveable ground (or, for buildings, on a sidewalk).

    It is stretched along x as asked, or else a little at random.
    """
    x, y, yaw = pose
    scale = (stretch or uniform(plan.rng, 0.92, 1.08), 1.0, uniform(plan.rng, 0.93, 1.07))
    length, width = footprint or (scale[0] * mesh.extent_m[0], mesh.extent_m[1])
    if not plan.is_free((x, y, length, width, yaw), margin_m=_STUFF_MARGIN_M):
        return
    c, s = math.cos(yaw), math.sin(yaw)
    local = [(along * length, across * width) for along, across in _PROBES]
    probes = [(x + c * ahead - s * left, y + s * ahead + c * left) for ahead, left in local]
    surface = plan.surface
    near = surface.may_be_driveable(x, y, math.hypot(length, width) / 2)
    if near and any(surface.is_driveable(*probe) for probe in probes):
        return
    if not on_paved and any(surface.is_paved(*probe) for probe in probes):
        return
    tint = uniform(plan.rng, 0.5, 1.4)
    plan.add_stuff(PlacedStuff(mesh, scale, semantic, x, y, yaw, tint), (length, width))


_STUFF_MARGIN_M = 0.1

_PROBES = ((0.0, 0.0), (0.5, 0.5), (0.5, -0.5), (-0.5, 0.5), (-0.5, -0.5), (0.5, 0.0), (-0.5, 0.0))
"""Where the ground under a piece is looked at, in shares of its footprint."""
