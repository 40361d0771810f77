"""The fields of the messages that we make, by the names that ROS gives them; `fill` puts them into real messages.

Each class mirrors one message definition, attribute by attribute in its order, and `TYPE` names it. Bulk data are
arrays, and so are long sequences of small messages (`Rows`): an object for each would cost more than all the rest.

Sources: builtin_interfaces, std_msgs, geometry_msgs, sensor_msgs, nav_msgs and visualization_msgs of ROS 2 Jazzy;
See `object_fields` for those of vision_msgs and Autoware.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from dataclasses import fields as fields_of
from enum import IntEnum
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int8, Integer, UInt8


@dataclass(frozen=True, eq=False)
class Rows:
    """A sequence of messages whose fields are all numbers, as one array.

    Attributes:
        element: What one message is.
        values: Row after row, columns in the order of the element's fields.
        repeats: How often each row comes, one after the other; None stands for once.
    """

    element: type[PositionFields] | type[ColorFields]
    values: Float[np.ndarray, "n fields"]
    repeats: Integer[np.ndarray, "n"] | None = None

    def __len__(self) -> int:
        return len(self.values) if self.repeats is None else int(self.repeats.sum())


@dataclass(frozen=True)
class TimeFields:
    """builtin_interfaces/Time."""

    TYPE: ClassVar[str] = "builtin_interfaces/msg/Time"
    sec: int = 0
    nanosec: int = 0

    @classmethod
    def from_ns(cls, stamp_ns: int) -> TimeFields:
        """The time of a stamp in nanoseconds since the epoch."""
        return cls(stamp_ns // 1_000_000_000, stamp_ns % 1_000_000_000)


@dataclass(frozen=True)
class DurationFields:
    """builtin_interfaces/Duration."""

    TYPE: ClassVar[str] = "builtin_interfaces/msg/Duration"
    sec: int = 0
    nanosec: int = 0


@dataclass(frozen=True)
class HeaderFields:
    """std_msgs/Header."""

    TYPE: ClassVar[str] = "std_msgs/msg/Header"
    stamp: TimeFields = TimeFields()
    frame_id: str = ""


@dataclass(frozen=True)
class ColorFields:
    """std_msgs/ColorRGBA; each 0..1."""

    TYPE: ClassVar[str] = "std_msgs/msg/ColorRGBA"
    r: float = 0.0
    g: float = 0.0
    b: float = 0.0
    a: float = 0.0


@dataclass(frozen=True)
class PositionFields:
    """geometry_msgs/Point, metres."""

    TYPE: ClassVar[str] = "geometry_msgs/msg/Point"
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0


@dataclass(frozen=True)
class VectorFields:
    """geometry_msgs/Vector3."""

    TYPE: ClassVar[str] = "geometry_msgs/msg/Vector3"
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0


@dataclass(frozen=True)
class QuaternionFields:
    """geometry_msgs/Quaternion; no rotation unless told."""

    TYPE: ClassVar[str] = "geometry_msgs/msg/Quaternion"
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    w: float = 1.0


@dataclass(frozen=True)
class PoseFields:
    """geometry_msgs/Pose."""

    TYPE: ClassVar[str] = "geometry_msgs/msg/Pose"
    position: PositionFields = PositionFields()
    orientation: QuaternionFields = QuaternionFields()


@dataclass(frozen=True)
class PointFieldFields:
    """sensor_msgs/PointField."""

    TYPE: ClassVar[str] = "sensor_msgs/msg/PointField"
    name: str
    offset: int
    datatype: int
    count: int = 1


@dataclass(frozen=True, eq=False)
class PointCloud2Fields:
    """sensor_msgs/PointCloud2."""

    TYPE: ClassVar[str] = "sensor_msgs/msg/PointCloud2"
    header: HeaderFields
    height: int
    width: int
    fields: tuple[PointFieldFields, ...]
    is_bigendian: bool
    point_step: int
    row_step: int
    data: UInt8[np.ndarray, "bytes"]
    is_dense: bool


@dataclass(frozen=True, eq=False)
class ImageFields:
    """sensor_msgs/Image; row 0 is at y_min and column 0 at x_min of the grid, as in nav_msgs/OccupancyGrid."""

    TYPE: ClassVar[str] = "sensor_msgs/msg/Image"
    header: HeaderFields
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: UInt8[np.ndarray, "bytes"]


@dataclass(frozen=True)
class MapMetaDataFields:
    """nav_msgs/MapMetaData; `origin` is the corner of cell (0, 0) at (x_min, y_min)."""

    TYPE: ClassVar[str] = "nav_msgs/msg/MapMetaData"
    map_load_time: TimeFields
    resolution: float
    width: int
    height: int
    origin: PoseFields


@dataclass(frozen=True, eq=False)
class OccupancyGridFields:
    """nav_msgs/OccupancyGrid; row-major, x fastest: 0 free, 100 occupied, -1 unknown."""

    TYPE: ClassVar[str] = "nav_msgs/msg/OccupancyGrid"
    header: HeaderFields
    info: MapMetaDataFields
    data: Int8[np.ndarray, "cells"]


class MarkerType(IntEnum):
    """What a visualization_msgs/Marker shows: those of its kinds that we make."""

    ARROW = 0
    LINE_LIST = 5
    TEXT_VIEW_FACING = 9


class MarkerAction(IntEnum):
    """What is to be done with a visualization_msgs/Marker."""

    ADD = 0
    DELETEALL = 3


@dataclass(frozen=True, eq=False)
class CompressedImageFields:
    """sensor_msgs/CompressedImage."""

    TYPE: ClassVar[str] = "sensor_msgs/msg/CompressedImage"
    header: HeaderFields = HeaderFields()
    format: str = ""
    data: UInt8[np.ndarray, "bytes"] = field(default_factory=lambda: np.zeros(0, np.uint8))


@dataclass(frozen=True)
class UVCoordinateFields:
    """visualization_msgs/UVCoordinate."""

    TYPE: ClassVar[str] = "visualization_msgs/msg/UVCoordinate"
    u: float = 0.0
    v: float = 0.0


@dataclass(frozen=True, eq=False)
class MeshFileFields:
    """visualization_msgs/MeshFile."""

    TYPE: ClassVar[str] = "visualization_msgs/msg/MeshFile"
    filename: str = ""
    data: UInt8[np.ndarray, "bytes"] = field(default_factory=lambda: np.zeros(0, np.uint8))


def no_rows(element: type[PositionFields] | type[ColorFields]) -> Rows:
    """An empty sequence of messages of that class."""
    return Rows(element, np.zeros((0, len(fields_of(element)))))


@dataclass(frozen=True, eq=False)
class MarkerFields:
    """visualization_msgs/Marker."""

    TYPE: ClassVar[str] = "visualization_msgs/msg/Marker"
    header: HeaderFields
    ns: str = ""
    id: int = 0
    type: int = int(MarkerType.ARROW)
    action: int = int(MarkerAction.ADD)
    pose: PoseFields = PoseFields()
    scale: VectorFields = VectorFields()
    color: ColorFields = ColorFields()
    lifetime: DurationFields = DurationFields()
    frame_locked: bool = False
    points: Rows = field(default_factory=lambda: no_rows(PositionFields))
    colors: Rows = field(default_factory=lambda: no_rows(ColorFields))
    texture_resource: str = ""
    texture: CompressedImageFields = field(default_factory=CompressedImageFields)
    uv_coordinates: tuple[UVCoordinateFields, ...] = ()
    text: str = ""
    mesh_resource: str = ""
    mesh_file: MeshFileFields = field(default_factory=MeshFileFields)
    mesh_use_embedded_materials: bool = False


@dataclass(frozen=True, eq=False)
class MarkerArrayFields:
    """visualization_msgs/MarkerArray."""

    TYPE: ClassVar[str] = "visualization_msgs/msg/MarkerArray"
    markers: tuple[MarkerFields, ...]
