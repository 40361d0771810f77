"""When each point of a scan was measured, out of whatever a driver writes.

Drivers agree neither on the unit (seconds as floats, nanoseconds as integers or floats) nor on the zero (the stamp of
the message, or the epoch), nor on whether the stamp is the beginning of the turn or its end. The readings that there
are put the points at different distances from the stamp; the right one puts them within a scan of it, so the reading
that puts them nearest is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64, Num

LONGEST_SCAN_S = 10.0
"""A reading that puts a point farther from the stamp than this is none."""

_LEAST_NS, _MOST_NS = 1e4, 1e9
"""Nanoseconds since the stamp reach at least 10 microseconds, where they are floats, and less than a second: from there
on the number may as well be seconds since the epoch."""


class PointTimeError(ValueError):
    """The times of a scan's points fit its stamp in no known unit."""


@dataclass(frozen=True, eq=False)
class PointTimes:
    """Times as a cloud has them.

    Attributes:
        stamp_ns: The time of the last point, nanoseconds since the epoch.
        time_s: Of each point, against `stamp_ns`: 0 or negative, seconds.
    """

    stamp_ns: int
    time_s: Float32[np.ndarray, "n"]


def point_times(values: Num[np.ndarray, "n"], stamp_ns: int) -> PointTimes:
    """Reads the times of a scan's points.

    Args:
        values: As the driver wrote them: integers are nanoseconds, floats are seconds or nanoseconds; since the
            stamp or since the epoch.
        stamp_ns: Of the message; the times of the points lie around it.

    Raises:
        PointTimeError: No reading puts all points within `LONGEST_SCAN_S` of the stamp, or a time is no number.
    """
    if not len(values):
        return PointTimes(stamp_ns, np.zeros(0, np.float32))
    offset_ns = _integers(values, stamp_ns) if values.dtype.kind in "iu" else _floats(values, stamp_ns)
    newest_ns = int(offset_ns.max())
    return PointTimes(stamp_ns + newest_ns, ((offset_ns - newest_ns) * 1e-9).astype(np.float32))


def _integers(values: Num[np.ndarray, "n"], stamp_ns: int) -> Int64[np.ndarray, "n"]:
    """Nanoseconds after the stamp."""
    relative = values.astype(np.int64)
    readings = [relative - stamp_ns] + ([relative] if _reach(relative) < _MOST_NS else [])
    return _nearest(readings, values, stamp_ns)


def _floats(values: Num[np.ndarray, "n"], stamp_ns: int) -> Int64[np.ndarray, "n"]:
    """Nanoseconds after the stamp."""
    with np.errstate(invalid="ignore"):  # a NaN of the kind that signals
        v = values.astype(np.float64)
    if not np.isfinite(v).all():
        raise PointTimeError(f"{np.count_nonzero(~np.isfinite(v))} of {len(v)} times of points are no number")
    reach = _reach(v)
    with np.errstate(over="ignore"):  # what overflows is no time and is refused as such
        readings = [v * 1e9]
    if _LEAST_NS <= reach < _MOST_NS:
        readings.append(v)
    if values.dtype.itemsize == 8:  # float32 cannot tell seconds of the epoch within minutes apart
        with np.errstate(over="ignore"):
            readings += [(v - stamp_ns * 1e-9) * 1e9] + ([v - stamp_ns] if reach >= _LEAST_NS else [])
    return np.rint(_nearest(readings, values, stamp_ns)).astype(np.int64)


def _nearest(
    readings: Sequence[Num[np.ndarray, "n"]], values: Num[np.ndarray, "n"], stamp_ns: int
) -> Num[np.ndarray, "n"]:
    """Of readings in nanoseconds after the stamp the one that stays nearest to it."""
    nearest = min(readings, key=_reach)
    if _reach(nearest) <= LONGEST_SCAN_S * 1e9:
        return nearest
    raise PointTimeError(
        f"times of points from {values.min():.9g} to {values.max():.9g} ({values.dtype.name}) lie within "
        f"{LONGEST_SCAN_S:g} s of the stamp {stamp_ns} ns neither as seconds nor as nanoseconds, neither since the "
        "stamp nor since the epoch; is the field a time (with_time=False leaves it unread) and the stamp right?"
    )


def _reach(offset: Num[np.ndarray, "n"]) -> float:
    return float(max(abs(offset.min()), abs(offset.max())))
