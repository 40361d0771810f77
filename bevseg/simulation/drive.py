"""A drive: one world, a vehicle that moves through it, others that move around it with steady identities."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from bevseg.datasets.sample import Sample
from bevseg.datasets.source import numbered_name
from bevseg.geometry.frames import Transform
from bevseg.simulation.config import SIMULATOR_VERSION, SimulationConfig, refuse_reserved_seed
from bevseg.simulation.layout.motion import EgoMotion, Trajectories, simulate_motion
from bevseg.simulation.layout.objects import Objects
from bevseg.simulation.layout.world import World, build_world
from bevseg.simulation.raycast import RayScene
from bevseg.simulation.sensors import SensorSpec, find_sensor
from bevseg.simulation.shutter import sensor_path
from bevseg.simulation.source import Setup, draw_mount, ego_places, ego_transform, render
from bevseg.simulation.weather import Conditions, draw_conditions

_FIRST_STAMP_NS = 1_700_000_000_000_000_000
_SWAY_DEG = 0.15
"""How much the vehicle pitches and rolls from scan to scan."""


@dataclass(frozen=True)
class DriveConfig:
    """One drive.

    Attributes:
        scene: Seed, density, range and conditions; its first sensor is used, its length is that of the drive.
        rate_hz: Scans a second.
        speed_mps: Speed that the vehicle wants to drive at.
    """

    scene: SimulationConfig
    rate_hz: float = 10.0
    speed_mps: float = 7.0

    def __post_init__(self) -> None:
        if not self.rate_hz > 0 or self.speed_mps < 0:
            raise ValueError(
                f"rate_hz must be above 0 and speed_mps not negative, got {self.rate_hz} and {self.speed_mps}"
            )


@dataclass(frozen=True)
class DriveSource:
    """A `Source` of consecutive scans; `track_id` names the same object in all of them.

    The world and all motion are made on first use; after that each scan costs what it costs `SimulatedSource`,
    less the making of a world.
    """

    config: DriveConfig

    def __post_init__(self) -> None:
        refuse_reserved_seed(self.config.scene)

    @property
    def name(self) -> str:
        return f"drive-v{SIMULATOR_VERSION}-{self.config.scene.seed}"

    def __len__(self) -> int:
        return self.config.scene.frames

    def name_of(self, index: int) -> str:
        return numbered_name(index, len(self))

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"scan {index} of a drive of {len(self)} scans")
        stage, scene = self._stage, self.config.scene
        rng = np.random.default_rng(np.random.SeedSequence([scene.seed, _DRIVE_STREAM, 1 + index]))
        pose = stage.trajectories.ego_pose_at(index)
        objects = stage.trajectories.objects_at(index, stage.world.objects)
        distance = np.hypot(objects.boxes[:, 0] - pose[0], objects.boxes[:, 1] - pose[1])
        near: Objects = objects[distance <= scene.range_m].on_ground(stage.world.surface)
        return render(
            stage.world,
            stage.static_scene,
            near,
            self._setup(index, _swaying(rng, stage.mount)),
            rng,
            config=scene,
            name=f"{index:06d}",
            stamp_ns=_FIRST_STAMP_NS + round(index / self.config.rate_hz * 1e9),
        )

    def __getstate__(self) -> dict[str, object]:
        """What goes to another process, which makes a world of its own from it: the same one, to the bit."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def turn_s(self) -> float:
        """How long a scan takes, before its stamp; a sensor that gives more scans a second turns faster."""
        return self._stage.sensor.turn_s

    def ego_pose_before(self, index: int, before_s: float) -> Transform:
        """T_global_from_ego at a time before the stamp of a scan, no further back than the stamp of the scan before."""
        stage = self._stage
        x, y, yaw = stage.trajectories.ego_poses_before(index, np.array([before_s]))[0].tolist()
        return ego_transform(stage.world, (x, y, yaw))

    def _setup(self, index: int, mount: Transform) -> Setup:
        stage = self._stage
        T_global_from_ego = ego_transform(stage.world, stage.trajectories.ego_pose_at(index))
        setup = Setup(stage.sensor, mount, T_global_from_ego, stage.conditions)
        if self.config.scene.shutter == "instant":
            return setup
        times_s = stage.sensor.firing_times_s()
        poses = stage.trajectories.ego_poses_before(index, -times_s)
        places = ego_places(stage.world.surface, poses)
        return replace(setup, path=sensor_path(times_s, places, poses[:, 2], T_global_from_ego @ mount))

    @cached_property
    def _stage(self) -> _Stage:
        return _build_stage(self.config)


_DRIVE_STREAM = 1_000_003
"""Keeps the random numbers of drives apart from those of single frames with the same seed."""


@dataclass(frozen=True, eq=False)
class _Stage:
    world: World
    static_scene: RayScene
    trajectories: Trajectories
    sensor: SensorSpec
    mount: Transform
    conditions: Conditions


def _build_stage(config: DriveConfig) -> _Stage:
    scene = config.scene
    rng = np.random.default_rng(np.random.SeedSequence([scene.seed, _DRIVE_STREAM, 0]))
    duration_s = max(scene.frames - 1, 0) / config.rate_hz
    way_m = config.speed_mps * duration_s
    density = float(rng.uniform(*scene.density))
    world = build_world(rng, scene, density=density, range_m=scene.range_m + way_m, drive_m=way_m + 10.0)
    sensor = _sensor(config)
    curvature = world.surface.roads[0].curvature_per_m * (1 if world.plan.ego_forward else -1)
    ego = EgoMotion(_along_lane(world), config.speed_mps, curvature)
    return _Stage(
        world=world,
        static_scene=RayScene(world.static.pieces),
        trajectories=simulate_motion(world.objects, ego, steps=max(scene.frames, 1), step_s=1 / config.rate_hz),
        sensor=sensor,
        mount=draw_mount(rng, scene, sensor),
        conditions=draw_conditions(rng, scene, sensor),
    )


def _sensor(config: DriveConfig) -> SensorSpec:
    """The drive's sensor; where it matters when a point is measured, it turns no slower than its scans come."""
    sensor = find_sensor(config.scene.sensors[0])
    if config.scene.shutter == "instant":
        return sensor
    return replace(sensor, turn_s=min(sensor.turn_s, 1 / config.rate_hz))


def _along_lane(world: World) -> tuple[float, float, float]:
    """The vehicle's pose in the middle of its lane, straight along it."""
    x, y, heading = world.surface.roads[0].pose_at(0.0, world.plan.ego_lane_d_m)
    return x, y, heading + (0.0 if world.plan.ego_forward else np.pi)


def _swaying(rng: np.random.Generator, mount: Transform) -> Transform:
    pitch, roll = np.radians(rng.normal(0, _SWAY_DEG, 2))
    small = np.array([[1, 0, pitch], [0, 1, -roll], [-pitch, roll, 1]])
    left, _, right = np.linalg.svd(small)
    rotation = left @ right @ mount.matrix[:3, :3]
    return Transform.from_rotation_translation(rotation, mount.translation_m, dst=mount.dst, src=mount.src)
