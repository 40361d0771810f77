"""What a bag of a simulated drive holds, scan by scan: its ROS messages, of the types that `rosbags` knows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from scipy.linalg import logm

from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.frames import Transform
from bevseg.messages.fields import TimeFields
from bevseg.messages.fill import make_message
from bevseg.messages.sensor_place import BASE_FRAME
from bevseg.messages.transforms import transform_message
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import GROUP_OF_CLASS, ClassGroup, SemanticClass
from bevseg.simulation.writers.quaternions import quat_wxyz_of, quat_wxyz_of_yaw

if TYPE_CHECKING:
    from rosbags.typesys.store import Msg, Msgarg, Typestore

TOPICS = {
    "/clock": "rosgraph_msgs/msg/Clock",
    "/tf_static": "tf2_msgs/msg/TFMessage",
    "/tf": "tf2_msgs/msg/TFMessage",
    "/odom": "nav_msgs/msg/Odometry",
    "/truth/boxes": "visualization_msgs/msg/MarkerArray",
    "/lidar/points": "sensor_msgs/msg/PointCloud2",
}
"""The type of each topic, in the order in which a scan's messages lie in the bag."""

POINT_TYPE = np.dtype(
    [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("intensity", "<f4"), ("ring", "<u2"), ("time", "<f4")]
)
"""As Velodyne's driver has it, 22 bytes without padding."""

INTENSITY_FULL_SCALE = 255.0

_DATATYPE = {"<f4": 7, "<u2": 4}
"""sensor_msgs/PointField's numbers of number types."""

_CUBE, _ADD, _DELETE_ALL = 1, 0, 3
_COLOR_RGB = {
    ClassGroup.VEHICLE: (0.2, 0.6, 1.0),
    ClassGroup.PEDESTRIAN: (1.0, 0.6, 0.1),
    ClassGroup.TWO_WHEELER: (0.9, 0.3, 0.8),
    ClassGroup.STATIC: (0.9, 0.85, 0.2),
}
_OPACITY = 0.4


def twist_between(first: Transform, second: Transform, seconds: float) -> Float[np.ndarray, "6"]:
    """The steady motion from one pose to the next: m/s and rad/s about x, y and z, in the moving frame.

    It is the logarithm of the motion: following it for that time leads to the second pose exactly.
    """
    rate = np.real(logm(first.inverse().matrix @ second.matrix)) / seconds
    return np.array([*rate[:3, 3], rate[2, 1], rate[0, 2], rate[1, 0]])


@dataclass(frozen=True, eq=False)
class Place:
    """Where a scan was taken, as its sample has it."""

    stamp_ns: int
    T_ego_from_lidar: Transform
    T_global_from_ego: Transform


@dataclass(frozen=True, eq=False)
class Moment:
    """Where the vehicle of the bag is at a scan; `twist` as `twist_between` gives it."""

    stamp_ns: int
    T_base_link_from_lidar: Transform
    T_odom_from_base_link: Transform
    twist: Float[np.ndarray, "6"]


def moments(places: Sequence[Place]) -> list[Moment]:
    """The vehicle at each scan of a drive: mounted as at the first, moving to the next (at the last as before it)."""
    if not places:
        return []
    mount = Transform(places[0].T_ego_from_lidar.matrix, BASE_FRAME, "lidar")
    poses = [
        Transform((place.T_global_from_ego @ place.T_ego_from_lidar).matrix, "odom", "lidar") @ mount.inverse()
        for place in places
    ]
    twists = [
        twist_between(poses[k], poses[k + 1], (places[k + 1].stamp_ns - places[k].stamp_ns) * 1e-9)
        for k in range(len(places) - 1)
    ]
    twists.append(twists[-1] if twists else np.zeros(6))
    return [
        Moment(place.stamp_ns, mount, pose, twist) for place, pose, twist in zip(places, poses, twists, strict=True)
    ]


