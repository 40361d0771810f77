"""PointCloud2 of every layout, made of plain objects: the decoder knows no ROS."""

from __future__ import annotations

import array
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bevseg.messages.pointcloud2 import PointCloud2Error, decode_pointcloud2, point_columns

DATATYPES = {"i1": 1, "u1": 2, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "f4": 7, "f8": 8}


@dataclass(frozen=True)
class Stamp:
    sec: int = 1_700_000_000
    nanosec: int = 250_000_000


@dataclass(frozen=True)
class Header:
    stamp: Stamp = field(default_factory=Stamp)
    frame_id: str = "velodyne"


@dataclass(frozen=True)
class Field:
    name: str
    offset: int
    datatype: int
    count: int = 1


@dataclass(frozen=True)
class Message:
    fields: list[Field]
    point_step: int
    data: Any
    width: int
    row_step: int
    height: int = 1
    is_bigendian: bool = False
    header: Header = field(default_factory=Header)
    is_dense: bool = True


XYZ = np.array([[1.0, 2.0, 3.0], [-4.0, 5.5, -6.0], [7.0, -8.0, 0.25], [0.5, 0.0, -1.5]])


def message_of(
    columns: dict[str, np.ndarray], types: dict[str, str], *, bigendian: bool = False, height: int = 1, padding: int = 0
) -> Message:
    """A message with the columns in the order given, three bytes between them, and `padding` after each row."""
    order = ">" if bigendian else "<"
    offsets, end = {}, 1
    for name in columns:
        offsets[name] = end
        end += np.dtype(types[name]).itemsize + 3
    record = np.dtype(
        {
            "names": list(columns),
            "formats": [order + types[name] for name in columns],
            "offsets": list(offsets.values()),
            "itemsize": end,
        }
    )
    n = len(next(iter(columns.values())))
    rows = np.zeros((height, n // height), record)
    for name, values in columns.items():
        rows[name] = values.reshape(rows.shape)
    row_step = end * rows.shape[1] + padding
    data = b"".join(row.tobytes() + b"\xff" * padding for row in rows)
    fields = [Field(name, offsets[name], DATATYPES[types[name]]) for name in columns]
    return Message(fields, end, data, rows.shape[1], row_step, height, bigendian)


def with_column(name: str, values: np.ndarray) -> Message:
    """Coordinates and one more column."""
    columns = {axis: XYZ[:, k] for k, axis in enumerate("xyz")} | {name: values}
    return message_of(columns, dict.fromkeys(columns, "f8"))


def velodyne(xyz: np.ndarray = XYZ) -> Message:
    n = len(xyz)
    columns = {
        **{axis: xyz[:, k] for k, axis in enumerate("xyz")},
        "intensity": np.linspace(0, 255, n),
        "ring": np.arange(n),
        "time": np.linspace(-0.1, 0, n),
    }
    return message_of(columns, {**dict.fromkeys([*"xyz", "intensity", "time"], "f4"), "ring": "u2"})


def test_an_ordinary_scan() -> None:
    cloud = decode_pointcloud2(velodyne())
    np.testing.assert_array_equal(cloud.xyz, XYZ.astype(np.float32))
    assert cloud.frame == "velodyne"
    assert cloud.stamp_ns == 1_700_000_000_250_000_000
    assert cloud.intensity is not None
    assert cloud.ring is not None
    np.testing.assert_allclose(cloud.intensity, [0, 1 / 3, 2 / 3, 1], atol=1e-6)
    np.testing.assert_allclose(cloud.time_s, [-0.1, -0.2 / 3, -0.1 / 3, 0], atol=1e-6)
    assert cloud.ring.tolist() == [0, 1, 2, 3]
    assert decode_pointcloud2(velodyne(), frame="lidar").frame == "lidar"


@given(
    order=st.permutations(["x", "y", "z", "reflectivity", "channel", "time_stamp", "spare"]),
    coordinate=st.sampled_from(["f4", "f8", "i2", "i4"]),
    bigendian=st.booleans(),
    height=st.sampled_from([1, 2, 4]),
    padding=st.sampled_from([0, 5]),
)
def test_every_layout_gives_the_same_cloud(
    order: list[str], coordinate: str, bigendian: bool, height: int, padding: int
) -> None:
    xyz = np.rint(XYZ)
    values = {
        **{axis: xyz[:, k] for k, axis in enumerate("xyz")},
        "reflectivity": np.array([0, 51, 102, 255]),
        "channel": np.array([3, 0, 1, 2]),
        "time_stamp": np.array([0, 10_000_000, 20_000_000, 100_000_000]),
        "spare": np.zeros(4),
    }
    types = {
        **dict.fromkeys("xyz", coordinate),
        "reflectivity": "u1",
        "channel": "u2",
        "time_stamp": "u4",
        "spare": "f8",
    }
    message = message_of(
        {name: values[name] for name in order}, types, bigendian=bigendian, height=height, padding=padding
    )
    cloud = decode_pointcloud2(message)
    np.testing.assert_array_equal(cloud.xyz, xyz.astype(np.float32))
    assert cloud.intensity is not None
    assert cloud.ring is not None
    np.testing.assert_allclose(cloud.intensity, [0, 0.2, 0.4, 1], atol=1e-6)
    assert cloud.ring.tolist() == [3, 0, 1, 2]
    np.testing.assert_allclose(cloud.time_s, [-0.1, -0.09, -0.08, 0], atol=1e-6)
    assert cloud.stamp_ns == 1_700_000_000_350_000_000


def test_columns_are_views_of_the_payload() -> None:
    message = velodyne()
    payload = np.frombuffer(message.data, np.uint8)
    for column in point_columns(replace(message, data=payload)).values():
        assert np.shares_memory(column, payload)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, list, lambda b: array.array("B", b), np.frombuffer])
