"""What a point file holds, before its axes are turned and its intensity is scaled; and how a file can be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Num

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
