from __future__ import annotations

import struct

import numpy as np
import pytest

from bevseg.points.ply import read_ply, write_ply
from bevseg.points.raw_points import PointFileError, RawPoints


def header(encoding: str, *, points: int = 2) -> bytes:
    """An element before the vertices, and a colour that is none of our columns."""
    return (
        f"ply\nformat {encoding} 1.0\ncomment made by hand\nelement camera 1\nproperty float focal\n"
        f"element vertex {points}\nproperty double x\nproperty double y\nproperty double z\nproperty uchar red\n"
        "property float scalar_Intensity\nelement face 0\nproperty list uchar int vertex_indices\nend_header\n"
    ).encode()


ROWS = ((1.5, -2.0, 0.25, 255, 0.5), (3.0, 4.0, -1.0, 0, 0.75))


def check(raw: RawPoints) -> None:
    np.testing.assert_array_equal(raw.xyz, [row[:3] for row in ROWS])
    np.testing.assert_array_equal(raw.intensity, [0.5, 0.75])  # type: ignore[arg-type]


@pytest.mark.parametrize(("encoding", "order"), [("binary_little_endian", "<"), ("binary_big_endian", ">")])
def test_binary(encoding: str, order: str) -> None:
    body = struct.pack(f"{order}f", 35.0) + b"".join(struct.pack(f"{order}dddBf", *row) for row in ROWS)
    check(read_ply(header(encoding) + body, name="a.ply"))


def test_ascii() -> None:
    body = "35.0\n" + "".join(" ".join(map(str, row)) + "\n" for row in ROWS)
    check(read_ply(header("ascii") + body.encode(), name="a.ply"))


def test_a_file_without_points() -> None:
    assert len(read_ply(header("ascii", points=0) + b"35.0\n", name="a.ply")) == 0


def test_writing_keeps_every_column() -> None:
    raw = RawPoints(np.array([[1.0, 2, 3]]), np.array([0.5]), np.array([9]), np.array([-0.05]))
    back = read_ply(write_ply(raw), name="a.ply")
    for name in ("xyz", "intensity", "ring", "time"):
        np.testing.assert_allclose(getattr(back, name), getattr(raw, name))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty or cut off"),
        (b"ply\nformat ascii 1.0\n", "empty or cut off"),
        (header("binary_little_endian") + bytes(8), "cut off"),
        (header("ascii") + b"35.0\n1 2 3\n", "cut off"),
        (header("binary_middle_endian"), "must be one of"),
        (header("ascii").replace(b"double y", b"complex y"), "cannot read the line"),
        (header("ascii").replace(b"vertex", b"vortex"), "no element 'vertex'"),
        (header("ascii").replace(b"uchar red", b"list uchar int red"), "lists in or before"),
        (header("ascii", points=0).replace(b"double z", b"double w") + b"35.0\n", r"\['z'\] are missing"),
    ],
)
def test_rejects(data: bytes, message: str) -> None:
    with pytest.raises(PointFileError, match=message):
        read_ply(data, name="bad.ply")
