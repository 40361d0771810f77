"""Point Cloud Library's `.pcd`, version 0.7: ascii, binary and binary_compressed.

Source: https://pointclouds.org/documentation/tutorials/pcd_file_format.html
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Num

from bevseg.points.lzf import LzfError, lzf_decompress
from bevseg.points.raw_points import PointFileError, RawPoints, parse_ascii_table, raw_points_from_columns

_NUMPY_KIND = {"F": "f", "I": "i", "U": "u"}
_SIZES = {"F": (4, 8), "I": (1, 2, 4, 8), "U": (1, 2, 4, 8)}


@dataclass(frozen=True)
class _Header:
    fields: tuple[str, ...]
    dtypes: tuple[np.dtype, ...]
    counts: tuple[int, ...]
    num_points: int
    encoding: str
    body_start: int

    @property
    def row_dtype(self) -> np.dtype:
        """One point; its parts are named by place, as padding fields may share a name."""
        parts = zip(self.dtypes, self.counts, strict=True)
        return np.dtype([(str(place), dtype, (count,)) for place, (dtype, count) in enumerate(parts)])


def read_pcd(data: bytes, *, name: str) -> RawPoints:
    """The points of a `.pcd` file.

    Raises:
        PointFileError: The header is missing or contradicts itself, or the body is cut off.
    """
    header = _parse_header(data, name=name)
    body = data[header.body_start :]
    match header.encoding:
        case "ascii":
            columns = _ascii_columns(body, header, name=name)
        case "binary":
            columns = _binary_columns(body, header, name=name)
        case "binary_compressed":
            columns = _compressed_columns(body, header, name=name)
        case other:
            raise PointFileError(f"{name}: DATA must be ascii, binary or binary_compressed, got '{other}'")
    return raw_points_from_columns(columns, name=name)


def write_pcd(points: RawPoints) -> bytes:
    """A binary `.pcd` with x y z and whichever of intensity, ring, time the points have."""
    columns = points.columns()
    header = [
        "# .PCD v0.7 - Point Cloud Data file format",
        "VERSION 0.7",
        "FIELDS " + " ".join(columns),
        "SIZE " + " ".join(str(values.dtype.itemsize) for values in columns.values()),
        "TYPE " + " ".join(values.dtype.kind.upper() for values in columns.values()),
        "COUNT " + " ".join("1" for _ in columns),
        f"WIDTH {len(points)}",
        "HEIGHT 1",
        "VIEWPOINT 0 0 0 1 0 0 0",
        f"POINTS {len(points)}",
        "DATA binary",
    ]
    return ("\n".join(header) + "\n").encode() + points.rows().tobytes()


def _parse_header(data: bytes, *, name: str) -> _Header:
    entries: dict[str, list[str]] = {}
    place = 0
    while "DATA" not in entries:
        end = data.find(b"\n", place)
        if end < 0:
            raise PointFileError(f"{name}: the .pcd header ends before its DATA line; the file is empty or cut off")
        words = data[place:end].decode("ascii", errors="replace").split()
        if words and not words[0].startswith("#"):
            entries[words[0].upper()] = words[1:]
        place = end + 1
    try:
        fields = tuple(entries["FIELDS"])
        sizes = [int(size) for size in entries["SIZE"]]
        counts = tuple(int(count) for count in entries.get("COUNT", ["1"] * len(fields)))
        dtypes = tuple(_dtype(t, s) for t, s in zip(entries["TYPE"], sizes, strict=True))
        num_points = int(entries["POINTS"][0]) if "POINTS" in entries else _area(entries)
        header = _Header(fields, dtypes, counts, num_points, entries["DATA"][0], place)
        if not len(fields) == len(dtypes) == len(counts) or num_points < 0 or min(counts, default=1) < 1:
            raise ValueError("FIELDS, SIZE, TYPE and COUNT must have one entry a field")
    except (KeyError, IndexError, ValueError) as error:
        raise PointFileError(f"{name}: the .pcd header does not make sense: {error!r}; it has {entries}") from error
    return header


def _area(entries: dict[str, list[str]]) -> int:
    return int(entries["WIDTH"][0]) * int(entries["HEIGHT"][0])


def _dtype(kind: str, size: int) -> np.dtype:
    if size not in _SIZES.get(kind, ()):
        raise ValueError(f"no number of TYPE {kind} has SIZE {size}")
    return np.dtype(f"<{_NUMPY_KIND[kind]}{size}")


def _ascii_columns(body: bytes, header: _Header, *, name: str) -> dict[str, Num[np.ndarray, "n"]]:
    table = parse_ascii_table(body, width=sum(header.counts), num_rows=header.num_points, name=name)
    starts = np.cumsum([0, *header.counts[:-1]])
    parts = zip(header.fields, starts, header.dtypes, strict=True)
    return {field: table[:, start].astype(dtype) for field, start, dtype in parts}


def _binary_columns(body: bytes, header: _Header, *, name: str) -> dict[str, Num[np.ndarray, "n"]]:
    row = header.row_dtype
    _require_bytes(len(body), row.itemsize * header.num_points, name=name)
    rows = np.frombuffer(body, dtype=row, count=header.num_points)
    return {field: rows[str(place)][:, 0] for place, field in enumerate(header.fields)}


def _compressed_columns(body: bytes, header: _Header, *, name: str) -> dict[str, Num[np.ndarray, "n"]]:
    """Two uint32 sizes, then the columns one after the other, compressed."""
    _require_bytes(len(body), 8, name=name)
    packed_size, size = (int(value) for value in np.frombuffer(body, dtype="<u4", count=2))
    _require_bytes(len(body) - 8, packed_size, name=name)
    try:
        flat = lzf_decompress(body[8 : 8 + packed_size], size)
    except LzfError as error:
        raise PointFileError(f"{name}: {error}") from error
    _require_bytes(len(flat), header.row_dtype.itemsize * header.num_points, name=name)
    columns, place = {}, 0
    for field, dtype, count in zip(header.fields, header.dtypes, header.counts, strict=True):
        values = np.frombuffer(flat, dtype=dtype, count=header.num_points * count, offset=place)
        columns[field] = values.reshape(-1, count)[:, 0]
        place += dtype.itemsize * count * header.num_points
    return columns


def _require_bytes(available: int, needed: int, *, name: str) -> None:
    if available < needed:
        raise PointFileError(f"{name}: the header promises {needed} bytes of points, {available} are there: cut off")
