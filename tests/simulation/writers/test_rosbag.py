"""Drives as ROS 2 bags, read back with `rosbags`: messages and their order, transforms, points, truth."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

from bevseg.datasets.sample import Annotations, Sample
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.dataset_folder import GenerationError
from bevseg.simulation.drive import DriveConfig, DriveSource
from bevseg.simulation.writers.rosbag import write_rosbag
from bevseg.simulation.writers.rosbag_messages import POINT_TYPE, TOPICS, twist_between

SCENE = SimulationConfig(seed=5, frames=3, sensors=("vlp-16",), range_m=30.0, density=(0.4, 0.4))
FIRST_SCAN = list(TOPICS)
LATER_SCAN = [topic for topic in TOPICS if topic != "/tf_static"]


@dataclass(frozen=True)
class Received:
    """One message of a bag."""

    topic: str
    stamp_ns: int
    message: Any


@dataclass(frozen=True)
class EmptyDrive(DriveSource):
    """Two scans that nothing came back from."""

    def __getitem__(self, index: int) -> Sample:
        cloud = PointCloud.empty(stamp_ns=index * 100_000_000)
        truth = Annotations.from_boxes(cloud, np.zeros((0, 7), np.float32), np.zeros(0, np.uint8))
        return replace(super().__getitem__(index), cloud=cloud, annotations=truth)


@dataclass(frozen=True)
class BrokenDrive(DriveSource):
    """Fails in the last scan."""

    def __getitem__(self, index: int) -> Sample:
        if index == len(self) - 1:
            raise OSError("broken")
        return super().__getitem__(index)


@pytest.fixture(scope="module")
def drive() -> DriveSource:
    return DriveSource(DriveConfig(SCENE))


@pytest.fixture(scope="module")
def bag(drive: DriveSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("rosbags.rosbag2", reason="needs the extra `datasets`")
    path = tmp_path_factory.mktemp("bags") / "street"
    write_rosbag(drive, path)
    return path


@pytest.fixture(scope="module")
def received(bag: Path) -> list[Received]:
    return read(bag)


def read(bag: Path) -> list[Received]:
    from rosbags.highlevel import AnyReader
    from rosbags.typesys import Stores, get_typestore

    with AnyReader([bag], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
        return [
            Received(connection.topic, stamp_ns, reader.deserialize(data, connection.msgtype))
            for connection, stamp_ns, data in reader.messages()
        ]


def on(received: list[Received], topic: str) -> list[Any]:
    return [one.message for one in received if one.topic == topic]


def stamp_ns_of(time: Any) -> int:
    return int(time.sec) * 10**9 + int(time.nanosec)


def transform_of(stamped: Any) -> Transform:
    t, q = stamped.transform.translation, stamped.transform.rotation
    quat_wxyz, place_m = np.array([q.w, q.x, q.y, q.z]), np.array([t.x, t.y, t.z])
    return Transform.from_quaternion(quat_wxyz, place_m, dst=stamped.header.frame_id, src=stamped.child_frame_id)


def test_messages_come_in_the_order_of_their_scans(drive: DriveSource, received: list[Received]) -> None:
    assert [one.topic for one in received] == FIRST_SCAN + 2 * LATER_SCAN
    stamps = [drive[k].cloud.stamp_ns for k in range(3)]
    assert sorted({one.stamp_ns for one in received}) == stamps
    for one in received:
        match one.topic:
            case "/clock":
                times = [one.message.clock]
            case "/tf" | "/tf_static":
                times = [transform.header.stamp for transform in one.message.transforms]
            case "/truth/boxes":
                times = [marker.header.stamp for marker in one.message.markers]
            case _:
                times = [one.message.header.stamp]
        assert {stamp_ns_of(time) for time in times} == {one.stamp_ns}


def test_transforms_compose_to_the_exact_pose(drive: DriveSource, received: list[Received]) -> None:
    static = transform_of(on(received, "/tf_static")[0].transforms[0])
    assert (static.dst, static.src) == ("base_link", "lidar")
    np.testing.assert_allclose(static.matrix, drive[0].T_ego_from_lidar.matrix, atol=1e-12)
    for index, message in enumerate(on(received, "/tf")):
        sample = drive[index]
        moving = transform_of(message.transforms[0])
        assert (moving.dst, moving.src) == ("odom", "base_link")
        truth = sample.T_global_from_ego @ sample.T_ego_from_lidar
        np.testing.assert_allclose((moving @ static).matrix, truth.matrix, atol=1e-9)
        # The vehicle sways by a fraction of a degree about where it stands.
        np.testing.assert_allclose(moving.matrix, sample.T_global_from_ego.matrix, atol=0.05)


def test_odometry_leads_from_pose_to_pose(received: list[Received]) -> None:
    poses = [transform_of(message.transforms[0]).matrix for message in on(received, "/tf")]
    odometry = on(received, "/odom")
    for index, message in enumerate(odometry):
        assert (message.header.frame_id, message.child_frame_id) == ("odom", "base_link")
        place = message.pose.pose.position
        np.testing.assert_array_equal([place.x, place.y, place.z], poses[index][:3, 3])
        assert not message.pose.covariance.any()
    for index in range(2):
        v, w = odometry[index].twist.twist.linear, odometry[index].twist.twist.angular
        rate = np.array([[0, -w.z, w.y, v.x], [w.z, 0, -w.x, v.y], [-w.y, w.x, 0, v.z], [0, 0, 0, 0]])
        np.testing.assert_allclose(poses[index] @ expm(rate * 0.1), poses[index + 1], atol=1e-9)
    assert odometry[1].twist.twist == odometry[2].twist.twist
    assert 1 < odometry[0].twist.twist.linear.x < 10


def test_times_and_twist_undistort_what_a_driver_gives(tmp_path: Path) -> None:
    pytest.importorskip("rosbags.rosbag2", reason="needs the extra `datasets`")
    scene = replace(SCENE, frames=2, shutter="distorted")
    write_rosbag(DriveSource(DriveConfig(scene, speed_mps=14.0)), tmp_path / "raw")
    deskewed = DriveSource(DriveConfig(replace(scene, shutter="deskewed"), speed_mps=14.0))
    received = read(tmp_path / "raw")
    mount = transform_of(on(received, "/tf_static")[0].transforms[0]).matrix
    for index, (odometry, message) in enumerate(zip(on(received, "/odom"), on(received, "/lidar/points"), strict=True)):
        v, w = odometry.twist.twist.linear, odometry.twist.twist.angular
        rate = np.array([[0, -w.z, w.y, v.x], [w.z, 0, -w.x, v.y], [-w.y, w.x, 0, v.z], [0, 0, 0, 0]])
        points = message.data.view(POINT_TYPE)
        xyz1 = np.column_stack([points["x"], points["y"], points["z"], np.ones(len(points))])
        times, at = np.unique(points["time"], return_inverse=True)
        motion = np.stack([np.linalg.inv(mount) @ expm(rate * float(t)) @ mount for t in times])
        undone = np.einsum("nij,nj->ni", motion[at], xyz1)[:, :3]
        assert np.abs(xyz1[:, :3] - deskewed[index].cloud.xyz).max() > 1.3
        np.testing.assert_allclose(undone, deskewed[index].cloud.xyz, atol=0.01)


def test_points_are_those_of_the_scan(drive: DriveSource, received: list[Received]) -> None:
    for index, message in enumerate(on(received, "/lidar/points")):
        cloud = drive[index].cloud
        assert [(f.name, f.offset, f.datatype, f.count) for f in message.fields] == [
            ("x", 0, 7, 1), ("y", 4, 7, 1), ("z", 8, 7, 1), ("intensity", 12, 7, 1),
            ("ring", 16, 4, 1), ("time", 18, 7, 1),
        ]  # fmt: skip
        assert (message.height, message.width, message.point_step) == (1, len(cloud), 22)
        assert message.row_step == len(message.data) == 22 * len(cloud)
        assert (message.header.frame_id, message.is_bigendian, message.is_dense) == ("lidar", False, True)
        points = message.data.view(POINT_TYPE)
        assert np.column_stack([points["x"], points["y"], points["z"]]).tobytes() == cloud.xyz.tobytes()
        assert cloud.ring is not None
        assert cloud.intensity is not None
        np.testing.assert_array_equal(points["ring"], cloud.ring)
        np.testing.assert_array_equal(points["time"], cloud.time_s)
        np.testing.assert_allclose(points["intensity"] / 255, cloud.intensity, rtol=2e-7)
        assert points["time"].max() <= 0
        assert points["intensity"].max() > 1


def test_truth_boxes(drive: DriveSource, received: list[Received]) -> None:
    for index, message in enumerate(on(received, "/truth/boxes")):
        truth = drive[index].annotations
        assert [marker.action for marker in message.markers] == [3] + [0] * len(truth)
        cubes = message.markers[1:]
        assert {(marker.type, marker.header.frame_id) for marker in cubes} == {(1, "lidar")}
        assert [marker.id for marker in cubes] == truth.track_id.tolist()
        assert [marker.ns for marker in cubes] == [SemanticClass(label).label for label in truth.label]
        read_back = [
            [
                *(getattr(marker.pose.position, axis) for axis in "xyz"),
                *(getattr(marker.scale, axis) for axis in "xyz"),
                2 * np.arctan2(marker.pose.orientation.z, marker.pose.orientation.w),
            ]
            for marker in cubes
        ]
        np.testing.assert_allclose(read_back, truth.boxes, atol=1e-12)
        facts = [json.loads(marker.text) for marker in cubes]
        assert [fact["num_points"] for fact in facts] == truth.num_points.tolist()
        fractions = np.array([fact["visible_fraction"] for fact in facts], float)  # null becomes NaN
        np.testing.assert_allclose(fractions, truth.visible_fraction, atol=1e-6)
        np.testing.assert_allclose([fact["velocity_mps"] for fact in facts], truth.velocity_mps, atol=1e-6)


def test_the_static_transform_is_latched(bag: Path) -> None:
    from rosbags.interfaces import ConnectionExtRosbag2, QosDurability
    from rosbags.rosbag2 import Reader

    with Reader(bag) as reader:
        for connection in reader.connections:
            assert isinstance(connection.ext, ConnectionExtRosbag2)
            latched = connection.ext.offered_qos_profiles[0].durability == QosDurability.TRANSIENT_LOCAL
            assert latched == (connection.topic == "/tf_static")


def test_the_same_drive_gives_the_same_bytes_and_is_not_written_twice(
    drive: DriveSource, bag: Path, tmp_path: Path
) -> None:
    again = tmp_path / "street"
    seen: list[tuple[int, int]] = []
    write_rosbag(DriveSource(drive.config), again, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert sorted(path.name for path in again.iterdir()) == ["metadata.yaml", "street.mcap"]
    for path in again.iterdir():
        assert path.read_bytes() == (bag / path.name).read_bytes()
    before = {path: path.stat().st_mtime_ns for path in again.iterdir()}
    write_rosbag(BrokenDrive(drive.config), again, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3, 3)
    assert {path: path.stat().st_mtime_ns for path in again.iterdir()} == before


def test_another_configuration_is_refused(drive: DriveSource, bag: Path) -> None:
    with pytest.raises(GenerationError, match="different: density, seed"):
        write_rosbag(DriveSource(DriveConfig(replace(SCENE, seed=6, density=(0.0, 0.0)))), bag)


def test_what_is_no_bag_is_refused(drive: DriveSource, tmp_path: Path) -> None:
    pytest.importorskip("rosbags.rosbag2", reason="needs the extra `datasets`")
    (tmp_path / "metadata.yaml").write_text("rosbag2_bagfile_information: {custom_data: null}\n")
    with pytest.raises(GenerationError, match="is no bag of a simulated drive"):
        write_rosbag(drive, tmp_path)
    with pytest.raises(GenerationError, match="is no bag of a simulated drive"):
        write_rosbag(drive, tmp_path / "metadata.yaml")


def test_what_is_done_of_a_bag_is_kept_until_it_is_whole(drive: DriveSource, bag: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="broken"):
        write_rosbag(BrokenDrive(drive.config), tmp_path / "street")
    (kept,) = tmp_path.iterdir()
    assert kept.name == ".street.unfinished"
    (kept / "bag" / "street").mkdir(parents=True)  # as a process leaves that is killed while it puts the bag together
    with pytest.raises(GenerationError, match="different: seed"):
        write_rosbag(DriveSource(DriveConfig(replace(SCENE, seed=6))), tmp_path / "street")
    (tmp_path / "street").mkdir()
    seen: list[int] = []
    write_rosbag(drive, tmp_path / "street", progress=lambda done, total: seen.append(done))
    assert seen == [2, 3]
    assert [path.name for path in tmp_path.iterdir()] == ["street"]
    for path in bag.iterdir():
        assert (tmp_path / "street" / path.name).read_bytes() == path.read_bytes()


def test_scans_without_points_and_objects(tmp_path: Path) -> None:
    pytest.importorskip("rosbags.rosbag2", reason="needs the extra `datasets`")
    write_rosbag(EmptyDrive(DriveConfig(replace(SCENE, frames=2, density=(0.0, 0.0)))), tmp_path / "empty")
    received = read(tmp_path / "empty")
    assert [one.topic for one in received] == FIRST_SCAN + LATER_SCAN
    assert [message.width for message in on(received, "/lidar/points")] == [0, 0]
    assert [len(message.markers) for message in on(received, "/truth/boxes")] == [1, 1]


def test_drives_of_one_scan_and_of_none(tmp_path: Path) -> None:
    pytest.importorskip("rosbags.rosbag2", reason="needs the extra `datasets`")
    for frames in (0, 1):
        write_rosbag(DriveSource(DriveConfig(replace(SCENE, frames=frames))), tmp_path / str(frames))
    assert read(tmp_path / "0") == []
    received = read(tmp_path / "1")
    assert [one.topic for one in received] == FIRST_SCAN
    assert on(received, "/odom")[0].twist.twist.linear.x == 0


def test_a_curve_to_the_left() -> None:
    """A quarter of a circle of radius 10 m in 2 s, from a pose that itself is turned."""
    start = Transform.from_yaw(1.0, np.array([3.0, -4.0, 5.0]), dst="odom", src="base_link")
    quarter = Transform.from_yaw(np.pi / 2, np.array([10.0, 10.0, 0.0]), dst="base_link", src="base_link")
    twist = twist_between(start, start @ quarter, 2.0)
    np.testing.assert_allclose(twist, [5 * np.pi / 2, 0, 0, 0, 0, np.pi / 4], atol=1e-9)


def test_a_missing_package_is_named_before_anything_is_written(
    drive: DriveSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rosbags.rosbag2", None)
    with pytest.raises(ModuleNotFoundError, match="rosbags"):
        write_rosbag(drive, tmp_path / "street")
    assert list(tmp_path.iterdir()) == []
