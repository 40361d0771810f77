"""Transforms as /tf has them, there and back."""

from __future__ import annotations

import numpy as np
import pytest
from rosbags.typesys.store import Typestore

from bevseg.datasets.bag_frames import StaticFrames
from bevseg.geometry.frames import Transform
from bevseg.messages.fields import TimeFields
from bevseg.messages.fill import make_message
from bevseg.messages.transforms import transform_message

TILTED = Transform.from_quaternion(
    np.array([0.8, 0.1, -0.2, 0.5]), np.array([4e5, -5.5e6, 12.25]), dst="map", src="lidar"
)


@pytest.mark.parametrize("pose", [TILTED, Transform(np.eye(4), "map", "base_link")])
def test_a_pose_survives_the_wire(pose: Transform, store: Typestore) -> None:
    fields = transform_message([pose], TimeFields(7, 8))
    data = store.serialize_cdr(make_message(fields, store.types.__getitem__), fields.TYPE)
    message = store.deserialize_cdr(data, fields.TYPE)
    header = message.transforms[0].header  # type: ignore[attr-defined]
    assert (header.frame_id, header.stamp.sec, header.stamp.nanosec) == ("map", 7, 8)
    back = StaticFrames.of_messages([message], where="bag").transform(dst=pose.dst, src=pose.src)
    assert back is not None
    np.testing.assert_allclose(back.matrix, pose.matrix, atol=1e-12, rtol=1e-12)
