"""Headerless float32 tables: KITTI's `.bin` and nuScenes' `.pcd.bin`."""

from __future__ import annotations

import numpy as np

from bevseg.points.raw_points import (
    COLUMN_NAMES,
    PointFileError,
    RawPoints,
    canonical_column,
    raw_points_from_columns,
)

KITTI_COLUMNS = ("x", "y", "z", "intensity")
NUSCENES_COLUMNS = ("x", "y", "z", "intensity", "ring")


def parse_columns(columns: str | tuple[str, ...]) -> tuple[str, ...]:
    """Column names from "x,y,z,intensity,ring"; a name that we do not know, such as "_", only takes its place.

    Raises:
        PointFileError: x, y or z is missing, or a known name comes twice.
    """
    names = tuple(columns.split(",")) if isinstance(columns, str) else columns
    ours = [canonical_column(name) for name in names]
    if any(axis not in ours for axis in "xyz"):
        raise PointFileError(f"columns must name x, y and z, got '{','.join(names)}'")
    twice = sorted({name for name in ours if name in COLUMN_NAMES and ours.count(name) > 1})
    if twice:
        raise PointFileError(f"columns name {twice} twice: '{','.join(names)}'")
    return tuple(ours)


def read_raw_bin(data: bytes, columns: tuple[str, ...], *, name: str) -> RawPoints:
    """Rows of little-endian float32, one value a column; no bytes are no points.

    Raises:
        PointFileError: The size is not a whole number of rows.
    """
    row_bytes = 4 * len(columns)
    if len(data) % row_bytes:
        raise PointFileError(
            f"{name}: {len(data)} bytes are not a whole number of rows of {len(columns)} float32 "
            f"({','.join(columns)}); the file is cut off or has other columns: "
            f"say which with columns, for example columns='{_guess_columns(len(data), columns)}'"
        )
    table = np.frombuffer(data, dtype="<f4").reshape(-1, len(columns))
    if columns[:3] == ("x", "y", "z"):
        optional = {key: table[:, columns.index(key)] for key in COLUMN_NAMES[3:] if key in columns}
        return RawPoints(table[:, :3], optional.get("intensity"), optional.get("ring"), optional.get("time"))
    return raw_points_from_columns({key: table[:, k] for k, key in enumerate(columns)}, name=name)


def write_raw_bin(points: RawPoints, columns: tuple[str, ...]) -> bytes:
    """The bytes that `read_raw_bin` reads; a column that the points lack is written as 0."""
    table = np.zeros((len(points), len(columns)), dtype="<f4")
    for place, column in enumerate(columns):
        values = points.xyz[:, "xyz".index(column)] if column in ("x", "y", "z") else getattr(points, column)
        if values is not None:
            table[:, place] = values
    return table.tobytes()


def _guess_columns(size: int, columns: tuple[str, ...]) -> str:
    """Column names of another usual width that the size does divide by."""
    for other in (KITTI_COLUMNS, NUSCENES_COLUMNS, ("x", "y", "z"), (*NUSCENES_COLUMNS, "time")):
        if len(other) != len(columns) and size % (4 * len(other)) == 0:
            return ",".join(other)
    return ",".join(NUSCENES_COLUMNS)
