"""sensor_msgs/PointCloud2 to a point cloud, whoever made the message: rclpy, rosbags, a DDS binding, a test.

Only the fields of the message are looked at. Columns are views of the payload whatever the order, offset, type and
byte order of the fields; only what a cloud keeps is copied. The known names of each column, the first found wins:

| column | names | becomes |
|---|---|---|
| x, y, z | x, y, z | metres; points with a coordinate that is no place (NaN, infinite) are dropped and counted |
| intensity | intensity, reflectivity, i | 0..1: unsigned bytes by 255, else by the largest value, as for point files |
| ring | ring, channel, line | beam index |
| time | t, time, timestamp, time_stamp | seconds before the last point, whose time is the stamp; see `point_times` |

Source: sensor_msgs/msg/PointCloud2 and PointField (ROS 2 Jazzy); field names as the drivers of Velodyne, Ouster, Hesai,
RoboSense and Livox and Autoware's `PointXYZIRCAEDT` have them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Num

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
}
"""The names that each column goes by, in lower case; the first that a message has is taken."""

_NUMBER_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}
"""sensor_msgs/PointField's numbers of number types."""

_BYTE_FULL_SCALE = 255.0


class PointCloud2Error(ValueError):
    """A message whose sizes contradict each other, or that lacks a field or has it twice."""


@runtime_checkable
class Time(Protocol):
    """builtin_interfaces/Time."""

    @property
    def sec(self) -> int: ...
    @property
    def nanosec(self) -> int: ...


@runtime_checkable
class Header(Protocol):
    """std_msgs/Header."""

    @property
    def stamp(self) -> Time: ...
    @property
    def frame_id(self) -> str: ...


@runtime_checkable
class PointField(Protocol):
    """sensor_msgs/PointField."""

    @property
    def name(self) -> str: ...
    @property
    def offset(self) -> int: ...
    @property
    def datatype(self) -> int: ...
    @property
    def count(self) -> int: ...


@runtime_checkable
class PointCloud2(Protocol):
    """sensor_msgs/PointCloud2; `data` is any buffer of bytes, or a sequence of numbers 0..255."""

    @property
    def header(self) -> Header: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def fields(self) -> Any: ...
    @property
    def is_bigendian(self) -> bool: ...
    @property
    def point_step(self) -> int: ...
    @property
    def row_step(self) -> int: ...
    @property
    def data(self) -> Any: ...


def decode_pointcloud2(
    message: PointCloud2,
    *,
    frame: str | None = None,
    intensity_full_scale: float | None = None,
    with_time: bool = True,
) -> PointCloud:
    """The message as a cloud.

    Args:
        message: Its frame is taken to have x forward, y left, z up (REP-103).
        frame: Name of the cloud's frame; by default the header's frame_id.
        intensity_full_scale: The intensity that stands for 1; by default it is guessed, see the module.
        with_time: False leaves the times of points unread, for a field of that name that holds something else.

    Raises:
        PointCloud2Error: Sizes contradict each other, a field is missing, there twice or of an unknown type, or what it
            holds cannot be intensity or time.
    """
    columns = point_columns(message)
    xyz = np.stack([columns[axis].ravel().astype(_coordinate(columns[axis])) for axis in "xyz"], axis=1)
    kept = usable_points(xyz)
    optional = {name: columns[name].ravel()[kept] for name in ("intensity", "ring", "time") if name in columns}
    stamp_ns = stamp_of(message.header)
    time_s = None
    try:
        if with_time and "time" in optional:
            times = point_times(optional["time"], stamp_ns)
            stamp_ns, time_s = times.stamp_ns, times.time_s
        intensity = _intensity(optional.get("intensity"), intensity_full_scale)
    except (PointTimeError, PointFileError) as error:
        raise PointCloud2Error(str(error)) from error
    xyz_kept = np.ascontiguousarray(xyz[kept], dtype=np.float32)
    return PointCloud(
        xyz=xyz_kept,
        frame=message.header.frame_id if frame is None else frame,
        stamp_ns=stamp_ns,
        sensor_origins_m=np.zeros((1, 3), np.float32),
        intensity=intensity,
        time_s=np.zeros(len(xyz_kept), np.float32) if time_s is None else time_s,
        ring=optional["ring"].astype(np.int32) if "ring" in optional else None,
        sweep=np.zeros(len(xyz_kept), np.int32),
        dropped_non_finite=len(xyz) - len(xyz_kept),
    )


