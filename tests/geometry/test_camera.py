from __future__ import annotations

import numpy as np

from bevseg.geometry.camera import Camera, image_boxes
from bevseg.geometry.frames import Transform

T_CAMERA_FROM_LIDAR = Transform.from_rotation_translation(
    np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]]), np.zeros(3), dst="camera", src="lidar"
)
CAMERA = Camera(T_CAMERA_FROM_LIDAR, np.array([[100.0, 0, 200, 0], [0, 100, 50, 0], [0, 0, 1, 0]]), (401, 101))


def seen(*boxes: list[float], camera: Camera = CAMERA) -> tuple[list[list[float]], list[float]]:
    result = image_boxes(np.array(boxes, np.float64).reshape(-1, 7), camera)
    return result.ltrb_px.round(6).tolist(), result.truncation.round(6).tolist()


def test_ahead() -> None:
    # Its near side is 10 m ahead, 2 m wide and 1 m high: 20 by 10 pixels; it stands 3 m to the left.
    ltrb, truncation = seen([11, 3, 0, 2, 2, 1, 0])
    assert ltrb == [[160, 45, round(200 - 200 / 12, 6), 55]]
    assert truncation == [0]


def test_cut_off_by_the_edge() -> None:
    # From -21 to 19 pixels along a row of its near side, which the picture shows from 0 on.
    (ltrb,), (truncation,) = seen([10, 20, 0, 0.001, 4, 1, 0])
    assert ltrb[0] == 0
    assert 0.4 < truncation < 0.6


def test_behind_and_beside() -> None:
    ltrb, truncation = seen([-10, 0, 0, 4, 2, 1, 0], [10, 50, 0, 4, 2, 1, 0])
    assert ltrb == [[0, 0, 0, 0]] * 2
    assert truncation == [1, 1]


def test_the_projection_may_have_an_offset() -> None:
    projection = CAMERA.projection.copy()
    projection[0, 3] = 50.0
    offset = Camera(T_CAMERA_FROM_LIDAR, projection, (401, 101))
    ltrb, _ = seen([10, 0, 0, 1e-6, 2, 1, 0], camera=offset)
    assert ltrb[0][0] == 195.0


def test_no_boxes() -> None:
    assert seen() == ([], [])
