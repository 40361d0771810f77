"""Where KITTI's vehicle was: the GPS and inertial unit's records, and the poses of the odometry set.

Source: Geiger et al., "Vision meets Robotics: The KITTI Dataset", IJRR 2013, and `convertOxtsToPose.m` of its
development kit (records); the readme of the odometry development kit (poses).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from bevseg.datasets.labels import DatasetError
from bevseg.geometry.frames import Transform

_EARTH_RADIUS_M = 6378137.0
_OXTS_COLUMNS = 6
"""Of the 30 values of a record: latitude and longitude in degrees, altitude in metres, roll, pitch, yaw in radians."""


def read_oxts(path: Path) -> tuple[Transform, ...]:
    """T_global_from_ego of each frame; the ego frame is the inertial unit's (x forward, y left, z up).

    The global frame has x to the east, y to the north and z up, and its origin where the drive begins.

    Raises:
        DatasetError: The file is missing, empty or holds something else.
    """
    records = _table(path, least_columns=_OXTS_COLUMNS)
    latitude, longitude, altitude = records[:, :3].T
    scale = np.cos(np.radians(latitude[0]))
    east = scale * _EARTH_RADIUS_M * np.radians(longitude)
    north = scale * _EARTH_RADIUS_M * np.log(np.tan(np.radians(90 + latitude) / 2))
    place = np.column_stack([east, north, altitude])
    rotations = Rotation.from_euler("xyz", records[:, 3:6]).as_matrix()  # roll first, then pitch, then yaw
    return tuple(
        Transform.from_rotation_translation(rotation, translation, dst="global", src="ego")
        for rotation, translation in zip(rotations, place - place[0], strict=True)
    )


def read_camera_poses(path: Path, T_lidar_from_camera: Transform) -> tuple[Transform, ...]:
    """T_global_from_lidar of each scan from `poses.txt`; the global frame is the lidar's of the first camera's frame.

    Raises:
        DatasetError: The file is missing, empty or holds something else.
    """
    rows = _table(path, least_columns=12)
    if rows.shape[1] != 12:
        raise DatasetError(f"{path}: expected the 12 numbers of a 3 x 4 matrix a line, got {rows.shape[1]}")
    T_global_from_first = Transform(T_lidar_from_camera.matrix, "global", "first")
    poses = []
    for row in rows:
        matrix = _nearest_rotation(row.reshape(3, 4))
        T_first_from_camera = Transform(np.vstack([matrix, [0, 0, 0, 1]]), "first", "camera")
        poses.append(T_global_from_first @ T_first_from_camera @ T_lidar_from_camera.inverse())
    return tuple(poses)


def _nearest_rotation(matrix: Float64[np.ndarray, "3 4"]) -> Float64[np.ndarray, "3 4"]:
    """Poses with few decimals have rotations that are not quite any more."""
    left, _, right = np.linalg.svd(matrix[:, :3])
    return np.column_stack([left @ right, matrix[:, 3]])


def _table(path: Path, *, least_columns: int) -> Float64[np.ndarray, "row column"]:
    if not path.is_file():
        raise DatasetError(f"{path}: no such file")
    lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
    widths = {len(line) for line in lines}
    if len(widths) != 1 or min(widths) < least_columns:
        raise DatasetError(f"{path}: expected lines of {least_columns} numbers or more, got lines of {sorted(widths)}")
    try:
        return np.array(lines, np.float64)
    except ValueError as error:
        raise DatasetError(f"{path}: a value is no number: {error}") from error
