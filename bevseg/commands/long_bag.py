"""A ROS 2 bag of thousands of scans, made of one: of `bevseg bench --opening`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from bevseg.datasets.labels import NO_BOXES
from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.frames import Transform
from bevseg.simulation.writers.rosbag_messages import TOPICS, Messages, Moment

_THINNED = 16
"""Every so manieth point is kept: 10,000 whole scans would be gigabytes."""
_RATE_HZ = 10.0


def write_long_bag(sample: Sample, bag: Path, frames: int, *, storage: Literal["mcap", "db3"], step_m: float) -> None:
    """Records one scan many times, of a vehicle that drives straight on.

    Args:
        sample: The scan; its objects are left out.
        bag: The folder, which is made.
        frames: How many times.
        storage: Of the messages: MCAP, or SQLite as it was usual before ROS 2 Iron.
        step_m: How far the vehicle gets from scan to scan.

    Raises:
        ModuleNotFoundError: The package `rosbags`, which is optional, is not installed.
        OSError: There is no room on the disk.
    """
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    make, scan = Messages(store), _thinned(sample)
    plugin = {"mcap": StoragePlugin.MCAP, "db3": StoragePlugin.SQLITE3}[storage]
    with Writer(bag, version=9, storage_plugin=plugin) as writer:
        connections = {topic: writer.add_connection(topic, kind, typestore=store) for topic, kind in TOPICS.items()}
        for frame in range(frames):
            moment = _moment(sample, frame, step_m)
            at_that_time = replace(scan, cloud=replace(scan.cloud, stamp_ns=moment.stamp_ns))
            messages = {**make.of_moment(moment, first=frame == 0), **make.of_scan(at_that_time)}
            for topic, message in messages.items():
                writer.write(connections[topic], moment.stamp_ns, store.serialize_cdr(message, TOPICS[topic]))


def _thinned(sample: Sample) -> Sample:
    cloud = sample.cloud[::_THINNED]
    no_boxes = np.zeros((0, 7), np.float32), np.zeros(0, np.uint8)
    return replace(sample, cloud=cloud, annotations=Annotations.from_boxes(cloud, *no_boxes, view=NO_BOXES))


def _moment(sample: Sample, frame: int, step_m: float) -> Moment:
    """Where the vehicle is at a frame, and how it moves."""
    return Moment(
        stamp_ns=sample.cloud.stamp_ns + round(frame / _RATE_HZ * 1e9),
        T_base_link_from_lidar=Transform(sample.T_ego_from_lidar.matrix, "base_link", "lidar"),
        T_odom_from_base_link=Transform.from_yaw(
            0.0, np.array([frame * step_m, 0.0, 0.0]), dst="odom", src="base_link"
        ),
        twist=np.array([step_m * _RATE_HZ, 0.0, 0.0, 0.0, 0.0, 0.0]),
    )
