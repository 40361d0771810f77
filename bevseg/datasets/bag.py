"""ROS 2 bags (MCAP or SQLite): the scans of one PointCloud2 topic, without labels.

A message is read when its sample is asked for; until then only the bag's index of times is, and one scan for its frame.
The vehicle's motion comes from an odometry topic, between its two messages around the stamp of the scan, and where the
sensor is from /tf_static: see `bag_frames`. Without odometry there are no poses: the global frame is each scan's own,
and the ego frame base_link where /tf_static connects the points with it, else the frame of the points.

Samples are in the frame of the points, which must have x forward, y left, z up, as REP-103 has it; it goes by the name
"lidar" also where it is the vehicle's, and rays start in it where the sensor is.
"""

from __future__ import annotations

import weakref
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int64

from bevseg.datasets.bag_frames import StaticFrames, plain_name, ray_origins
from bevseg.datasets.bag_messages import StoredMessages, all_messages, open_bag
from bevseg.datasets.bag_poses import pose_at, pose_of_odometry
from bevseg.datasets.labels import NO_BOXES, DatasetError
from bevseg.datasets.sample import Annotations, Sample
from bevseg.datasets.source import numbered_name
from bevseg.geometry.frames import Transform
from bevseg.messages.pointcloud2 import PointCloud2Error, decode_pointcloud2, ray_origins_of
from bevseg.messages.sensor_place import BASE_FRAME
from bevseg.points.cloud import PointCloud

if TYPE_CHECKING:
    from rosbags.interfaces import Connection

POINTS_TYPE = "sensor_msgs/msg/PointCloud2"
ODOMETRY_TYPE = "nav_msgs/msg/Odometry"

_OBJECTS_TABLE, _LABELLED_POINTS = "/output/objects_table", "/output/points"
"""End the topics of clouds that bevseg publishes: one object a row, and the scan with labels."""
_NEIGHBOURS = 4
"""Odometry messages to each side of a scan that are looked at first: stamps and times of recording differ a little."""


