"""What lines the streets and is no object: buildings, walls, fences, hedges, trees, poles, clutter."""

from __future__ import annotations

import numpy as np

from bevseg.results.classes import SemanticClass
from bevseg.simulation.layout.plan import PlacedStuff, Plan
from bevseg.simulation.layout.roads import WorldPlan
from bevseg.simulation.layout.surface import Road
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
            setback = rng.uniform(4, 12) if world.setting == "residential" else rng.choice([0.3, 1.0, 4.0, 10.0])
            s = -range_m - 10.0
            while s < range_m + 10:
                s += _add_building(plan, world, road, (s, side, setback), fill)


def add_borders(plan: Plan, world: WorldPlan, *, range_m: float) -> None:
    """Walls, fences, hedges, rails and shrubs along the plots; some no longer than a car."""
    rng = plan.rng
    for road in world.surface.roads:
        for side in (1, -1):
            walk = road.sidewalk_left_m if side > 0 else road.sidewalk_right_m
            setback = walk + rng.uniform(0.3, 3.0)
            share = {"residential": 0.6, "plaza": 0.15}.get(world.setting, 0.3)
            s = -range_m + float(rng.uniform(0, 8))
            while s < range_m:
                length = float(rng.uniform(2.5, 6.0) if rng.random() < 0.5 else rng.uniform(6.0, 22.0))
                if rng.random() < share:
                    pose = _pose(road, s + length / 2, side * (road.half_width_m + setback), side)
                    name = _BORDERS[int(rng.choice(len(_BORDERS), p=_BORDER_SHARE))]
                    mesh, stretch = border_of_length(name, length, rng)
                    semantic = _C.VEGETATION if name in ("hedge", "shrub_row") else _C.MANMADE
                    _place(plan, mesh, semantic, pose, stretch=stretch)
                s += length + float(rng.uniform(0.0, 6.0))


def add_plants(plan: Plan, world: WorldPlan, *, range_m: float) -> None:
    """Rows of street trees, then trees and bushes at random on the plots."""
    rng = plan.rng
    for road in world.surface.roads:
        for side in (1, -1):
            if rng.random() < 0.5:
                walk = road.sidewalk_left_m if side > 0 else road.sidewalk_right_m
                _tree_row(plan, road, side * (road.half_width_m + rng.choice([0.7, max(walk, 0.7) + 0.8])), range_m)
    green = {"residential": 45, "boulevard": 34, "industrial": 14}.get(world.setting, 20)
    for _ in range(int(rng.poisson(green))):
        name = _GREEN[int(rng.choice(len(_GREEN), p=_GREEN_SHARE))]
        small = None if name in ("bush", "thicket") else (0.9, 0.9)
        _place(plan, _from_stock(rng, name), _C.VEGETATION, _off_road(plan, world, range_m), footprint=small)


def add_furniture(plan: Plan, world: WorldPlan, *, range_m: float) -> None:
    """Poles, signs, bins, benches, containers, shelters and heaps beside the roads."""
    rng = plan.rng
    for road in world.surface.roads:
        pitch = rng.uniform(15, 40)
        for side in (1, -1):
            for s in np.arange(-range_m + rng.uniform(0, pitch), range_m, pitch):
                pose = _pose(road, float(s), side * (road.half_width_m + rng.uniform(0.3, 0.8)), side)
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
        return float(rng.uniform(4, 15))
    small = world.setting == "residential" or rng.random() < 0.1
    mesh = _from_stock(rng, "house" if small else "building")
    length, depth, _ = (float(v) for v in mesh.high - mesh.low)
    walk = road.sidewalk_left_m if side > 0 else road.sidewalk_right_m
    jitter = float(abs(rng.normal(0, 0.6 if small else 0.15)))
    d = road.half_width_m + walk + setback + jitter + depth / 2
    pose = _pose(road, s + length / 2, side * d, side)
    _place(plan, mesh, _C.MANMADE, pose, on_paved=False)
    return length + float(rng.choice([0.0, 0.0, 1.5, 5.0]) if not small else rng.uniform(2, 7))


