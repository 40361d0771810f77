"""sensor_msgs/PointCloud2 to a point cloud, whoever made the message: rclpy, rosbags, a DDS binding, a test.

Only the fields of the message are looked at. Columns are views of the payload whatever the order, offset, type and
byte order of the fields; only what a cloud keeps is copied. The known names of each column, the first found wins:

| column | names | becomes |
|---|---|---|
| x, y, z | x, y, z | metres; points with a coordinate that is no place (NaN, infinite) are dropped and counted |
| intensity | intensity, reflectivity, i | 0..1: unsigned bytes by 255, else by the largest value, as for point files |
| ring | ring, channel, line | beam index |
| time | t, time, timestamp, time_stamp | seconds before the last point, whose time is the stamp; see `point_times` |
| ray origin | ray_origin | which frame the ray starts in, in clouds of ours; see `ray_origins_of` and `sensor_place` |

Source: sensor_msgs/msg/PointCloud2 and PointField (ROS 2 Jazzy); field names as the drivers of Velodyne, Ouster, Hesai,
RoboSense and Livox and Autoware's `PointXYZIRCAEDT` have them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int32, Num, UInt8

from bevseg.messages.input_types import Header, PointCloud2, PointField
from bevseg.messages.point_times import PointTimeError, point_times
from bevseg.points.cloud import PointCloud, usable_points
from bevseg.points.formats import scaled_intensity
from bevseg.points.raw_points import PointFileError

COLUMN_NAMES = {
    "x": ("x",),
    "y": ("y",),
    "z": ("z",),
    "intensity": ("intensity", "reflectivity", "i"),
    "ring": ("ring", "channel", "line"),
    "time": ("t", "time", "timestamp", "time_stamp"),
    "ray_origin": ("ray_origin",),
}
"""The names that each column goes by, in lower case; the first that a message has is taken."""

_NUMBER_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}
"""sensor_msgs/PointField's numbers of number types."""

_BYTE_FULL_SCALE = 255.0
_LARGEST_POINT = 1 << 16
_LARGEST_RING = (1 << 16) - 1


RefusalReason = Literal[
    "missing_field",
    "duplicate_field",
    "bad_type",
    "bad_count",
    "field_outside_point",
    "bad_size",
    "size_mismatch",
    "truncated",
    "bad_data",
    "bad_stamp",
    "bad_time",
    "bad_intensity",
    "no_finite_points",
]
"""Why a message cannot be a cloud: x, y or z is missing; a field is there twice, is of an unknown number type, has
several numbers a point or lies outside of the point; a size is negative, zero or beyond what any sensor sends; sizes
contradict each other or the data are longer than they say; the data are shorter; they are no bytes; the stamp is none;
times or intensities are in no known unit; there are points, but each has a coordinate that is no place. A message
without points is none of these."""


class PointCloud2Error(ValueError):
    """A message that cannot be decoded; `reason` names why, for whoever counts them."""

    def __init__(self, message: str, reason: RefusalReason) -> None:
        super().__init__(message)
        self.reason: RefusalReason = reason


