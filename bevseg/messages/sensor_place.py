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

from bevseg.geometry.frames import Transform, angle_between_rad
from bevseg.points.cloud import PointCloud

BASE_FRAME, FIXED_FRAME = "base_link", "map"
"""As REP-105 calls the vehicle's frame, and one that does not move with it."""

STANDARD_FRAMES = (BASE_FRAME, "base_footprint", "odom", FIXED_FRAME, "earth")
"""Frames of REP-105, and of the ground below the vehicle (REP-120): of the vehicle or the world, never of a sensor."""

_VEHICLES = ("base", "ego", "ego_vehicle", "vehicle")
"""Names that vehicles' frames have without REP-105."""

RAY_ORIGIN = "bevseg_ray_origin_"
"""Begins the names of the frames where rays start."""

UNKNOWN_ORIGIN = 255
"""The field `ray_origin` of points whose ray started where no frame is: those of earlier scans."""

_NO_FRAME = "lidar"
"""What a scan's frame is called where its cloud has no name for it: ROS takes an empty one for a mistake."""

_SAME_M = 1e-4
_SWAY_DEG = 3.0
"""Vehicles sway on their wheels, which is in the mount where a dataset keeps the vehicle's frame upright, as the
simulator does (0.15 degrees a scan); in a bag base_link sways instead, and the cloud is where it was."""


def is_vehicle_or_world(frame: str) -> bool:
    """Whether a frame goes by a name of vehicles or of the world, also below a vehicle's own: robot1/base_link.

    Such a frame is no sensor's own, so a bag has to say where rays start in it.
    """
    return frame.rpartition("/")[-1] in (*STANDARD_FRAMES, *_VEHICLES)


def ray_origin_frame(number: int) -> str:
    """The name of the frame where the rays of one sensor start."""
    return f"{RAY_ORIGIN}{number}"


@dataclass(frozen=True, eq=False)
class SensorPlace:
    """The frames of a recording.

    Attributes:
        cloud_frame: Of its clouds, by which all messages go.
        T_ego_from_cloud: Where that is on the vehicle; the identity also where it is not known.
        origins_m: Where the rays of each sensor start, in the cloud's frame, metres.
    """

    cloud_frame: str
    T_ego_from_cloud: Transform
    origins_m: Float[np.ndarray, "sensor 3"]

    @property
    def mount(self) -> Transform | None:
        """T_base_link_from_cloud; None where the cloud's frame is base_link, or the vehicle's is not known."""
        if self.cloud_frame in STANDARD_FRAMES:  # a parent of its own name would be a circle
            return None
        if np.array_equal(self.T_ego_from_cloud.matrix, np.eye(4)):
            return None
        return Transform(self.T_ego_from_cloud.matrix, BASE_FRAME, self.cloud_frame)

    @property
    def static(self) -> tuple[Transform, ...]:
        """What goes on /tf_static, once; none where the clouds are in the frame of a sensor that hangs on nothing."""
        mount = self.mount
        return (*(() if mount is None else (mount,)), *self._marks())

    def moving(self, T_fixed_from_cloud: Transform) -> Transform:
        """What goes on /tf: where the vehicle is on the map, or the sensor where that alone is known."""
        T_map_from_cloud = Transform(T_fixed_from_cloud.matrix, FIXED_FRAME, self.cloud_frame)
        mount = self.mount
        return T_map_from_cloud if mount is None else T_map_from_cloud @ mount.inverse()

    def difference(self, cloud: PointCloud, T_ego_from_cloud: Transform) -> str | None:
        """Why another scan was not taken from the same place on the same vehicle, in words; None where it was.

        The mount may turn a little, as vehicles sway; its place may not.
        """
        origins_m = cloud.newest_origins_m
        if origins_m.shape != self.origins_m.shape or np.abs(origins_m - self.origins_m).max() >= _SAME_M:
            return f"its rays start at {origins_m.tolist()}, those of the first at {self.origins_m.tolist()} (metres)"
        ours, theirs = self.T_ego_from_cloud, T_ego_from_cloud
        if np.abs(theirs.translation_m - ours.translation_m).max() >= _SAME_M:
            place, first = (t.translation_m.round(4).tolist() for t in (theirs, ours))
            return f"its frame lies at {place} on the vehicle, that of the first at {first} (metres)"
        turn_deg = np.degrees(angle_between_rad(ours, theirs))
        if turn_deg >= _SWAY_DEG:
            return f"its frame is turned on the vehicle by {turn_deg:.2f} degrees from that of the first"
        return None

    def _marks(self) -> tuple[Transform, ...]:
        is_sensors_own = len(self.origins_m) == 1 and not self.origins_m.any()
        if is_sensors_own and not is_vehicle_or_world(self.cloud_frame):
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
    is_ego = np.array_equal(T_ego_from_cloud.matrix, np.eye(4))
    frame = BASE_FRAME if is_ego and origins_m.any() else cloud.frame or _NO_FRAME
    return SensorPlace(frame, T_ego_from_cloud, origins_m)
