"""What a bag holds, read by `rosbags` alone, and a bag of the short drive as a vehicle would have recorded it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.simulation.writers.rosbag_messages import TOPICS, Messages, Place, moments

RECORDED_LATER_NS = 5_000_000
"""A message is recorded this long after its stamp."""


@dataclass
class Read:
    """A bag's messages by topic: when each was recorded, its bytes, and what they say."""

    types: dict[str, str] = field(default_factory=dict)
    times: dict[str, list[int]] = field(default_factory=dict)
    data: dict[str, list[bytes]] = field(default_factory=dict)
    messages: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        return {topic: len(times) for topic, times in self.times.items()}


def read_bag(path: Path) -> Read:
    """All of it, in the order of its times; only the definitions in the bag itself are used."""
    found = Read()
    with AnyReader([path]) as reader:
        for connection, time_ns, data in reader.messages():
            topic = connection.topic
            found.types[topic] = connection.msgtype
            found.times.setdefault(topic, []).append(time_ns)
            found.data.setdefault(topic, []).append(bytes(data))
            found.messages.setdefault(topic, []).append(reader.deserialize(data, connection.msgtype))
    return found


def record(samples: list[Sample], path: Path, storage: StoragePlugin = StoragePlugin.SQLITE3) -> Path:
    """A bag with the scans, odometry and transforms, and a topic of a type that nobody else knows."""
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg("string text\nuint8[] bytes", "strange_msgs/msg/Note"))
    make = Messages(store)
    places = [Place(s.cloud.stamp_ns, s.T_ego_from_lidar, s.T_global_from_ego) for s in samples]
    with Writer(path, version=9, storage_plugin=storage) as bag:
        types = {**TOPICS, "/note": "strange_msgs/msg/Note"}
        del types["/truth/boxes"]
        connections = {topic: bag.add_connection(topic, kind, typestore=store) for topic, kind in types.items()}
        for k, (sample, moment) in enumerate(zip(samples, moments(places), strict=True)):
            note = store.types["strange_msgs/msg/Note"](text=f"scan {k}", bytes=np.zeros(2, np.uint8))
            messages = {**make.of_moment(moment, first=k == 0), **make.of_scan(sample), "/note": note}
            for topic, message in ((topic, messages[topic]) for topic in types if topic in messages):
                data = store.serialize_cdr(message, types[topic])
                bag.write(connections[topic], sample.cloud.stamp_ns + RECORDED_LATER_NS, data)
    return path


@pytest.fixture
def read() -> Callable[[Path], Read]:
    """`read_bag(path)`."""
    return read_bag


@pytest.fixture
def vehicle_bag(drive: Source, tmp_path: Path) -> Path:
    """A bag of the drive's scans."""
    return record([drive[k] for k in range(len(drive))], tmp_path / "vehicle")


@pytest.fixture
def record_bag() -> Callable[..., Path]:
    """`record(samples, path, storage)`."""
    return record
