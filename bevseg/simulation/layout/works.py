"""Road works and closures: lines of cones and barriers, machines, workers."""

from __future__ import annotations

import numpy as np

from bevseg.results.classes import SemanticClass
from bevseg.simulation.draws import cumulated, one_of, uniform, weighted
from bevseg.simulation.layout.plan import Plan
from bevseg.simulation.layout.road import Road
from bevseg.simulation.layout.roads import WorldPlan
from bevseg.simulation.shapes.catalog import KINDS

_C = SemanticClass

_SITES = cumulated((0.45, 0.4, 0.15))
"""Shares of worlds with none, one and two."""


def add_works(plan: Plan, world: WorldPlan, *, range_m: float) -> None:
    """None, one or two sites along the main road, and single cones anywhere."""
    rng = plan.rng
    for _ in range(weighted(rng, _SITES)):
        _add_site(plan, world, range_m)
    road = world.surface.roads[0]
    for _ in range(int(rng.poisson(1.0))):
        s, d = uniform(rng, -range_m, range_m), uniform(rng, -1.3, 1.3) * road.half_width_m
        x, y, _ = road.pose_at(s, d)
        plan.place(plan.draw_object(_C.TRAFFIC_CONE), x, y, uniform(rng, -np.pi, np.pi))


def _add_site(plan: Plan, world: WorldPlan, range_m: float) -> None:
    """A strip closed by a row of cones or barriers, with a machine, workers and heaps behind it."""
    rng = plan.rng
    road = world.surface.roads[0]
    side = 1 if rng.random() < 0.5 else -1
    start, length = uniform(rng, -0.8, 0.6) * range_m, uniform(rng, 8, 35)
    line_d = side * (road.half_width_m - uniform(rng, -2.0, 3.0))
    if rng.random() < 0.55:
        _row(plan, road, (start, start + length, line_d), _C.TRAFFIC_CONE, pitch_m=uniform(rng, 1.2, 5.0))
    if rng.random() < 0.7:
        beyond = line_d + side * uniform(rng, 0.8, 2.0)
        _row(plan, road, (start, start + length, beyond), _C.BARRIER, pitch_m=one_of(rng, (0.0, 0.0, 1.0, 2.5)))
    for label, mean in ((_C.CONSTRUCTION_VEHICLE, 0.8), (_C.PEDESTRIAN, 1.5), (_C.TRUCK, 0.3)):
        for _ in range(int(rng.poisson(mean))):
            s, d = start + uniform(rng, 0, length), line_d + side * uniform(rng, 2.5, 7.0)
            x, y, heading = road.pose_at(s, d)
            plan.place(plan.draw_object(label), x, y, heading + uniform(rng, -np.pi, np.pi))


def _row(plan: Plan, road: Road, line: tuple[float, float, float], label: SemanticClass, *, pitch_m: float) -> None:
    """Pieces of one kind along the road from s to s at d; `pitch_m` is the gap between them."""
    rng = plan.rng
    s, end, d = line
    first = plan.draw_object(label)
    kind = KINDS[first.kind].name
    while s < end:
        draft = plan.draw_object(label, kind=kind)
        x, y, heading = road.pose_at(s, d + rng.normal(0, 0.06))
        yaw = heading + np.pi / 2 + float(rng.normal(0, 0.04))
        plan.place(draft, x, y, yaw, margin_m=-0.05)
        s += draft.width_m + pitch_m + float(abs(rng.normal(0, 0.05)))