class BagSource:
    """The scans of one topic.

    Args:
        path: A bag's folder (with `metadata.yaml`), or one of its files.
        topic: Of type sensor_msgs/PointCloud2; may be left out where there is one alone.
        odometry_topic: Of type nav_msgs/Odometry; None takes the only one there is, if any, "" takes none.
        intensity_full_scale: The intensity that stands for 1; by default it is guessed scan by scan.
        sensor_frame: The frame whose origin rays start at; may be left out where the points are in the sensor's own
            frame, or in a bag that bevseg wrote.

    Raises:
        DatasetError: The bag cannot be read, a topic is not there, it is not clear which is meant or where rays start,
            or /tf_static does not say where the points are on the frame whose motion the odometry gives.
        ModuleNotFoundError: The package `rosbags`, which is optional, is not installed.
    """

    def __init__(
        self,
        path: Path,
        *,
        topic: str | None = None,
        odometry_topic: str | None = None,
        intensity_full_scale: float | None = None,
        sensor_frame: str | None = None,
        name: str | None = None,
    ) -> None:
        self.name = name or path.stem
        self.path = path
        self._reader = open_bag(path)
        # A reader that is left to the garbage collector complains of its open files.
        self._closing = weakref.finalize(self, self._reader.close)
        self._full_scale = intensity_full_scale
        self._clouds = StoredMessages.of(self._reader, path, self._connections(POINTS_TYPE, topic, required=True))
        self.topic = self._clouds.topic
        odometry = self._connections(ODOMETRY_TYPE, odometry_topic, required=bool(odometry_topic))
        self._odometry = StoredMessages.of(self._reader, path, odometry if len(self) else [])
        self._frame = self._frame_of_first()
        self._frames = StaticFrames.of_messages(all_messages(self._reader, path, self._static()), where=str(path))
        self._origins_m = np.zeros((1, 3), np.float32)
        if len(self):
            self._origins_m = ray_origins(self._frames, self._frame, sensor_frame, where=f"{path}: {self.topic}")
        self._T_ego_from_lidar = self._find_mounting()

    @property
    def has_poses(self) -> bool:
        return bool(len(self._odometry))

    @property
    def times_ns(self) -> Int64[np.ndarray, "scan"]:
        """When each scan was recorded, nanoseconds since the epoch; not its stamp, which lies in the message."""
        return self._clouds.times_ns

    def drive_of(self, index: int) -> str:
        """A bag is one drive."""
        return self.name

    def __len__(self) -> int:
        return len(self._clouds)

    def name_of(self, index: int) -> str:
        return numbered_name(index, len(self))

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"scan {index} of a bag of {len(self)}")
        where = f"{self.path}: message {index} of {self.topic}"
        message = self._clouds[index]
        try:
            cloud = decode_pointcloud2(
                message, frame="lidar", intensity_full_scale=self._full_scale, when_all_lost="empty"
            )
            cloud = self._with_origins(cloud, message, where=where)
        except PointCloud2Error as error:
            raise DatasetError(f"{where}: {error}") from error
        T_global_from_ego = Transform(np.eye(4), "global", "ego")
        if self.has_poses:
            T_global_from_ego = self._pose_at(cloud.stamp_ns, int(self.times_ns[index]), where=where)
        no_boxes = np.zeros((0, 7), np.float32), np.zeros(0, np.uint8)
        truth = Annotations.from_boxes(cloud, *no_boxes, view=NO_BOXES)
        return Sample(self.name_of(index), cloud, truth, self._T_ego_from_lidar, T_global_from_ego)

    def T_frame_from_lidar(self, frame: str = BASE_FRAME) -> Transform:  # noqa: N802
        """What moves the clouds of all samples into another frame of the vehicle, by /tf_static.

        Raises:
            DatasetError: /tf_static does not connect the two, or contradicts itself on the way.
        """
        found = self._frames.transform(dst=plain_name(frame), src=self._frame)
        if found is None:
            raise DatasetError(
                f"{self.path}: /tf_static does not connect '{self._frame}', which the points of {self.topic} are in, "
                f"with '{frame}': {self._frames.disconnection(self._frame, plain_name(frame))}"
            )
        return Transform(found.matrix, frame, "lidar")

    def close(self) -> None:
        """Closes the files of the bag; samples cannot be read any more."""
        self._closing()

    def _connections(self, kind: str, topic: str | None, *, required: bool) -> list[Connection]:
        """All connections of a topic, several where a bag was recorded in parts; none for the topic ""."""
        if topic == "":
            return []
        by_topic: dict[str, list[Connection]] = {}
        for connection in self._reader.connections:
            if connection.msgtype == kind:
                by_topic.setdefault(connection.topic, []).append(connection)
        if topic is None and len(by_topic) > 1:
            by_topic = _scans(by_topic)
        if topic is not None and topic not in by_topic:
            raise DatasetError(f"{self.path}: has no topic {topic} of type {kind}, but {sorted(by_topic) or 'none'}")
        if topic is None and len(by_topic) > 1:
            raise DatasetError(
                f"{self.path}: several topics have type {kind}: {sorted(by_topic)}; name one with --topic"
            )
        if required and not by_topic:
            topics = sorted(f"{c.topic} ({c.msgtype})" for c in self._reader.connections)
            raise DatasetError(f"{self.path}: has no topic of type {kind}; its topics are {topics}")
        return by_topic[topic] if topic is not None else next(iter(by_topic.values()), [])

    def _frame_of_first(self) -> str:
        """The frame of the points, by the first scan that can be read; "" of a bag without scans."""
        return plain_name(self._clouds.first().header.frame_id) if len(self) else ""

    def _static(self) -> list[Connection]:
        """Of /tf_static, which holds for the whole bag whenever it was recorded."""
        return [connection for connection in self._reader.connections if plain_name(connection.topic) == "tf_static"]

    def _find_mounting(self) -> Transform:
        if not self.has_poses:
            return self._mounting_on_base()
        ego = plain_name(self._odometry.first().child_frame_id)
        found = self._frames.transform(dst=ego, src=self._frame)
        if found is None:
            raise DatasetError(
                f"{self.path}: {self._odometry.topic} gives the motion of '{ego}', the points are in "
                f"'{self._frame}', and /tf_static does not connect the two "
                f"({self._frames.disconnection(self._frame, ego)}): cut the topic out of the bag to read it without "
                "poses, or add the transform"
            )
        return Transform(found.matrix, "ego", "lidar")

    def _mounting_on_base(self) -> Transform:
        """Of a bag without poses; the identity where /tf_static does not tell, as none of what is read needs it."""
        try:
            found = self._frames.transform(dst=BASE_FRAME, src=self._frame)
        except DatasetError:  # told again by T_frame_from_lidar, to whoever needs the place
            found = None
        return Transform(np.eye(4) if found is None else found.matrix, "ego", "lidar")

    def _with_origins(self, cloud: PointCloud, message: Any, *, where: str) -> PointCloud:
        """The cloud with its rays starting where its sensors are."""
        frame, count = plain_name(message.header.frame_id), len(self._origins_m)
        if frame != self._frame:
            raise DatasetError(
                f"{where}: is in '{frame}', the first in '{self._frame}': one topic must keep to one frame"
            )
        sensor = ray_origins_of(message)
        if sensor is None and count > 1:
            raise DatasetError(
                f"{where}: {count} sensors took it, and its points do not tell which: they have no field 'ray_origin'"
            )
        if sensor is not None and sensor.max(initial=0) >= count:
            raise DatasetError(
                f"{where}: {int((sensor >= count).sum())} points were taken from places that the bag does not tell: "
                f"by other sensors than the {count} known, or in earlier scans; read the topic of the recorded scans"
            )
        return replace(
            cloud,
            sensor_origins_m=self._origins_m,
            sweep=cloud.sweep if sensor is None else sensor,
            sweep_of_origin=np.zeros(count, np.int64) if count > 1 else None,
        )

    def _pose_at(self, stamp_ns: int, time_ns: int, *, where: str) -> Transform:
        """T_global_from_ego at a stamp, from the odometry recorded around it."""
        times = self._odometry.times_ns
        low = int(np.searchsorted(times, min(stamp_ns, time_ns)))
        high = int(np.searchsorted(times, max(stamp_ns, time_ns), side="right"))
        if not times[0] <= stamp_ns <= times[-1]:  # a stamp of another clock than that of the recording
            low = high = int(np.searchsorted(times, time_ns))
        reach = _NEIGHBOURS
        while True:
            first, last = max(low - reach, 0), min(high + reach, len(times)) - 1
            poses = [pose_of_odometry(m) for m in self._odometry.between(int(times[first]), int(times[last]))]
            stamps = [pose.stamp_ns for pose in poses]
            if min(stamps) <= stamp_ns <= max(stamps) or (first == 0 and last == len(times) - 1):
                return pose_at(poses, stamp_ns, where=where)
            reach *= 4


def _scans(by_topic: dict[str, list[Connection]]) -> dict[str, list[Connection]]:
    """Without what bevseg publishes beside a scan: results as rows of a cloud, and the scan with labels."""
    scans = {name: found for name, found in by_topic.items() if not name.endswith(_OBJECTS_TABLE)}
    unlabelled = {name: found for name, found in scans.items() if not name.endswith(_LABELLED_POINTS)}
    return unlabelled or scans
