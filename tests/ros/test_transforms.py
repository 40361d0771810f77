from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from bevseg.geometry.frames import Transform
from bevseg_ros.policies import RefusedError
from bevseg_ros.transforms import Arrivals, MountPose, MountPoses, Tf2Transforms, TransformHistory, transform_of

SECOND = 1_000_000_000


def turned(yaw: float, x: float, *, dst: str = "base_link") -> Transform:
    return Transform.from_yaw(yaw, np.array([x, 0.0, 1.0]), dst=dst, src="lidar")


def history(*known: tuple[int, Transform]) -> TransformHistory:
    made = TransformHistory("base_link")
    for stamp_ns, transform in known:
        made.add(stamp_ns, transform)
    return made


def reason_of(source: TransformHistory | MountPose | Tf2Transforms, frame: str, stamp_ns: int) -> str:
    with pytest.raises(RefusedError) as refused:
        source.T_base_from_sensor(frame, stamp_ns, 0.0)
    return refused.value.reason


def test_a_mount_turns_about_fixed_axes_as_urdf_has_it() -> None:
    mount = MountPose("base_link", "roof", (1.0, 2.0, 3.0), (np.pi / 2, 0.0, np.pi / 2))
    moved = mount.T_base_from_sensor("roof", 5, 0.0).apply(np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(moved, [[1, 2, 4], [1, 3, 3]], atol=1e-12)
    mount.forget()
    assert reason_of(mount, "other", 5) == "no_transform"


def test_each_of_several_sensors_has_its_mount() -> None:
    roof = MountPose("base_link", "roof", (1.0, 0.0, 2.0), (0.0, 0.0, 0.0))
    mounts = MountPoses((roof, MountPose("base_link", "left", (2.0, 1.0, 0.5), (0.0, 0.0, np.pi / 2))))
    found = mounts.T_base_from_sensor("left", 5, 0.0)
    np.testing.assert_allclose(found.apply(np.array([[1.0, 0.0, 0.0]])), [[2, 2, 0.5]], atol=1e-12)
    assert mounts.T_base_from_sensor("roof", 5, 0.0).src == "roof"
    mounts.forget()
    with pytest.raises(RefusedError, match=r"'roof', 'left' .* in frame 'rear'"):
        mounts.T_base_from_sensor("rear", 5, 0.0)


def test_between_two_transforms_it_is_interpolated() -> None:
    known = history((2 * SECOND, turned(0.6, 3.0)), (SECOND, turned(0.2, 1.0)))
    found = known.T_base_from_sensor("lidar", SECOND + SECOND // 4, 0.0)
    assert found.yaw_rad == pytest.approx(0.3)
    np.testing.assert_allclose(found.translation_m, [1.5, 0, 1])
    assert known.T_base_from_sensor("lidar", 2 * SECOND, 0.0).yaw_rad == pytest.approx(0.6)


def test_what_is_not_known_is_refused_by_name() -> None:
    known = history((SECOND, turned(0.2, 1.0)), (2 * SECOND, turned(0.2, 1.0)))
    assert reason_of(known, "rear", SECOND) == "no_transform"
    assert reason_of(known, "lidar", 2 * SECOND + 1) == "late_transform"
    assert reason_of(known, "lidar", SECOND - 1) == "future_transform"
    known.forget()
    assert reason_of(known, "lidar", SECOND) == "no_transform"


def test_transforms_into_other_frames_and_old_ones_are_not_kept() -> None:
    known = history((SECOND, turned(0.2, 1.0, dst="map")))
    assert reason_of(known, "lidar", SECOND) == "no_transform"
    known = history((SECOND, turned(0.0, 1.0)), (20 * SECOND, turned(0.0, 1.0)))
    assert reason_of(known, "lidar", 2 * SECOND) == "future_transform"


def test_what_arrived_is_counted_and_wrong_names_of_frames_are_told() -> None:
    odometry = TransformHistory("odom", "odometry", src="base_link")
    pose = Transform.from_yaw(0.1, np.zeros(3), dst="odom", src="base_footprint")
    odometry.add(SECOND, pose)
    assert odometry.arrivals() == Arrivals(0, 1, "'base_footprint' to 'odom'", None)
    with pytest.raises(RefusedError, match=r"'base_link' to 'odom' has arrived; .* from 'base_footprint' to 'odom'$"):
        odometry.T_base_from_sensor("base_link", SECOND, 0.0)
    for second in (3, 2):
        odometry.add(second * SECOND + 7, Transform.from_yaw(0.1, np.zeros(3), dst="odom", src="base_link"))
    arrivals = odometry.arrivals()
    assert (arrivals.taken, arrivals.ignored, arrivals.newest_ns) == (2, 1, 3 * SECOND + 7)
    assert arrivals.values()["newest_stamp_s"] == "3.000000007"
    odometry.forget()
    assert (odometry.arrivals().taken, odometry.arrivals().newest_ns) == (2, None)
    known = history((SECOND, turned(0.2, 1.0)))
    with pytest.raises(RefusedError, match=r"'rear' to 'base_link' has arrived; .* from 'lidar' to 'base_link'$"):
        known.T_base_from_sensor("rear", SECOND, 0.0)


def test_a_cloud_waits_for_its_transform() -> None:
    known = history((SECOND, turned(0.2, 1.0)))
    timer = threading.Timer(0.05, known.add, (3 * SECOND, turned(0.2, 1.0)))
    timer.start()
    assert known.T_base_from_sensor("lidar", 2 * SECOND, 10.0).dst == "base_link"
    timer.join()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (LookupError("unknown frame"), "no_transform"),
        (KeyError("extrapolation into the future"), "late_transform"),
        (KeyError("extrapolation into the past"), "future_transform"),
    ],
)
def test_refusals_of_tf2_by_our_names(error: Exception, reason: str) -> None:
    """LookupError stands for tf2.TransformException, KeyError for its subclass tf2.ExtrapolationException."""

    def lookup(base: str, frame: str, stamp_ns: int, timeout_s: float) -> object:
        raise error

    assert reason_of(Tf2Transforms("base_link", lookup, lambda: None, KeyError, LookupError), "lidar", 5) == reason


def test_a_transform_of_tf2_is_read_as_it_is() -> None:
    message = SimpleNamespace(
        translation=SimpleNamespace(x=1.0, y=2.0, z=3.0), rotation=SimpleNamespace(x=0.0, y=0.0, z=1.0, w=1.0)
    )
    asked: list[object] = []

    def lookup(*question: object) -> object:
        asked.append(question)
        return message

    source = Tf2Transforms("base_link", lookup, asked.clear, KeyError, LookupError)
    found = source.T_base_from_sensor("lidar", 5, 0.2)
    assert asked == [("base_link", "lidar", 5, 0.2)]
    assert found.yaw_rad == pytest.approx(np.pi / 2)
    np.testing.assert_allclose(found.translation_m, [1, 2, 3])
    source.forget()
    assert asked == []
    message.rotation.z = message.rotation.w = 0.0
    with pytest.raises(ValueError, match="non-zero length"):
        transform_of(message, "base_link", "lidar")
