"""The scan as its sensor sees it: what is near is painted over what is far."""

from __future__ import annotations

import numpy as np

from bevseg.drawing.range_image import PaintedPoints, draw_range_image, far_first
from bevseg.points.cloud import PointCloud

RED, BLUE = (255, 0, 0), (0, 0, 255)


def _painted(xyz: list[list[float]], colors: list[tuple[int, int, int]], *, index: list[int]) -> np.ndarray:
    cloud = PointCloud.from_xyz(np.array(xyz, np.float32).reshape(-1, 3))
    painted = PaintedPoints(np.array(index, np.int64), np.array(colors, np.uint8).reshape(-1, 3))
    return draw_range_image(cloud, width=400, height=60, painted=painted)


def test_order_is_from_far_to_near_and_steady() -> None:
    np.testing.assert_array_equal(far_first(np.array([3.0, 900.0, 40.0, 700.0, 3.001], np.float32)), [1, 3, 2, 0, 4])
    assert len(far_first(np.zeros(0, np.float32))) == 0


def test_the_nearer_of_two_in_one_direction_is_seen_whichever_comes_first() -> None:
    for order in (1, -1):
        picture = _painted([[20.0, 0.0, 0.0], [30.0, 0.0, 0.0]][::order], [RED, BLUE][::order], index=[0, 1])
        assert (picture == RED).all(axis=2).any()
        assert not (picture == BLUE).all(axis=2).any()


def test_left_of_the_vehicle_is_left_in_the_picture_and_up_is_up() -> None:
    picture = _painted([[0.0, 20.0, 0.0], [0.0, -20.0, 4.0]], [RED, BLUE], index=[0, 1])
    (red_row, red_column), (blue_row, blue_column) = (
        np.argwhere((picture == color).all(axis=2)).mean(axis=0) for color in (RED, BLUE)
    )
    assert red_column < 200 < blue_column
    assert blue_row < red_row


def test_points_without_a_color_are_the_brighter_the_nearer() -> None:
    picture = _painted([[0.0, 20.0, 0.0], [0.0, -50.0, 0.0], [20.0, 0.0, 0.0]], [RED], index=[2])
    left, right = picture[:, :150].max(), picture[:, 250:].max()
    assert left > right
    assert (picture == RED).all(axis=2).any()


def test_no_points_leave_it_dark() -> None:
    assert len(np.unique(_painted([], [], index=[]).reshape(-1, 3), axis=0)) == 1
