from __future__ import annotations

import numpy as np
import pytest

from bevseg.evaluation.comparison.draws import Units, choose_units, draw_weights, interval_of, percentages


def test_whole_drives_are_drawn_where_there_are_enough() -> None:
    drives = [f"d{k // 3}" for k in range(24)]
    units = choose_units(drives, np.arange(24))
    assert (len(units), units.name) == (8, ("drive", "drives"))
    assert "whole drives, 8 with 24 frames" in units.meaning
    assert "8 drives are few" in units.meaning
    weights = draw_weights(units, 50, seed=0, source="s")
    assert (weights.reshape(50, 8, 3) == weights.reshape(50, 8, 3)[:, :, :1]).all()
    assert (weights.sum(axis=1) == 24).all()


def test_blocks_of_one_drive_where_there_are_few() -> None:
    # two drives of 90 and 33 frames that were put in another order: blocks hold neighbours in time, of one drive
    place = np.random.default_rng(0).permutation(123)
    drives = ["long" if p < 90 else "short" for p in place]
    units = choose_units(drives, place)
    assert len(units) == 9 + 3  # of 10 frames or a little more
    assert "12 blocks of about 10 frames in a row, as 2 drives are too few" in units.meaning
    for unit in range(len(units)):
        own = np.sort(place[units.of_frame == unit])
        assert len(own) in (10, 11)
        assert own[-1] - own[0] == len(own) - 1
        assert (own[-1] < 90) == (own[0] < 90)


@pytest.mark.parametrize(
    ("drives", "says"), [(None, "do not tell which frames belong"), (list("abcdef"), "of a drive or world of its own")]
)
def test_single_frames(drives: list[str] | None, says: str) -> None:
    units = choose_units(drives, np.arange(6))
    assert len(units) == 6
    assert says in units.meaning


def test_a_short_drive_is_drawn_frame_by_frame() -> None:
    units = choose_units(["one"] * 12, np.arange(12))
    assert len(units) == 12
    assert "Drawn: 12 single frames, as one drive is too few to draw" in units.meaning


@pytest.mark.parametrize("count", [1, 5])
def test_from_a_handful_of_units_nothing_is_concluded(count: int) -> None:
    units = choose_units(None, np.arange(count))
    assert f"nothing can be concluded from {count} frame" in units.meaning
    assert np.isnan(interval_of(np.ones(10), len(units)).low)
    assert not np.isnan(interval_of(np.ones(10), 6).low)


def test_draws_are_the_same_for_the_same_seed_and_source_and_different_for_others() -> None:
    units = choose_units(None, np.arange(30))
    first = draw_weights(units, 20, seed=1, source="KITTI")
    assert (draw_weights(units, 20, seed=1, source="KITTI") == first).all()
    assert (draw_weights(units, 20, seed=2, source="KITTI") != first).any()
    assert (draw_weights(units, 20, seed=1, source="nuScenes") != first).any()
    with pytest.raises(ValueError, match="at least one resample"):
        draw_weights(units, 0, seed=1, source="KITTI")


def test_percentages_are_the_plain_ones_of_many_units_and_further_out_of_few() -> None:
    assert percentages(100_000) == pytest.approx((0.025, 0.975), abs=1e-5)
    assert percentages(8) == pytest.approx((0.00574, 0.99426), abs=1e-4)  # t of 7 degrees: 2.3646, times sqrt(8 / 7)


def test_draws_without_a_value_are_left_out() -> None:
    values = np.append(np.linspace(-1, 1, 1001), [np.nan] * 50)
    interval = interval_of(values, 10**6)
    assert (interval.low, interval.high) == pytest.approx((-0.95, 0.95), abs=1e-4)
    assert not interval.excludes_zero
    assert interval_of(values + 2, 10**6).excludes_zero
    assert np.isnan(interval_of(np.full(5, np.nan), 9).high)


def test_intervals_hold_the_true_difference_as_often_as_they_say() -> None:
    """Two runs on drives that are easier or harder, for each of the runs in another way: frames are no units there."""
    rng = np.random.default_rng(7)
    drives, frames, objects, trials = 12, 8, 10, 400
    names = [f"d{k // frames}" for k in range(drives * frames)]
    by_drive = choose_units(names, np.arange(drives * frames))
    by_frame = choose_units(None, np.arange(drives * frames))
    held = {"drives": 0, "frames": 0, "plain": 0}
    for trial in range(trials):
        hard = rng.normal(0, 0.1, (drives, 1, 1)) + rng.normal(0, 0.08, (drives, 1, 2))
        share = np.clip(np.array([0.5, 0.6]) + hard, 0, 1)
        found = rng.binomial(objects, np.broadcast_to(share, (drives, frames, 2))).reshape(-1, 2)
        for name, units in (("drives", by_drive), ("frames", by_frame)):
            recall = _weights(units, trial) @ found / (objects * drives * frames)
            change = recall[:, 1] - recall[:, 0]
            interval = interval_of(change, len(units))
            held[name] += interval.low <= 0.1 <= interval.high
            if name == "drives":
                low, high = np.quantile(change, (0.025, 0.975))
                held["plain"] += low <= 0.1 <= high
    coverage = {name: count / trials for name, count in held.items()}
    assert 0.93 <= coverage["drives"] <= 0.98
    assert coverage["plain"] < coverage["drives"] - 0.015
    assert coverage["frames"] < 0.8


def _weights(units: Units, seed: int) -> np.ndarray:
    return draw_weights(units, 400, seed=seed, source="s")
