"""One cloud of several LiDARs, without ROS: the same points whoever measured them, and nothing that is not known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bevseg.geometry.frames import Transform
from bevseg.messages.fields import HeaderFields, TimeFields
from bevseg.messages.point_records import cloud_of_records
from bevseg_ros.accounting import Entry
from bevseg_ros.jobs import Arrived, Job
from bevseg_ros.merging import left_out, merged, usable_of
from bevseg_ros.motion import Motion
from bevseg_ros.parameters import PARAMETERS, Value
from bevseg_ros.policies import RefusedError
from bevseg_ros.settings import Settings, settings_from
from bevseg_ros.transforms import MountPose, MountPoses, TransformHistory

TOPICS = ("/top", "/left", "/right")
FRAMES = ("top", "left", "right")
POINT = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("t", "<u4"), ("ring", "<u2")])
MOUNTS = MountPoses(
    (
        MountPose("base", "top", (1.0, 0.0, 2.0), (0.0, 0.0, 0.0)),
        MountPose("base", "left", (2.0, 1.0, 0.5), (0.0, 0.0, np.pi / 2)),
        MountPose("base", "right", (2.0, -1.0, 0.5), (0.0, 0.0, -np.pi / 2)),
    )
)
START_NS = 1_700_000_000_000_000_000


def settings(**changes: Value) -> Settings:
    given: dict[str, Value] = {
        "base_frame": "base",
        "mount.frame": "top",
        "merge.topics": ("/left", "/right"),
        "merge.frames": ("left", "right"),
        "merge.mounts": (0.0,) * 12,
    }
    return settings_from({**{spec.name: spec.default for spec in PARAMETERS}, **given, **changes})


def cloud(lidar: int, xyz_base: Any, *, ms: float = 0.0, point_ms: Any = 0.0, frame: str | None = None) -> Arrived:
    """Points of the vehicle's frame as a LiDAR has them; its stamp and its points' times after it, milliseconds."""
    points = np.asarray(xyz_base, np.float64).reshape(-1, 3)
    records = np.zeros(len(points), POINT)
    own = MOUNTS.poses[lidar].T_base_from_sensor(FRAMES[lidar], 0, 0.0).inverse().apply(points)
    for column, axis in enumerate("xyz"):
        records[axis] = own[:, column]
    records["t"] = np.asarray(point_ms) * 1e6
    records["ring"] = 3
    header = HeaderFields(TimeFields.from_ns(START_NS + round(ms * 1e6)), frame or FRAMES[lidar])
    return Arrived(cloud_of_records(records, header, is_dense=True), Entry(), lidar, TOPICS[lidar])


def job(first: Arrived, *partners: Arrived, missing: tuple[str, ...] = ()) -> Job:
    return Job(first.message, first.entry, first.lidar, first.topic, partners, missing)


def driving(mps: float) -> Motion:
    """A vehicle that goes straight on, known for a second around the start."""
    known = TransformHistory("odom", "odometry")
    for second in (-0.5, 0.5):
        pose = Transform.from_yaw(0.0, np.array([mps * second, 0.0, 0.0]), dst="odom", src="base")
        known.add(START_NS + round(second * 1e9), pose)
    return Motion(known, "base", 0.0, deskew=True, sweeps=1)


def test_points_of_all_lie_in_one_frame_and_know_their_sensor() -> None:
    whole = job(cloud(0, [[10, 0, 0]]), cloud(1, [[10, 1, 0], [11, 1, 0]], ms=30.0), cloud(2, [[10, -1, 0]], ms=20.0))
    usable = usable_of(whole, settings(), MOUNTS, None)
    made = merged(usable, settings(), None, TOPICS).cloud
    np.testing.assert_allclose(made.xyz, [[10, 0, 0], [10, 1, 0], [11, 1, 0], [10, -1, 0]], atol=1e-5)
    np.testing.assert_allclose(made.ray_starts_m()[:, 1], [0, 1, 1, -1], atol=1e-6)
    assert made.ring is not None
    assert made.ring.tolist() == [3, 65539, 65539, 131075]
    np.testing.assert_allclose(made.time_s, [-0.03, 0, 0, -0.01], atol=1e-6)
    assert (usable.stamp_ns, made.frame, made.num_sweeps) == (START_NS, "base", 1)
    assert left_out(whole, usable) == ()


def test_the_vehicles_motion_is_taken_out_to_the_stamp_of_the_reference() -> None:
    """A wall at 20 m, of which the vehicle, at 10 m/s, has driven 0.2 m when the left LiDAR sees it."""
    motion, wall = driving(10.0), np.array([[20.0, 0.0, 1.0]] * 2)
    seen_later = wall - [[0.2, 0.0, 0.0], [0.4, 0.0, 0.0]]
    top, left = cloud(0, wall, point_ms=[0, 0]), cloud(1, seen_later, ms=20.0, point_ms=[0, 20])
    usable = usable_of(job(top, left), settings(), MOUNTS, replace(motion, deskew=False))
    rigid = merged(usable, settings(), None, TOPICS).cloud
    np.testing.assert_allclose(rigid.xyz[2:, 0], [20, 19.8], atol=1e-4)
    top = cloud(0, wall, point_ms=[0, 0.001])
    usable = usable_of(job(top, left), settings(), MOUNTS, motion)
    made = merged(usable, settings(), motion, TOPICS).cloud
    np.testing.assert_allclose(made.xyz[:, 0], 20.0, atol=2e-3)
    np.testing.assert_allclose(made.ray_starts_m()[2:, 0], [2.2, 2.4], atol=2e-3)


def test_what_is_not_known_of_one_leaves_the_others() -> None:
    elsewhere = cloud(2, [[9, 0, 0]], frame="rear")
    whole = job(cloud(1, [[10, 1, 0]], ms=5.0), elsewhere, missing=("/top",))
    usable = usable_of(whole, settings(), MOUNTS, None)
    assert (usable.refused[2].reason, usable.stamp_ns) == ("no_transform", START_NS + 5_000_000)
    assert left_out(whole, usable) == ("/top (no cloud in time)", "/right (no_transform)")
    assert len(merged(usable, settings(), None, TOPICS).cloud) == 1
    with pytest.raises(RefusedError, match="no usable cloud of /top, /right") as refused:
        merged(usable, settings(**{"merge.required": ("~/input/pointcloud", "/right")}), None, TOPICS)
    assert refused.value.reason == "required_missing"


def test_when_nothing_can_be_used_each_has_its_reason() -> None:
    untimed = job(cloud(0, [[1, 2, 3]] * 2), cloud(1, [[1, 2, 3]] * 2))
    usable = usable_of(untimed, settings(), MOUNTS, driving(1.0))
    assert (usable.clouds, {number: error.reason for number, error in usable.refused.items()}) == (
        (),
        {0: "no_point_times", 1: "no_point_times"},
    )


def test_a_lidar_without_points_is_named_and_none_with_any_is_an_empty_result() -> None:
    nothing = np.zeros((0, 3))
    whole = job(cloud(0, [[10, 0, 0]]), cloud(1, nothing))
    usable = usable_of(whole, settings(), MOUNTS, None)
    prepared = merged(usable, settings(), None, TOPICS)
    assert (len(prepared.cloud), prepared.remark) == (1, None)
    assert left_out(whole, usable) == ("/left (no points)",)
    usable = usable_of(job(cloud(0, nothing), cloud(1, nothing)), settings(), MOUNTS, None)
    prepared = merged(usable, settings(), None, TOPICS)
    assert (len(prepared.cloud), prepared.remark, len(prepared.cloud.sensor_origins_m)) == (0, "empty_cloud", 2)


def test_sweeps_are_joined_after_sensors_were_merged() -> None:
    motion = replace(driving(10.0), deskew=False, sweeps=2)
    for ms in (0.0, 100.0):
        usable = usable_of(
            job(cloud(0, [[20, 0, 1]], ms=ms), cloud(1, [[20, 1, 1]], ms=ms)), settings(), MOUNTS, motion
        )
        made = merged(usable, settings(), motion, TOPICS).cloud
    assert (made.num_sweeps, len(made.newest_origins_m)) == (2, 2)
    np.testing.assert_allclose(made.xyz[:, 0], [20, 20, 19, 19], atol=1e-4)
