import numpy as np
import pytest

from bevseg.occlusion.sight_lines import AZIMUTHS_PER_OBJECT, cast_fans, find_screens

SENSOR = np.array([0.0, 0.0, 0.0])


def _boxes(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float64).reshape(-1, 7)


def test_the_fan_fills_the_footprint_exactly() -> None:
    fans = cast_fans(_boxes([10, 0, -1, 4, 2, 1.5, 0]), SENSOR)

    assert fans.half_width_rad[0] == pytest.approx(np.arctan2(1, 8))
    assert fans.middle_rad[0] == pytest.approx(0)
    assert fans.nearest_m[0] == pytest.approx(8)
    spacing = np.diff(fans.azimuth_rad[0])
    np.testing.assert_allclose(spacing, 2 * fans.half_width_rad[0] / AZIMUTHS_PER_OBJECT)
    np.testing.assert_allclose(fans.entry_m[0] * np.cos(fans.azimuth_rad[0]), 8)


def test_a_turned_box_off_to_the_side() -> None:
    """A square turned by 45 degrees, its corner towards the sensor."""
    fans = cast_fans(_boxes([0, -10, 0, np.sqrt(8), np.sqrt(8), 2, np.pi / 4]), SENSOR)

    assert fans.middle_rad[0] == pytest.approx(-np.pi / 2)
    assert fans.half_width_rad[0] == pytest.approx(np.arctan2(2, 10))
    assert fans.nearest_m[0] == pytest.approx(np.hypot(0, 10) - 2, abs=0.3)


def test_a_box_behind_the_sensor_does_not_wrap() -> None:
    fans = cast_fans(_boxes([-10, 0.5, 0, 2, 4, 2, 0]), SENSOR)

    assert abs(fans.middle_rad[0]) > 2.9
    assert fans.half_width_rad[0] < 0.3
    assert np.ptp(fans.azimuth_rad[0]) < 0.6


def test_slopes_of_a_low_and_of_a_high_box() -> None:
    """A car is seen from its lower near edge to its farther upper edge, a bus to its nearer upper edge."""
    fans = cast_fans(_boxes([10, 0, -1.0, 4, 0.01, 1.6, 0], [10, 0, 0.2, 4, 0.01, 4.0, 0]), SENSOR)

    np.testing.assert_allclose(fans.low[:, 12], [-1.8 / 8, -1.8 / 8], rtol=1e-4)
    np.testing.assert_allclose(fans.high[:, 12], [-0.2 / 12, 2.2 / 8], rtol=1e-4)


@pytest.mark.parametrize("z_m", [-1.0, 3.0])
def test_the_sensor_over_a_footprint(z_m: float) -> None:
    fans = cast_fans(_boxes([0.5, 0.2, z_m, 4, 2, 1.5, 0.3], [10, 0, -1, 4, 2, 1.5, 0]), SENSOR)

    assert fans.holds_sensor.tolist() == [True, False]
    assert fans.nearest_m[0] == 0
    assert np.isfinite(fans.low).all()
    assert np.isfinite(fans.high).all()


def test_ray_of_finds_the_nearest_ray_of_the_fan() -> None:
    fans = cast_fans(_boxes([-10, 0, -1, 4, 2, 1.5, 0], [10, 0, -1, 4, 2, 1.5, 0]), SENSOR)

    for k in (0, 1):
        rays = np.arange(AZIMUTHS_PER_OBJECT)
        owner = np.full(len(rays), k)
        np.testing.assert_array_equal(fans.ray_of(owner, fans.azimuth_rad[k]), rays)
    beyond = fans.ray_of(np.array([1, 1]), np.array([-1.0, 1.0]))
    assert beyond.tolist() == [0, AZIMUTHS_PER_OBJECT - 1]


def test_screens_are_ordered_by_target_and_know_who_is_in_front() -> None:
    boxes = _boxes(
        [30, 0, -1, 4, 2, 1.5, 0], [20, 0, -1, 4, 2, 1.5, 0], [10, 0, -1, 4, 2, 1.5, 0], [0, 20, -1, 4, 2, 1.5, 0]
    )
    fans = cast_fans(boxes, SENSOR)

    screens = find_screens(boxes, fans)

    assert list(zip(screens.target.tolist(), screens.occluder.tolist(), strict=True)) == [(0, 2), (0, 1), (1, 2)]
    highest = screens.highest(4)
    np.testing.assert_allclose(highest[0], -0.25 / 22, rtol=0.02)
    np.testing.assert_allclose(highest[1], -0.25 / 12, rtol=0.02)
    assert (highest[2:] == -np.inf).all()
    nearer = screens.highest_nearer()
    assert (nearer[[0, 2]] == -np.inf).all()
    np.testing.assert_array_equal(nearer[1], screens.slope[0])


def test_what_fills_half_of_its_box_hides_half_of_it() -> None:
    """As much narrower as lower, on the same foot."""
    boxes = _boxes([20, 0, 0, 0.01, 10, 3.6, 0], [10, 0, -0.8, 0.01, 4, 2, 0])
    fans = cast_fans(boxes, SENSOR)

    solid = find_screens(boxes, fans).slope
    half = find_screens(boxes, fans, solid_share=np.array([1.0, 0.5])).slope

    assert (half > -np.inf).sum() == pytest.approx(np.sqrt(0.5) * (solid > -np.inf).sum(), abs=1.5)
    assert solid.max() == pytest.approx(0.2 / 10, rel=1e-2)
    assert half.max() == pytest.approx((-1.8 + 2 * np.sqrt(0.5)) / 10, rel=1e-2)


def test_a_large_near_box_is_found_across_the_turn() -> None:
    """Two boxes whose half widths sum to more than half a turn and whose middles lie on both sides of pi."""
    boxes = _boxes([-0.8, 1.5, 0, 20, 1, 2, 0], [-12, -2, 0, 1, 30, 2, 0])
    fans = cast_fans(boxes, SENSOR)

    assert find_screens(boxes, fans).target.tolist() == [1]


def test_no_boxes() -> None:
    boxes = _boxes()
    fans = cast_fans(boxes, SENSOR)
    screens = find_screens(boxes, fans)

    assert len(screens.target) == 0
    assert screens.highest(0).shape == (0, AZIMUTHS_PER_OBJECT)


def test_boxes_of_no_size_stay_finite() -> None:
    boxes = _boxes([10, 0, 0, 0, 0, 0, 0.4], [20, 0, 0, 4, 2, 1.5, 0])
    fans = cast_fans(boxes, SENSOR)

    assert np.isfinite(fans.low).all()
    assert np.isfinite(fans.high).all()
    assert find_screens(boxes, fans).slope.shape[1] == AZIMUTHS_PER_OBJECT


@pytest.mark.parametrize(
    ("boxes", "sensor"),
    [
        (_boxes([10, 0, np.nan, 4, 2, 1.5, 0]), SENSOR),
        (_boxes([10, 0, 0, 4, 2, 1.5, 0]), np.array([0, np.inf, 0])),
    ],
)
def test_what_is_not_finite_is_rejected(boxes: np.ndarray, sensor: np.ndarray) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        cast_fans(boxes, sensor)
