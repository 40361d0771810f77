"""The vehicle's motion, against the simulator, which knows the same scan as it is measured and as it was at its end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.datasets.sample import Sample
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.simulation.config import Shutter, SimulationConfig
from bevseg.simulation.drive import DriveConfig, DriveSource
from bevseg_ros.motion import Motion, deskewed
from bevseg_ros.policies import RefusedError
from bevseg_ros.transforms import TransformHistory

SECOND = 1_000_000_000


def drive(shutter: Shutter) -> DriveSource:
    scene = SimulationConfig(
        seed=3, frames=3, sensors=("vlp-16",), occlusion=False, shutter=shutter, density=(0.1, 0.1), tilt_deg=0.0
    )
    return DriveSource(DriveConfig(scene, speed_mps=15.0))


def in_ego(sample: Sample) -> PointCloud:
    return sample.cloud.transformed(sample.T_ego_from_lidar)


def odometry_of(source: DriveSource) -> TransformHistory:
    """The poses of a drive at 100 Hz, up to and with its last scan."""
    known = TransformHistory("global", "odometry")
    for index in (1, 2):
        for before_ms in range(90, -1, -10):
            pose = source.ego_pose_before(index, before_ms / 1e3)
            known.add(source[index].cloud.stamp_ns - before_ms * 1_000_000, pose)
    return known


@pytest.fixture(scope="module")
def known() -> TransformHistory:
    return odometry_of(drive("distorted"))


def test_the_turn_is_taken_out_as_the_simulator_does(known: TransformHistory) -> None:
    measured, true = in_ego(drive("distorted")[2]), in_ego(drive("deskewed")[2])
    assert len(measured) == len(true) > 5000
    ours = deskewed(measured, measured.stamp_ns, known, 0.0)
    before = np.abs(measured.xyz - true.xyz).max()
    assert before > 0.8
    assert np.abs(ours.xyz - true.xyz).max() < 0.03
    assert ours.ray_origins_m is not None
    assert true.ray_origins_m is not None
    assert np.abs(ours.ray_origins_m - true.ray_origins_m).max() < 0.02
    np.testing.assert_allclose(ours.sensor_origins_m, true.sensor_origins_m, atol=1e-4)


def test_a_stamp_at_the_beginning_of_the_turn_is_where_the_points_are_taken_to(known: TransformHistory) -> None:
    measured = in_ego(drive("distorted")[2])
    first_ns = measured.stamp_ns + round(float(measured.time_s.min()) * 1e9)
    at_end, at_start = (deskewed(measured, stamp, known, 0.0).xyz for stamp in (measured.stamp_ns, first_ns))
    start, end = known.at("ego", np.array([first_ns, measured.stamp_ns]), 0.0)
    np.testing.assert_allclose(at_start, (start.inverse() @ end).apply(at_end), atol=1e-3)


def test_sweeps_lie_on_each_other(known: TransformHistory) -> None:
    source = drive("deskewed")
    motion = Motion(known, "ego", 0.0, deskew=False, sweeps=2)
    one, other = in_ego(source[1]), in_ego(source[2])
    assert len(motion.joined(one, one.stamp_ns)) == len(one)
    both = motion.joined(other, other.stamp_ns)
    assert (len(both), both.num_sweeps) == (len(one) + len(other), 2)
    expected = source[2].T_global_from_ego.inverse() @ source[1].T_global_from_ego
    np.testing.assert_allclose(both.xyz[len(other) :], expected.apply(one.xyz), atol=2e-3)
    assert float(both.time_s.min()) == pytest.approx(float(one.time_s.min()) - 0.1, abs=1e-4)
    assert motion.joined(other, other.stamp_ns).num_sweeps == 1  # the same time again is no past


def test_the_newest_sweeps_are_kept() -> None:
    still = TransformHistory("odom", "odometry")
    for second in (0, 10):
        still.add(second * SECOND, Transform(np.eye(4), "odom", "ego"))
    motion = Motion(still, "ego", 0.0, deskew=False, sweeps=3)
    seen = []
    for tenth in (*range(1, 6), 60):
        stamp_ns = tenth * SECOND // 10
        cloud = PointCloud.from_xyz(np.full((1, 3), tenth, np.float32), frame="ego", stamp_ns=stamp_ns)
        seen.append(motion.joined(cloud, stamp_ns).xyz[:, 0].astype(int).tolist())
    assert seen == [[1], [2, 1], [3, 2, 1], [4, 3, 2], [5, 4, 3], [60]]


def test_without_odometry_or_times_nothing_is_guessed(known: TransformHistory) -> None:
    measured = in_ego(drive("distorted")[2])
    for change_ns, reason in ((SECOND, "late_odometry"), (-SECOND, "future_odometry")):
        with pytest.raises(RefusedError) as refused:
            deskewed(replace(measured, stamp_ns=measured.stamp_ns + change_ns), measured.stamp_ns, known, 0.0)
        assert refused.value.reason == reason
    with pytest.raises(RefusedError, match="no odometry from 'ego' to 'odom' has arrived") as refused:
        Motion(TransformHistory("odom", "odometry"), "ego", 0.0, deskew=False, sweeps=3).joined(measured, 5)
    assert refused.value.reason == "no_odometry"
    with pytest.raises(RefusedError) as refused:
        deskewed(replace(measured, time_s=np.zeros(len(measured), np.float32)), measured.stamp_ns, known, 0.0)
    assert refused.value.reason == "no_point_times"


def test_an_empty_cloud_has_not_moved() -> None:
    empty = PointCloud.empty("ego", 5)
    nowhere = TransformHistory("odom", "odometry")
    assert deskewed(empty, 5, nowhere, 0.0) is empty
    nowhere.add(5, Transform.from_yaw(0.3, np.zeros(3), dst="odom", src="ego"))
    motion = Motion(nowhere, "ego", 0.0, deskew=True, sweeps=2)
    assert len(motion.joined(motion.at_stamp(empty, 5, 5), 5)) == 0


def test_without_times_of_points_a_cloud_is_moved_as_a_whole(known: TransformHistory) -> None:
    motion, cloud = Motion(known, "ego", 0.0, deskew=False, sweeps=1), in_ego(drive("deskewed")[2])
    before_ns = cloud.stamp_ns - 50_000_000
    assert motion.at_stamp(cloud, cloud.stamp_ns, cloud.stamp_ns) is cloud
    moved = motion.at_stamp(cloud, before_ns, cloud.stamp_ns)
    then, now = known.at("ego", np.array([before_ns, cloud.stamp_ns]), 0.0)
    assert np.abs(moved.xyz - cloud.xyz).max() > 0.5
    np.testing.assert_allclose(moved.xyz, (now.inverse() @ then).apply(cloud.xyz), atol=1e-3)
    with pytest.raises(RefusedError, match="odometry"):
        motion.at_stamp(cloud, cloud.stamp_ns + SECOND, cloud.stamp_ns)
