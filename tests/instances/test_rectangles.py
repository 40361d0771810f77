from __future__ import annotations

import numpy as np
import pytest
from jaxtyping import Float

from bevseg.instances.rectangles import Rectangle, complete, fit_rectangle


def _l_shape(
    length_m: float, width_m: float, yaw_rad: float, corner_m: tuple[float, float]
) -> Float[np.ndarray, "n 2"]:
    """Points every 5 cm along two sides that leave `corner_m` at `yaw_rad` and a quarter turn further."""
    first = np.arange(0, length_m + 1e-9, 0.05)
    second = np.arange(0.05, width_m + 1e-9, 0.05)
    local = np.concatenate([np.stack([first, 0 * first], 1), np.stack([0 * second, second], 1)])
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    turned: np.ndarray = local @ np.array([[c, s], [-s, c]]) + corner_m
    return turned


@pytest.mark.parametrize("yaw_deg", [0.0, 20.0, 45.0, 72.5])
def test_two_sides_give_the_rectangle(yaw_deg: float) -> None:
    rectangle = fit_rectangle(_l_shape(4.2, 1.8, np.deg2rad(yaw_deg), (12.0, -7.0)))
    assert np.rad2deg(rectangle.yaw_rad) == pytest.approx(yaw_deg)
    assert rectangle.size_m == pytest.approx([4.2, 1.8], abs=1e-6)
    assert rectangle.residual_m < 0.01


def test_a_shell_lies_closer_to_its_edges_than_a_bush() -> None:
    bush = np.random.default_rng(0).uniform((10, 4), (14, 6), (300, 2))
    assert fit_rectangle(bush).residual_m > 0.2


def test_one_point_is_a_rectangle_without_size() -> None:
    assert fit_rectangle(np.array([[3.0, 4.0]])).size_m.tolist() == [0.0, 0.0]


def test_no_points_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one point"):
        fit_rectangle(np.zeros((0, 2)))


def _rectangle(low: tuple[float, float], high: tuple[float, float], yaw_rad: float = 0.0) -> Rectangle:
    return Rectangle(yaw_rad, np.array(low, float), np.array(high, float), 0.0)


def test_hidden_parts_are_added_away_from_the_sensor() -> None:
    seen = _rectangle((10.0, 3.0), (11.0, 4.8))
    center, size = complete(seen, size_m=np.array([4.5, 1.9]), sensor_xy_m=np.zeros(2))
    assert size == pytest.approx([4.5, 1.9])
    assert center == pytest.approx([10 + 4.5 / 2, 3 + 1.9 / 2])
    beyond, _ = complete(seen, size_m=np.array([4.5, 1.9]), sensor_xy_m=np.array([20.0, 9.0]))
    assert beyond == pytest.approx([11 - 4.5 / 2, 4.8 - 1.9 / 2])


def test_a_side_looked_at_squarely_grows_both_ways() -> None:
    center, _ = complete(_rectangle((10, -1), (10.1, 0.5)), size_m=np.array([4.5, 1.9]), sensor_xy_m=np.zeros(2))
    assert center == pytest.approx([10 + 4.5 / 2, -0.25])


def test_completion_turns_with_the_rectangle() -> None:
    yaw = np.deg2rad(30)
    center, size = complete(_rectangle((10, -1), (10.1, 1), yaw), size_m=np.array([4.5, 1.9]), sensor_xy_m=np.zeros(2))
    assert center == pytest.approx([12.25 * np.cos(yaw), 12.25 * np.sin(yaw)])
    assert size == pytest.approx([4.5, 2.0])


def test_what_is_larger_than_usual_stays() -> None:
    center, size = complete(_rectangle((10, 3), (16, 6)), size_m=np.array([4.5, 1.9]), sensor_xy_m=np.zeros(2))
    assert size == pytest.approx([6.0, 3.0])
    assert center == pytest.approx([13.0, 4.5])
