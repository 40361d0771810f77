"""Where KITTI's vehicle was: the GPS and inertial unit's records, and the poses of the odometry set.

Source: Geiger et al., "Vision meets Robotics: The KITTI Dataset", IJRR 2013, and `convertOxtsToPose.m` of its
development kit (records); the readme of the odometry development kit (poses).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from bevseg.datasets.labels import DatasetError
from bevseg.geometry.frames import Transform

_EARTH_RADIUS_M = 6378137.0
_OXTS_COLUMNS = 6
"""Of the 30 values of a record: latitude and longitude in degrees, altitude in metres, roll, pitch, yaw in radians."""


@dataclass(frozen=True, eq=False)
class Poses(Sequence[Transform]):
    """Poses of a drive, made into transforms as they are asked for: a drive has thousands.

    Attributes:
        matrices: Of each frame.
        dst: The frame that they lead to.
        src: The frame that they come from.
    """

    matrices: Float64[np.ndarray, "pose 4 4"]
    dst: str
    src: str

    def __len__(self) -> int:
        return len(self.matrices)

    @overload
    def __getitem__(self, index: int) -> Transform: ...
    @overload
    def __getitem__(self, index: slice) -> Poses: ...
    def __getitem__(self, index: int | slice) -> Transform | Poses:
        if isinstance(index, slice):
            return Poses(self.matrices[index], self.dst, self.src)
        return Transform(self.matrices[index], self.dst, self.src)


def read_oxts(path: Path) -> Poses:
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
    return Poses(_matrices(rotations, place - place[0]), "global", "ego")


def read_camera_poses(path: Path, T_lidar_from_camera: Transform) -> Poses:
    """T_global_from_lidar of each scan from `poses.txt`; the global frame is the lidar's of the first camera's frame.

    Raises:
        DatasetError: The file is missing, empty or holds something else.
    """
    rows = _table(path, least_columns=12)
    if rows.shape[1] != 12:
        raise DatasetError(f"{path}: expected the 12 numbers of a 3 x 4 matrix a line, got {rows.shape[1]}")
    T_first_from_camera = rows.reshape(-1, 3, 4)
    left, _, right = np.linalg.svd(T_first_from_camera[..., :3])  # with few decimals they are no rotations any more
    cameras = _matrices(left @ right, T_first_from_camera[..., 3])
    lidars = T_lidar_from_camera.matrix @ cameras @ T_lidar_from_camera.inverse().matrix
    return Poses(lidars, "global", T_lidar_from_camera.dst)


def _matrices(
    rotations: Float64[np.ndarray, "pose 3 3"], places_m: Float64[np.ndarray, "pose 3"]
) -> Float64[np.ndarray, "pose 4 4"]:
    matrices = np.tile(np.eye(4), (len(rotations), 1, 1))
    matrices[:, :3, :3], matrices[:, :3, 3] = rotations, places_m
    return matrices


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