def test_every_kind_of_buffer(kind: Any) -> None:
    data = np.frombuffer(velodyne().data, np.uint8) if kind is np.frombuffer else kind(velodyne().data)
    np.testing.assert_array_equal(decode_pointcloud2(replace(velodyne(), data=data)).xyz, XYZ.astype(np.float32))


def test_points_that_are_no_place_are_dropped_with_all_their_columns() -> None:
    xyz = XYZ.copy()
    xyz[1, 2], xyz[3, 0] = np.nan, np.inf
    cloud = decode_pointcloud2(velodyne(xyz))
    assert cloud.dropped_non_finite == 2
    np.testing.assert_array_equal(cloud.xyz, XYZ[[0, 2]].astype(np.float32))
    assert cloud.ring is not None
    assert cloud.ring.tolist() == [0, 2]
    assert len(cloud.time_s) == 2


def test_a_scan_of_nothing_but_lost_echoes_is_refused_or_empty() -> None:
    message = velodyne(np.full((4, 3), np.nan))
    with pytest.raises(PointCloud2Error, match="none of 4 points") as refused:
        decode_pointcloud2(message)
    assert refused.value.reason == "no_finite_points"
    cloud = decode_pointcloud2(message, when_all_lost="empty")
    assert (len(cloud), cloud.dropped_non_finite) == (0, 4)
    assert cloud.stamp_ns == 1_700_000_000_250_000_000


def test_a_scan_without_points() -> None:
    for message in (replace(velodyne(), width=0, row_step=0, data=b""), replace(velodyne(), height=0, data=b"")):
        cloud = decode_pointcloud2(message)
        assert len(cloud) == 0
        assert cloud.intensity is not None


def test_a_message_as_ros_makes_it_is_an_empty_scan() -> None:
    cloud = decode_pointcloud2(Message([], 0, array.array("B"), 0, 0, height=0))
    assert (len(cloud), cloud.dropped_non_finite, cloud.frame) == (0, 0, "velodyne")


def test_beams_that_are_none_are_minus_one() -> None:
    cloud = decode_pointcloud2(with_column("ring", np.array([3.0, np.nan, -7.0, 1e12])))
    assert cloud.ring is not None
    assert cloud.ring.tolist() == [3, -1, -1, -1]


