"""A peer that shares no code with ROS, Cyclone DDS, feeds the node a cloud and reads the objects from the wire."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from bevseg.messages.clouds import objects_table
from bevseg.messages.fields import HeaderFields, PointCloud2Fields, TimeFields
from bevseg.messages.fill import make_message
from bevseg.messages.pointcloud2 import decode_pointcloud2
from bevseg.pipeline import BevSegmenter

pytestmark = pytest.mark.ros


def wire_types() -> dict[str, Any]:
    """sensor_msgs/PointCloud2 and its parts, under the names that ROS gives to types on the wire."""
    from cyclonedds.idl import make_idl_struct
    from cyclonedds.idl.types import int32, sequence, uint8, uint32

    def struct(package: str, message: str, **fields: Any) -> Any:
        return make_idl_struct(message, f"{package}::msg::dds_::{message}_", fields)

    stamp = struct("builtin_interfaces", "Time", sec=int32, nanosec=uint32)
    header = struct("std_msgs", "Header", stamp=stamp, frame_id=str)
    field = struct("sensor_msgs", "PointField", name=str, offset=uint32, datatype=uint8, count=uint32)
    cloud = struct(
        "sensor_msgs",
        "PointCloud2",
        header=header,
        height=uint32,
        width=uint32,
        fields=sequence[field],
        is_bigendian=bool,
        point_step=uint32,
        row_step=uint32,
        data=sequence[uint8],
        is_dense=bool,
    )
    return {
        "builtin_interfaces/msg/Time": stamp,
        "std_msgs/msg/Header": header,
        "sensor_msgs/msg/PointField": field,
        "sensor_msgs/msg/PointCloud2": cloud,
    }


def test_an_independent_peer_feeds_and_reads_the_node(live: Any, domain_id: int, direct: BevSegmenter) -> None:
    pytest.importorskip("cyclonedds", reason="needs cyclonedds, of the extra `ros-test`")
    from cyclonedds.core import Policy, Qos
    from cyclonedds.domain import DomainParticipant
    from cyclonedds.pub import DataWriter
    from cyclonedds.sub import DataReader
    from cyclonedds.topic import Topic
    from cyclonedds.util import duration

    types = wire_types()
    cloud_type = types["sensor_msgs/msg/PointCloud2"]
    qos = Qos(Policy.Reliability.Reliable(duration(seconds=1)), Policy.History.KeepLast(1))
    peer = DomainParticipant(domain_id)
    writer = DataWriter(peer, Topic(peer, "rt/bevseg/input/pointcloud", cloud_type), qos)
    reader = DataReader(peer, Topic(peer, "rt/bevseg/output/objects_table", cloud_type), qos)

    fields: PointCloud2Fields = live.scans.fields(1)
    message = make_message(fields, types.__getitem__)
    taken: list[Any] = []
    end_s = time.monotonic() + 20
    live.driver.wait_for(lambda: writer.get_matched_subscriptions() and reader.get_matched_publications(), "the peer")
    writer.write(message)
    while not taken and time.monotonic() < end_s:
        taken += reader.take(N=1)
        live.driver.spin(0.02)
    assert len(taken) == 1

    scene = direct.segment(decode_pointcloud2(make_message(fields)))
    expected = objects_table(
        scene, HeaderFields(TimeFields(fields.header.stamp.sec, fields.header.stamp.nanosec), "lidar")
    )
    assert taken[0].width == len(scene.instances) > 3
    assert bytes(taken[0].data) == expected.data.tobytes()
    assert [field.name for field in taken[0].fields] == [field.name for field in expected.fields]
    assert (taken[0].header.frame_id, taken[0].header.stamp.nanosec) == ("lidar", fields.header.stamp.nanosec)
    assert np.frombuffer(bytes(taken[0].data), np.uint8).size == taken[0].row_step
