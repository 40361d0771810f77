"""Where the sensor was goes through a bag and back: what is hidden, and the range image, are those of the frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.interfaces import ConnectionExtRosbag2, QosDurability
from rosbags.rosbag2 import StoragePlugin

from bevseg.baseline import ClusterSegmenter
from bevseg.datasets.bag import BagSource
from bevseg.datasets.labels import DatasetError
from bevseg.datasets.pandaset import PandaSetSource
from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.datasets.swept import with_earlier_sweeps
from bevseg.drawing.frame_picture import PictureSize
from bevseg.drawing.range_image import draw_range_image
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.replay.bag.export import write_bag
from bevseg.replay.export import Tally, read_ahead
from bevseg.replay.frames import nothing_found
from bevseg.replay.pictures import FramePainter, Look
from bevseg.replay.recording import Predictor, Recording
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.drive import DriveConfig, DriveSource
from bevseg.simulation.writers.rosbag import write_rosbag

PAINTER = FramePainter(Look("drive", size=PictureSize(640, 360)))
SAME = Transform(np.eye(4), "ego", "lidar")
Read = Any


@dataclass(frozen=True)
class Samples:
    """Some scans of one drive as a source."""

    samples: tuple[Sample, ...]
    name: str = "some"

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]

    def name_of(self, index: int) -> str:
        return self.samples[index].name


@pytest.fixture(scope="module")
def street() -> tuple[Sample, ...]:
    """Two simulated scans from a tilted mount."""
    config = SimulationConfig(seed=5, frames=2, sensors=("vlp-16",), range_m=40.0, density=(0.6, 0.6))
    drive = DriveSource(DriveConfig(config, speed_mps=8.0))
    return tuple(drive[k] for k in range(2))


@pytest.fixture(scope="module")
def in_vehicle(street: tuple[Sample, ...]) -> tuple[Sample, ...]:
    """The same in the vehicle's frame, as some datasets have it."""
    mount = Transform(street[0].T_ego_from_lidar.matrix, "base_link", "lidar")
    return tuple(
        replace(sample, cloud=replace(sample.cloud.transformed(mount), frame="lidar"), T_ego_from_lidar=SAME)
        for sample in street
    )


def exported(path: Path, source: Source) -> Path:
    """`source` as `bevseg replay --view mcap` writes it."""
    recording = Recording(source, (Predictor("none", lambda s: nothing_found(s.cloud)),), with_truth=False)
    frames = read_ahead(recording, range(len(source)), Tally())
    with write_bag(path, recording, frames, PAINTER, workers=1) as bag:
        assert list(bag) == list(range(1, len(source) + 1))
    return path


def require_the_same(found: PointCloud, expected: PointCloud, atol: float = 1e-6) -> None:
    """Origins of rays, and what comes of them."""
    np.testing.assert_array_equal(found.xyz, expected.xyz)
    np.testing.assert_allclose(found.ray_starts_m(), expected.ray_starts_m(), atol=atol)
    ours, theirs = (draw_range_image(cloud, width=360, height=64) for cloud in (found, expected))
    assert (ours == theirs).mean() > 0.999  # a point on the edge of two pixels
    segment = ClusterSegmenter().segment
    ours_seen, theirs_seen = segment(found), segment(expected)
    assert len(theirs_seen.instances) > 1
    np.testing.assert_array_equal(ours_seen.visibility.state, theirs_seen.visibility.state)
    for name in ("occluder", "occluded", "rank"):
        np.testing.assert_array_equal(getattr(ours_seen.occlusion, name), getattr(theirs_seen.occlusion, name))
    np.testing.assert_allclose(ours_seen.occlusion.hidden_fraction, theirs_seen.occlusion.hidden_fraction, atol=1e-5)
    np.testing.assert_allclose(
        ours_seen.instances.visible_fraction, theirs_seen.instances.visible_fraction, atol=1e-5, equal_nan=True
    )


