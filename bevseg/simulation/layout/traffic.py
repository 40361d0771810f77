"""Vehicles: moving and queueing in lanes, parked along kerbs and in lots, standing in odd places."""

from __future__ import annotations

import math

import numpy as np

from bevseg.results.classes import SemanticClass
from bevseg.simulation.draws import cumulated, uniform, weighted
from bevseg.simulation.layout.plan import ObjectDraft, Plan
from bevseg.simulation.layout.road import Road
from bevseg.simulation.layout.roads import WorldPlan
from bevseg.simulation.layout.surface import Patch

_C = SemanticClass


def add_moving_traffic(plan: Plan, world: WorldPlan, *, range_m: float) -> None:
    """Fills every lane with a flow or a queue."""
    for road in world.surface.roads:
        for lane in range(road.lanes):
            for direction in (1, -1):
                _fill_lane(plan, world, road, lane, direction, range_m)


def add_parked_rows(plan: Plan, world: WorldPlan, *, range_m: float) -> None:
    """Parallel parking at the kerbs with gaps of 0.4 to 1.2 m, and breaks."""
    for road in world.surface.roads:
        if not road.parking_m:
            continue
        for side in (1, -1):
            occupancy = min(max(plan.rng.normal(0.35 + 0.5 * world.density, 0.2), 0.05), 0.97)
            _park_along(plan, road, side, occupancy, range_m)


def add_parking_lots(plan: Plan, world: WorldPlan) -> None:
    """Perpendicular stalls in facing rows, side by side with 0.5 to 1 m between the cars."""
    for index in world.parking_lots:
        occupancy = min(max(plan.rng.normal(0.3 + 0.5 * world.density, 0.2), 0.05), 0.97)
        _fill_lot(plan, world.surface.patches[index], occupancy)


def add_heavy_standing(plan: Plan, world: WorldPlan, *, range_m: float, articulated_buses: float) -> None:
    """Trucks, buses and trailers that stand at the kerb, in yards and lots, some as semi with its tractor.

    That share of the buses has a joint; as in nuScenes, each of their two sections is an object.
    """
    rng = plan.rng
    road = world.surface.roads[0]
    mean = 0.8 + 2.0 * world.density + (2.0 if world.setting == "industrial" else 0.0)
    for _ in range(int(rng.poisson(mean))):
        side = 1 if rng.random() < 0.5 else -1
        s = uniform(rng, -range_m, range_m)
        off_road = rng.random() < 0.5
        d = side * (road.half_width_m + (uniform(rng, 4, 20) if off_road else -1.4))
        turn = rng.normal(0, 0.5) if off_road else 0.0
        pose = _pose(road, s, d, forward=side < 0)
        _place_heavy(plan, (pose[0], pose[1], pose[2] + turn), articulated_buses)


def _fill_lane(plan: Plan, world: WorldPlan, road: Road, lane: int, direction: int, range_m: float) -> None:
    rng = plan.rng
    d = -direction * (road.median_m + (lane + 0.5) * road.lane_m)
    queue = rng.random() < 0.15 + 0.35 * world.density
    speed = 0.0 if queue and rng.random() < 0.7 else uniform(rng, 3.0, 15.0)
    flow_gap = uniform(rng, 8, 30) + 60 * (1 - world.density) ** 2
    if road is not world.surface.roads[0]:
        speed = 0.0
    s = -range_m + uniform(rng, 0, 15)
    while s < range_m:
        draft = _lane_vehicle(plan)
        s += draft.length_m / 2
        pose = _pose(road, s, d + rng.normal(0, 0.2), forward=direction > 0)
        if _within(road, s) and _near(pose, range_m):
            curvature = road.curvature_per_m * direction
            plan.place(draft, *pose, speed_mps=speed, curvature_per_m=curvature)
        gap = uniform(rng, 0.5, 2.5) if queue and rng.random() < 0.9 else 3.0 + rng.exponential(flow_gap)
        s += draft.length_m / 2 + float(gap)


def _lane_vehicle(plan: Plan) -> ObjectDraft:
    label = _LANE_VEHICLES[weighted(plan.rng, _LANE_SHARES)]
    ridden = True if label in (_C.MOTORCYCLE, _C.BICYCLE) else None
    return plan.draw_object(label, ridden=ridden)


_LANE_VEHICLES = (_C.CAR, _C.TRUCK, _C.BUS, _C.MOTORCYCLE, _C.BICYCLE, _C.CONSTRUCTION_VEHICLE)
_LANE_SHARES = cumulated((0.76, 0.1, 0.06, 0.045, 0.025, 0.01))