def test_coordinates_alone() -> None:
    cloud = decode_pointcloud2(
        message_of({a: XYZ[:, k] for k, a in enumerate("zyx"[::-1])}, dict.fromkeys("xyz", "f4"))
    )
    assert cloud.intensity is None
    assert cloud.ring is None
    assert not cloud.time_s.any()


def test_intensity_by_the_scale_that_is_given() -> None:
    cloud = decode_pointcloud2(velodyne(), intensity_full_scale=510.0)
    assert cloud.intensity is not None
    assert cloud.intensity.max() == pytest.approx(0.5)


def with_field(message: Message, field_name: str, **changes: Any) -> Message:
    return replace(message, fields=[replace(f, **changes) if f.name == field_name else f for f in message.fields])


@pytest.mark.parametrize(
    ("message", "complaint", "reason"),
    [
        (
            with_field(velodyne(), "y", name="why"),
            r"\['y'\] are missing; the message has .*'why'",
            "missing_field",
        ),
        (with_field(velodyne(), "ring", name="x"), "field 'x' is there 2 times", "duplicate_field"),
        (with_field(velodyne(), "z", datatype=9), "'z' has datatype 9", "bad_type"),
        (with_field(velodyne(), "x", count=2), "'x' has count 2", "bad_count"),
        (with_field(velodyne(), "time", offset=41), "'time' takes bytes 41..45", "field_outside_point"),
        (with_field(velodyne(), "time", offset=-1), "'time' takes bytes -1..3", "field_outside_point"),
        (replace(velodyne(), point_step=0), "point_step must be 1", "bad_size"),
        (replace(velodyne(), width=5), "row_step .* is too small for 5 points", "size_mismatch"),
        (replace(velodyne(), width=-1), "must not be negative", "bad_size"),
        (replace(velodyne(), height=2), "expected 2 rows", "truncated"),
        (replace(velodyne(), data=velodyne().data[:-1]), "data has .* bytes, expected 1 rows", "truncated"),
        (replace(velodyne(), data=velodyne().data + b"0"), "data has .* bytes", "size_mismatch"),
        (
            message_of(
                {"x": XYZ[:, 0], "y": XYZ[:, 1], "z": XYZ[:, 2], "t": XYZ[:, 0] + 50}, dict.fromkeys("xyzt", "f8")
            ),
            "neither as seconds",
            "bad_time",
        ),
        (
            message_of(
                {"x": XYZ[:, 0], "y": XYZ[:, 1], "z": XYZ[:, 2], "i": XYZ[:, 0] + 1e6}, dict.fromkeys("xyzi", "f8")
            ),
            "intensity_full_scale",
            "bad_intensity",
        ),
        (replace(velodyne(), data=[256]), "a list of numbers 0..255", "bad_data"),
        (replace(velodyne(), data=None), "data must be one contiguous buffer", "bad_data"),
        (replace(velodyne(), point_step=2**32 - 1), "point_step must be 1..65536", "bad_size"),
        (replace(velodyne(), header=Header(Stamp(nanosec=10**9))), "nanosec below", "bad_stamp"),
        (replace(velodyne(), header=Header(Stamp(sec=-1))), "got -1 and", "bad_stamp"),
        (velodyne(np.full((2, 3), np.inf)), "none of 2 points", "no_finite_points"),
        (replace(velodyne(), data=np.frombuffer(velodyne().data * 2, np.uint8)[::2]), "contiguous", "bad_data"),
    ],
)
def test_rejects_what_does_not_fit_together(message: Message, complaint: str, reason: str) -> None:
    with pytest.raises(PointCloud2Error, match=complaint) as refused:
        decode_pointcloud2(message)
    assert refused.value.reason == reason


def test_a_field_that_is_no_time_can_be_left_unread() -> None:
    cloud = decode_pointcloud2(with_column("t", XYZ[:, 0] + 50), with_time=False)
    assert not cloud.time_s.any()
