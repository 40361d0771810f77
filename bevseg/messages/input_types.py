"""What a message must have to be decoded: the fields of its definition, whatever its class."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


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
