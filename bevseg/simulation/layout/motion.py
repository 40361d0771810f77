"""Everybody moves along a lane or a path, slows behind what is in the way, and keeps an identity."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from bevseg.simulation.layout.arc import along_arc
from bevseg.simulation.layout.objects import Objects
from bevseg.simulation.layout.plan import Rectangle, rectangles_overlap

_CLEAR_AHEAD_M = 1.5
_BRAKING_MPS2 = 6.0
_SPEEDING_UP_MPS2 = 2.0
_LOOK_AHEAD_S = 1.2
_CAUTION = 0.4
"""Share of its speed that somebody keeps who sees something ahead but not close."""


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Where everybody is at each step; the last column is the vehicle that carries the sensor.

    Attributes:
        pose: `(x, y, yaw)`, metres and radians.
        speed_mps: Along the heading, from the step before to this one; at the first step as if the motion had gone on
            for long.
        curvature_per_m: Of each one's path.
    """

    pose: Float[np.ndarray, "step mover 3"]
    speed_mps: Float[np.ndarray, "step mover"]
    curvature_per_m: Float[np.ndarray, "mover"]

    def objects_at(self, step: int, objects: Objects) -> Objects:
        """The objects at a step, not yet on the ground."""
        boxes = objects.boxes.copy()
        boxes[:, [0, 1, 6]] = self.pose[step, :-1]
        return replace(objects, boxes=boxes, speed_mps=self.speed_mps[step, :-1])

    def ego_pose_at(self, step: int) -> tuple[float, float, float]:
        x, y, yaw = (float(v) for v in self.pose[step, -1])
        return x, y, yaw

    def ego_poses_before(self, step: int, before_s: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n 3"]:
        """`(x, y, yaw)` of the vehicle that carries the sensor at times before a step, back to the step before it."""
        n = len(before_s)
        way_m = -self.speed_mps[step, -1] * before_s
        return along_arc(np.tile(self.pose[step, -1], (n, 1)), way_m, np.full(n, self.curvature_per_m[-1]))


@dataclass(frozen=True)
class EgoMotion:
    """How the vehicle that carries the sensor sets off: pose, wanted speed, curvature of its lane, size."""

    pose: tuple[float, float, float]
    speed_mps: float
    curvature_per_m: float
    size_lw_m: tuple[float, float] = (4.6, 1.9)


def simulate_motion(objects: Objects, ego: EgoMotion, *, steps: int, step_s: float) -> Trajectories:
    """Moves all by small steps. Who would run into somebody brakes; nobody leaves its arc."""
    pose = np.concatenate([objects.boxes[:, [0, 1, 6]], [ego.pose]])
    size = np.concatenate([objects.boxes[:, 3:5], [ego.size_lw_m]])
    wanted = np.append(objects.speed_mps, ego.speed_mps)
    curvature = np.append(objects.curvature_per_m, ego.curvature_per_m)
    speed = wanted.copy()
    poses, speeds = [pose], [speed]
    for _ in range(steps - 1):
        allowed = _allowed_speed(pose, size, speed, wanted)
        speed = np.clip(allowed, speed - _BRAKING_MPS2 * step_s, speed + _SPEEDING_UP_MPS2 * step_s)
        pose = along_arc(pose, speed * step_s, curvature)
        poses.append(pose)
        speeds.append(speed)
    return Trajectories(np.stack(poses), np.stack(speeds), curvature)


def _allowed_speed(
    pose: Float[np.ndarray, "mover 3"],
    size: Float[np.ndarray, "mover 2"],
    speed: Float[np.ndarray, "mover"],
    wanted: Float[np.ndarray, "mover"],
) -> Float[np.ndarray, "mover"]:
    """Nothing right ahead of an obstacle, little when one is near, else the wanted speed."""
    footprints = np.concatenate([pose[:, :2], size, pose[:, 2:]], axis=1)
    reach = np.hypot(size[:, 0], size[:, 1]) / 2
    allowed = wanted.copy()
    for k in np.flatnonzero(wanted > 0).tolist():
        clear_m = _CLEAR_AHEAD_M * min(1.0, float(size[k, 0]) / 3) + 0.1 * float(speed[k])
        seen_m = clear_m + _LOOK_AHEAD_S * float(speed[k])
        around = np.hypot(pose[:, 0] - pose[k, 0], pose[:, 1] - pose[k, 1]) < reach + reach[k] + seen_m
        around[k] = False
        others = [tuple(row) for row in footprints[around].tolist()]
        own = footprints[k].tolist()
        if _blocked(own, others, clear_m):
            allowed[k] = 0.0
        elif _blocked(own, others, seen_m):
            allowed[k] = _CAUTION * wanted[k]
    return allowed


def _blocked(own: list[float], others: list[Rectangle], reach_m: float) -> bool:
    """Whether somebody stands in the strip of that length ahead of a footprint."""
    x, y, length, width, yaw = own
    ahead = (length + reach_m) / 2
    strip = (x + ahead * math.cos(yaw), y + ahead * math.sin(yaw), reach_m, 0.9 * width, yaw)
    return any(rectangles_overlap(strip, other) for other in others)
