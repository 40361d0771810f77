"""Exact truth about the ground: which of its cells a sensor of endlessly dense beams would find free or occupied.

It is asked of the world itself, by geometry and by casting lines of sight, and not of the points of a scan. The sensor
is the scan's own: in the same place, with the same range, sector and outermost beams. For one cell:

* OCCUPIED: a surface of anything stands in it between the two obstacle heights above the ground, and a line of sight
  reaches it there.
* FREE: nothing stands in it at these heights, and the line of sight to the ground at its centre is clear.
* HIDDEN: nothing of what was asked for can be seen, since something stands in the way: an object, the surroundings,
  the vehicle that carries the sensor, or a hill.
* UNOBSERVED: the lines of sight lie outside of the sensor's field of view or range.

A line of sight goes as far as half of the beams along it: through one pane of glass but not through two, through some
layers of wire and spokes, and some way into leaves and hedges. Brightness, weather, lost beams and noise, which are
luck, have no part in it.

The states are those of the visibility map that a pipeline estimates from points (`bevseg.occlusion.visibility`), and so
are the obstacle heights. They differ where a scan tells too little: the estimate knows only what beams hit, takes the
ground behind an obstacle to go on flat and anything that a beam crosses overhead to be seen (so also the ground beside
and below the vehicle, which is below the lowest beam or hidden by the body), and calls ground unobserved behind the
last return of its azimuth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from bevseg.datasets.ground_cells import GroundCells
from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid
from bevseg.results.scene import CellState, VisibilityMap
from bevseg.simulation.ego_body import EgoBody
from bevseg.simulation.field_of_view import covers
from bevseg.simulation.ground_net import GroundNet
from bevseg.simulation.layout.objects import Objects
from bevseg.simulation.layout.surface import Surface
from bevseg.simulation.layout.world import GROUND_PIECE, StaticPieces
from bevseg.simulation.materials import FREE_PATH_M, PASS_PROBABILITY
from bevseg.simulation.obstacle_cells import ObstacleCells, obstacle_cells
from bevseg.simulation.raycast import RayScene
from bevseg.simulation.sensors import SensorSpec
from bevseg.simulation.shapes.assemble import Assembly
from bevseg.simulation.transmission import transmitted_share

OBSTACLE_HEIGHTS_M = (0.3, 2.5)
"""What is lower counts as ground, what is higher (crowns of trees, roofs) does not stand in the way."""

_FIRST_M = 0.3
"""Nothing nearer to the sensor stands in the way of a line of sight: its housing."""
_ABOVE_GROUND_M = 0.01
"""Lines of sight to the ground end so far above it, lest the ground itself be in the way."""
_CLEAR_SHARE = 0.5
"""A line of sight is clear where so many of the beams along it get through."""
_BLOCK = 2
"""Kerbs and bumps are worked out once for so many by so many cells; they lift the ground by less than 0.2 m."""
_MOST_RELIEF_M = 0.3


@dataclass(frozen=True, eq=False)
class Viewpoint:
    """The sensor, where it is, and what of its own vehicle is in its way."""

    sensor: SensorSpec
    T_world_from_lidar: Transform
    ego_body: EgoBody | None


def ground_cells(
    static: StaticPieces, surface: Surface, objects: Objects, viewpoint: Viewpoint, grid: BevGrid
) -> GroundCells:
    """The truth about every cell of a grid in the sensor's frame.

    Args:
        static: Ground and surroundings.
        surface: The same ground, with its kerbs.
        objects: Where they are at this moment.
        viewpoint: From where it is seen.
        grid: The cells.
    """
    x, y, _ = viewpoint.T_world_from_lidar.translation_m.tolist()
    pieces = static.pieces + objects.assembly(surface, seen_from_m=(x, y))
    sight = _Sight.through(pieces, viewpoint)
    ground_m = _ground_below(static, surface, viewpoint.T_world_from_lidar, grid)
    standing = obstacle_cells(
        *_above_ground(pieces, surface, viewpoint.T_world_from_lidar), grid, heights_m=OBSTACLE_HEIGHTS_M
    )
    obstacle = np.zeros(grid.num_cells, bool)
    obstacle[standing.cell] = True
    bare = np.flatnonzero(~obstacle)
    state = np.empty(grid.num_cells, np.uint8)
    targets = np.column_stack([grid.centers_of(bare), ground_m[bare] + _ABOVE_GROUND_M])
    state[bare] = sight.states(targets, CellState.FREE)
    state[standing.cell] = _obstacle_states(sight, standing, ground_m, grid)
    shape = grid.shape
    return GroundCells(VisibilityMap(grid, state.reshape(shape)), obstacle.reshape(shape))


@dataclass(frozen=True, eq=False)
class _Sight:
    """Lines of sight through a world from one viewpoint.

    Attributes:
        viewpoint: Where they start.
        opaque: All that no beam passes, or too few.
        porous: All that some beams pass.
    """

    viewpoint: Viewpoint
    opaque: RayScene
    porous: RayScene

    @classmethod
    def through(cls, pieces: Assembly, viewpoint: Viewpoint) -> _Sight:
        """Through a world with these pieces."""
        material = pieces.mesh.material
        opaque = (FREE_PATH_M[material] == 0) & (PASS_PROBABILITY[material] < _CLEAR_SHARE)
        return cls(viewpoint, RayScene(_only(pieces, opaque)), RayScene(_only(pieces, ~opaque)))

    def states(
        self, targets: Float[np.ndarray, "n 3"], seen: CellState, near_m: Float[np.ndarray, "n"] | None = None
    ) -> UInt8[np.ndarray, "n"]:
        """UNOBSERVED, HIDDEN or `seen` for each target in the sensor's frame.

        It is seen where its line of sight is clear up to it, or up to `near_m` before it.
        """
        distance = np.sqrt(np.einsum("nd,nd->n", targets, targets))
        local = (targets / distance[:, None]).astype(np.float32)
        state = np.full(len(targets), CellState.UNOBSERVED, np.uint8)
        inside = np.flatnonzero(covers(self.viewpoint.sensor, local, distance))
        way_m = distance[inside] if near_m is None else distance[inside] - near_m[inside]
        state[inside] = np.where(self._clear(local[inside], way_m), np.uint8(seen), np.uint8(CellState.HIDDEN))
        return state

    def _clear(self, local: Float[np.ndarray, "n 3"], way_m: Float[np.ndarray, "n"]) -> Bool[np.ndarray, "n"]:
        """Whether nothing ends a line of sight within the given way."""
        T, body = self.viewpoint.T_world_from_lidar, self.viewpoint.ego_body
        clear = np.ones(len(local), bool) if body is None else body.distances(local) >= way_m
        directions = local @ T.matrix[:3, :3].T.astype(np.float32)
        start = np.full(len(local), _FIRST_M)
        into = np.zeros(0, np.int64)
        for scene in (self.opaque, self.porous):
            left = np.flatnonzero(clear)
            met = scene.meets(T.translation_m, directions.take(left, axis=0), start[left], way_m[left])
            into = left[met]
            clear[into] = False
        share = transmitted_share(
            self.porous, T.translation_m, directions[into], start[into], way_m[into], least=_CLEAR_SHARE
        )
        clear[into] = share >= _CLEAR_SHARE
        return clear


def _only(pieces: Assembly, chosen: Bool[np.ndarray, "t"]) -> Assembly:
    """The same pieces with some of their triangles."""
    mesh = pieces.mesh
    kept = replace(mesh, triangles=mesh.triangles[chosen], material=mesh.material[chosen])
    return replace(pieces, mesh=kept, piece=pieces.piece[chosen])


def _obstacle_states(
    sight: _Sight, standing: ObstacleCells, ground_m: Float[np.ndarray, "cells"], grid: BevGrid
) -> UInt8[np.ndarray, "m"]:
    """OCCUPIED where a line of sight reaches the cell at the top, the middle or the foot of what stands in it."""
    state = np.full(len(standing.cell), CellState.UNOBSERVED, np.uint8)
    center = grid.centers_of(standing.cell)
    for share in (1.0, 0.5, 0.0):
        left = np.flatnonzero(state != CellState.OCCUPIED)
        height = standing.low_m[left] + share * (standing.high_m[left] - standing.low_m[left])
        targets = np.column_stack([center[left], ground_m[standing.cell[left]] + height])
        found = sight.states(targets, CellState.OCCUPIED, _way_in_cell(targets, grid.cell_m))
        state[left] = np.where(found == CellState.UNOBSERVED, state[left], found)
    return state


def _way_in_cell(targets: Float[np.ndarray, "n 3"], cell_m: float) -> Float[np.ndarray, "n"]:
    """From where a line of sight enters a cell to the middle of it, along the line."""
    across = np.abs(targets[:, :2]).max(axis=1)
    length = np.sqrt(np.einsum("nd,nd->n", targets, targets))
    return length * np.minimum(cell_m / 2 / np.maximum(across, 1e-9), 1.0)


def _ground_below(
    static: StaticPieces, surface: Surface, T_world_from_lidar: Transform, grid: BevGrid
) -> Float[np.ndarray, "cells"]:
    """z of the ground at the centre of each cell, in the sensor's frame, nowhere below the net that rays meet."""
    net, T = GroundNet.of(static), T_world_from_lidar.matrix
    x, y = grid.centers_of(np.arange(grid.num_cells)).T
    level = T[2, 0] * x + T[2, 1] * y + T[2, 3]
    foot = net.at(T[:1, 3], T[1:2, 3])
    z = (foot - level) / T[2, 2]  # as if the ground were flat; only the sensor's small tilt makes this matter
    world_x, world_y = (T[axis, 0] * x + T[axis, 1] * y + T[axis, 2] * z + T[axis, 3] for axis in (0, 1))
    height, width = grid.shape
    some_x, some_y = (place.reshape(height, width)[::_BLOCK, ::_BLOCK] for place in (world_x, world_y))
    lift = surface.standing(some_x.ravel(), some_y.ravel()).reshape(some_x.shape)
    lift = np.repeat(np.repeat(lift, _BLOCK, axis=0), _BLOCK, axis=1)[:height, :width].ravel()
    return (net.at(world_x, world_y) + np.maximum(lift, 0.0) - level) / T[2, 2]


def _above_ground(
    pieces: Assembly, surface: Surface, T_world_from_lidar: Transform
) -> tuple[Float[np.ndarray, "v 3"], Int[np.ndarray, "t 3"]]:
    """Corners `(x, y, height above the ground)` in the sensor's frame, and the triangles that may be obstacles."""
    mesh = pieces.mesh
    world = mesh.vertices.astype(np.float64)
    corners = T_world_from_lidar.inverse().apply(world)
    corners[:, 2] = world[:, 2] - surface.height(world[:, 0], world[:, 1])
    low, high = OBSTACLE_HEIGHTS_M
    height = corners[:, 2][mesh.triangles]
    some = (height.max(axis=1) > low - _MOST_RELIEF_M) & (height.min(axis=1) < high + _MOST_RELIEF_M)
    some &= pieces.piece != GROUND_PIECE
    triangles = mesh.triangles[some].astype(np.int64)
    used: Bool[np.ndarray, "v"] = np.zeros(len(world), bool)
    used[triangles] = True
    corners[used, 2] -= surface.standing(world[used, 0], world[used, 1])
    return corners, triangles
