"""KITTI's calibration files, of the object, tracking and raw layouts: where lidar, cameras and GPS/IMU are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from bevseg.datasets.labels import DatasetError
from bevseg.geometry.frames import Transform


def read_calibration(path: Path) -> Transform:
    """`T_lidar_from_camera` of the rectified camera 0, from a calibration file of either layout.

    Raises:
        DatasetError: The file is missing or lacks a matrix.
    """
    rows = {row[0].rstrip(":"): row[1:] for row in read_rows(path)}
    rectify = _matrix(rows, ("R0_rect", "R_rect"), (3, 3), where=path)
    camera_from_lidar = _matrix(rows, ("Tr_velo_to_cam", "Tr_velo_cam"), (3, 4), where=path)
    T_rectified_from_camera = Transform.from_rotation_translation(
        rectify, np.zeros(3), dst="camera", src="unrectified_camera"
    )
    T_camera_from_lidar = Transform.from_rotation_translation(
        camera_from_lidar[:, :3], camera_from_lidar[:, 3], dst="unrectified_camera", src="lidar"
    )
    return (T_rectified_from_camera @ T_camera_from_lidar).inverse()


def read_mounting(path: Path) -> Transform:
    """T_ego_from_lidar, the ego frame being that of the GPS/IMU, from a calibration file of either layout.

    Raises:
        DatasetError: The file is missing or lacks the matrix.
    """
    rows = {row[0].rstrip(":"): row[1:] for row in read_rows(path)}
    lidar_from_imu = _matrix(rows, ("Tr_imu_to_velo", "Tr_imu_velo"), (3, 4), where=path)
    return Transform.from_rotation_translation(
        lidar_from_imu[:, :3], lidar_from_imu[:, 3], dst="lidar", src="ego"
    ).inverse()


def read_projection(path: Path) -> Float[np.ndarray, "3 4"]:
    """`P2`: from homogeneous places in the rectified camera 0 to pixels of the left colour camera times depth.

    Raises:
        DatasetError: The file is missing or lacks the matrix.
    """
    rows = {row[0].rstrip(":"): row[1:] for row in read_rows(path)}
    return _matrix(rows, ("P2", "P_rect_02"), (3, 4), where=path)


def _matrix(
    rows: Mapping[str, Sequence[str]], names: tuple[str, str], shape: tuple[int, int], *, where: Path
) -> Float[np.ndarray, "r c"]:
    for name in names:
        if len(rows.get(name, ())) == shape[0] * shape[1]:
            return np.array(rows[name], dtype=np.float64).reshape(shape)
    raise DatasetError(f"{where}: expected a {shape[0]} x {shape[1]} matrix {' or '.join(names)}, found {list(rows)}")


def read_rows(path: Path) -> list[list[str]]:
    """The fields of each line that has any."""
    return [line.split() for line in read_lines(path)]


def read_lines(path: Path) -> list[str]:
    """The lines that hold something.

    Raises:
        DatasetError: There is no such file.
    """
    if not path.is_file():
        raise DatasetError(f"{path}: no such file; each scan needs its labels and calibration")
    return [line for line in path.read_text().splitlines() if line.strip()]
