"""Simulated scans as a source of labelled samples: frame i depends on the configuration and i alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from bevseg.datasets.sample import Annotations, LabelledView, Sample
from bevseg.datasets.source import numbered_name
from bevseg.geometry.boxes import transform_boxes
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.simulation.config import SIMULATOR_VERSION, SimulationConfig, refuse_reserved_seed, require_instant
from bevseg.simulation.ground_map import Viewpoint, ground_cells
from bevseg.simulation.layout.objects import Objects
from bevseg.simulation.layout.surface import Surface
from bevseg.simulation.layout.world import World, build_world
from bevseg.simulation.measured import Points
from bevseg.simulation.raycast import RayScene
from bevseg.simulation.scan import Scan, scan
from bevseg.simulation.sensors import SensorSpec, find_sensor
from bevseg.simulation.shutter import SensorPath
from bevseg.simulation.stage import Stage
from bevseg.simulation.truncation import truncation
from bevseg.simulation.truth import occlusion_graph, visible_fraction
from bevseg.simulation.weather import Conditions, draw_conditions
from bevseg.stopwatch import Stopwatch

FRAME = "lidar"
_SENSOR_AHEAD_M = 0.9
"""The vehicle's frame lies on the ground below its rear axle (as nuScenes has it), this far behind the sensor."""


@dataclass(frozen=True)
class SimulatedSource:
    """A `Source` whose samples are made when they are asked for, in any order, always with the same bytes.

    Raises:
        ValueError: The seed is kept for frozen test sets (`frozen_set.FrozenSource` uses it), or the shutter is one
            that needs a drive.
    """

    config: SimulationConfig

    def __post_init__(self) -> None:
        refuse_reserved_seed(self.config)
        require_instant(self.config)

    @property
    def name(self) -> str:
        return f"simulated-v{SIMULATOR_VERSION}-{self.config.seed}"

    def __len__(self) -> int:
        return self.config.frames

    def name_of(self, index: int) -> str:
        return numbered_name(index, len(self))

    def __getitem__(self, index: int) -> Sample:
        return simulate_frame(self.config, index)


def simulate_frame(config: SimulationConfig, index: int, *, watch: Stopwatch | None = None) -> Sample:
    """Frame `index` of the configuration: its own world, seen once. `watch` is told how long each stage took.

    Raises:
        IndexError: The configuration has no such frame.
        ValueError: The shutter is one that needs a drive.
    """
    require_instant(config)
    if not 0 <= index < config.frames:
        raise IndexError(f"frame {index} of a source of {config.frames} frames")
    watch = watch or Stopwatch()
    rng = np.random.default_rng(np.random.SeedSequence([config.seed, index]))
    density = float(rng.uniform(*config.density))
    with watch.stage("world"):
        world = build_world(rng, config, density=density, range_m=config.range_m)
    sensor = find_sensor(config.sensors[index % len(config.sensors)])
    setup = Setup(
        sensor,
        draw_mount(rng, config, sensor),
        ego_transform(world, world.ego_pose),
        draw_conditions(rng, config, sensor),
    )
    with watch.stage("tree"):
        static_scene = RayScene(world.static.pieces)
    return render(world, static_scene, world.objects, setup, rng, config=config, name=f"{index:06d}", watch=watch)


@dataclass(frozen=True)
class Setup:
    """The sensor, how it is mounted, where its vehicle is at the stamp, and the conditions it works in.

    Its path during the turn is None where nothing moves while it turns.
    """

    sensor: SensorSpec
    T_ego_from_lidar: Transform
    T_global_from_ego: Transform
    conditions: Conditions
    path: SensorPath | None = None


def draw_mount(rng: np.random.Generator, config: SimulationConfig, sensor: SensorSpec) -> Transform:
    """T_ego_from_lidar: height with its jitter, small pitch and roll."""
    height = sensor.mount_height_m + float(rng.uniform(-1, 1)) * config.height_jitter_m
    pitch, roll = np.radians(np.clip(rng.normal(0, config.tilt_deg, 2), -2, 2))
    cp, sp, cr, sr = np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    rotation = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]]) @ np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    return Transform.from_rotation_translation(rotation, np.array([_SENSOR_AHEAD_M, 0.0, height]), dst="ego", src=FRAME)


def ego_transform(world: World, pose: tuple[float, float, float]) -> Transform:
    """T_world_from_ego of a vehicle whose sensor is above (x, y), on the ground, heading along yaw."""
    return Transform.from_yaw(pose[2], ego_places(world.surface, np.array([pose]))[0], dst="global", src="ego")


