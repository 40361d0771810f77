"""PandaSet frames (Pandar64) with boxes, true track ids and a class for every point.

One `.npz` a frame: `points` (N, 4) x y z intensity 0..255 with x right, y FORWARD, z up, and the origin near the rear
axle about 0.3 m above the ground; `t` seconds; `semseg` (N,); `box_center`, `box_size` (width along x, length along
y, height), `box_yaw` (turns the x axis), `box_label`, `box_uuid`; `pose_R`, `pose_t` (world from the frame of the
points); `timestamp` seconds. `semseg_classes.json` beside them names the point classes.

Source: Xiao et al., "PandaSet: Advanced Sensor Suite Dataset for Autonomous Driving", ITSC 2021.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np
from jaxtyping import Float, Float32, UInt8

from bevseg.datasets.labels import DatasetError, class_array, is_not_a_thing, map_points, sorted_files
from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.boxes import transform_boxes
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud, usable_points
from bevseg.points.input_frame import T_lidar_from_input, to_x_forward
from bevseg.results.classes import SemanticClass as C

PANDASET_CLASSES = {
    "Car": C.CAR,
    "Pickup Truck": C.TRUCK,
    "Medium-sized Truck": C.TRUCK,
    "Semi-truck": C.TRUCK,
    "Towed Object": C.TRAILER,
    "Motorcycle": C.MOTORCYCLE,
    "Motorized Scooter": C.MOTORCYCLE,
    "Bicycle": C.BICYCLE,
    "Other Vehicle - Construction Vehicle": C.CONSTRUCTION_VEHICLE,
    "Other Vehicle - Uncommon": C.NOISE,
    "Other Vehicle - Pedicab": C.NOISE,
    "Emergency Vehicle": C.NOISE,
    "Personal Mobility Device": C.NOISE,
    "Bus": C.BUS,
    "Train": C.BUS,
    "Trolley": C.BUS,
    "Tram / Subway": C.BUS,
    "Pedestrian": C.PEDESTRIAN,
    "Pedestrian with Object": C.PEDESTRIAN,
    "Animals - Bird": C.NOISE,
    "Animals - Other": C.NOISE,
    "Pylons": C.TRAFFIC_CONE,
    "Cones": C.TRAFFIC_CONE,
    "Road Barriers": C.BARRIER,
    "Temporary Construction Barriers": C.BARRIER,
    "Rolling Containers": C.NOISE,
    "Signs": C.MANMADE,
    "Construction Signs": C.MANMADE,
    "Building": C.MANMADE,
    "Other Static Object": C.MANMADE,
    "Vegetation": C.VEGETATION,
    "Ground": C.TERRAIN,
    "Road": C.DRIVEABLE_SURFACE,
    "Lane Line Marking": C.DRIVEABLE_SURFACE,
    "Stop Line Marking": C.DRIVEABLE_SURFACE,
    "Other Road Marking": C.DRIVEABLE_SURFACE,
    "Driveway": C.DRIVEABLE_SURFACE,
    "Sidewalk": C.SIDEWALK,
    "Smoke": C.NOISE,
    "Exhaust": C.NOISE,
    "Spray or rain": C.NOISE,
    "Reflection": C.NOISE,
}
"""As nuScenes counts: pick-ups are trucks; animals, emergency vehicles and mobility aids are none of the ten things."""

SENSOR_ORIGIN_M = (0.8, 0.0, 1.85)
"""Where the Pandar64's rays start, from the origin of the x-forward frame; good to 0.2 m."""