def moments_of_turns(places: Sequence[Place], before: Sequence[Transform], turn_s: float) -> list[Moment]:
    """The same of scans that were taken while the vehicle moved; undoing the twist of each undoes its distortion.

    Args:
        places: Where the scans were taken, at their stamps.
        before: T_global_from_ego at the start of each turn.
        turn_s: How long a turn takes.
    """
    found = []
    for place, ego_before in zip(places, before, strict=True):
        mount = Transform(places[0].T_ego_from_lidar.matrix, BASE_FRAME, "lidar")
        # The vehicle sways from scan to scan but not while one is taken, so base_link is fixed to it for that time.
        T_ego_from_base_link = place.T_ego_from_lidar @ mount.inverse()
        start, end = (
            Transform((ego @ T_ego_from_base_link).matrix, "odom", BASE_FRAME)
            for ego in (ego_before, place.T_global_from_ego)
        )
        found.append(Moment(place.stamp_ns, mount, end, twist_between(start, end, turn_s)))
    return found


@dataclass(frozen=True, eq=False)
class Messages:
    """Makes the messages of one scan, by topic, with the types of a store."""

    store: Typestore

    def of_moment(self, moment: Moment, *, first: bool) -> dict[str, Msg]:
        """What depends on the whole drive; the static transform comes with the first scan alone."""
        messages = {
            "/clock": self._make("rosgraph_msgs/msg/Clock", clock=self._time(moment.stamp_ns)),
            "/tf": self._transform(moment.stamp_ns, [moment.T_odom_from_base_link]),
            "/odom": self._odometry(moment.stamp_ns, moment.T_odom_from_base_link, moment.twist),
        }
        if first:
            messages["/tf_static"] = self._transform(moment.stamp_ns, [moment.T_base_link_from_lidar])
        return messages

    def of_scan(self, sample: Sample) -> dict[str, Msg]:
        """What depends on the scan alone."""
        return {
            "/truth/boxes": self._boxes(sample.cloud.stamp_ns, sample.annotations),
            "/lidar/points": self._points(sample.cloud),
        }

    def _transform(self, stamp_ns: int, transforms: Sequence[Transform]) -> Msg:
        fields = transform_message(transforms, TimeFields.from_ns(stamp_ns))
        made: Msg = make_message(fields, self.store.types.__getitem__)
        return made

    def _odometry(self, stamp_ns: int, pose: Transform, twist: Float[np.ndarray, "6"]) -> Msg:
        linear, angular = (self._vector("Vector3", part) for part in (twist[:3], twist[3:]))
        exact = np.zeros(36)
        return self._make(
            "nav_msgs/msg/Odometry",
            header=self._header(stamp_ns, pose.dst),
            child_frame_id=pose.src,
            pose=self._geometry(
                "PoseWithCovariance",
                pose=self._pose(pose.translation_m, quat_wxyz_of(pose.matrix[:3, :3])),
                covariance=exact,
            ),
            twist=self._geometry(
                "TwistWithCovariance",
                twist=self._geometry("Twist", linear=linear, angular=angular),
                covariance=exact,
            ),
        )

    def _points(self, cloud: PointCloud) -> Msg:
        records = point_records(cloud)
        fields: list[Msg] = [
            self._make("sensor_msgs/msg/PointField", name=name, offset=offset, datatype=_DATATYPE[kind.str], count=1)
            for name, (kind, offset, *_) in (POINT_TYPE.fields or {}).items()
        ]
        return self._make(
            "sensor_msgs/msg/PointCloud2",
            header=self._header(cloud.stamp_ns, cloud.frame),
            height=1,
            width=len(records),
            fields=fields,
            is_bigendian=False,
            point_step=POINT_TYPE.itemsize,
            row_step=POINT_TYPE.itemsize * len(records),
            data=records.view(np.uint8),
            is_dense=True,
        )

    def _boxes(self, stamp_ns: int, truth: Annotations) -> Msg:
        header = self._header(stamp_ns, "lidar")
        markers = [self._marker(header, action=_DELETE_ALL)]
        for k, box in enumerate(truth.boxes.astype(np.float64)):
            kind = SemanticClass(truth.label[k])
            marker = self._marker(
                header,
                action=_ADD,
                ns=kind.label,
                id=int(truth.track_id[k]),
                pose=self._pose(box[:3], quat_wxyz_of_yaw(float(box[6]))),
                scale=self._vector("Vector3", box[3:6]),
                color=self._color(*_COLOR_RGB[ClassGroup(GROUP_OF_CLASS[kind])], _OPACITY),
                text=_facts(truth, k),
            )
            markers.append(marker)
        return self._make("visualization_msgs/msg/MarkerArray", markers=markers)

    def _marker(self, header: Msg, **fields: Msgarg) -> Msg:
        """A cube; what is not given is empty, but ROS wants every field filled."""
        nothing = np.zeros(0, np.uint8)
        defaults: dict[str, Msgarg] = {
            "ns": "",
            "id": 0,
            "type": _CUBE,
            "pose": self._pose(np.zeros(3), quat_wxyz_of_yaw(0.0)),
            "scale": self._vector("Vector3", np.zeros(3)),
            "color": self._color(0.0, 0.0, 0.0, 0.0),
            "lifetime": self._make("builtin_interfaces/msg/Duration", sec=0, nanosec=0),
            "frame_locked": False,
            "points": [],
            "colors": [],
            "texture_resource": "",
            "texture": self._make(
                "sensor_msgs/msg/CompressedImage", header=self._header(0, ""), format="", data=nothing
            ),
            "uv_coordinates": [],
            "text": "",
            "mesh_resource": "",
            "mesh_file": self._make("visualization_msgs/msg/MeshFile", filename="", data=nothing),
            "mesh_use_embedded_materials": False,
        }
        return self._make("visualization_msgs/msg/Marker", header=header, **{**defaults, **fields})

    def _make(self, kind: str, **fields: Msgarg) -> Msg:
        return self.store.types[kind](**fields)

    def _geometry(self, kind: str, **fields: Msgarg) -> Msg:
        return self._make(f"geometry_msgs/msg/{kind}", **fields)

    def _pose(self, place_m: Float[np.ndarray, "3"], quat_wxyz: Float[np.ndarray, "4"]) -> Msg:
        return self._geometry("Pose", position=self._vector("Point", place_m), orientation=self._rotation(quat_wxyz))

    def _rotation(self, quat_wxyz: Float[np.ndarray, "4"]) -> Msg:
        return self._vector("Quaternion", np.roll(quat_wxyz, -1))

    def _vector(self, kind: str, values: Float[np.ndarray, "d"]) -> Msg:
        """A Point, Vector3 or Quaternion (x, y, z, w)."""
        return self._geometry(kind, **dict(zip("xyzw", values.tolist(), strict=False)))

    def _color(self, r: float, g: float, b: float, a: float) -> Msg:
        return self._make("std_msgs/msg/ColorRGBA", r=r, g=g, b=b, a=a)

    def _header(self, stamp_ns: int, frame: str) -> Msg:
        return self._make("std_msgs/msg/Header", stamp=self._time(stamp_ns), frame_id=frame)

    def _time(self, stamp_ns: int) -> Msg:
        return self._make("builtin_interfaces/msg/Time", sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)


def point_records(cloud: PointCloud) -> np.ndarray:
    """The points as `POINT_TYPE`, (n,): the bytes of a PointCloud2; a column that the cloud lacks is 0."""
    records = np.zeros(len(cloud), POINT_TYPE)
    for k, axis in enumerate("xyz"):
        records[axis] = cloud.xyz[:, k]
    if cloud.intensity is not None:
        records["intensity"] = cloud.intensity * np.float32(INTENSITY_FULL_SCALE)
    if cloud.ring is not None:
        records["ring"] = cloud.ring
    records["time"] = cloud.time_s
    return records


def _facts(truth: Annotations, k: int) -> str:
    """What a cube cannot show of object k, as JSON."""
    fraction, velocity = float(truth.visible_fraction[k]), truth.velocity_mps[k].astype(float)
    return json.dumps(
        {
            "visible_fraction": None if np.isnan(fraction) else round(fraction, 6),
            "num_points": int(truth.num_points[k]),
            "velocity_mps": [round(v, 6) for v in velocity.tolist()],
        }
    )