_BORDERS: tuple[StockName, ...] = (
    "brick_wall", "concrete_wall", "chain_fence", "picket_fence", "guard_rail", "hedge", "shrub_row",
)  # fmt: skip
_BORDER_SHARE = (0.13, 0.13, 0.1, 0.1, 0.1, 0.29, 0.15)

_GREEN: tuple[StockName, ...] = ("bush", "broadleaf_tree", "conifer", "bare_tree", "thicket")
_GREEN_SHARE = (0.4, 0.28, 0.09, 0.07, 0.16)


def _from_stock(rng: np.random.Generator, name: StockName) -> Mesh:
    variants = stock(name)
    return variants[int(rng.integers(len(variants)))]


def _tree_row(plan: Plan, road: Road, d: float, range_m: float) -> None:
    rng = plan.rng
    pitch = rng.uniform(6, 15)
    kind: StockName = "broadleaf_tree" if rng.random() < 0.8 else "bare_tree"
    for s in np.arange(-range_m, range_m, pitch):
        pose = _pose(road, float(s + rng.normal(0, 0.4)), d, 1)
        _place(plan, _from_stock(rng, kind), _C.VEGETATION, pose, footprint=(0.6, 0.6))


def _pose(road: Road, s: float, d: float, side: int) -> Pose:
    """A pose along the road whose -y looks at it."""
    x, y, heading = road.pose_at(s, d)
    return x, y, heading + (0.0 if side > 0 else np.pi)


def _kerbside(plan: Plan, world: WorldPlan, range_m: float) -> Pose:
    rng = plan.rng
    road = world.surface.roads[int(rng.integers(len(world.surface.roads)))]
    side = 1 if rng.random() < 0.5 else -1
    s = float(rng.uniform(-range_m, range_m))
    return _pose(road, s, side * (road.half_width_m + rng.uniform(0.3, 3.0)), side)


def _off_road(plan: Plan, world: WorldPlan, range_m: float) -> Pose:
    rng = plan.rng
    radius, angle = range_m * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
    return float(radius * np.cos(angle)), float(radius * np.sin(angle)), float(rng.uniform(-np.pi, np.pi))


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
    scale = (stretch or float(plan.rng.uniform(0.92, 1.08)), 1.0, float(plan.rng.uniform(0.93, 1.07)))
    length, width = footprint or (scale[0] * mesh.extent_m[0], mesh.extent_m[1])
    if not plan.is_free(np.array([x, y, length, width, yaw]), margin_m=_STUFF_MARGIN_M):
        return
    local_x, local_y = _PROBE_X * length, _PROBE_Y * width
    c, s = np.cos(yaw), np.sin(yaw)
    probe_x, probe_y = x + c * local_x - s * local_y, y + s * local_x + c * local_y
    if (plan.surface.classes(probe_x, probe_y) == _C.DRIVEABLE_SURFACE).any():
        return
    if not on_paved and _touches_sidewalk(plan, probe_x, probe_y):
        return
    tint = float(plan.rng.uniform(0.5, 1.4))
    plan.add_stuff(PlacedStuff(mesh, scale, semantic, x, y, yaw, tint), (length, width))


_STUFF_MARGIN_M = 0.1

_PROBE_X = np.array([0.0, 0.5, 0.5, -0.5, -0.5, 0.5, -0.5])
_PROBE_Y = np.array([0.0, 0.5, -0.5, 0.5, -0.5, 0.0, 0.0])
"""Where the ground under a piece is looked at, in shares of its footprint."""


def _touches_sidewalk(plan: Plan, x: np.ndarray, y: np.ndarray) -> bool:
    """Whether a corner lies on a road or the sidewalk beside it."""
    for road in plan.surface.roads:
        s, d = road.to_road(x, y)
        along = (s >= road.start_m) & (s <= road.end_m)
        wide = np.where(d > 0, road.sidewalk_left_m, road.sidewalk_right_m) + road.half_width_m
        if (along & (np.abs(d) <= wide)).any():
            return True
    return False