def point_columns(message: PointCloud2) -> dict[str, Num[np.ndarray, "height width"]]:
    """The known columns of a message, each a view of its payload in the type and byte order that it has there.

    Returns:
        By the names of `COLUMN_NAMES`; columns that the message lacks are left out, but x, y and z are always there.

    Raises:
        PointCloud2Error: As of `decode_pointcloud2`.
    """
    fields = _known_fields(message.fields)
    _check_sizes(message, fields)
    order = ">" if message.is_bigendian else "<"
    record = np.dtype(
        {
            "names": list(fields),
            "formats": [order + _NUMBER_TYPES[field.datatype] for field in fields.values()],
            "offsets": [field.offset for field in fields.values()],
            "itemsize": message.point_step,
        }
    )
    payload = _payload(message.data)
    expected = message.row_step * message.height
    if payload.nbytes != expected:
        raise PointCloud2Error(
            f"data has {payload.nbytes} bytes, expected {message.height} rows of row_step {message.row_step}"
        )
    if not message.height * message.width:
        return {name: np.zeros((message.height, message.width), record[name]) for name in fields}
    steps = (message.row_step, message.point_step)
    points: np.ndarray = np.ndarray((message.height, message.width), dtype=record, buffer=payload, strides=steps)
    return {name: points[name] for name in fields}


def _coordinate(column: Num[np.ndarray, "height width"]) -> type[np.floating]:
    """Doubles stay doubles until the points that are no place are gone: what float32 cannot hold is one of them."""
    return np.float64 if column.dtype.itemsize == 8 else np.float32


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
            raise PointCloud2Error(f"field '{found[0].name}' is there {len(found)} times, expected once")
        if found:
            known[column] = found[0]
    missing = [axis for axis in "xyz" if axis not in known]
    if missing:
        raise PointCloud2Error(f"fields {missing} are missing; the message has {[field.name for field in fields]}")
    return known


def _check_sizes(message: PointCloud2, fields: Mapping[str, PointField]) -> None:
    if message.width < 0 or message.height < 0:
        raise PointCloud2Error(f"width {message.width} and height {message.height} must not be negative")
    if message.point_step <= 0:
        raise PointCloud2Error(f"point_step must be positive, got {message.point_step}")
    if message.row_step < message.width * message.point_step:
        raise PointCloud2Error(
            f"row_step {message.row_step} is too small for {message.width} points of point_step {message.point_step}"
        )
    for field in fields.values():
        if field.datatype not in _NUMBER_TYPES:
            raise PointCloud2Error(f"field '{field.name}' has datatype {field.datatype}, expected 1..8")
        if field.count != 1:
            raise PointCloud2Error(f"field '{field.name}' has count {field.count}, expected 1 number a point")
        end = field.offset + np.dtype(_NUMBER_TYPES[field.datatype]).itemsize
        if field.offset < 0 or end > message.point_step:
            raise PointCloud2Error(
                f"field '{field.name}' takes bytes {field.offset}..{end} of a point, outside point_step "
                f"{message.point_step}"
            )


def _payload(data: Any) -> memoryview:
    """The bytes of a message without copying them where they are in a buffer; a list of numbers is copied."""
    try:
        view = memoryview(data)
    except TypeError:
        view = np.asarray(data, dtype=np.uint8).data
    if not view.contiguous:
        raise PointCloud2Error("data must be one contiguous buffer")
    return view.cast("B")


def _intensity(values: Num[np.ndarray, "n"] | None, full_scale: float | None) -> Num[np.ndarray, "n"] | None:
    if values is not None and full_scale is None and values.dtype.itemsize == 1:
        full_scale = _BYTE_FULL_SCALE
    return scaled_intensity(values, full_scale, name="intensity of the message")