def test_a_simulated_bag(street: tuple[Sample, ...], tmp_path: Path) -> None:
    config = SimulationConfig(seed=5, frames=2, sensors=("vlp-16",), range_m=40.0, density=(0.6, 0.6))
    write_rosbag(DriveSource(DriveConfig(config, speed_mps=8.0)), tmp_path / "bag")
    source = BagSource(tmp_path / "bag")
    for index, sample in enumerate(street):
        require_the_same(source[index].cloud, sample.cloud)
    with AnyReader([tmp_path / "bag"]) as reader:
        (how,) = [connection.ext for connection in reader.connections if connection.topic == "/tf_static"]
    assert isinstance(how, ConnectionExtRosbag2)
    assert [profile.durability for profile in how.offered_qos_profiles] == [QosDurability.TRANSIENT_LOCAL]
    source.close()


def test_an_export_of_clouds_in_the_sensors_frame(
    street: tuple[Sample, ...], tmp_path: Path, read: Callable[[Path], Read]
) -> None:
    path = exported(tmp_path / "a.mcap", Samples(street))
    source, found = BagSource(path), read(path)
    (static,) = found.messages["/tf_static"]
    frames = [(t.header.frame_id, t.child_frame_id) for t in static.transforms]
    assert frames == [("base_link", "lidar")]
    moving = [t for message in found.messages["/tf"] for t in message.transforms]
    assert [(t.header.frame_id, t.child_frame_id) for t in moving] == [("map", "base_link")] * 2
    np.testing.assert_allclose(source[0].T_ego_from_lidar.matrix, street[0].T_ego_from_lidar.matrix, atol=1e-9)
    for index, (sample, pose) in enumerate(zip(street, moving, strict=True)):
        again = source[index]
        require_the_same(again.cloud, sample.cloud)
        q, t = pose.transform.rotation, pose.transform.translation
        T_map_from_ego = Transform.from_quaternion(
            np.array([q.w, q.x, q.y, q.z]), np.array([t.x, t.y, t.z]), dst="global", src="ego"
        )
        exact = sample.T_global_from_ego @ sample.T_ego_from_lidar
        np.testing.assert_allclose((T_map_from_ego @ again.T_ego_from_lidar).matrix, exact.matrix, atol=1e-6)
    with AnyReader([path]) as reader:
        (how,) = [connection.ext for connection in reader.connections if connection.topic == "/tf_static"]
    assert isinstance(how, ConnectionExtRosbag2)
    assert [profile.durability for profile in how.offered_qos_profiles] == [QosDurability.TRANSIENT_LOCAL]
    source.close()


def test_an_export_of_clouds_in_the_vehicles_frame(
    in_vehicle: tuple[Sample, ...], street: tuple[Sample, ...], tmp_path: Path, read: Callable[[Path], Read]
) -> None:
    path = exported(tmp_path / "a.mcap", Samples(in_vehicle))
    assert {m.header.frame_id for m in read(path).messages["/bevseg/output/points"]} == {"base_link"}
    source = BagSource(path)
    origin_m = source[1].cloud.sensor_origins_m[0]
    np.testing.assert_allclose(origin_m, street[0].T_ego_from_lidar.translation_m, atol=1e-6)
    for index, sample in enumerate(in_vehicle):
        require_the_same(source[index].cloud, sample.cloud)
    source.close()
    again = BagSource(exported(tmp_path / "again.mcap", Samples((source_sample(path, 0),))))
    np.testing.assert_array_equal(again[0].cloud.sensor_origins_m, in_vehicle[0].cloud.sensor_origins_m)
    again.close()


def source_sample(path: Path, index: int) -> Sample:
    source = BagSource(path)
    sample = source[index]
    source.close()
    return sample


def test_without_its_origin_the_picture_would_be_another(in_vehicle: tuple[Sample, ...]) -> None:
    """What the tests above tell apart."""
    cloud = in_vehicle[0].cloud
    with pytest.raises(AssertionError):
        require_the_same(replace(cloud, sensor_origins_m=np.zeros((1, 3), np.float32)), cloud)