def ego_places(surface: Surface, poses: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Where the vehicle's frame is, on the ground, for each pose `(x, y, yaw)` of the sensor above it."""
    x, y, yaw = poses.T
    rear_x, rear_y = x - _SENSOR_AHEAD_M * np.cos(yaw), y - _SENSOR_AHEAD_M * np.sin(yaw)
    return np.stack([rear_x, rear_y, surface.height(rear_x, rear_y)], axis=1)


def render(
    world: World,
    static_scene: RayScene,
    objects: Objects,
    setup: Setup,
    rng: np.random.Generator,
    *,
    config: SimulationConfig,
    name: str,
    stamp_ns: int = 0,
    watch: Stopwatch | None = None,
) -> Sample:
    """One scan of the world from the vehicle, as a sample in the lidar's frame."""
    watch = watch or Stopwatch()
    T_global_from_lidar = setup.T_global_from_ego @ setup.T_ego_from_lidar
    stage = Stage(world.static, static_scene, world.surface, objects)
    result = scan(
        stage,
        setup.sensor,
        T_global_from_lidar,
        setup.conditions,
        rng,
        path=setup.path,
        occlusion=config.occlusion,
        watch=watch,
    )
    with watch.stage("sample"):
        cloud = _cloud(result.points, stamp_ns)
        if setup.path is not None and config.shutter == "deskewed":
            cloud = _deskewed(cloud, setup.path, result.points.beam // setup.sensor.num_beams)
        annotations = _annotations(result, objects, T_global_from_lidar.inverse(), config)
        if config.truncation:
            share = truncation(annotations.boxes, setup.sensor, range_m=config.range_m)
            annotations = replace(annotations, truncation=share)
    if config.ground_cells is not None:
        with watch.stage("truth"):
            viewpoint = Viewpoint(setup.sensor, T_global_from_lidar, setup.conditions.ego_body)
            ground = ground_cells(world.static, world.surface, objects, viewpoint, config.ground_cells)
            annotations = replace(annotations, ground=ground)
    return Sample(name, cloud, annotations, setup.T_ego_from_lidar, setup.T_global_from_ego)


def _cloud(points: Points, stamp_ns: int) -> PointCloud:
    return PointCloud.from_xyz(
        points.xyz,
        frame=FRAME,
        stamp_ns=stamp_ns,
        intensity=points.intensity,
        time_s=points.time_s,
        ring=points.ring,
    )


def _deskewed(cloud: PointCloud, path: SensorPath, firing: Int[np.ndarray, "n"]) -> PointCloud:
    """The cloud as seen from where the sensor is at the stamp; each ray starts where the sensor was."""
    return replace(cloud, xyz=path.deskewed(cloud.xyz, firing), ray_origins_m=path.place_m[firing].astype(np.float32))


def _annotations(
    result: Scan, objects: Objects, T_lidar_from_global: Transform, config: SimulationConfig
) -> Annotations:
    boxes = transform_boxes(T_lidar_from_global, objects.boxes).astype(np.float32)
    k = len(objects)
    fraction = np.full(k, np.nan, np.float32)
    graph = None
    if result.counts is not None:
        fraction = visible_fraction(result.counts)
        graph = occlusion_graph(result.counts, _nearest_edge(boxes))
    velocity = objects.velocity_mps @ T_lidar_from_global.matrix[:2, :2].T
    return Annotations(
        boxes=boxes,
        label=objects.label.astype(np.uint8),
        track_id=objects.track_id.astype(np.int64),
        velocity_mps=velocity.astype(np.float32),
        visible_fraction=fraction,
        num_points=np.bincount(result.points.instance, minlength=k + 1)[1:].astype(np.int64),
        ignored=np.zeros(k, bool),
        point_semantic=result.points.semantic,
        point_instance=result.points.instance,
        occlusion=graph,
        view=LabelledView(max_range_m=config.range_m),
    )


def _nearest_edge(boxes: Float[np.ndarray, "k 7"]) -> Float[np.ndarray, "k"]:
    """Distance from the sensor to the nearest edge of each footprint, metres."""
    c, s = np.cos(boxes[:, 6]), np.sin(boxes[:, 6])
    along = np.abs(c * boxes[:, 0] + s * boxes[:, 1]) - boxes[:, 3] / 2
    across = np.abs(-s * boxes[:, 0] + c * boxes[:, 1]) - boxes[:, 4] / 2
    return np.hypot(np.maximum(along, 0), np.maximum(across, 0))
