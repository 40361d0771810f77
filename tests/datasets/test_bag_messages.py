"""Bags with damaged messages: each is told where it lies, and the rest is read."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from bevseg.datasets.bag import BagSource
from bevseg.datasets.labels import DatasetError
from bevseg.replay.frames import BrokenFrame, Frame, nothing_found
from bevseg.replay.recording import Predictor, Recording
from bevseg.simulation.drive import DriveSource

STORE = get_typestore(Stores.ROS2_JAZZY)


def damaged(
    bag: Path, copy: Path, topic: str, which: Collection[int], storage: StoragePlugin = StoragePlugin.MCAP
) -> Path:
    """A copy of a bag in which some messages of a topic are cut after 21 bytes."""
    seen = 0
    with AnyReader([bag]) as reader, Writer(copy, version=9, storage_plugin=storage) as writer:
        connections = {c.topic: writer.add_connection(c.topic, c.msgtype, typestore=STORE) for c in reader.connections}
        for connection, time_ns, data in reader.messages():
            is_damaged = connection.topic == topic and seen in which
            seen += connection.topic == topic
            writer.write(connections[connection.topic], time_ns, data[:21] if is_damaged else data)
    return copy


@pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize("which", [0, 1])
def test_a_damaged_scan_is_a_card_and_the_rest_goes_on(
    bag: Path, drive: DriveSource, tmp_path: Path, which: int, storage: StoragePlugin
) -> None:
    source = BagSource(damaged(bag, tmp_path / "copy", "/lidar/points", [which], storage))
    recording = Recording(source, (Predictor("none", lambda s: nothing_found(s.cloud)),), with_truth=False)
    for index in range(3):
        frame = recording.read(index)
        if index == which:
            assert isinstance(frame, BrokenFrame)
            assert f"message {which} of /lidar/points cannot be read, it may be damaged" in frame.reason
        else:
            assert isinstance(frame, Frame)
            np.testing.assert_array_equal(frame.cloud.xyz, drive[index].cloud.xyz)
            np.testing.assert_array_equal(frame.T_ego_from_cloud.matrix, BagSource(bag)[index].T_ego_from_lidar.matrix)


def test_a_bag_of_damaged_scans_alone_is_refused(bag: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"message 0 of /lidar/points cannot be read.*nor can any other of the fir"):
        BagSource(damaged(bag, tmp_path / "copy", "/lidar/points", range(3)))


def test_a_damaged_first_odometry_leaves_the_scans_to_the_others(bag: Path, tmp_path: Path) -> None:
    source = BagSource(damaged(bag, tmp_path / "copy", "/odom", [0]))
    assert source.has_poses
    np.testing.assert_array_equal(source._T_ego_from_lidar.matrix, BagSource(bag)[0].T_ego_from_lidar.matrix)
    with pytest.raises(DatasetError, match=r"a message of /odom between .* cannot be read"):
        source[0]


def test_damaged_transforms_are_told(bag: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="copy: a message of /tf_static cannot be read"):
        BagSource(damaged(bag, tmp_path / "copy", "/tf_static", [0]))


def test_a_file_that_is_cut_off_while_it_is_read(bag: Path, tmp_path: Path) -> None:
    copy = damaged(bag, tmp_path / "copy", "", ())
    source = BagSource(copy)
    (file,) = copy.glob("*.mcap")
    os.truncate(file, file.stat().st_size // 3)
    with pytest.raises(DatasetError, match="message 2 of /lidar/points cannot be read, it may be damaged"):
        source[2]
