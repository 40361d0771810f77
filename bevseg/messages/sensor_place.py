"""Where the sensor was, as frames: what a writer of bags puts on /tf_static and /tf so that a reader finds it.

    map -> base_link -> lidar        clouds in the sensor's own frame, and it is known where that is on the vehicle
    map -> lidar                     the same, where only the sensor's frame is known
    map -> base_link                 clouds in the vehicle's frame; the ray origins hang on it:
           base_link -> bevseg_ray_origin_0, bevseg_ray_origin_1, ...

A frame `bevseg_ray_origin_K` lies where rays start, its axes are those of the frame that it hangs on. It is the mark by
which a reader knows, without being told, which frame took a cloud that is in another one; the number is what the field
`ray_origin` of the points refers to. How the sensor itself is turned is not said by it.

Source: REP-103 and REP-105 (map, base_link).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud

BASE_FRAME, FIXED_FRAME = "base_link", "map"
"""As REP-105 calls the vehicle's frame, and one that does not move with it."""

STANDARD_FRAMES = (BASE_FRAME, "base_footprint", "odom", FIXED_FRAME, "earth")
"""Frames of REP-105, and of the ground below the vehicle (REP-120): of the vehicle or the world, never of a sensor."""

RAY_ORIGIN = "bevseg_ray_origin_"
"""Begins the names of the frames where rays start."""

UNKNOWN_ORIGIN = 255
"""The field `ray_origin` of points whose ray started where no frame is: those of earlier scans."""

_NO_FRAME = "lidar"
"""What a scan's frame is called where its cloud has no name for it: ROS takes an empty one for a mistake."""

_SAME_M = 1e-4


def ray_origin_frame(number: int) -> str:
    """The name of the frame where the rays of one sensor start."""
    return f"{RAY_ORIGIN}{number}"


@dataclass(frozen=True, eq=False)
class SensorPlace:
    """The frames of a recording.

    Attributes:
        cloud_frame: Of its clouds, by which all messages go.
        mount: T_base_link_from_cloud; None where the cloud's frame is base_link, or the vehicle's is not known.
        origins_m: Where the rays of each sensor start, in the cloud's frame, metres.
    """

    cloud_frame: str
    mount: Transform | None
    origins_m: Float[np.ndarray, "sensor 3"]

    @property
    def static(self) -> tuple[Transform, ...]:
        """What goes on /tf_static, once; none where the clouds are in the frame of a sensor that hangs on nothing."""
        mount = () if self.mount is None else (self.mount,)
        return (*mount, *self._marks())

    def moving(self, T_fixed_from_cloud: Transform) -> Transform:
        """What goes on /tf: where the vehicle is on the map, or the sensor where that alone is known."""
        T_map_from_cloud = Transform(T_fixed_from_cloud.matrix, FIXED_FRAME, self.cloud_frame)
        return T_map_from_cloud if self.mount is None else T_map_from_cloud @ self.mount.inverse()

    def fits(self, cloud: PointCloud) -> bool:
        """Whether the rays of another scan start at the same places."""
        origins_m = cloud.newest_origins_m
        return origins_m.shape == self.origins_m.shape and bool(np.abs(origins_m - self.origins_m).max() < _SAME_M)

    def _marks(self) -> tuple[Transform, ...]:
        is_sensors_own = len(self.origins_m) == 1 and not self.origins_m.any()
        if is_sensors_own and self.cloud_frame not in STANDARD_FRAMES:
            return ()
        return tuple(
            Transform.from_rotation_translation(
                np.eye(3), origin_m.astype(np.float64), dst=self.cloud_frame, src=ray_origin_frame(number)
            )
            for number, origin_m in enumerate(self.origins_m)
        )


def sensor_place(cloud: PointCloud, T_ego_from_cloud: Transform) -> SensorPlace:
    """The frames of a recording, by one of its scans.

    Args:
        cloud: A scan.
        T_ego_from_cloud: Where the cloud's frame is on the vehicle. Where it is the identity the two are one frame:
            base_link if rays start elsewhere in it, else the sensor's.
    """
    origins_m = cloud.newest_origins_m
    frame = cloud.frame or _NO_FRAME
    if np.array_equal(T_ego_from_cloud.matrix, np.eye(4)):
        return SensorPlace(BASE_FRAME if origins_m.any() else frame, None, origins_m)
    if frame in STANDARD_FRAMES:  # a parent of its own name would be a circle
        return SensorPlace(frame, None, origins_m)
    return SensorPlace(frame, Transform(T_ego_from_cloud.matrix, BASE_FRAME, frame), origins_m)
