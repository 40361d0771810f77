from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bevseg.geometry.boxes import (
    count_points_in_boxes,
    footprint_cells,
    footprint_corners,
    footprint_edge_towards,
    footprint_edges_towards,
    footprints_hold,
    in_box_frame,
    points_in_box,
    transform_boxes,
    wrap_angle,
)
from bevseg.geometry.frames import Transform
from bevseg.geometry.grid import BevGrid

LEANING = np.array([10.0, 4.0, 1.0, 4.0, 2.0, 1.5, np.pi / 6])
"""A car ahead on the left, longer than wide, turned 30 degrees."""

NO_BOXES = np.zeros((0, 7))


def test_corners_start_front_left_and_run_counter_clockwise() -> None:
    box = np.array([[10.0, 4.0, 0.0, 4.0, 2.0, 1.5, np.pi / 2]])
    np.testing.assert_allclose(footprint_corners(box)[0], [[9, 6], [9, 2], [11, 2], [11, 6]], atol=1e-12)
    assert footprint_corners(NO_BOXES).shape == (0, 4, 2)


def test_box_frame_has_the_length_first() -> None:
    ahead = LEANING[:3] + np.array([np.cos(np.pi / 6), np.sin(np.pi / 6), 0.25])
    np.testing.assert_allclose(in_box_frame(ahead[None], LEANING), [[1.0, 0.0, 0.25]], atol=1e-12)


@given(st.floats(-0.49, 0.49), st.floats(-0.49, 0.49), st.floats(-0.49, 0.49))
def test_points_inside_by_construction_are_found(along: float, across: float, up: float) -> None:
    T = Transform.from_yaw(float(LEANING[6]), LEANING[:3], dst="lidar", src="box")
    point = T.apply(np.array([[along, across, up]]) * LEANING[3:6])
    assert points_in_box(point, LEANING).all()


def test_points_just_outside_each_face_are_not() -> None:
    T = Transform.from_yaw(float(LEANING[6]), LEANING[:3], dst="lidar", src="box")
    outside = T.apply(np.concatenate([np.diag(LEANING[3:6]), -np.diag(LEANING[3:6])]) * 0.51)
    assert not points_in_box(outside, LEANING).any()
    assert points_in_box(outside, LEANING, margin_m=0.1).all()


def test_a_length_is_not_a_width() -> None:
    beside = np.array([[0.0, 1.8, 0.0]])
    along_x, along_y = np.array([0, 0, 0, 4.0, 2, 2, 0]), np.array([0, 0, 0, 4.0, 2, 2, np.pi / 2])
    assert count_points_in_boxes(beside, np.stack([along_x, along_y])).tolist() == [0, 1]


def test_counts_of_nothing() -> None:
    assert count_points_in_boxes(np.zeros((0, 3)), LEANING[None]).tolist() == [0]
    assert count_points_in_boxes(np.zeros((5, 3)), NO_BOXES).shape == (0,)


def test_a_footprint_holds_what_lies_within_its_length_and_width() -> None:
    along_y = [10.0, -4.0, 0.0, 4.0, 2.0, 1.5, np.pi / 2]
    boxes = np.array([along_y, [10.0, -4.0, 0.0, 4.0, 2.0, 1.5, 0.0]])
    assert footprints_hold(boxes, np.array([10.5, -2.5])).tolist() == [True, False]
    assert footprints_hold(boxes, np.array([11.5, -4.5])).tolist() == [False, True]
    assert footprints_hold(boxes[:0], np.zeros(2)).shape == (0,)


def test_footprint_cells_on_a_grid_ahead() -> None:
    grid = BevGrid(x_min_m=8.0, y_min_m=2.0, cell_m=0.5, width=8, height=6)
    cells = footprint_cells(LEANING, grid)
    centers = np.column_stack([grid.centers_of(np.arange(grid.num_cells)), np.full(grid.num_cells, LEANING[2])])
    np.testing.assert_array_equal(cells, np.flatnonzero(points_in_box(centers, LEANING)))
    assert 0 < len(cells) < grid.num_cells


def test_footprint_that_reaches_over_the_edge_keeps_what_is_inside() -> None:
    grid = BevGrid(x_min_m=0.0, y_min_m=0.0, cell_m=1.0, width=4, height=4)
    assert footprint_cells(np.array([0.0, 0, 0, 4, 2, 1, 0]), grid).tolist() == [0, 1]
    assert footprint_cells(np.array([-9.0, 0, 0, 4, 2, 1, 0]), grid).tolist() == []


def test_footprint_smaller_than_a_cell_may_hold_no_centre() -> None:
    grid = BevGrid(x_min_m=0.0, y_min_m=0.0, cell_m=1.0, width=4, height=4)
    assert footprint_cells(np.array([1.05, 1.05, 0, 0.2, 0.2, 1, 0]), grid).tolist() == []


def test_moving_boxes_moves_their_corners() -> None:
    T = Transform.from_yaw(2.5, np.array([1.0, -2.0, 0.3]), dst="ego", src="lidar")
    corners = footprint_corners(LEANING[None])[0]
    moved = T.apply(np.column_stack([corners, np.zeros(4)]))[:, :2]
    np.testing.assert_allclose(footprint_corners(transform_boxes(T, LEANING[None]))[0], moved, atol=1e-12)
    assert transform_boxes(T, NO_BOXES).shape == (0, 7)


def test_moving_boxes_leaves_the_argument() -> None:
    boxes = LEANING[None].copy()
    transform_boxes(Transform.from_yaw(1.0, np.ones(3), dst="b", src="a"), boxes)
    np.testing.assert_array_equal(boxes, LEANING[None])


@pytest.mark.parametrize(
    ("angle", "wrapped"), [(np.pi, -np.pi), (-np.pi, -np.pi), (3 * np.pi / 2, -np.pi / 2), (7, 7 - 2 * np.pi)]
)
def test_wrap_angle(angle: float, wrapped: float) -> None:
    assert wrap_angle(np.array([float(angle)]))[0] == pytest.approx(wrapped)


def test_the_line_between_boxes_leaves_at_the_edge() -> None:
    box = np.array([10.0, 2.0, 0.0, 4.0, 2.0, 1.5, np.pi / 2])
    np.testing.assert_allclose(footprint_edge_towards(box, np.array([10.0, 20.0])), [10.0, 4.0], atol=1e-9)
    np.testing.assert_allclose(footprint_edge_towards(box, np.array([0.0, 2.0])), [9.0, 2.0], atol=1e-9)
    np.testing.assert_allclose(footprint_edge_towards(box, np.array([10.2, 2.1])), [10.2, 2.1])


def test_lines_of_several_boxes_are_those_of_each() -> None:
    boxes = np.array([[10.0, 2.0, 0.0, 4.0, 2.0, 1.5, 0.7], [-3.0, 8.0, 0.0, 1.0, 6.0, 1.5, -2.0]])
    places = np.array([[0.0, 0.0], [-3.0, 8.5]])
    each = [footprint_edge_towards(box, place) for box, place in zip(boxes, places, strict=True)]
    np.testing.assert_allclose(footprint_edges_towards(boxes, places), each)
    assert footprint_edges_towards(boxes[:0], places[:0]).shape == (0, 2)