def test_each_point_keeps_its_own_of_two_sensors(in_vehicle: tuple[Sample, ...], tmp_path: Path) -> None:
    cloud = in_vehicle[0].cloud
    lower: np.ndarray = cloud.sensor_origins_m - np.array([0.1, 0.3, 0.2], np.float32)
    both = replace(
        cloud,
        sensor_origins_m=np.concatenate([cloud.sensor_origins_m, lower]),
        sweep=(np.arange(len(cloud)) % 3 == 0).astype(np.int32),
        sweep_of_origin=np.zeros(2, np.int64),
    )
    found = source_sample(exported(tmp_path / "a.mcap", Samples((replace(in_vehicle[0], cloud=both),))), 0).cloud
    np.testing.assert_array_equal(found.sweep, both.sweep)
    assert found.num_sweeps == 1
    require_the_same(found, both)


def test_points_of_earlier_scans_are_not_taken_for_new_ones(street: tuple[Sample, ...], tmp_path: Path) -> None:
    pose = street[0].T_global_from_ego @ street[0].T_ego_from_lidar
    joined = with_earlier_sweeps(street[1], [street[0].cloud], [pose])
    path = exported(tmp_path / "a.mcap", Samples((joined,)))
    with pytest.raises(DatasetError, match=r"message 0 .* points were taken from places that the bag does not tell"):
        source_sample(path, 0)


def test_scans_without_points(in_vehicle: tuple[Sample, ...], tmp_path: Path) -> None:
    empty = replace(in_vehicle[0], cloud=in_vehicle[0].cloud[:0])
    found = source_sample(exported(tmp_path / "a.mcap", Samples((empty,))), 0).cloud
    assert len(found) == 0
    np.testing.assert_array_equal(found.sensor_origins_m, in_vehicle[0].cloud.sensor_origins_m)


def test_one_bag_holds_one_vehicle(in_vehicle: tuple[Sample, ...], tmp_path: Path) -> None:
    moved = replace(in_vehicle[1].cloud, sensor_origins_m=np.array([[1.0, 0.5, 2.5]], np.float32))
    other = Samples((in_vehicle[0], replace(in_vehicle[1], cloud=moved)))
    with pytest.raises(DatasetError, match=r"rays start at \[\[1.0, 0.5, 2.5\]\], .* write each drive into its own"):
        exported(tmp_path / "a.mcap", other)
    assert list(tmp_path.iterdir()) == []


def test_frames_of_two_vehicles_are_no_bag(street: tuple[Sample, ...], tmp_path: Path) -> None:
    """Clouds in the sensor's frame always start at its origin; that the sensors are elsewhere the mount tells."""
    mount = street[1].T_ego_from_lidar
    higher = Transform.from_rotation_translation(
        mount.matrix[:3, :3], mount.translation_m + np.array([0.0, 0.0, 1.0]), dst="ego", src="lidar"
    )
    other = Samples((street[0], replace(street[1], T_ego_from_lidar=higher)))
    with pytest.raises(
        DatasetError, match=r"000001: its frame lies at .* write each drive into its own \(--drive NAME"
    ):
        exported(tmp_path / "a.mcap", other)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("frame", ["vehicle", "robot1/base_link"])
def test_a_frame_with_a_vehicles_name_goes_there_and_back(
    in_vehicle: tuple[Sample, ...], tmp_path: Path, frame: str
) -> None:
    at_origin = replace(in_vehicle[0].cloud, frame=frame, sensor_origins_m=np.zeros((1, 3), np.float32))
    mount = Transform(np.eye(4), "ego", frame)
    path = exported(tmp_path / "a.mcap", Samples((replace(in_vehicle[0], cloud=at_origin, T_ego_from_lidar=mount),)))
    again = source_sample(path, 0)
    np.testing.assert_array_equal(again.cloud.xyz, at_origin.xyz)
    np.testing.assert_array_equal(again.cloud.sensor_origins_m, [[0, 0, 0]])


