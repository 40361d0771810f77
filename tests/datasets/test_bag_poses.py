from __future__ import annotations

from types import SimpleNamespace as Message

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from bevseg.datasets.bag_poses import StampedPose, pose_at, pose_of_odometry
from bevseg.datasets.labels import DatasetError

HALF = np.sqrt(0.5)


def at(stamp_ns: int, x: float, yaw_deg: float) -> StampedPose:
    return StampedPose(stamp_ns, np.array([x, 0.0, 0.0]), Rotation.from_euler("z", yaw_deg, degrees=True).as_quat())


def test_between_two_messages() -> None:
    pose = pose_at([at(2_000, 3.0, 90), at(1_000, 1.0, 10)], 1_250, where="here")
    np.testing.assert_allclose(pose.translation_m, [1.5, 0, 0])
    assert np.degrees(pose.yaw_rad) == pytest.approx(30)
    assert (pose.dst, pose.src) == ("global", "ego")


def test_a_little_outside_takes_the_nearest() -> None:
    poses = [at(0, 1.0, 0), at(10**9, 2.0, 0)]
    assert pose_at(poses, -50_000_000, where="here").translation_m[0] == 1.0
    assert pose_at(poses[:1], 50_000_000, where="here").translation_m[0] == 1.0
    with pytest.raises(DatasetError, match=r"here: its stamp .* 0.200 s outside"):
        pose_at(poses, 1_200_000_000, where="here")


def test_two_messages_of_one_stamp() -> None:
    assert pose_at([at(5, 1.0, 0), at(5, 2.0, 0), at(9, 3.0, 0)], 9, where="here").translation_m[0] == 3.0


def test_an_odometry_message() -> None:
    stamp = Message(sec=1, nanosec=5)
    place, turn = Message(x=1.0, y=2.0, z=3.0), Message(x=0.0, y=0.0, z=HALF, w=HALF)
    inner = Message(pose=Message(position=place, orientation=turn))
    pose = pose_of_odometry(Message(header=Message(stamp=stamp, frame_id="odom"), pose=inner))
    assert pose.stamp_ns == 1_000_000_005
    assert pose.translation_m.tolist() == [1, 2, 3]
