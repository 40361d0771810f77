from __future__ import annotations

import numpy as np
import pytest

from bevseg.points.raw_bin import KITTI_COLUMNS, NUSCENES_COLUMNS, parse_columns, read_raw_bin, write_raw_bin
from bevseg.points.raw_points import PointFileError, RawPoints


def table(rows: int, width: int) -> np.ndarray:
    return np.arange(rows * width, dtype="<f4").reshape(rows, width)


def test_columns_in_kittis_order() -> None:
    raw = read_raw_bin(table(3, 4).tobytes(), KITTI_COLUMNS, name="a.bin")
    np.testing.assert_array_equal(raw.xyz, table(3, 4)[:, :3])
    np.testing.assert_array_equal(raw.intensity, [3, 7, 11])  # type: ignore[arg-type]
    assert raw.ring is None


def test_columns_in_an_order_of_their_own() -> None:
    raw = read_raw_bin(table(2, 6).tobytes(), parse_columns("time,z,_,y,x,ring"), name="a.bin")
    np.testing.assert_array_equal(raw.xyz, [[4, 3, 1], [10, 9, 7]])
    np.testing.assert_array_equal(raw.ring, [5, 11])  # type: ignore[arg-type]
    np.testing.assert_array_equal(raw.time, [0, 6])  # type: ignore[arg-type]


def test_no_bytes_are_no_points() -> None:
    assert len(read_raw_bin(b"", NUSCENES_COLUMNS, name="a.pcd.bin")) == 0


def test_other_names_of_columns() -> None:
    assert parse_columns("X, Y ,z,Reflectance,laser_id,t") == ("x", "y", "z", "intensity", "ring", "time")


@pytest.mark.parametrize(("columns", "message"), [("x,y", "must name x, y and z"), ("x,y,z,i,intensity", "twice")])
def test_rejects_column_lists(columns: str, message: str) -> None:
    with pytest.raises(PointFileError, match=message):
        parse_columns(columns)


def test_a_size_that_does_not_divide_says_what_to_pass() -> None:
    with pytest.raises(PointFileError, match=r"20 bytes are not a whole number.*columns='x,y,z,intensity,ring'"):
        read_raw_bin(table(1, 5).tobytes(), KITTI_COLUMNS, name="a.bin")


def test_a_wrong_width_whose_size_divides_is_found_by_its_intensity() -> None:
    five_wide = np.full((4, 5), -3.0, "<f4")
    with pytest.raises(PointFileError, match=r"intensity goes down to -3.*columns='x,y,z,intensity,ring'"):
        read_raw_bin(five_wide.tobytes(), KITTI_COLUMNS, name="a.bin")


@pytest.mark.parametrize("ring", [0.5, -1.0, 5000.0, np.nan])
def test_a_wrong_width_whose_size_divides_is_found_by_its_rings(ring: float) -> None:
    rows = np.ones((4, 5), "<f4")
    rows[:, 4] = ring
    with pytest.raises(PointFileError, match=r"ring is not a whole number.*columns='x,y,z,intensity'"):
        read_raw_bin(rows.tobytes(), NUSCENES_COLUMNS, name="a.bin")


def test_writing_fills_what_is_missing_with_zero() -> None:
    raw = RawPoints(table(2, 3), None, np.array([1, 2]))
    back = read_raw_bin(write_raw_bin(raw, NUSCENES_COLUMNS), NUSCENES_COLUMNS, name="a.bin")
    np.testing.assert_array_equal(back.xyz, raw.xyz)
    np.testing.assert_array_equal(back.intensity, [0, 0])  # type: ignore[arg-type]
    np.testing.assert_array_equal(back.ring, [1, 2])  # type: ignore[arg-type]
