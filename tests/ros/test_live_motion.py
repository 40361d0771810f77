"""A simulated drive with good odometry through a live node: deskewed, joined and followed as it is done directly."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from bevseg.geometry.frames import Transform
from bevseg.messages.clouds import TABLE_ROW
from bevseg.messages.fields import HeaderFields, PointCloud2Fields, TimeFields
from bevseg.messages.fill import generated_class, make_message
from bevseg.messages.outputs import OUTPUTS
from bevseg.messages.point_records import cloud_of_records
from bevseg.messages.pointcloud2 import decode_pointcloud2, stamp_of
from bevseg.pipeline import BevSegmenter
from bevseg.points.cloud import PointCloud
from bevseg.points.sweeps import aggregate_sweeps
from bevseg.results.colors import object_color
from bevseg.results.scene import Scene
from bevseg.results.track_labels import TrackLabels, TrackState
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.drive import DriveConfig, DriveSource
from bevseg.tracking.labelling import follow_objects
from bevseg.tracking.tracker import Tracker
from bevseg_ros.motion import deskewed
from bevseg_ros.policies import REMARKS
from bevseg_ros.transforms import MountPose, TransformHistory, rigid_transform

pytestmark = pytest.mark.ros

SCANS = 9
POINT = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("intensity", "<f4"), ("time", "<f4")])
MOUNT = {"base_frame": "base_link", "mount.frame": "lidar", "mount.x": 0.4, "mount.z": 1.9, "mount.yaw": 0.1}
SPEC = {spec.name: spec for spec in OUTPUTS}
POSE = MountPose("base_link", "lidar", (0.4, 0.0, 1.9), (0.0, 0.0, 0.1))


@dataclass
class Drive:
    """Scans as they are measured while the vehicle moves, and where it was; stamps go on from those of other tests."""

    live: Any
    source: DriveSource
    odometry: Any
    start_ns: int
    known: TransformHistory = field(default_factory=lambda: TransformHistory("odom", "odometry"))

    def message(self, index: int) -> Any:
        cloud = self.source[index].cloud
        records = np.zeros(len(cloud), POINT)
        for column, axis in enumerate("xyz"):
            records[axis] = cloud.xyz[:, column]
        assert cloud.intensity is not None
        records["intensity"], records["time"] = cloud.intensity * 255, cloud.time_s
        stamp = TimeFields.from_ns(self.start_ns + index * 100_000_000)
        fields: PointCloud2Fields = cloud_of_records(records, HeaderFields(stamp, "lidar"), is_dense=True)
        return make_message(fields)

    def tell(self, index: int) -> None:
        """Odometry at 100 Hz for the time of a scan, to the node and to ourselves."""
        kind = generated_class("nav_msgs/msg/Odometry")
        for before_ms in range(99 if index else 0, -1, -11):
            stamp_ns = self.start_ns + index * 100_000_000 - before_ms * 1_000_000
            pose = self.source.ego_pose_before(index, before_ms / 1e3)
            told = kind(child_frame_id="base_link")
            told.header.frame_id = "odom"
            told.header.stamp.sec, told.header.stamp.nanosec = divmod(stamp_ns, 1_000_000_000)
            turn, place = told.pose.pose.orientation, told.pose.pose.position
            turn.x, turn.y, turn.z, turn.w = Rotation.from_matrix(pose.matrix[:3, :3]).as_quat().tolist()
            place.x, place.y, place.z = pose.translation_m.tolist()
            self.odometry.publish(told)
            self.known.add(stamp_ns, rigid_transform(turn, place, "odom", "base_link"))
        self.live.driver.wait_for_stamp("odometry", stamp_ns)

    def pose_at(self, message: Any) -> Transform:
        return self.known.T_base_from_sensor("base_link", stamp_of(message.header), 0.0)


@pytest.fixture(scope="module")
def source() -> DriveSource:
    config = SimulationConfig(
        seed=3, frames=SCANS, sensors=("hdl-32e",), density=(0.5, 0.5), occlusion=False, shutter="distorted"
    )
    return DriveSource(DriveConfig(config, speed_mps=12.0))


@pytest.fixture
def start_drive(live: Any, source: DriveSource) -> Any:
    """Makes the node ready for a drive with these parameters."""
    made: list[Any] = []

    def start(**parameters: Any) -> Drive:
        live.use({**MOUNT, "stall_timeout_s": 600.0, **parameters})
        kind = generated_class("nav_msgs/msg/Odometry")
        made.append(live.driver.node.create_publisher(kind, "/bevseg/input/odometry", 100))
        live.driver.wait_for(made[-1].get_subscription_count, "the node to listen to odometry")
        start_ns = live.scans.next_stamp_ns(1.0)
        live.scans.next_stamp_ns(SCANS / 10)
        return Drive(live, source, made[-1], start_ns)

    yield start
    for publisher in made:
        live.driver.node.destroy_publisher(publisher)


def moved(message: Any) -> PointCloud:
    """In the vehicle's frame, as it was measured."""
    return decode_pointcloud2(message).transformed(POSE.T_base_from_sensor("lidar", 0, 0.0))


