"""`.npy` and `.npz`: an (N, 3 or more) array of numbers, or records with named fields. Pickles are refused."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import numpy as np
from jaxtyping import Shaped

from bevseg.points.raw_bin import KITTI_COLUMNS
from bevseg.points.raw_points import PointFileError, RawPoints, raw_points_from_columns

_POINTS_KEY = "points"
_FRAME_KEYS = {"cloud.intensity": "intensity", "cloud.ring": "ring", "cloud.time_s": "time"}
"""Columns beside `cloud.xyz` in a frame of `bevseg simulate`."""


def read_npy(data: bytes, columns: tuple[str, ...] | None, *, name: str) -> RawPoints:
    """The points of a `.npy` file.

    Raises:
        PointFileError: The file is not an array of points, or has columns that nobody named.
    """
    return _raw_points(_load(data, name=name), columns, name=name)


def read_npz(data: bytes, columns: tuple[str, ...] | None, *, name: str) -> RawPoints:
    """The array `points` of a `.npz` file, or its only one that could be points; or the scan of a simulated frame.

    Raises:
        PointFileError: No array is fit, several are, or it has columns that nobody named.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            if "cloud.xyz" in arrays.files:
                return _scan_of_frame(arrays, name=name)
            shapes = {key: arrays[key].shape for key in arrays.files}
            fit = [key for key in sorted(arrays.files) if _could_be_points(arrays[key])]
            if _POINTS_KEY in fit:
                fit = [_POINTS_KEY]
            if len(fit) == 1:
                return _raw_points(arrays[fit[0]], columns, name=f"{name}[{fit[0]}]")
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, PointFileError):
            raise
        raise PointFileError(f"{name}: not a .npz file that can be read: {error}") from error
    raise PointFileError(
        f"{name}: expected an array '{_POINTS_KEY}' of (N, 3 or more) numbers, or one such array alone, found {shapes}"
    )


def write_npy(points: RawPoints) -> bytes:
    """The points as records with named fields."""
    buffer = io.BytesIO()
    np.save(buffer, points.rows(), allow_pickle=False)
    return buffer.getvalue()


def write_npz(points: RawPoints) -> bytes:
    """The points as records with named fields, in a compressed array `points`."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{_POINTS_KEY: points.rows()})
    return buffer.getvalue()


def _scan_of_frame(arrays: Mapping[str, Shaped[np.ndarray, "..."]], *, name: str) -> RawPoints:
    origins = arrays["cloud.sensor_origins_m"]
    if len(origins) != 1 or origins.any():
        raise PointFileError(
            f"{name}: a frame of {len(origins)} sweeps or a sensor away from its origin, which a plain scan has no "
            "place for; `bevseg eval` and `bevseg replay` read such frames"
        )
    others = {column: arrays[key] for key, column in _FRAME_KEYS.items() if key in arrays}
    return RawPoints(arrays["cloud.xyz"], others.get("intensity"), others.get("ring"), others.get("time"))


def _load(data: bytes, *, name: str) -> Shaped[np.ndarray, "..."]:
    try:
        array: np.ndarray = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise PointFileError(f"{name}: not a .npy file that can be read: {error}") from error
    if not _could_be_points(array):
        raise PointFileError(f"{name}: expected (N, 3 or more) numbers, got shape {array.shape} of {array.dtype}")
    return array


def _could_be_points(array: Shaped[np.ndarray, "..."]) -> bool:
    if array.dtype.names:
        return array.ndim == 1
    return array.ndim == 2 and array.shape[1] >= 3 and array.dtype.kind in "fiu"


def _raw_points(array: Shaped[np.ndarray, "..."], columns: tuple[str, ...] | None, *, name: str) -> RawPoints:
    if array.dtype.names:
        return raw_points_from_columns({field: array[field] for field in array.dtype.names}, name=name)
    width = array.shape[1]
    if columns is None and width > len(KITTI_COLUMNS):
        raise PointFileError(
            f"{name}: has {width} columns; say which, for example columns='x,y,z,intensity,ring' "
            "(a name that is not ours, such as '_', skips a column)"
        )
    names = columns or KITTI_COLUMNS[:width]
    if len(names) != width:
        raise PointFileError(f"{name}: has {width} columns, columns names {len(names)}: '{','.join(names)}'")
    return raw_points_from_columns({key: array[:, k] for k, key in enumerate(names)}, name=name)
