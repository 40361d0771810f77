"""The vehicle's own motion: taken out of the turn of a scan, and used to join scans, by odometry. Never guessed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Int

from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.points.sweeps import aggregate_sweeps
from bevseg_ros.policies import RefusedError
from bevseg_ros.transforms import TransformHistory

_STEPS = 256
"""Poses during a turn: within one step of 0.4 ms a vehicle at 30 m/s moves 12 mm."""

_OLDEST_S = 2.0
"""Sweeps before are not joined with a cloud that is newer than they are by more."""


@dataclass(frozen=True, eq=False)
class _Sweep:
    """A cloud at its stamp, and where the vehicle was then."""

    stamp_ns: int
    cloud: PointCloud
    T_odom_from_base: Transform


@dataclass
class Motion:
    """Moves clouds by the vehicle's motion; for one thread, odometry may come from another.

    Attributes:
        odometry: Poses of the vehicle as they arrive.
        base_frame: The vehicle's frame, in which the clouds are.
        timeout_s: How long a cloud waits for the pose at its stamp.
        deskew: Whether the motion during the turn is taken out.
        sweeps: How many clouds are joined.
    """

    odometry: TransformHistory
    base_frame: str
    timeout_s: float
    deskew: bool
    sweeps: int
    _before: list[_Sweep] = field(default_factory=list, repr=False)

    def at_stamp(self, cloud: PointCloud, own_stamp_ns: int, stamp_ns: int) -> PointCloud:
        """A cloud as seen from where the vehicle was at a time.

        Args:
            cloud: In the vehicle's frame, as the sensor gave it.
            own_stamp_ns: Of its message.
            stamp_ns: That the results are to carry.

        Raises:
            RefusedError: Odometry does not cover the cloud, or points lack the times that are needed.
        """
        if self.deskew:
            return deskewed(cloud, stamp_ns, self.odometry, self.timeout_s)
        if own_stamp_ns == stamp_ns:
            return cloud
        stamps_ns = np.array([own_stamp_ns, stamp_ns])
        T_odom_from_own, T_odom_from_base = self.odometry.at(self.base_frame, stamps_ns, self.timeout_s)
        T_now_from_own = T_odom_from_base.inverse() @ T_odom_from_own
        return cloud.transformed(T_now_from_own)

    def joined(self, cloud: PointCloud, stamp_ns: int) -> PointCloud:
        """A cloud of that time, with those before it; raises as `at_stamp`."""
        if self.sweeps == 1:
            return cloud
        (pose,) = self.odometry.at(self.base_frame, np.array([stamp_ns]), self.timeout_s)
        joined = [_Sweep(stamp_ns, cloud, pose)]
        joined += [sweep for sweep in self._before if 0 < stamp_ns - sweep.stamp_ns <= _OLDEST_S * 1e9]
        self._before = joined[: self.sweeps - 1]
        return aggregate_sweeps([sweep.cloud for sweep in joined], [sweep.T_odom_from_base for sweep in joined])


def deskewed(cloud: PointCloud, stamp_ns: int, odometry: TransformHistory, timeout_s: float) -> PointCloud:
    """The cloud as if all points had been measured at one time; each ray starts where the sensor was.

    Only the vehicle's own motion is taken out: what moves by itself stays smeared.

    Args:
        cloud: In the vehicle's frame, with the time of each point.
        stamp_ns: The time that the cloud is to be seen from.
        odometry: Poses of the vehicle.
        timeout_s: How long to wait for those that are still to come.

    Raises:
        RefusedError: There are no times (`no_point_times`), or no odometry that covers them.
    """
    if not len(cloud):
        return cloud
    first_s = float(cloud.time_s.min())
    if first_s == 0 and len(cloud) > 1:
        raise RefusedError(
            "no_point_times", "deskew needs a time of each point: its fields have none, or all are the same"
        )
    times_ns = cloud.stamp_ns + np.linspace(first_s * 1e9, 0, _STEPS).astype(np.int64)
    poses = odometry.at(cloud.frame, np.append(times_ns, stamp_ns), timeout_s)
    T_now_from_odom = poses.pop().inverse()
    moved = np.stack([(T_now_from_odom @ pose).matrix for pose in poses]).astype(np.float32)
    step = _nearest_step(cloud, first_s)
    origins = moved[:, :3, :3] @ cloud.sensor_origins_m[0] + moved[:, :3, 3]
    return replace(
        cloud,
        xyz=np.einsum("nij,nj->ni", moved[step, :3, :3], cloud.xyz) + moved[step, :3, 3],
        sensor_origins_m=origins[-1:],
        ray_origins_m=origins[step],
    )


def _nearest_step(cloud: PointCloud, first_s: float) -> Int[np.ndarray, "n"]:
    """Which of the poses is nearest in time to each point."""
    share = 1 - cloud.time_s / np.float32(first_s) if first_s else np.ones(len(cloud), np.float32)
    return np.rint(share * (_STEPS - 1)).astype(np.int64)
