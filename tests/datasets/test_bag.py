"""Bags as the simulator writes them, the same in SQLite and in parts, and bags that lack something."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from bevseg.datasets.bag import BagSource
from bevseg.datasets.bag_index import message_times
from bevseg.datasets.bag_messages import BAG_SUFFIXES
from bevseg.datasets.labels import NO_BOXES, DatasetError
from bevseg.datasets.source import Source
from bevseg.datasets.swept import DriveRecording, SweptSource
from bevseg.simulation.drive import DriveSource

STORE = get_typestore(Stores.ROS2_JAZZY)

Change = Callable[[str, Any], Any]
"""A message in the place of one of a topic; None leaves it out."""


def rewritten(bag: Path, copy: Path, change: Change, *, storage: StoragePlugin = StoragePlugin.SQLITE3) -> Path:
    """A copy of a bag with other messages."""
    with AnyReader([bag]) as reader, Writer(copy, version=9, storage_plugin=storage) as writer:
        connections = {}
        for connection, time_ns, data in reader.messages():
            message = change(connection.topic, reader.deserialize(data, connection.msgtype))
            if message is None:
                continue
            if connection.topic not in connections:
                connections[connection.topic] = writer.add_connection(
                    connection.topic, message.__msgtype__, typestore=STORE
                )
            ours = STORE.types[message.__msgtype__](**{k: v for k, v in vars(message).items() if k != "__msgtype__"})
            writer.write(connections[connection.topic], time_ns, STORE.serialize_cdr(ours, message.__msgtype__))
    return copy


def same(topic: str, message: Any) -> Any:
    return message


def without(*topics: str) -> Change:
    return lambda topic, message: None if topic in topics else message


def test_scans_are_those_of_the_drive(bag: Path, drive: DriveSource) -> None:
    source = BagSource(bag)
    assert isinstance(source, Source)
    assert isinstance(source, DriveRecording)
    assert (len(source), source.name, source.topic) == (3, "drive", "/lidar/points")
    for index in (2, 0):
        sample, exact = source[index], drive[index]
        np.testing.assert_array_equal(sample.cloud.xyz, exact.cloud.xyz)
        assert sample.cloud.ring is not None
        assert exact.cloud.ring is not None
        np.testing.assert_array_equal(sample.cloud.ring, exact.cloud.ring)
        np.testing.assert_allclose(sample.cloud.time_s, exact.cloud.time_s - exact.cloud.time_s.max(), atol=1e-6)
        assert sample.cloud.stamp_ns == pytest.approx(exact.cloud.stamp_ns, abs=1_000_000)
        assert sample.annotations.view == NO_BOXES


def test_poses_are_those_of_the_drive(bag: Path, drive: DriveSource) -> None:
    source = BagSource(bag)
    for index in range(3):
        sample, exact = source[index], drive[index]
        ours = sample.T_global_from_ego @ sample.T_ego_from_lidar
        # The stamp is that of the last point, which may lie a moment before the end of the turn.
        theirs = exact.T_global_from_ego @ exact.T_ego_from_lidar
        np.testing.assert_allclose(ours.matrix, theirs.matrix, atol=2e-2)
    assert source[2].T_ego_from_lidar.translation_m[0] == pytest.approx(0.9)


def test_sweeps_join_by_odometry(bag: Path, drive: DriveSource) -> None:
    joined = SweptSource(BagSource(bag), 3)[2]
    assert joined.cloud.num_sweeps == 3
    assert len(joined.cloud) > 0.98 * sum(len(drive[k].cloud) for k in range(3))  # less the own vehicle
    assert (np.diff(joined.cloud.sensor_origins_m[:, 0]) < -0.1).all()
    assert len(SweptSource(BagSource(bag), 3)[0].cloud) == len(drive[0].cloud)


@pytest.mark.parametrize("storage", [StoragePlugin.SQLITE3, StoragePlugin.MCAP])
def test_single_files_and_both_storages(bag: Path, tmp_path: Path, storage: StoragePlugin) -> None:
    copy = rewritten(bag, tmp_path / "copy", same, storage=storage)
    (file,) = [path for path in copy.iterdir() if path.suffix in BAG_SUFFIXES]
    for path in (copy, file):
        source = BagSource(path)
        np.testing.assert_array_equal(source[1].cloud.xyz, BagSource(bag)[1].cloud.xyz)
        assert source.has_poses


def test_one_scan_is_read_to_open_a_bag(bag: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = AnyReader.deserialize

    def counted(reader: AnyReader, data: bytes, kind: str) -> object:
        read.append(kind)
        return original(reader, data, kind)

    monkeypatch.setattr(AnyReader, "deserialize", counted)
    source = BagSource(bag, odometry_topic="")
    assert len(source) == 3
    of_opening = ["sensor_msgs/msg/PointCloud2", "tf2_msgs/msg/TFMessage"]  # one scan, for its frame
    assert read == of_opening
    assert source[1].name == "000001"
    assert read == [*of_opening, "sensor_msgs/msg/PointCloud2"]
    with AnyReader([bag]) as reader:
        expected = [time_ns for connection, time_ns, _ in reader.messages() if connection.topic == "/odom"]
        assert message_times(reader, "/odom").tolist() == expected
        assert message_times(reader, "/nowhere").tolist() == []


def test_messages_recorded_at_one_time_keep_apart(bag: Path, tmp_path: Path) -> None:
    copy = tmp_path / "burst"
    with AnyReader([bag]) as reader, Writer(copy, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        points = [c for c in reader.connections if c.topic == "/lidar/points"]
        ours = writer.add_connection("/lidar/points", points[0].msgtype, typestore=STORE)
        for _, _, data in reader.messages(points):
            writer.write(ours, 5_000_000_000, data)
    source = BagSource(copy)
    for index in range(3):
        np.testing.assert_array_equal(source[index].cloud.xyz, BagSource(bag)[index].cloud.xyz)


def test_without_odometry_there_are_no_poses(bag: Path, tmp_path: Path) -> None:
    for source in (BagSource(bag, odometry_topic=""), BagSource(rewritten(bag, tmp_path / "a", without("/odom")))):
        assert not source.has_poses
        np.testing.assert_array_equal(source[1].T_global_from_ego.matrix, np.eye(4))
        with pytest.raises(DatasetError, match="no poses"):
            SweptSource(source, 2)


def test_a_lidar_that_hangs_on_nothing(bag: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="/tf_static does not connect"):
        BagSource(rewritten(bag, tmp_path / "copy", without("/tf_static")))


def test_a_scan_far_from_all_odometry(bag: Path, tmp_path: Path) -> None:
    first: list[Any] = []

    def once(topic: str, message: Any) -> Any:
        if topic != "/odom":
            return message
        first.append(message)
        return message if len(first) == 1 else None

    source = BagSource(rewritten(bag, tmp_path / "copy", once))
    assert source[0].T_global_from_ego.dst == "global"
    with pytest.raises(DatasetError, match=r"message 2 of /lidar/points: its stamp .* outside the odometry"):
        source[2]


def test_the_mounting_is_known_without_odometry(bag: Path, tmp_path: Path) -> None:
    source = BagSource(bag, odometry_topic="")
    exact = BagSource(bag).T_frame_from_lidar("base_link")
    assert (exact.dst, exact.src) == ("base_link", "lidar")
    np.testing.assert_array_equal(source[1].T_ego_from_lidar.matrix, exact.matrix)
    alone = BagSource(rewritten(bag, tmp_path / "a", without("/tf_static", "/odom")))
    np.testing.assert_array_equal(alone[1].T_ego_from_lidar.matrix, np.eye(4))  # the ego frame is the lidar's then
    with pytest.raises(DatasetError, match=r"'lidar', .* with 'base_link': there is no message on /tf_static"):
        alone.T_frame_from_lidar()


def with_static(change: Callable[[Any], list[Any]]) -> Change:
    """Transforms in the place of the only one, base_link -> lidar."""
    return lambda topic, message: (
        replace(message, transforms=change(message.transforms[0])) if topic == "/tf_static" else message
    )


def moved_up(stamped: Any) -> Any:
    place = replace(stamped.transform.translation, z=9.0)
    return replace(stamped, transform=replace(stamped.transform, translation=place))


def unturned(stamped: Any) -> Any:
    nothing = replace(stamped.transform.rotation, x=0.0, y=0.0, z=0.0, w=0.0)
    return replace(stamped, transform=replace(stamped.transform, rotation=nothing))


def hung(stamped: Any, parent: str, child: str) -> Any:
    return replace(stamped, header=replace(stamped.header, frame_id=parent), child_frame_id=child)


def test_two_recordings_in_one_bag_contradict_each_other(bag: Path, tmp_path: Path) -> None:
    """Where the vehicle's motion is given for another frame than the clouds', what lies between them is needed."""
    copy = rewritten(bag, tmp_path / "copy", with_static(lambda first: [first, moved_up(first)]))
    words = r"copy: /tf_static puts 'lidar' at .* and at \(.*9.0000\) m.* mm and 0.000 degrees apart: .*contradict"
    with pytest.raises(DatasetError, match=words):
        BagSource(copy)


@pytest.mark.parametrize(
    "change", [lambda first: [first, moved_up(first)], lambda first: [unturned(first)]], ids=["contradiction", "none"]
)
def test_without_odometry_clouds_of_the_sensor_need_no_transform(
    bag: Path, tmp_path: Path, change: Callable[[Any], list[Any]]
) -> None:
    source = BagSource(rewritten(bag, tmp_path / "copy", with_static(change)), odometry_topic="")
    np.testing.assert_array_equal(source[1].T_ego_from_lidar.matrix, np.eye(4))
    np.testing.assert_array_equal(source[1].cloud.sensor_origins_m, [[0, 0, 0]])
    with pytest.raises(DatasetError, match=r"copy: /tf_static.* 'lidar' "):
        source.T_frame_from_lidar()


@pytest.mark.parametrize("odometry", [None, ""])
def test_what_the_vehicle_hangs_on_is_of_no_account(bag: Path, tmp_path: Path, odometry: str | None) -> None:
    def two_parents(first: Any) -> list[Any]:
        return [first, hung(first, "odom", "base_link"), hung(first, "base_footprint", "base_link")]

    source = BagSource(rewritten(bag, tmp_path / "copy", with_static(two_parents)), odometry_topic=odometry)
    expected = BagSource(bag)[1].T_ego_from_lidar.matrix
    np.testing.assert_array_equal(source[1].T_ego_from_lidar.matrix, expected)
    with pytest.raises(DatasetError, match=r"copy: /tf_static hangs 'base_link' on each of 'base_footprint', 'odom'"):
        source.T_frame_from_lidar("odom")


def test_a_topic_that_changes_its_frame(bag: Path, tmp_path: Path) -> None:
    seen: list[str] = []

    def renamed(topic: str, message: Any) -> Any:
        if topic != "/lidar/points":
            return message
        seen.append(topic)
        return replace(message, header=replace(message.header, frame_id="rear" if len(seen) == 2 else "lidar"))

    source = BagSource(rewritten(bag, tmp_path / "copy", renamed))
    assert len(source[2].cloud) > 0
    with pytest.raises(DatasetError, match=r"message 1 of /lidar/points: is in 'rear', the first in 'lidar'"):
        source[1]


def test_a_scan_that_contradicts_itself(bag: Path, tmp_path: Path) -> None:
    def cut(topic: str, message: Any) -> Any:
        return replace(message, width=message.width + 1) if topic == "/lidar/points" else message

    source = BagSource(rewritten(bag, tmp_path / "copy", cut))
    with pytest.raises(DatasetError, match="message 0 of /lidar/points: row_step"):
        source[0]


def test_topics_are_chosen_and_named(bag: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no topic /nowhere of type .*, but \['/lidar/points'\]"):
        BagSource(bag, topic="/nowhere")
    with pytest.raises(DatasetError, match=r"no topic of type sensor_msgs/msg/PointCloud2; its topics are \['/clock"):
        BagSource(rewritten(bag, tmp_path / "a", without("/lidar/points")))
    both = tmp_path / "two"
    with AnyReader([bag]) as reader, Writer(both, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        points = [c for c in reader.connections if c.topic == "/lidar/points"]
        for topic in ("/front", "/rear", "/node/output/points", "/node/output/objects_table"):
            ours = writer.add_connection(topic, points[0].msgtype, typestore=STORE)
            for _, time_ns, data in reader.messages(points):
                writer.write(ours, time_ns, data)
    with pytest.raises(DatasetError, match=r"several topics .*\['/front', '/rear'\]; name one with --topic"):
        BagSource(both)
    assert len(BagSource(both, topic="/rear")) == 3


def test_a_topic_without_messages(bag: Path, tmp_path: Path) -> None:
    copy = tmp_path / "empty"
    with Writer(copy, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        writer.add_connection("/lidar/points", "sensor_msgs/msg/PointCloud2", typestore=STORE)
    source = BagSource(copy)
    assert len(source) == 0
    with pytest.raises(IndexError, match="scan 0 of a bag of 0"):
        source[0]


def test_rejects_what_is_no_bag(bag: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected the folder of a ROS 2 bag"):
        BagSource(tmp_path / "missing.mcap")
    with pytest.raises(DatasetError, match="cannot be read"):
        BagSource(tmp_path)
    cut = tmp_path / "cut.mcap"
    shutil.copyfile(next(bag.glob("*.mcap")), cut)
    cut.write_bytes(cut.read_bytes()[:-9])
    with pytest.raises(DatasetError, match="cannot be read"):
        BagSource(cut)
