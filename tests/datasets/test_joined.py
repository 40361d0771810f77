from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from bevseg.datasets.joined import JoinedSource
from bevseg.datasets.labels import NO_BOXES, DatasetError
from bevseg.datasets.sample import Annotations, Sample
from bevseg.datasets.swept import DriveRecording, SweptSource, with_earlier_sweeps
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud


@dataclass(frozen=True)
class Drive:
    """A vehicle that moves 1 m ahead between scans and sees one point 10 m ahead of it."""

    name: str
    length: int
    has_poses: bool = True

    def drive_of(self, index: int) -> str:
        return self.name

    def __len__(self) -> int:
        return self.length

    def name_of(self, index: int) -> str:
        return f"{index}"

    def __getitem__(self, index: int) -> Sample:
        cloud = PointCloud.from_xyz(np.array([[10.0, 0, 0]], np.float32), stamp_ns=(index + 1) * 10**8)
        truth = Annotations.from_boxes(
            cloud,
            np.zeros((0, 7), np.float32),
            np.zeros(0, np.uint8),
            point_semantic=np.array([4], np.uint8),
            view=NO_BOXES,
        )
        pose = Transform.from_yaw(0.0, np.array([float(index), 0.0, 0.0]), dst="global", src="ego")
        return Sample(f"{index}", cloud, truth, Transform(np.eye(4), "ego", "lidar"), pose)


def test_drives_follow_each_other() -> None:
    source = JoinedSource("all", [Drive("a", 2), Drive("none", 0), Drive("b", 3)])
    assert isinstance(source, DriveRecording)
    assert [source[k].name for k in range(len(source))] == ["a-0", "a-1", "b-0", "b-1", "b-2"]
    assert [source.drive_of(k) for k in range(5)] == ["a", "a", "b", "b", "b"]
    assert source.has_poses
    assert not JoinedSource("all", [Drive("a", 1), Drive("b", 1, has_poses=False)]).has_poses


def test_rejects_what_cannot_be_joined() -> None:
    with pytest.raises(DatasetError, match="different names"):
        JoinedSource("all", [Drive("a", 1), Drive("a", 1)])
    with pytest.raises(DatasetError, match="different names"):
        JoinedSource("all", [])
    for index in (-1, 2):
        with pytest.raises(IndexError, match="source of 2"):
            JoinedSource("all", [Drive("a", 2)])[index]


def test_sweeps_are_moved_and_stay_within_their_drive() -> None:
    source = SweptSource(JoinedSource("all", [Drive("a", 2), Drive("b", 3)]), 3)
    np.testing.assert_allclose(source[4].cloud.xyz[:, 0], [10, 9, 8])
    np.testing.assert_allclose(source[4].cloud.time_s, [0, -0.1, -0.2], atol=1e-6)
    np.testing.assert_allclose(source[4].cloud.sensor_origins_m[:, 0], [0, -1, -2])
    assert len(source[2].cloud) == 1
    assert source[4].annotations.point_semantic is not None
    assert source[4].annotations.point_semantic.tolist() == [4, 0, 0]
    assert (len(source), source.name, source.drive_of(4), source.has_poses) == (5, "all", "b", True)


def test_rejects_sweeps_without_poses_and_no_sweeps() -> None:
    with pytest.raises(DatasetError, match="a: sweeps cannot be joined"):
        SweptSource(Drive("a", 2, has_poses=False), 2)
    with pytest.raises(ValueError, match="1 or more"):
        SweptSource(Drive("a", 2), 0)


def test_the_own_vehicle_leaves_no_trail() -> None:
    """Of an earlier scan the roof goes, but not what is beside the vehicle or above it; the newest keeps all."""
    roof = [[-1.0, 0.3, -0.3], [-1.0, 1.2, -0.3], [-1.0, 0.3, 2.0]]
    cloud = PointCloud.from_xyz(np.array(roof, np.float32), stamp_ns=10**8)
    sample = replace(Drive("a", 2)[1], cloud=replace(cloud, stamp_ns=2 * 10**8))
    sample = replace(sample, annotations=replace(sample.annotations, point_semantic=None))
    pose = Transform.from_yaw(0.0, np.zeros(3), dst="global", src="lidar")
    joined = with_earlier_sweeps(sample, [cloud], [pose]).cloud
    np.testing.assert_allclose(joined.xyz, [*roof, [-2, 1.2, -0.3], [-2, 0.3, 2]], atol=1e-6)


def test_nothing_before_is_nothing_new() -> None:
    sample = Drive("a", 1)[0]
    assert with_earlier_sweeps(sample, [], []) is sample