def expected(name: str, message: Any, scene: Scene, cloud: PointCloud, tracks: TrackLabels | None = None) -> Any:
    from rclpy.serialization import deserialize_message, serialize_message

    header = HeaderFields(TimeFields.from_ns(stamp_of(message.header)), "base_link")
    made = make_message(SPEC[name].make(scene, cloud, header, tracks))
    return deserialize_message(serialize_message(made), type(made))


def rows_of(table: Any) -> np.ndarray:
    return np.frombuffer(bytes(table.data), TABLE_ROW)


def fed(drive: Drive, message: Any, *outputs: list[Any]) -> dict[str, int]:
    """Sends a cloud and waits for what is published of it; what is said of it beside."""
    for received in outputs:
        received.clear()
    outcome = drive.live.feed(message)
    assert outcome.published == 1
    drive.live.driver.wait_for(lambda: all(outputs), "all outputs")
    return dict(outcome.remarks)


def test_a_turn_is_taken_out_by_odometry(start_drive: Any, direct: BevSegmenter) -> None:
    drive = start_drive(deskew=True)
    tables = drive.live.table()
    points = drive.live.driver.subscribe("output/points", generated_class("sensor_msgs/msg/PointCloud2"))
    for index in (1, 2):
        drive.tell(index)
    message = drive.message(2)
    fed(drive, message, tables, points)
    raw = moved(message)
    cloud = deskewed(raw, stamp_of(message.header), drive.known, 0.0)
    assert np.abs(cloud.xyz - raw.xyz).max() > 0.5
    scene = direct.segment(cloud)
    assert len(scene.instances) > 3
    assert points == [expected("points", message, scene, cloud)]
    assert tables == [expected("objects_table", message, scene, cloud)]


def test_clouds_are_joined_by_odometry(start_drive: Any, direct: BevSegmenter) -> None:
    drive = start_drive(sweeps=2)
    tables = drive.live.table()
    points = drive.live.driver.subscribe("output/points", generated_class("sensor_msgs/msg/PointCloud2"))
    messages = [drive.message(1), drive.message(2)]
    for index, message in enumerate(messages, start=1):
        drive.tell(index)
        fed(drive, message, tables, points)
    newest, before = moved(messages[1]), moved(messages[0])
    poses = [drive.pose_at(message) for message in reversed(messages)]
    cloud = aggregate_sweeps([newest, before], poses)
    assert len(cloud) == len(newest) + len(before) == points[0].width
    scene = direct.segment(cloud)
    assert len(scene.instances) > 3
    assert points == [expected("points", messages[1], scene, cloud)]
    assert tables == [expected("objects_table", messages[1], scene, cloud)]


@pytest.mark.parametrize("parameters", [{"sweeps": 2}, {"deskew": True}])
def test_clouds_that_odometry_does_not_cover_are_dropped_by_name(start_drive: Any, parameters: dict[str, Any]) -> None:
    drive = start_drive(transform_timeout_s=0.0, **parameters)
    drive.live.table()
    assert dict(drive.live.feed(drive.message(0)).dropped) == {"no_odometry": 1}
    drive.tell(3)
    assert dict(drive.live.feed(drive.message(1)).dropped) == {"future_odometry": 1}
    drive.tell(4)
    assert drive.live.feed(drive.message(4)).published == 1
    assert dict(drive.live.feed(drive.message(5)).dropped) == {"late_odometry": 1}
    assert drive.live.driver.last("accounting")[2]["last_error"].startswith("late_odometry: the newest odometry")