def decode_pointcloud2(
    message: PointCloud2,
    *,
    frame: str | None = None,
    intensity_full_scale: float | None = None,
    with_time: bool = True,
    when_all_lost: Literal["refuse", "empty"] = "refuse",
) -> PointCloud:
    """The message as a cloud.

    Args:
        message: Its frame is taken to have x forward, y left, z up (REP-103).
        frame: Name of the cloud's frame; by default the header's frame_id.
        intensity_full_scale: The intensity that stands for 1; by default it is guessed, see the module.
        with_time: False leaves the times of points unread, for a field of that name that holds something else.
        when_all_lost: What a message becomes all of whose points have a coordinate that is no place; one that has no
            points is an empty cloud either way.

    Raises:
        PointCloud2Error: For any of `RefusalReason`; nothing else is raised, whatever the message holds.
    """
    columns = point_columns(message)
    xyz = _coordinates(columns)
    kept = usable_points(xyz)
    optional = {name: columns[name].reshape(-1)[kept] for name in ("intensity", "ring", "time") if name in columns}
    xyz_kept = np.ascontiguousarray(xyz[kept], dtype=np.float32)
    if len(xyz) and not len(xyz_kept) and when_all_lost == "refuse":
        raise PointCloud2Error(f"none of {len(xyz)} points has finite coordinates near Earth", "no_finite_points")
    stamp_ns = checked_stamp(message.header)
    time_s = None
    try:
        if with_time and "time" in optional:
            times = point_times(optional["time"], stamp_ns)
            stamp_ns, time_s = times.stamp_ns, times.time_s
        intensity = _intensity(optional.get("intensity"), intensity_full_scale)
    except PointTimeError as error:
        raise PointCloud2Error(str(error), "bad_time") from error
    except PointFileError as error:
        raise PointCloud2Error(str(error), "bad_intensity") from error
    return PointCloud(
        xyz=xyz_kept,
        frame=message.header.frame_id if frame is None else frame,
        stamp_ns=stamp_ns,
        sensor_origins_m=np.zeros((1, 3), np.float32),
        intensity=intensity,
        time_s=np.zeros(len(xyz_kept), np.float32) if time_s is None else time_s,
        ring=_ring(optional["ring"]) if "ring" in optional else None,
        sweep=np.zeros(len(xyz_kept), np.int32),
        dropped_non_finite=len(xyz) - len(xyz_kept),
    )


def ray_origins_of(message: PointCloud2) -> Int32[np.ndarray, "n"] | None:
    """The number of the frame in which each point's ray starts, of the points that `decode_pointcloud2` keeps.

    Returns:
        None where the message has no such field, which only clouds with labels of ours have.

    Raises:
        PointCloud2Error: As of `decode_pointcloud2`.
    """
    columns = point_columns(message)
    if "ray_origin" not in columns:
        return None
    return columns["ray_origin"].reshape(-1)[usable_points(_coordinates(columns))].astype(np.int32)


def point_columns(message: PointCloud2) -> dict[str, Num[np.ndarray, "height width"]]:
    """The known columns of a message, each a view of its payload in the type and byte order that it has there.

    Returns:
        By the names of `COLUMN_NAMES`; columns that the message lacks are left out, but x, y and z are always there.

    Raises:
        PointCloud2Error: As of `decode_pointcloud2`.
    """
    payload = _payload(message.data)
    if _holds_nothing(message, payload):
        return {axis: np.zeros((0, 0), np.float32) for axis in "xyz"}
    fields = _known_fields(message.fields)
    _check_sizes(message, payload.nbytes)
    _check_fields(fields, message.point_step)
    order = ">" if message.is_bigendian else "<"
    record = np.dtype(
        {
            "names": list(fields),
            "formats": [order + _NUMBER_TYPES[field.datatype] for field in fields.values()],
            "offsets": [field.offset for field in fields.values()],
            "itemsize": message.point_step,
        }
    )
    if not message.height * message.width:
        return {name: np.zeros((0, 0), record[name]) for name in fields}
    steps = (message.row_step, message.point_step)
    points: np.ndarray = np.ndarray((message.height, message.width), dtype=record, buffer=payload, strides=steps)
    return {name: points[name] for name in fields}


def _coordinates(columns: Mapping[str, Num[np.ndarray, "height width"]]) -> Float[np.ndarray, "n 3"]:
    """Doubles stay doubles until the points that are no place are gone: what float32 cannot hold is one of them."""
    doubles = any(columns[axis].dtype.itemsize == 8 for axis in "xyz")
    xyz = np.empty((*columns["x"].shape, 3), np.float64 if doubles else np.float32)
    with np.errstate(invalid="ignore"):  # a NaN of the kind that signals
        for k, axis in enumerate("xyz"):
            xyz[..., k] = columns[axis]
    return xyz.reshape(-1, 3)


def stamp_of(header: Header) -> int:
    """The stamp of a message in nanoseconds since the epoch."""
    return int(header.stamp.sec) * 1_000_000_000 + int(header.stamp.nanosec)