@pytest.mark.parametrize("storage", [StoragePlugin.SQLITE3, StoragePlugin.MCAP])
def test_a_vehicles_bag_with_clouds_in_base_link(
    street: tuple[Sample, ...], in_vehicle: tuple[Sample, ...], tmp_path: Path, storage: StoragePlugin
) -> None:
    """As a driver gives it that moves its clouds itself: /tf_static tells of the LiDAR, the cloud does not."""
    path = tmp_path / "bag"
    _record_in_base_link(street, in_vehicle, path, storage)
    with pytest.raises(DatasetError, match=r"the points are in 'base_link'.*hangs 'camera', 'lidar', 'roof'.*--sensor"):
        BagSource(path)
    source = BagSource(path, sensor_frame="lidar")
    for index, sample in enumerate(in_vehicle):
        require_the_same(source[index].cloud, sample.cloud)
        np.testing.assert_array_equal(source[index].T_ego_from_lidar.matrix, np.eye(4))
    T_camera_from_base = source.T_frame_from_lidar("camera")
    assert (T_camera_from_base.dst, T_camera_from_base.src) == ("camera", "lidar")
    np.testing.assert_allclose(T_camera_from_base.translation_m, [-1.5, 0, -1])
    with pytest.raises(DatasetError, match=r"does not connect 'base_link', .* with 'odom': 'base_link' hangs on noth"):
        source.T_frame_from_lidar("odom")
    source.close()


def _record_in_base_link(
    street: tuple[Sample, ...], in_vehicle: tuple[Sample, ...], path: Path, storage: StoragePlugin
) -> None:
    """Mounted over two frames; the transforms come from two publishers."""
    from rosbags.rosbag2 import Writer

    from bevseg.messages.fields import HeaderFields, TimeFields
    from bevseg.messages.fill import make_message
    from bevseg.messages.transforms import transform_message
    from bevseg.replay.bag.messages import message_types
    from bevseg.simulation.writers.rosbag_messages import Messages

    store = message_types()
    mount = Transform(street[0].T_ego_from_lidar.matrix, "base_link", "lidar")
    roof = Transform.from_yaw(0.7, np.array([0.2, 0.4, 1.1]), dst="base_link", src="roof")
    camera = Transform.from_yaw(0.0, np.array([1.5, 0.0, 1.0]), dst="base_link", src="camera")
    with Writer(path, version=9, storage_plugin=storage) as bag:
        tf = bag.add_connection("/tf_static", "tf2_msgs/msg/TFMessage", typestore=store)
        points = bag.add_connection("/points", "sensor_msgs/msg/PointCloud2", typestore=store)
        for sample in in_vehicle:
            stamp_ns, stamp = sample.cloud.stamp_ns, TimeFields.from_ns(sample.cloud.stamp_ns)
            for transforms in ((roof,), (roof.inverse() @ mount, camera)):  # sent again with each scan
                message = make_message(transform_message(transforms, stamp), store.types.__getitem__)
                bag.write(tf, stamp_ns, store.serialize_cdr(message, "tf2_msgs/msg/TFMessage"))
            cloud = Messages(store).of_scan(sample)["/lidar/points"]
            header = make_message(HeaderFields(stamp, "/base_link"), store.types.__getitem__)
            data = store.serialize_cdr(replace(cloud, header=header), "sensor_msgs/msg/PointCloud2")  # type: ignore[type-var]
            bag.write(points, stamp_ns, data)


@pytest.mark.real
def test_a_real_clip_in_the_vehicles_frame(real_data: Path, tmp_path: Path) -> None:
    clip = PandaSetSource(real_data / "pandaset_002")
    some = Samples((clip[0], clip[1]))
    source = BagSource(exported(tmp_path / "clip.mcap", some))
    for index in range(2):
        assert source[index].cloud.sensor_origins_m[0, 2] > 1
        require_the_same(source[index].cloud, some[index].cloud)
    source.close()