class PandaSetSource:
    """The frames of one scene, in order. The ego frame is that of the points: both sit at the rear axle."""

    def __init__(self, folder: Path, *, name: str = "pandaset") -> None:
        self.name = name
        self._frames = sorted_files(folder, "*.npz")
        classes_file = sorted_files(folder, "semseg_classes.json")[0]
        names: dict[str, str] = json.loads(classes_file.read_text())
        label = class_array(list(names.values()), PANDASET_CLASSES, where=classes_file)
        self._point_classes = np.zeros(256, np.uint8)
        self._point_classes[[int(index) for index in names]] = label

    def __len__(self) -> int:
        return len(self._frames)

    def name_of(self, index: int) -> str:
        return self._frames[index].stem

    def __getitem__(self, index: int) -> Sample:
        path = self._frames[index]
        frame = _PandaSetFrame.read(path)
        cloud = frame.cloud()
        label = class_array(frame.box_label, PANDASET_CLASSES, where=path)
        semantic = map_points(frame.semseg, self._point_classes, num_points=len(frame.points), where=path)
        annotations = Annotations.from_boxes(
            cloud,
            frame.boxes_in_lidar(),
            label,
            track_id=np.array([track_id_of(uuid) for uuid in frame.box_uuid], dtype=np.int64),
            ignored=is_not_a_thing(label),
            point_semantic=semantic[usable_points(frame.points[:, :3])],
        )
        T_ego_from_lidar = Transform(np.eye(4), "ego", "lidar")
        T_global_from_ego = frame.T_global_from_lidar() @ T_ego_from_lidar.inverse()
        return Sample(path.stem, cloud, annotations, T_ego_from_lidar, T_global_from_ego)


@dataclass(frozen=True, eq=False)
class _PandaSetFrame:
    """The arrays of one file that we use, in the file's own axes."""

    points: Float[np.ndarray, "n 4"]
    t: Float[np.ndarray, "n"]
    semseg: UInt8[np.ndarray, "n"]
    box_center: Float[np.ndarray, "k 3"]
    box_size: Float[np.ndarray, "k 3"]
    box_yaw: Float[np.ndarray, "k"]
    box_label: tuple[str, ...]
    box_uuid: tuple[str, ...]
    pose_R: Float[np.ndarray, "3 3"]
    pose_t: Float[np.ndarray, "3"]
    timestamp_s: float

    @classmethod
    def read(cls, path: Path) -> _PandaSetFrame:
        arrays = ("points", "t", "semseg", "box_center", "box_size", "box_yaw", "pose_R", "pose_t")
        with np.load(path, allow_pickle=False) as stored:
            missing = sorted({*arrays, "box_label", "box_uuid", "timestamp"} - set(stored.files))
            if missing:
                raise DatasetError(f"{path}: arrays {missing} are missing, the file has {stored.files}")
            return cls(
                **{key: stored[key] for key in arrays},
                box_label=tuple(stored["box_label"].tolist()),
                box_uuid=tuple(stored["box_uuid"].tolist()),
                timestamp_s=float(stored["timestamp"]),
            )

    def cloud(self) -> PointCloud:
        """The points in x forward; times count back from that of the last one that is kept."""
        kept_t = self.t[usable_points(self.points[:, :3])]
        return PointCloud.from_xyz(
            to_x_forward(self.points[:, :3], "y-forward"),
            stamp_ns=round(self.timestamp_s * 1e6) * 1000,
            sensor_origin_m=SENSOR_ORIGIN_M,
            intensity=self.points[:, 3] / np.float32(255),
            time_s=self.t - kept_t.max() if len(kept_t) else self.t,
        )

    def boxes_in_lidar(self) -> Float32[np.ndarray, "k 7"]:
        """Boxes `(x, y, z, l, w, h, yaw)`: the length lies along the file's box y axis, a quarter turn from its yaw."""
        size_lwh = self.box_size[:, [1, 0, 2]]
        boxes = np.column_stack([self.box_center, size_lwh, self.box_yaw + np.pi / 2])
        return transform_boxes(T_lidar_from_input("y-forward"), boxes).astype(np.float32)

    def T_global_from_lidar(self) -> Transform:  # noqa: N802 (names of transforms cancel)
        T_global_from_input = Transform.from_rotation_translation(self.pose_R, self.pose_t, dst="global", src="input")
        return T_global_from_input @ T_lidar_from_input("y-forward").inverse()


def track_id_of(uuid: str) -> int:
    """A number of 60 bits that stands for the same object in every frame, whatever order they are read in."""
    return UUID(uuid).int >> 68