def _known_fields(fields: Sequence[PointField]) -> dict[str, PointField]:
    """The field of each column that we know; what else there is stays unread."""
    by_name: dict[str, list[PointField]] = {}
    for field in fields:
        by_name.setdefault(field.name.lower(), []).append(field)
    known = {}
    for column, names in COLUMN_NAMES.items():
        found = next((by_name[name] for name in names if name in by_name), [])
        if len(found) > 1:
            raise PointCloud2Error(
                f"field '{found[0].name}' is there {len(found)} times, expected once", "duplicate_field"
            )
        if found:
            known[column] = found[0]
    missing = [axis for axis in "xyz" if axis not in known]
    if missing:
        raise PointCloud2Error(
            f"fields {missing} are missing; the message has {[field.name for field in fields]}", "missing_field"
        )
    return known


def _holds_nothing(message: PointCloud2, payload: np.ndarray) -> bool:
    """Whether a message is as ROS makes it before anything is put in: no points, no fields, no data."""
    return not (message.width * message.height or len(message.fields) or payload.nbytes)


def _check_fields(fields: Mapping[str, PointField], point_step: int) -> None:
    for field in fields.values():
        if field.datatype not in _NUMBER_TYPES:
            raise PointCloud2Error(f"field '{field.name}' has datatype {field.datatype}, expected 1..8", "bad_type")
        if field.count != 1:
            raise PointCloud2Error(
                f"field '{field.name}' has count {field.count}, expected 1 number a point", "bad_count"
            )
        end = field.offset + np.dtype(_NUMBER_TYPES[field.datatype]).itemsize
        if field.offset < 0 or end > point_step:
            raise PointCloud2Error(
                f"field '{field.name}' takes bytes {field.offset}..{end} of a point, outside point_step {point_step}",
                "field_outside_point",
            )


def _check_sizes(message: PointCloud2, num_bytes: int) -> None:
    width, height, point_step, row_step = message.width, message.height, message.point_step, message.row_step
    if width < 0 or height < 0:
        raise PointCloud2Error(f"width {width} and height {height} must not be negative", "bad_size")
    if not 0 < point_step <= _LARGEST_POINT:
        raise PointCloud2Error(f"point_step must be 1..{_LARGEST_POINT} bytes, got {point_step}", "bad_size")
    if row_step < width * point_step:
        raise PointCloud2Error(
            f"row_step {row_step} is too small for {width} points of point_step {point_step}", "size_mismatch"
        )
    if num_bytes != row_step * height:
        raise PointCloud2Error(
            f"data has {num_bytes} bytes, expected {height} rows of row_step {row_step}",
            "truncated" if num_bytes < row_step * height else "size_mismatch",
        )


def _payload(data: Any) -> UInt8[np.ndarray, "bytes"]:
    """The bytes of a message without copying them where they are in a buffer; a list of numbers is copied."""
    try:
        if isinstance(data, list | tuple):
            data = bytes(data)
        return np.frombuffer(data, np.uint8)
    except (TypeError, ValueError, BufferError) as error:
        raise PointCloud2Error(
            f"data must be one contiguous buffer of bytes or a list of numbers 0..255: {error}", "bad_data"
        ) from error


def checked_stamp(header: Header) -> int:
    """The stamp in nanoseconds since the epoch, where it is one.

    Raises:
        PointCloud2Error: It is before the epoch, or has a second and more in nanoseconds (`bad_stamp`).
    """
    if header.stamp.sec < 0 or not 0 <= header.stamp.nanosec < 1_000_000_000:
        raise PointCloud2Error(
            f"a stamp has sec of 0 or more and nanosec below 10^9, got {header.stamp.sec} and {header.stamp.nanosec}",
            "bad_stamp",
        )
    return stamp_of(header)


def _ring(values: Num[np.ndarray, "n"]) -> Int32[np.ndarray, "n"]:
    """Beam indices; -1 where the message has a number that is none."""
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
        return values.astype(np.int32)
    return np.where((values >= 0) & (values <= _LARGEST_RING), values, -1).astype(np.int32)


def _intensity(values: Num[np.ndarray, "n"] | None, full_scale: float | None) -> Num[np.ndarray, "n"] | None:
    if values is not None and full_scale is None and values.dtype.itemsize == 1:
        full_scale = _BYTE_FULL_SCALE
    return scaled_intensity(values, full_scale, name="intensity of the message")
