from __future__ import annotations

import numpy as np
import pytest

from bevseg.points.input_frame import INPUT_FRAMES, InputFrame, T_lidar_from_input, to_input_frame, to_x_forward

AHEAD_RIGHT_OF_Y_FORWARD = np.array([[1.0, 5.0, -2.0]])


def test_y_forward_turns_ahead_to_x_and_right_to_minus_y() -> None:
    np.testing.assert_array_equal(to_x_forward(AHEAD_RIGHT_OF_Y_FORWARD, "y-forward"), [[5, -1, -2]])
    np.testing.assert_array_equal(to_x_forward(AHEAD_RIGHT_OF_Y_FORWARD, "x-forward"), AHEAD_RIGHT_OF_Y_FORWARD)


@pytest.mark.parametrize("input_frame", INPUT_FRAMES)
def test_the_transform_says_what_the_turn_does_and_the_way_back_undoes_it(input_frame: InputFrame) -> None:
    turned = to_x_forward(AHEAD_RIGHT_OF_Y_FORWARD, input_frame)
    np.testing.assert_allclose(T_lidar_from_input(input_frame).apply(AHEAD_RIGHT_OF_Y_FORWARD), turned)
    np.testing.assert_array_equal(to_input_frame(turned, input_frame), AHEAD_RIGHT_OF_Y_FORWARD)
    assert to_x_forward(np.zeros((0, 3)), input_frame).shape == (0, 3)


@pytest.mark.usefixtures("shapes_unchecked")
def test_rejects_other_frames() -> None:
    with pytest.raises(ValueError, match="got 'camera'"):
        T_lidar_from_input("camera")  # type: ignore[arg-type]
