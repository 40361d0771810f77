"""Headerless float32 tables: KITTI's `.bin` and nuScenes' `.pcd.bin`."""

from __future__ import annotations

import numpy as np

from bevseg.points.raw_points import COLUMN_NAMES, PointFileError, RawPoints, canonical_column

KITTI_COLUMNS = ("x", "y", "z", "intensity")
NUSCENES_COLUMNS = ("x", "y", "z", "intensity", "ring")
_MOST_RINGS = 1023


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
    places = {key: place for place, key in enumerate(columns)}
    first = places["x"]
    in_order = (places["y"], places["z"]) == (first + 1, first + 2)  # then a view: most of the time here is copying
    xyz = table[:, first : first + 3] if in_order else table[:, [places[axis] for axis in "xyz"]]
    optional = {key: table[:, places[key]] for key in COLUMN_NAMES[3:] if key in places}
    points = RawPoints(xyz, optional.get("intensity"), optional.get("ring"), optional.get("time"))
    _require_plausible(points, columns, name=name)
    return points


def _require_plausible(points: RawPoints, columns: tuple[str, ...], *, name: str) -> None:
    """Tells a table of another width, whose size happens to divide, from a right one: coordinates are no intensity."""
    wrong = ""
    if points.intensity is not None and len(points) and float(points.intensity.min()) < 0:
        wrong = f"intensity goes down to {points.intensity.min():.6g}"
    elif points.ring is not None and not (points.ring == np.rint(np.clip(points.ring, 0, _MOST_RINGS))).all():
        wrong = f"ring is not a whole number from 0 to {_MOST_RINGS} everywhere"
    if wrong:
        raise PointFileError(
            f"{name}: read as {','.join(columns)}, {wrong}: the file has other columns; "
            f"say which with columns, for example columns='{_guess_columns(4 * len(points) * len(columns), columns)}'"
        )


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
