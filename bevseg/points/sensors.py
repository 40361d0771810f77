"""Joins the clouds that several sensors of one vehicle measured at one time; each keeps its own rays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Integer, Num

from bevseg.geometry.frames import FrameError
from bevseg.points.cloud import PointCloud

RINGS_A_SENSOR = 1 << 16
"""Rings of sensor k of a merged cloud begin at k times this: more than any sensor has, whoever else is there."""


def merge_sensors(clouds: Sequence[PointCloud], sensors: Sequence[int]) -> PointCloud:
    """One sweep of all points, in the order of the clouds.

    Every cloud keeps the origin of its rays, so what one sensor cannot see and another can is known; the first cloud's
    sensor is the one that depth is ordered from. Times count from the newest point of all. Intensity and ring are kept
    where every cloud that has points has them.

    Args:
        clouds: Of single sweeps, in one frame.
        sensors: The number of each cloud's sensor, which keeps rings apart.

    Raises:
        ValueError: There is no cloud, not one number each, a number is negative, or a cloud holds several sweeps.
        FrameError: The clouds are in different frames.
    """
    if not clouds or len(clouds) != len(sensors) or min(sensors) < 0:
        raise ValueError(f"expected clouds and a sensor of 0 or more for each, got {len(clouds)} and {list(sensors)}")
    if any(cloud.num_sweeps > 1 for cloud in clouds):
        raise ValueError("sensors are merged before sweeps are joined: expected single sweeps")
    frames = {cloud.frame for cloud in clouds}
    if len(frames) > 1:
        raise FrameError(f"clouds of several sensors must be in one frame, got {sorted(frames)}")
    stamp_ns = max(cloud.stamp_ns for cloud in clouds)
    origins = [cloud.sensor_origins_m for cloud in clouds]
    before = np.cumsum([0, *map(len, origins[:-1])])
    spoken = [cloud for cloud in clouds if len(cloud)]
    rings = [_rings(cloud, sensor) for cloud, sensor in zip(clouds, sensors, strict=True) if len(cloud)]
    return PointCloud(
        xyz=np.concatenate([cloud.xyz for cloud in clouds]),
        frame=clouds[0].frame,
        stamp_ns=stamp_ns,
        sensor_origins_m=np.concatenate(origins),
        intensity=_joined([cloud.intensity for cloud in spoken]),
        time_s=np.concatenate([c.time_s + np.float32((c.stamp_ns - stamp_ns) * 1e-9) for c in clouds]),
        ring=_joined(rings),
        sweep=np.concatenate([c.sweep + np.int32(n) for c, n in zip(clouds, before, strict=True)]),
        dropped_non_finite=sum(cloud.dropped_non_finite for cloud in clouds),
        ray_origins_m=_ray_origins(clouds),
        sweep_of_origin=np.zeros(sum(map(len, origins)), np.int32),
    )


def _rings(cloud: PointCloud, sensor: int) -> Integer[np.ndarray, "n"] | None:
    """Those of the sensor, moved to its place; what is no ring (-1) stays none."""
    if cloud.ring is None:
        return None
    return np.where(cloud.ring >= 0, cloud.ring + np.int32(sensor * RINGS_A_SENSOR), cloud.ring).astype(np.int32)


def _ray_origins(clouds: Sequence[PointCloud]) -> Float[np.ndarray, "n 3"] | None:
    """Where each ray starts, if that is known of any cloud; in the others at their sensor's place."""
    if all(cloud.ray_origins_m is None for cloud in clouds):
        return None
    return np.concatenate([cloud.ray_starts_m() for cloud in clouds])


def _joined(columns: Sequence[Num[np.ndarray, "_"] | None]) -> Num[np.ndarray, "_"] | None:
    """The columns one after the other, or None where one is missing or there is none at all."""
    present = [column for column in columns if column is not None]
    return np.concatenate(present) if present and len(present) == len(columns) else None