def _park_along(plan: Plan, road: Road, side: int, occupancy: float, range_m: float) -> None:
    rng = plan.rng
    d = side * (road.half_width_m - road.parking_m / 2)
    facing = side < 0
    s = -range_m + uniform(rng, 0, 6)
    while s < range_m:
        if rng.random() > occupancy:
            s += uniform(rng, 3, 12)
            continue
        label = _C.CAR if rng.random() < 0.94 else _C.TRUCK
        draft = plan.draw_object(label)
        s += draft.length_m / 2
        forward = facing if rng.random() < 0.95 else not facing
        x, y, yaw = _pose(road, s, d + rng.normal(0, 0.12), forward=forward)
        if _within(road, s) and _near((x, y, yaw), range_m) and not _in_other_lanes(plan, road, x, y):
            plan.place(draft, x, y, yaw + float(rng.normal(0, 0.02)))
        s += draft.length_m / 2 + uniform(rng, 0.4, 1.2)


def _fill_lot(plan: Plan, lot: Patch, occupancy: float) -> None:
    rng = plan.rng
    pitch = uniform(rng, 2.45, 2.85)
    angle = np.pi / 2 if rng.random() < 0.7 else uniform(rng, 0.9, 1.4)
    c, s = math.cos(lot.yaw_rad), math.sin(lot.yaw_rad)
    rows = np.arange(-lot.width_m / 2 + 3.0, lot.width_m / 2 - 2.5, 8.2).tolist()
    columns = np.arange(-lot.length_m / 2 + 2, lot.length_m / 2 - 2, pitch / math.sin(angle)).tolist()
    for row_y in rows:
        for column_x in columns:
            if rng.random() > occupancy:
                continue
            local_x, local_y = column_x + rng.normal(0, 0.08), row_y + rng.normal(0, 0.2)
            x, y = lot.x_m + c * local_x - s * local_y, lot.y_m + s * local_x + c * local_y
            turned = lot.yaw_rad + angle + (np.pi if rng.random() < 0.5 else 0.0)
            draft = plan.draw_object(_C.CAR if rng.random() < 0.95 else _C.TRUCK)
            if draft.length_m < 6.5:
                plan.place(draft, x, y, turned + float(rng.normal(0, 0.02)))


def _place_heavy(plan: Plan, pose: tuple[float, float, float], articulated_buses: float) -> None:
    rng = plan.rng
    x, y, yaw = pose
    choice = rng.random()
    if choice < 0.4:
        trailer = plan.draw_object(_C.TRAILER)
        if plan.place(trailer, x, y, yaw) and rng.random() < 0.7:
            small = trailer.length_m < 6.0
            puller = plan.draw_object(_C.CAR) if small else plan.draw_object(_C.TRUCK, kind="tractor_unit")
            ahead = (trailer.length_m + puller.length_m) / 2 + uniform(rng, 0.1, 0.6)
            plan.place(puller, x + ahead * math.cos(yaw), y + ahead * math.sin(yaw), yaw)
        return
    label = _C.TRUCK if choice < 0.7 else _C.BUS if choice < 0.87 else _C.CONSTRUCTION_VEHICLE
    if label == _C.BUS and articulated_buses and rng.random() < articulated_buses:
        _place_articulated_bus(plan, pose)
    else:
        plan.place(plan.draw_object(label), x, y, yaw)


def _place_articulated_bus(plan: Plan, pose: tuple[float, float, float]) -> None:
    """The front section at the pose, the rear one bent against it by up to 25 degrees, as in a bay or a turn."""
    x, y, yaw = pose
    front = plan.draw_object(_C.BUS, kind="bus_front_section")
    rear = plan.draw_object(_C.BUS, kind="bus_rear_section")
    if not plan.place(front, x, y, yaw):
        return
    bent = yaw + float(np.radians(np.clip(plan.rng.normal(0, 9), -25, 25)))
    back, rest = front.length_m / 2, rear.length_m / 2 + 0.5 * rear.width_m * abs(math.sin(bent - yaw)) + 0.06
    joint_x, joint_y = x - back * math.cos(yaw), y - back * math.sin(yaw)
    plan.place(rear, joint_x - rest * math.cos(bent), joint_y - rest * math.sin(bent), bent, margin_m=0.0)


def _pose(road: Road, s: float, d: float, *, forward: bool) -> tuple[float, float, float]:
    x, y, heading = road.pose_at(s, d)
    return x, y, heading + (0.0 if forward else np.pi)


def _within(road: Road, s: float) -> bool:
    return road.start_m <= s <= road.end_m


def _near(pose: tuple[float, float, float], range_m: float) -> bool:
    return math.hypot(pose[0], pose[1]) <= range_m


def _in_other_lanes(plan: Plan, own: Road, x: float, y: float) -> bool:
    """Whether the place lies on another road, where nobody parks."""
    for road in plan.surface.roads:
        if road is own:
            continue
        s, d = road.locate(x, y)
        if road.start_m - 4 <= s <= road.end_m + 4 and abs(d) < road.half_width_m + 3:
            return True
    return False
