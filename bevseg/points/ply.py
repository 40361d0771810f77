"""Stanford's `.ply`: ascii and binary of either byte order; the vertices with x y z, and intensity where it is there.

Source: Greg Turk, "The PLY Polygon File Format", 1994.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Num

from bevseg.points.raw_points import PointFileError, RawPoints, parse_ascii_table, raw_points_from_columns

_TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
_BYTE_ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
_OUR_TYPES = {"f": "float", "u": "ushort"}


@dataclass(frozen=True)
class _Element:
    """One `element` of the header: how many rows, and the name and numpy type of each property (None for a list)."""

    name: str
    num_rows: int
    properties: tuple[tuple[str, str | None], ...]


def read_ply(data: bytes, *, name: str) -> RawPoints:
    """The vertices of a `.ply` file.

    Raises:
        PointFileError: The header is missing or has no usable vertices, or the body is cut off.
    """
    encoding, elements, body_start = _parse_header(data, name=name)
    before, vertex = _split_at_vertex(elements, name=name)
    body = data[body_start:]
    if encoding == "ascii":
        columns = _ascii_columns(body, before, vertex, name=name)
    else:
        columns = _binary_columns(body, before, vertex, _BYTE_ORDERS[encoding], name=name)
    return raw_points_from_columns(columns, name=name)


def write_ply(points: RawPoints) -> bytes:
    """A little-endian binary `.ply` with x y z and whichever of intensity, ring, time the points have."""
    columns = points.columns()
    properties = [f"property {_OUR_TYPES[values.dtype.kind]} {key}" for key, values in columns.items()]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(points)}", *properties, "end_header"]
    return ("\n".join(header) + "\n").encode() + points.rows().tobytes()


def _parse_header(data: bytes, *, name: str) -> tuple[str, list[_Element], int]:
    end = data.find(b"end_header")
    newline = data.find(b"\n", end)
    if not data.startswith(b"ply") or end < 0 or newline < 0:
        raise PointFileError(f"{name}: expected a header from 'ply' to 'end_header'; the file is empty or cut off")
    encoding, elements = "", []
    for line in data[:end].decode("ascii", errors="replace").splitlines():
        match line.split():
            case ["format", kind, _]:
                encoding = kind
            case ["element", element, count] if count.isdigit():
                elements.append(_Element(element, int(count), ()))
            case ["property", "list", _, _, prop] if elements:
                elements[-1] = _with_property(elements[-1], prop, None)
            case ["property", kind, prop] if elements and kind in _TYPES:
                elements[-1] = _with_property(elements[-1], prop, _TYPES[kind])
            case ["ply"] | ["comment", *_] | ["obj_info", *_] | []:
                continue
            case _:
                raise PointFileError(f"{name}: cannot read the line '{line}' of the .ply header")
    if encoding not in _BYTE_ORDERS:
        raise PointFileError(f"{name}: the format must be one of {', '.join(_BYTE_ORDERS)}, got '{encoding}'")
    return encoding, elements, newline + 1


def _with_property(element: _Element, name: str, kind: str | None) -> _Element:
    return _Element(element.name, element.num_rows, (*element.properties, (name, kind)))


def _split_at_vertex(elements: list[_Element], *, name: str) -> tuple[list[_Element], _Element]:
    """The elements before the vertices, and the vertices; none of them may hold lists, as their length is unknown."""
    names = [element.name for element in elements]
    if "vertex" not in names:
        raise PointFileError(f"{name}: the .ply has no element 'vertex', only {names}")
    until = elements[: names.index("vertex") + 1]
    if any(kind is None for element in until for _, kind in element.properties):
        raise PointFileError(f"{name}: lists in or before the vertices are not supported; save the points alone")
    return until[:-1], until[-1]


def _ascii_columns(
    body: bytes, before: list[_Element], vertex: _Element, *, name: str
) -> dict[str, Num[np.ndarray, "n"]]:
    skipped = sum(element.num_rows for element in before)
    rows = body.split(b"\n", skipped)[-1] if skipped else body
    table = parse_ascii_table(rows, width=len(vertex.properties), num_rows=vertex.num_rows, name=name)
    return {key: table[:, k].astype(kind) for k, (key, kind) in enumerate(vertex.properties)}


def _binary_columns(
    body: bytes, before: list[_Element], vertex: _Element, byte_order: str, *, name: str
) -> dict[str, Num[np.ndarray, "n"]]:
    start = sum(element.num_rows * _row_dtype(element, byte_order).itemsize for element in before)
    row = _row_dtype(vertex, byte_order)
    needed = start + vertex.num_rows * row.itemsize
    if len(body) < needed:
        raise PointFileError(f"{name}: the header promises {needed} bytes of points, {len(body)} are there: cut off")
    rows = np.frombuffer(body, dtype=row, count=vertex.num_rows, offset=start)
    return {key: rows[str(place)] for place, (key, _) in enumerate(vertex.properties)}


def _row_dtype(element: _Element, byte_order: str) -> np.dtype:
    """One row; its parts are named by place, as names may come twice."""
    return np.dtype([(str(place), f"{byte_order}{kind}") for place, (_, kind) in enumerate(element.properties)])
