"""ROS 2 bags (MCAP or SQLite): the scans of one PointCloud2 topic, without labels.

A message is read when its sample is asked for; until then only the bag's index of times is. The vehicle's motion comes
from an odometry topic, between its two messages around the stamp of the scan, and where the sensor is mounted from
/tf_static. Without odometry there are no poses: the ego frame is the lidar's and the global frame each scan's own.

The frame of the points must have x forward, y left, z up, as REP-103 has it.
"""

from __future__ import annotations

import weakref
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int64

from bevseg.datasets.bag_index import message_times
from bevseg.datasets.bag_poses import StampedPose, mounting, pose_at, pose_of_odometry, static_transforms
from bevseg.datasets.labels import NO_BOXES, DatasetError
from bevseg.datasets.sample import Annotations, Sample
from bevseg.datasets.source import numbered_name
from bevseg.geometry.frames import Transform
from bevseg.messages.pointcloud2 import PointCloud2Error, decode_pointcloud2

if TYPE_CHECKING:
    from rosbags.highlevel import AnyReader
    from rosbags.interfaces import Connection

POINTS_TYPE = "sensor_msgs/msg/PointCloud2"
ODOMETRY_TYPE = "nav_msgs/msg/Odometry"
BAG_SUFFIXES = (".mcap", ".db3")

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

    Raises:
        DatasetError: The bag cannot be read, a topic is not there, it is not clear which is meant, or /tf_static does
            not say where the lidar is mounted on the frame whose motion the odometry gives.
        ModuleNotFoundError: The package `rosbags`, which is optional, is not installed.
    """

    def __init__(
        self,
        path: Path,
        *,
        topic: str | None = None,
        odometry_topic: str | None = None,
        intensity_full_scale: float | None = None,
        name: str | None = None,
    ) -> None:
        self.name = name or path.stem
        self.path = path
        self._reader = open_bag(path)
        # A reader that is left to the garbage collector complains of its open files.
        self._closing = weakref.finalize(self, self._reader.close)
        self._full_scale = intensity_full_scale
        self._points = self._connections(POINTS_TYPE, topic, required=True)
        self.topic = self._points[0].topic
        self._times_ns = message_times(self._reader, self.topic)
        self._odometry = self._connections(ODOMETRY_TYPE, odometry_topic, required=bool(odometry_topic))
        self._odometry_times_ns = np.zeros(0, np.int64)
        if self._odometry and len(self._times_ns):
            self._odometry_times_ns = message_times(self._reader, self._odometry[0].topic)
        self._T_ego_from_lidar = Transform(np.eye(4), "ego", "lidar")
        if len(self._odometry_times_ns):
            self._T_ego_from_lidar = self._find_mounting()

    @property
    def has_poses(self) -> bool:
        return bool(len(self._odometry_times_ns))

    @property
    def times_ns(self) -> Int64[np.ndarray, "scan"]:
        """When each scan was recorded, nanoseconds since the epoch; not its stamp, which lies in the message."""
        return self._times_ns

    def drive_of(self, index: int) -> str:
        """A bag is one drive."""
        return self.name

    def __len__(self) -> int:
        return len(self._times_ns)

    def name_of(self, index: int) -> str:
        return numbered_name(index, len(self))

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"scan {index} of a bag of {len(self)}")
        where = f"{self.path}: message {index} of {self.topic}"
        try:
            cloud = decode_pointcloud2(
                self._message(self._points, self._times_ns, index),
                frame="lidar",
                intensity_full_scale=self._full_scale,
                when_all_lost="empty",
            )
        except PointCloud2Error as error:
            raise DatasetError(f"{where}: {error}") from error
        T_global_from_ego = Transform(np.eye(4), "global", "ego")
        if self.has_poses:
            T_global_from_ego = self._pose_at(cloud.stamp_ns, int(self._times_ns[index]), where=where)
        no_boxes = np.zeros((0, 7), np.float32), np.zeros(0, np.uint8)
        truth = Annotations.from_boxes(cloud, *no_boxes, view=NO_BOXES)
        return Sample(self.name_of(index), cloud, truth, self._T_ego_from_lidar, T_global_from_ego)

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

    def _message(self, connections: list[Connection], times_ns: Int64[np.ndarray, "m"], index: int) -> Any:
        """One message, by its place in the index; of several at one time they come in the order of the index."""
        time_ns = int(times_ns[index])
        place = index - int(np.searchsorted(times_ns, time_ns))
        found = self._reader.messages(connections, start=time_ns, stop=time_ns + 1)
        for connection, _, data in islice(found, place, None):
            return self._reader.deserialize(data, connection.msgtype)
        raise DatasetError(f"{self.path}: message {index} of {connections[0].topic} is in the index but not in the bag")

    def _find_mounting(self) -> Transform:
        first: Any = self._message(self._odometry, self._odometry_times_ns, 0)
        scan: Any = self._message(self._points, self._times_ns, 0)
        ego, sensor = first.child_frame_id.lstrip("/"), scan.header.frame_id.lstrip("/")
        connections = [c for c in self._reader.connections if c.topic.lstrip("/") == "tf_static"]
        stored = self._reader.messages(connections) if connections else ()  # rosbags takes no connection for all
        messages = [self._reader.deserialize(data, c.msgtype) for c, _, data in stored]
        found = mounting(static_transforms(messages), ego=ego, sensor=sensor)
        if found is None:
            raise DatasetError(
                f"{self.path}: {self._odometry[0].topic} gives the motion of '{ego}', the points are in '{sensor}', "
                "and /tf_static does not connect the two; without poses: odometry_topic=''"
            )
        return found

    def _pose_at(self, stamp_ns: int, time_ns: int, *, where: str) -> Transform:
        """T_global_from_ego at a stamp, from the odometry recorded around it."""
        times = self._odometry_times_ns
        low = int(np.searchsorted(times, min(stamp_ns, time_ns)))
        high = int(np.searchsorted(times, max(stamp_ns, time_ns), side="right"))
        if not times[0] <= stamp_ns <= times[-1]:  # a stamp of another clock than that of the recording
            low = high = int(np.searchsorted(times, time_ns))
        reach = _NEIGHBOURS
        while True:
            first, last = max(low - reach, 0), min(high + reach, len(times)) - 1
            poses = self._odometry_between(int(times[first]), int(times[last]))
            stamps = [pose.stamp_ns for pose in poses]
            if min(stamps) <= stamp_ns <= max(stamps) or (first == 0 and last == len(times) - 1):
                return pose_at(poses, stamp_ns, where=where)
            reach *= 4

    def _odometry_between(self, start_ns: int, end_ns: int) -> list[StampedPose]:
        found = self._reader.messages(self._odometry, start=start_ns, stop=end_ns + 1)
        return [pose_of_odometry(self._reader.deserialize(data, c.msgtype)) for c, _, data in found]


def _scans(by_topic: dict[str, list[Connection]]) -> dict[str, list[Connection]]:
    """Without what bevseg publishes beside a scan: results as rows of a cloud, and the scan with labels."""
    scans = {name: found for name, found in by_topic.items() if not name.endswith(_OBJECTS_TABLE)}
    unlabelled = {name: found for name, found in scans.items() if not name.endswith(_LABELLED_POINTS)}
    return unlabelled or scans


def open_bag(path: Path) -> AnyReader:
    """A bag to be read, which whoever opens it closes.

    Raises:
        DatasetError: It cannot be read.
        ModuleNotFoundError: The package `rosbags`, which is optional, is not installed.
    """
    from rosbags.highlevel import AnyReader, AnyReaderError
    from rosbags.typesys import Stores, get_typestore

    if not path.exists() or (path.is_file() and path.suffix not in BAG_SUFFIXES):
        raise DatasetError(f"{path}: expected the folder of a ROS 2 bag, or its file {' or '.join(BAG_SUFFIXES)}")
    try:
        # Bags older than ROS 2 Iron do not hold the definitions of their messages; these have not changed since.
        reader = AnyReader([path], default_typestore=get_typestore(Stores.ROS2_JAZZY))
        reader.open()
    except (AnyReaderError, FileNotFoundError) as error:
        raise DatasetError(
            f"{path}: cannot be read as a ROS 2 bag: {error} A recording that was cut off may be mended: "
            "`mcap recover`, or `sqlite3 FILE .recover`, then `ros2 bag reindex`"
        ) from error
    return reader