def test_objects_of_a_drive_keep_their_ids(start_drive: Any, direct: BevSegmenter) -> None:
    drive, tracker, seen = start_drive(tracking="odometry"), Tracker(), []
    tables = drive.live.table()
    markers = drive.live.driver.subscribe("output/markers", generated_class("visualization_msgs/msg/MarkerArray"))
    for index in range(SCANS - 1):
        drive.tell(index)
        message = drive.message(index)
        if index == 3:  # is lost on its way
            continue
        if index == 4:  # is dropped by the node
            message.data = message.data[:-100]
            assert dict(drive.live.feed(message).dropped) == {"truncated": 1}
            continue
        fed(drive, message, tables, markers)
        cloud = moved(message)
        scene, tracks = follow_objects(tracker, direct.segment(cloud), drive.pose_at(message))
        assert tables == [expected("objects_table", message, scene, cloud, tracks)]
        assert markers == [expected("markers", message, scene, cloud, tracks)]
        seen.append(rows_of(tables[0]))
    assert sum(map(len, seen)) > 40
    assert len(np.unique(np.concatenate([rows["track"] for rows in seen]))) < sum(map(len, seen)) / 3
    last = seen[-1]
    through_the_gap = np.intersect1d(seen[2]["track"], seen[3]["track"])
    assert len(through_the_gap) > len(seen[3]) / 2
    confirmed = last["track_state"] == TrackState.CONFIRMED
    assert confirmed.any()
    assert (np.isnan(last["vx"]) == ~confirmed).all()
    check_texts_and_colors(markers[0], last)
    level, _, values = drive.live.driver.diagnostics("tracking", after=2)
    assert (level, values["source"], values["tracks"]) == (0, "odometry", str(len(tracker.tracks.id)))


def check_texts_and_colors(array: Any, rows: np.ndarray) -> None:
    """Words name the tracks; boxes have their colours, a little lighter."""
    texts = [marker for marker in array.markers if marker.ns == "ids"]
    assert [marker.id for marker in texts] == rows["track"].tolist()
    assert all(f" {marker.id}" in marker.text for marker in texts)
    (hidden,) = (marker for marker in array.markers if marker.ns == "hidden")
    shown = {tuple(round(255 * part) for part in (color.r, color.g, color.b)) for color in hidden.colors}
    assert shown <= {object_color(int(track)) for track in rows["track"]}


def test_without_odometry_objects_are_published_without_tracks(start_drive: Any) -> None:
    drive = start_drive(tracking="odometry", transform_timeout_s=0.0)
    tables = drive.live.table()
    assert fed(drive, drive.message(0), tables) == {"untracked": 1}
    level, _, values = drive.live.driver.last("accounting")
    assert (level, values["remark.untracked"]) == (REMARKS["untracked"].level, values["remark.untracked"])
    assert len(rows_of(tables[0])) > 3
    assert not rows_of(tables[0])["track"].any()
    level, message, _ = drive.live.driver.diagnostics("tracking", after=2)
    assert (level, message) == (REMARKS["untracked"].level, "no odometry from 'base_link' to 'odom' has arrived")

    ids = []
    for index, is_told in ((1, True), (2, True), (3, False), (4, True)):
        if is_told:
            drive.tell(index)
        remarks = fed(drive, drive.message(index), tables)
        assert remarks == ({} if is_told else {"untracked": 1})
        ids.append(rows_of(tables[0])["track"])
    assert not ids[2].any()
    assert len(np.intersect1d(ids[1], ids[3])) > len(ids[3]) / 2
    assert drive.live.driver.diagnostics("tracking", after=2)[0] == 0


def test_tracks_begin_anew_where_the_stream_does(start_drive: Any) -> None:
    drive = start_drive(tracking="odometry")
    tables = drive.live.table()
    known: set[int] = set()

    def tracked(index: int) -> set[int]:
        drive.tell(index)
        fed(drive, drive.message(index), tables)
        return set(rows_of(tables[0])["track"].tolist())

    for index in (1, 2):
        known |= tracked(index)
    drive.start_ns -= 60_000_000_000  # the bag begins anew; its first cloud makes the node forget all odometry
    assert dict(drive.live.feed(drive.message(0)).remarks) == {"clock_jump_back": 1, "untracked": 1}
    after_jump = tracked(1)
    assert after_jump
    assert not after_jump & known
    known |= after_jump
    assert known & tracked(2)
    assert drive.live.driver.change_state("deactivate")
    assert drive.live.driver.change_state("activate")
    drive.live.driver.connect()
    after_pause = tracked(3)
    assert after_pause
    assert min(after_pause) > max(known)
    assert drive.live.driver.diagnostics("tracking", after=2)[2]["begun_anew"] == "2"


def test_a_sensor_that_stands_needs_no_odometry(live: Any, direct: BevSegmenter) -> None:
    live.use({"tracking": "fixed"})
    tables = live.table()
    ids = []
    for _ in range(3):
        tables.clear()
        live.feed(live.scans.message(1))
        live.driver.wait_for(lambda: tables, "objects")
        ids.append(rows_of(tables[0])["track"].tolist())
    assert ids[0] == ids[1] == ids[2] == list(range(1, len(ids[0]) + 1))
    assert ids[0]
    tables.clear()
    live.feed(live.scans.message(1, frame="rear"))
    live.driver.wait_for(lambda: tables, "objects")
    assert min(rows_of(tables[0])["track"]) > max(ids[0])
