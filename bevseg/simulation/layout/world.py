"""A whole world: ground, objects and surroundings, and the triangles of all that does not move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from bevseg.results.classes import SemanticClass
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.layout import people, surroundings, traffic, works
from bevseg.simulation.layout.bystanders import add_bystanders
from bevseg.simulation.layout.decoys import add_decoys
from bevseg.simulation.layout.objects import Objects
from bevseg.simulation.layout.plan import PlacedStuff, Plan
from bevseg.simulation.layout.roads import WorldPlan, draw_world_plan
from bevseg.simulation.layout.surface import Surface
from bevseg.simulation.materials import Material
from bevseg.simulation.shapes.assemble import Assembly, assemble
from bevseg.simulation.shapes.mesh import Mesh

_GROUND_CELL_M = 5.0
_EGO_SIZE_M = (5.2, 2.3)


GROUND_PIECE = 0
"""Which piece of what does not move is the ground."""


@dataclass(frozen=True, eq=False)
class StaticPieces:
    """Ground and surroundings, in the world.

    Attributes:
        pieces: The ground comes first.
        semantic: `SemanticClass` of each piece; 0 for the ground, where the place tells.
        tint: Reflectance factor of each piece.
    """

    pieces: Assembly
    semantic: UInt8[np.ndarray, "k"]
    tint: Float[np.ndarray, "k"]


@dataclass(frozen=True, eq=False)
class World:
    """One neighbourhood at one moment; the vehicle stands at (x, y, yaw) `ego_pose`."""

    plan: WorldPlan
    objects: Objects
    static: StaticPieces
    ego_pose: tuple[float, float, float]

    @property
    def surface(self) -> Surface:
        return self.plan.surface


def build_world(
    rng: np.random.Generator, config: SimulationConfig, *, density: float, range_m: float, drive_m: float = 0.0
) -> World:
    """Draws a world around the origin.

    Args:
        rng: What it is drawn with.
        config: Of its settings those that say what stands around and how the vehicle stands.
        density: Crowdedness, 0 to 1.
        range_m: How far the world reaches.
        drive_m: The vehicle drives: that many metres of its lane are kept free of all but traffic, and it sets off
            along the lane.
    """
    world = draw_world_plan(rng, density=density)
    ego = _ego_pose(rng, world, any_heading=0.0 if drive_m else config.any_heading)
    plan = Plan(world.surface, rng)
    plan.reserve((ego[0], ego[1], *_EGO_SIZE_M, ego[2]))
    if drive_m:
        traffic.add_moving_traffic(plan, world, range_m=range_m)
        _reserve_lane(plan, world, drive_m)
    works.add_works(plan, world, range_m=range_m)
    traffic.add_heavy_standing(plan, world, range_m=range_m, articulated_buses=config.articulated_buses)
    if not drive_m:
        traffic.add_moving_traffic(plan, world, range_m=range_m)
    traffic.add_parked_rows(plan, world, range_m=range_m)
    traffic.add_parking_lots(plan, world)
    if config.decoys:
        add_decoys(plan, world, range_m=range_m, amount=config.decoys)
    surroundings.add_buildings(plan, world, range_m=range_m)
    people.add_two_wheelers(plan, world, range_m=range_m)
    people.add_pedestrians(plan, world, range_m=range_m)
    surroundings.add_borders(plan, world, range_m=range_m)
    surroundings.add_furniture(plan, world, range_m=range_m)
    surroundings.add_plants(plan, world, range_m=range_m)
    if config.bystanders:
        add_bystanders(plan, world, range_m=range_m, amount=config.bystanders)
    return World(world, plan.objects(), _static_pieces(world.surface, plan.stuff, extent_m=range_m + 40), ego)


def _ego_pose(rng: np.random.Generator, world: WorldPlan, *, any_heading: float) -> tuple[float, float, float]:
    x, y, heading = world.surface.roads[0].pose_at(0.0, world.ego_lane_d_m + rng.normal(0, 0.3))
    yaw = heading + (0.0 if world.ego_forward else np.pi)
    yaw += float(rng.uniform(-np.pi, np.pi)) if rng.random() < any_heading else float(rng.normal(0, 0.05))
    return x, y, yaw


def _reserve_lane(plan: Plan, world: WorldPlan, drive_m: float) -> None:
    road = world.surface.roads[0]
    direction = 1 if world.ego_forward else -1
    for way in np.arange(3.0, drive_m, 3.0).tolist():
        px, py, heading = road.pose_at(direction * way, world.ego_lane_d_m)
        plan.reserve((px, py, 4.0, _EGO_SIZE_M[1], heading))


def _static_pieces(surface: Surface, stuff: list[PlacedStuff], *, extent_m: float) -> StaticPieces:
    places = np.array([(p.x_m, p.y_m, p.yaw_rad, *p.scale) for p in stuff], dtype=np.float64).reshape(-1, 6)
    standing = assemble(
        [p.mesh for p in stuff],
        scale=places[:, 3:],
        xy_m=places[:, :2],
        yaw_rad=places[:, 2],
        lift_m=surface.standing(places[:, 0], places[:, 1]),
        ground=surface.height,
    )
    return StaticPieces(
        Assembly.of(_ground_mesh(surface, extent_m)) + standing,
        np.array([0, *(int(p.semantic) for p in stuff)], np.uint8),
        np.array([1.0, *(p.tint for p in stuff)], np.float32),
    )


def _ground_mesh(surface: Surface, extent_m: float) -> Mesh:
    """The smooth ground as a square net; kerbs and surface classes are found where beams meet it."""
    cells = int(np.ceil(2 * extent_m / _GROUND_CELL_M))
    edge = (np.arange(cells + 1) - cells / 2) * _GROUND_CELL_M
    x, y = (v.ravel() for v in np.meshgrid(edge, edge))
    corner = (np.arange(cells)[:, None] * (cells + 1) + np.arange(cells)).ravel()
    up = corner + cells + 1
    triangles = np.stack([np.stack([corner, corner + 1, up + 1], 1), np.stack([corner, up + 1, up], 1)], axis=1)
    vertices = np.stack([x, y, surface.height(x, y)], axis=1)
    return Mesh.of(vertices, triangles, Material.EARTH)


GROUND_TINT = np.zeros(17, dtype=np.float32)
"""Reflectance of each ground surface, indexed by `SemanticClass`."""
for _surface, _value in (
    (SemanticClass.DRIVEABLE_SURFACE, 0.14),
    (SemanticClass.OTHER_FLAT, 0.25),
    (SemanticClass.SIDEWALK, 0.28),
    (SemanticClass.TERRAIN, 0.35),
):
    GROUND_TINT[_surface] = _value
