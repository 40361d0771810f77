"""Rolling shutter: where the sensor is while a turn lasts, seen from where it is at the end of the turn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from bevseg.geometry.boxes import wrap_angle
from bevseg.geometry.frames import Transform


@dataclass(frozen=True, eq=False)
class SensorPath:
    """Where the sensor is at each firing of a turn, in its own frame at the stamp, which is the end of the turn.

    A sensor that does not move has rotations and places that are exactly none and 0.

    Attributes:
        time_s: Of each firing, against the stamp: negative, and 0 for the last.
        rotation: Turns directions of the sensor at the firing into those of the sensor at the stamp.
        place_m: Of the sensor at the firing.
    """

    time_s: Float[np.ndarray, "firing"]
    rotation: Float[np.ndarray, "firing 3 3"]
    place_m: Float[np.ndarray, "firing 3"]

    def directions_at_stamp(self, local: Float[np.ndarray, "ray 3"]) -> Float[np.ndarray, "ray 3"]:
        """Directions of all beams of the turn, firing by firing, turned into the sensor's frame at the stamp."""
        by_firing = local.reshape(len(self.time_s), -1, 3)
        return (by_firing @ self.rotation.transpose(0, 2, 1)).reshape(-1, 3)

    def deskewed(self, xyz: Float[np.ndarray, "n 3"], firing: Int[np.ndarray, "n"]) -> Float[np.ndarray, "n 3"]:
        """Points that the sensor has measured where it was at their firings, as seen from where it is at the stamp."""
        turned = np.einsum("nij,nj->ni", self.rotation[firing], xyz)
        return (turned + self.place_m[firing]).astype(np.float32)


def sensor_path(
    time_s: Float[np.ndarray, "firing"],
    ego_m: Float[np.ndarray, "firing 3"],
    ego_yaw_rad: Float[np.ndarray, "firing"],
    T_global_from_lidar: Transform,
) -> SensorPath:
    """The path of a sensor on a vehicle that moves and turns about the vertical; how it sways stays the same.

    Args:
        time_s: Of the firings, against the stamp.
        ego_m: Place of the vehicle at each firing, in the world; at the last one the stamp has come.
        ego_yaw_rad: Its heading.
        T_global_from_lidar: Pose of the sensor at the stamp.
    """
    T = T_global_from_lidar.matrix
    turn = wrap_angle(ego_yaw_rad - ego_yaw_rad[-1])
    sine, short = np.sin(turn), 1 - np.cos(turn)
    lever = T[:3, 3] - ego_m[-1]
    swing = np.stack([-short * lever[0] - sine * lever[1], sine * lever[0] - short * lever[1], 0 * turn], axis=1)
    x, y, z = T[2, :3]  # the world's vertical, in the sensor's frame
    across = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return SensorPath(
        time_s=time_s,
        rotation=np.eye(3) + sine[:, None, None] * across + short[:, None, None] * (across @ across),  # Rodrigues
        place_m=(ego_m - ego_m[-1] + swing) @ T[:3, :3],
    )
