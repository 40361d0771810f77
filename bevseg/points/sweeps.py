"""Joins sweeps of one drive into a single denser cloud, moved by the vehicle's own motion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, Num

from bevseg.geometry.frames import FrameError, Transform
from bevseg.points.cloud import PointCloud


def aggregate_sweeps(clouds: Sequence[PointCloud], T_global_from_lidar: Sequence[Transform]) -> PointCloud:
    """All points in the newest cloud's frame, newest sweep first.

    `time_s` becomes each point's age against the newest stamp (0 or negative), `sweep` says which sensor origin its
    ray started from. Intensity and ring are kept only where every cloud has them. Only the vehicle's motion is
    removed: what moves by itself leaves a trail.

    Args:
        clouds: Sweeps in any order; each may itself hold several. Of equal stamps the first given is the newest.
        T_global_from_lidar: The pose of each cloud's frame at its stamp.

    Raises:
        ValueError: There is no cloud, or not one pose a cloud.
        FrameError: A pose does not start at its cloud's frame, or the poses end in different frames.
    """
    if not clouds or len(clouds) != len(T_global_from_lidar):
        raise ValueError(f"expected clouds and a pose for each, got {len(clouds)} and {len(T_global_from_lidar)}")
    newest_first = sorted(range(len(clouds)), key=lambda k: clouds[k].stamp_ns, reverse=True)
    newest = clouds[newest_first[0]]
    T_newest_from_global = T_global_from_lidar[newest_first[0]].inverse()
    moved = [
        _moved(clouds[k], T_newest_from_global @ T_global_from_lidar[k], newest_frame=newest.frame)
        for k in newest_first
    ]
    origins_before = np.cumsum([0, *(len(cloud.sensor_origins_m) for cloud in moved[:-1])])
    age_s = [(cloud.stamp_ns - newest.stamp_ns) * 1e-9 for cloud in moved]
    return PointCloud(
        xyz=np.concatenate([cloud.xyz for cloud in moved]),
        frame=newest.frame,
        stamp_ns=newest.stamp_ns,
        sensor_origins_m=np.concatenate([cloud.sensor_origins_m for cloud in moved]),
        intensity=_joined([cloud.intensity for cloud in moved]),
        time_s=np.concatenate([cloud.time_s + np.float32(age) for cloud, age in zip(moved, age_s, strict=True)]),
        ring=_joined([cloud.ring for cloud in moved]),
        sweep=np.concatenate([c.sweep + np.int32(n) for c, n in zip(moved, origins_before, strict=True)]),
        dropped_non_finite=sum(cloud.dropped_non_finite for cloud in moved),
        ray_origins_m=_joined_ray_origins(moved),
        sweep_of_origin=_joined_sweep_of_origin(moved),
    )


def _moved(cloud: PointCloud, T_newest_from_lidar: Transform, *, newest_frame: str) -> PointCloud:
    if T_newest_from_lidar.dst != newest_frame:
        raise FrameError(
            f"the newest cloud is in frame '{newest_frame}', its pose starts at '{T_newest_from_lidar.dst}'"
        )
    return cloud.transformed(T_newest_from_lidar)


def _joined_ray_origins(clouds: Sequence[PointCloud]) -> Float[np.ndarray, "n 3"] | None:
    """Where each ray starts, if that is known of any cloud; in the others at the origin of its sweep."""
    if all(cloud.ray_origins_m is None for cloud in clouds):
        return None
    return np.concatenate([cloud.ray_starts_m() for cloud in clouds])


def _joined_sweep_of_origin(clouds: Sequence[PointCloud]) -> Int[np.ndarray, "s"] | None:
    """The sweeps of all origins counted on, or None where each origin is a sweep of its own."""
    if all(cloud.sweep_of_origin is None for cloud in clouds):
        return None
    before = np.cumsum([0, *(cloud.num_sweeps for cloud in clouds[:-1])])
    own = [np.arange(c.num_sweeps) if c.sweep_of_origin is None else c.sweep_of_origin for c in clouds]
    return np.concatenate([sweep + start for sweep, start in zip(own, before, strict=True)])


def _joined(columns: Sequence[Num[np.ndarray, "_"] | None]) -> Num[np.ndarray, "_"] | None:
    """The columns one after the other, or None where one of the clouds has none."""
    present = [column for column in columns if column is not None]
    return np.concatenate(present) if len(present) == len(columns) else None
