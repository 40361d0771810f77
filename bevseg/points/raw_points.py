"""What a point file holds, before its axes are turned and its intensity is scaled; and how a file can be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Num, Shaped

COLUMN_NAMES = ("x", "y", "z", "intensity", "ring", "time")

_ALIASES = {
    "i": "intensity",
    "reflectance": "intensity",
    "reflectivity": "intensity",
    "remission": "intensity",
    "scalar_intensity": "intensity",
    "channel": "ring",
    "laser_id": "ring",
    "beam": "ring",
    "t": "time",
    "time_s": "time",
    "timestamp": "time",
}


class PointFileError(ValueError):
    """A point file is empty where it may not be, cut off, of an unknown kind, or lacks a column."""


@dataclass(frozen=True, eq=False)
class RawPoints:
    """The columns of one file in its own axes and units.

    Attributes:
        xyz: Coordinates in metres, along the file's own axes.
        intensity: In whatever scale the file has, or None.
        ring: Beam index, or None.
        time: Time of each point as stored, or None; see `formats` for what it becomes.
    """

    xyz: Num[np.ndarray, "n 3"]
    intensity: Num[np.ndarray, "n"] | None = None
    ring: Num[np.ndarray, "n"] | None = None
    time: Num[np.ndarray, "n"] | None = None

    def __len__(self) -> int:
        return len(self.xyz)

    def columns(self) -> dict[str, Num[np.ndarray, "n"]]:
        """The columns there are, by name, in the little-endian types that we write: float32, and uint16 for rings."""
        columns = {axis: self.xyz[:, k].astype("<f4") for k, axis in enumerate("xyz")}
        for name, values, dtype in (
            ("intensity", self.intensity, "<f4"),
            ("ring", self.ring, "<u2"),
            ("time", self.time, "<f4"),
        ):
            if values is not None:
                columns[name] = values.astype(dtype)
        return columns

    def rows(self) -> Shaped[np.ndarray, "n"]:
        """The same as packed records, one a point."""
        columns = self.columns()
        rows = np.empty(len(self), dtype=[(name, values.dtype) for name, values in columns.items()])
        for name, values in columns.items():
            rows[name] = values
        return rows


def raw_points_from_columns(columns: Mapping[str, Num[np.ndarray, "_"]], *, name: str) -> RawPoints:
    """Picks the known columns by their usual names, in any letter case; others are left out.

    Raises:
        PointFileError: x, y or z is missing.
    """
    found: dict[str, np.ndarray] = {}
    for key, values in columns.items():
        found.setdefault(canonical_column(key), values)
    missing = [axis for axis in "xyz" if axis not in found]
    if missing:
        raise PointFileError(f"{name}: columns {missing} are missing; the file has {list(columns)}")
    xyz = np.stack([found["x"], found["y"], found["z"]], axis=1)
    return RawPoints(xyz, found.get("intensity"), found.get("ring"), found.get("time"))


def canonical_column(name: str) -> str:
    """Our name of a column: lower case, with the usual other names (reflectance, laser_id, t) replaced."""
    lower = name.strip().lower()
    return _ALIASES.get(lower, lower)


def parse_ascii_table(body: bytes, *, width: int, num_rows: int, name: str) -> Float64[np.ndarray, "num_rows width"]:
    """Numbers separated by white space; what follows the last row is left.

    Raises:
        PointFileError: There are fewer numbers than rows need, or a word is not a number.
    """
    words = body.split(maxsplit=num_rows * width)[: num_rows * width]
    if len(words) < num_rows * width:
        raise PointFileError(f"{name}: expected {num_rows} rows of {width} numbers, got {len(words)} numbers: cut off")
    try:
        return np.array(words, dtype="S").astype(np.float64).reshape(num_rows, width)
    except ValueError as error:
        raise PointFileError(f"{name}: a point is not made of numbers: {error}") from error
