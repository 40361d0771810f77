from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bevseg.messages.fields import HeaderFields, PointCloud2Fields, TimeFields
from bevseg.messages.point_records import cloud_of_records
from bevseg.points.cloud import PointCloud
from bevseg_ros.parameters import PARAMETERS, Value
from bevseg_ros.policies import RefusedError
from bevseg_ros.preparation import cropped, prepare
from bevseg_ros.settings import Settings, settings_from
from bevseg_ros.transforms import MountPose

XYZ = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4")])


def settings(**changes: Value) -> Settings:
    return settings_from({**{spec.name: spec.default for spec in PARAMETERS}, **changes})


def message(xyz: Any, *, order: str = "<") -> PointCloud2Fields:
    points = np.asarray(xyz, np.float32).reshape(-1, 3)
    records = np.ascontiguousarray(points).view(XYZ).reshape(-1)
    made = cloud_of_records(records, HeaderFields(TimeFields(7, 0), "roof"), is_dense=True)
    return made if order == "<" else replace(made, data=points.astype(">f4").reshape(-1).view(np.uint8))


def street(n: int = 64) -> Any:
    return np.random.default_rng(0).uniform((2, -20, -2), (40, 10, 3), (n, 3))


def test_a_cloud_stays_in_its_frame_where_none_is_asked_for() -> None:
    prepared = prepare(message(street()), settings(), None)
    assert (prepared.cloud.frame, len(prepared.cloud), prepared.clipped, prepared.remark) == ("roof", 64, 0, None)
    np.testing.assert_array_equal(prepared.cloud.xyz, street().astype(np.float32))


def test_a_cloud_is_moved_before_it_is_cropped() -> None:
    mount = MountPose("base_link", "roof", (10.0, 0.0, 2.0), (0.0, 0.0, 0.0))
    points = [[-10.0, 0.0, -1.0], [-10.0, 5.0, -1.0], [15.0, 0.0, 0.0], [np.nan, 0.0, 0.0], [30.0, 0.0, 0.0]]
    wanted = settings(range_m=26.0, ego_box=(-1.0, 1.0, -2.0, 2.0, 0.0, 2.0))
    prepared = prepare(message(points), wanted, mount)
    assert prepared.cloud.frame == "base_link"
    np.testing.assert_allclose(prepared.cloud.xyz, [[0, 5, 1], [25, 0, 2]])
    np.testing.assert_allclose(prepared.cloud.sensor_origins_m, [[10, 0, 2]])
    assert prepared.clipped == 3


def test_an_empty_cloud_is_one() -> None:
    prepared = prepare(message(np.zeros((0, 3))), settings(), None)
    assert (len(prepared.cloud), prepared.clipped, prepared.remark) == (0, 0, "empty_cloud")


@pytest.mark.parametrize("height", [1, 4])
def test_the_byte_order_must_be_what_the_message_says(height: int) -> None:
    def organized(cloud: PointCloud2Fields) -> PointCloud2Fields:
        return replace(cloud, height=height, width=cloud.width // height, row_step=cloud.row_step // height)

    big = organized(message(street(), order=">"))
    with pytest.raises(RefusedError, match="in little-endian order") as refused:
        prepare(big, settings(), None)
    assert refused.value.reason == "wrong_endianness"
    assert len(prepare(replace(big, is_bigendian=True), settings(), None).cloud) == 64
    with pytest.raises(RefusedError, match="in big-endian order"):
        prepare(organized(replace(message(street()), is_bigendian=True)), settings(), None)


def test_zeros_and_few_points_say_nothing_about_their_order() -> None:
    assert len(prepare(message(np.zeros((100, 3))), settings(), None).cloud) == 100
    assert len(prepare(message(np.full((5, 3), 1e-30)), settings(), None).cloud) == 5
    with pytest.raises(RefusedError) as refused:
        prepare(message(np.full((50, 3), 1e6)), settings(), None)
    assert refused.value.reason == "wrong_values"


def test_reasons_of_the_decoder_go_through() -> None:
    with pytest.raises(RefusedError) as refused:
        prepare(replace(message(street()), data=np.zeros(3, np.uint8)), settings(), None)
    assert refused.value.reason == "truncated"
    with pytest.raises(RefusedError, match="64 x 1 points, expected at most 63") as refused:
        prepare(message(street()), settings(max_points=63), None)
    assert refused.value.reason == "absurd_size"


def test_data_that_are_no_bytes() -> None:
    with pytest.raises(RefusedError) as refused:
        prepare(SimpleNamespace(**{**vars(message(street())), "data": None}), settings(), None)
    assert refused.value.reason == "bad_data"


def test_nothing_is_cropped_unless_asked() -> None:
    cloud = PointCloud.from_xyz(street().astype(np.float32))
    assert cropped(cloud, settings().live) is cloud
    assert len(cropped(PointCloud.empty(), settings(range_m=3.0).live)) == 0
