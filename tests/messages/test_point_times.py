from __future__ import annotations

import numpy as np
import pytest

from bevseg.messages.point_times import PointTimeError, point_times

STAMP_NS = 1_700_000_000_250_000_000
STAMP_S = 1_700_000_000.25


@pytest.mark.parametrize(
    ("values", "stamp_after_s", "why"),
    [
        (np.array([0, 50_000_000, 99_000_000], "<u4"), 0.099, "Ouster, Autoware: nanoseconds since the stamp"),
        (np.array([-0.099, -0.049, 0.0], "<f4"), 0.0, "Velodyne: seconds, the stamp is the end"),
        (np.array([0.0, 0.05, 0.099], ">f4"), 0.099, "Velodyne: seconds, the stamp is the beginning"),
        (STAMP_S + np.array([0.0, 0.05, 0.099]), 0.099, "Hesai, RoboSense: seconds since the epoch"),
        (STAMP_NS + np.array([-99e6, -49e6, 0.0]), 0.0, "Livox: nanoseconds since the epoch, as a float"),
        (np.array([0.0, 50e6, 99e6]), 0.099, "nanoseconds since the stamp, as a float"),
        (np.array([-99_000_000, -49_000_000, 0], "<i4"), 0.0, "nanoseconds before the stamp"),
    ],
)
def test_every_drivers_times(values: np.ndarray, stamp_after_s: float, why: str) -> None:
    times = point_times(values, STAMP_NS)
    np.testing.assert_allclose(times.time_s, [-0.099, -0.05, 0.0], atol=1.1e-3, err_msg=why)
    assert (times.stamp_ns - STAMP_NS) * 1e-9 == pytest.approx(stamp_after_s, abs=1e-6)
    assert times.time_s.dtype == np.float32


def test_a_simulated_clock_that_starts_at_zero() -> None:
    times = point_times(np.array([41.9, 41.95, 42.0]), 42_000_000_000)
    np.testing.assert_allclose(times.time_s, [-0.1, -0.05, 0.0], atol=1e-6)
    assert times.stamp_ns == 42_000_000_000
    assert point_times(np.array([0.0, 0.1], np.float32), 0).time_s.tolist() == pytest.approx([-0.1, 0.0])


def test_one_point_and_none() -> None:
    assert point_times(np.array([7], np.uint32), STAMP_NS).stamp_ns == STAMP_NS + 7
    empty = point_times(np.zeros(0, np.float64), STAMP_NS)
    assert (len(empty.time_s), empty.stamp_ns) == (0, STAMP_NS)


@pytest.mark.parametrize(
    "values",
    [
        np.array([0.0, 100.0]),
        np.array([0, 4_000_000_000], np.int64) * 10,
        np.array([STAMP_S], np.float32),
        np.array([1_600_000_000.0]),
    ],
    ids=["milliseconds", "40 s", "an epoch in float32", "another month"],
)
def test_rejects_what_is_near_the_stamp_in_no_unit(values: np.ndarray) -> None:
    with pytest.raises(PointTimeError, match="neither as seconds nor as nanoseconds"):
        point_times(values, STAMP_NS)


def test_rejects_times_that_are_no_number() -> None:
    with pytest.raises(PointTimeError, match="1 of 2 times"):
        point_times(np.array([0.0, np.nan]), STAMP_NS)
