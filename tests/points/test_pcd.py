from __future__ import annotations

import struct

import numpy as np
import pytest

from bevseg.points.pcd import read_pcd, write_pcd
from bevseg.points.raw_points import PointFileError, RawPoints


def header(encoding: str, *, points: int = 2) -> bytes:
    """Fields as a spinning lidar's driver writes them: padding, an intensity byte, a ring, nanoseconds."""
    return (
        "# .PCD v0.7\nVERSION 0.7\nFIELDS x y z _ intensity ring t\nSIZE 4 4 4 1 1 2 4\nTYPE F F F U U U U\n"
        f"COUNT 1 1 1 4 1 1 1\nWIDTH {points}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {points}\nDATA {encoding}\n"
    ).encode()


ROWS = ((1.5, -2.0, 0.25, 200, 7, 1000), (3.0, 4.0, -1.0, 17, 31, 2500))


def check(raw: RawPoints) -> None:
    np.testing.assert_array_equal(raw.xyz, [row[:3] for row in ROWS])
    np.testing.assert_array_equal(raw.intensity, [200, 17])  # type: ignore[arg-type]
    np.testing.assert_array_equal(raw.ring, [7, 31])  # type: ignore[arg-type]
    np.testing.assert_array_equal(raw.time, [1000, 2500])  # type: ignore[arg-type]
    assert raw.time is not None
    assert raw.time.dtype.kind == "u"


def test_ascii() -> None:
    body = "".join(f"{x} {y} {z} 0 0 0 0 {i} {r} {t}\n" for x, y, z, i, r, t in ROWS)
    check(read_pcd(header("ascii") + body.encode(), name="a.pcd"))


def test_binary() -> None:
    body = b"".join(struct.pack("<fff4xBHI", *row) for row in ROWS)
    check(read_pcd(header("binary") + body, name="a.pcd"))


def compressed_body() -> bytes:
    """Column by column, as literal runs."""
    columns = [
        struct.pack(f"<2{kind}", *values) for kind, values in zip("fffBHI", zip(*ROWS, strict=True), strict=True)
    ]
    flat = b"".join([*columns[:3], bytes(8), *columns[3:]])
    literals = b"".join(bytes([len(flat[i : i + 32]) - 1]) + flat[i : i + 32] for i in range(0, len(flat), 32))
    return struct.pack("<II", len(literals), len(flat)) + literals


def test_binary_compressed() -> None:
    check(read_pcd(header("binary_compressed") + compressed_body(), name="a.pcd"))


def test_ascii_may_hold_nan() -> None:
    text = "FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nPOINTS 2\nDATA ascii\nnan nan nan\n1 2 3\n"
    assert np.isnan(read_pcd(text.encode(), name="a.pcd").xyz[0]).all()


def test_points_may_be_given_as_width_and_height() -> None:
    text = "FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nWIDTH 2\nHEIGHT 2\nDATA ascii\n" + "1 2 3\n" * 4
    assert len(read_pcd(text.encode(), name="a.pcd")) == 4


@pytest.mark.parametrize("encoding", ["ascii", "binary"])
def test_a_file_without_points(encoding: str) -> None:
    assert len(read_pcd(header(encoding, points=0), name="a.pcd")) == 0


def test_writing_keeps_every_column() -> None:
    raw = RawPoints(np.array([[1.0, 2, 3]]), np.array([0.5]), np.array([9]), np.array([-0.05]))
    back = read_pcd(write_pcd(raw), name="a.pcd")
    for name in ("xyz", "intensity", "ring", "time"):
        np.testing.assert_allclose(getattr(back, name), getattr(raw, name))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "before its DATA line"),
        (b"FIELDS x y z\n", "before its DATA line"),
        (header("binary") + bytes(10), "cut off"),
        (header("binary_compressed") + bytes(4), "cut off"),
        (header("binary_compressed") + compressed_body()[:-5], "cut off"),
        (header("binary_compressed") + compressed_body()[:8] + bytes(len(compressed_body()) - 8), "decompression"),
        (header("ascii") + b"1 2 3", "cut off"),
        (header("ascii") + b"one " * 20, "not made of numbers"),
        (header("zipped"), "got 'zipped'"),
        (header("ascii").replace(b"SIZE 4", b"SIZE 3"), "no number of TYPE F has SIZE 3"),
        (header("ascii").replace(b"TYPE F ", b"TYPE "), "does not make sense"),
        (header("ascii").replace(b"POINTS 2", b"POINTS many"), "does not make sense"),
        (header("ascii", points=0).replace(b"x y z", b"x y w"), r"\['z'\] are missing"),
    ],
)
def test_rejects(data: bytes, message: str) -> None:
    with pytest.raises(PointFileError, match=message):
        read_pcd(data, name="bad.pcd")
