"""Pedestrians alone, in groups and in crowds; parked and ridden two-wheelers beside the lanes."""

from __future__ import annotations

import math

import numpy as np

from bevseg.results.classes import SemanticClass
from bevseg.simulation.draws import one_of, uniform
from bevseg.simulation.layout.plan import Plan
from bevseg.simulation.layout.road import Road
from bevseg.simulation.layout.roads import WorldPlan

_C = SemanticClass


def add_pedestrians(plan: Plan, world: WorldPlan, *, range_m: float) -> None:
    """Singles and groups on the sidewalks, some on the road, now and then a crowd."""
    rng = plan.rng
    busy = {"street": 1.0, "boulevard": 0.8, "residential": 0.4, "industrial": 0.25, "plaza": 1.8}[world.setting]
    for _ in range(int(rng.poisson(3 + 18 * busy * world.density))):
        x, y, heading = beside_road(plan, world, range_m)
        size = one_of(rng, (1, 1, 1, 2, 2, 3, 4, 5, 6))
        add_group(plan, (x, y, heading), size, spacing_m=uniform(rng, 0.5, 0.85), walking=rng.random() < 0.7)
    if rng.random() < 0.35 * busy * world.density + 0.05:
        x, y, heading = beside_road(plan, world, 0.5 * range_m)
        add_group(plan, (x, y, heading), int(rng.integers(8, 26)), spacing_m=uniform(rng, 0.5, 1.0), walking=False)


def add_two_wheelers(plan: Plan, world: WorldPlan, *, range_m: float) -> None:
    """Racks of bicycles, rows of motorcycles, single ones at walls, and riders at the edge of the road."""
    rng = plan.rng
    for _ in range(int(rng.poisson(0.5 + 1.5 * world.density))):
        label = _C.BICYCLE if rng.random() < 0.6 else _C.MOTORCYCLE
        _add_rack(plan, world, label, range_m)
    for _ in range(int(rng.poisson(1.0 + 2.5 * world.density))):
        x, y, heading = beside_road(plan, world, range_m)
        label = _C.BICYCLE if rng.random() < 0.6 else _C.MOTORCYCLE
        plan.place(plan.draw_object(label, ridden=False), x, y, heading + uniform(rng, -np.pi, np.pi))
    for _ in range(int(rng.poisson(1.0 + 3.0 * world.density))):
        _add_rider(plan, world, range_m)


def add_group(plan: Plan, center: tuple[float, float, float], size: int, *, spacing_m: float, walking: bool) -> None:
    """People about `spacing_m` apart, facing one way when they walk and each other when they stand."""
    rng = plan.rng
    x, y, heading = center
    heading += 0.0 if rng.random() < 0.5 else np.pi
    speed = uniform(rng, 0.7, 1.7) if walking else 0.0
    c, s = math.cos(heading), math.sin(heading)
    columns = math.ceil(math.sqrt(size))
    for k in range(size):
        row, column = divmod(k, columns)
        ahead, left = (row + rng.normal(0, 0.12)) * spacing_m * 1.2, (column + rng.normal(0, 0.12)) * spacing_m
        px = x + c * ahead - s * left
        py = y + s * ahead + c * left
        yaw = heading + rng.normal(0, 0.15) if walking else uniform(rng, -np.pi, np.pi)
        draft = plan.draw_object(_C.PEDESTRIAN)
        plan.place(draft, px, py, yaw, speed_mps=speed, margin_m=0.0)


def _add_rack(plan: Plan, world: WorldPlan, label: SemanticClass, range_m: float) -> None:
    rng = plan.rng
    x, y, heading = beside_road(plan, world, 0.8 * range_m)
    pitch = uniform(rng, 0.6, 0.85) if label == _C.BICYCLE else uniform(rng, 0.9, 1.3)
    lean = heading + np.pi / 2 + rng.normal(0, 0.2)
    for k in range(int(rng.integers(3, 11))):
        if rng.random() < 0.85:
            yaw = lean + rng.normal(0, 0.06) + (np.pi if rng.random() < 0.3 else 0.0)
            px, py = x + k * pitch * math.cos(heading), y + k * pitch * math.sin(heading)
            plan.place(plan.draw_object(label, ridden=False), px, py, yaw, margin_m=-0.02)


def _add_rider(plan: Plan, world: WorldPlan, range_m: float) -> None:
    rng = plan.rng
    road = one_of(rng, world.surface.roads)
    side = 1 if rng.random() < 0.5 else -1
    edge = road.half_width_m - road.parking_m - uniform(rng, 0.4, 1.0)
    label = _C.BICYCLE if rng.random() < 0.65 else _C.MOTORCYCLE
    s = uniform(rng, max(road.start_m, -range_m), range_m)
    x, y, heading = road.pose_at(s, side * edge)
    forward = side < 0
    plan.place(
        plan.draw_object(label, ridden=True),
        x,
        y,
        heading + (0.0 if forward else np.pi),
        speed_mps=uniform(rng, 2.0, 7.0),
        curvature_per_m=road.curvature_per_m * (1 if forward else -1),
    )


def beside_road(plan: Plan, world: WorldPlan, range_m: float) -> tuple[float, float, float]:
    """A place mostly on a sidewalk, sometimes behind it or on the road, and the direction along the road."""
    rng = plan.rng
    road: Road = one_of(rng, world.surface.roads)
    side = 1 if rng.random() < 0.5 else -1
    walk = road.sidewalk_left_m if side > 0 else road.sidewalk_right_m
    choice = rng.random()
    if choice < 0.75:
        d = road.half_width_m + uniform(rng, 0.2, max(walk, 2.0))
    elif choice < 0.9:
        d = road.half_width_m + walk + uniform(rng, 0, 12)
    else:
        d = uniform(rng, 0, road.half_width_m)
    reach = range_m * math.sqrt(rng.random())
    s = reach * (1 if rng.random() < 0.5 else -1)
    x, y, heading = road.pose_at(min(max(s, road.start_m), road.end_m), side * d)
    return x, y, heading + (0.0 if rng.random() < 0.75 else uniform(rng, -np.pi, np.pi))
