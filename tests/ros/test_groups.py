"""Which clouds belong together. Three LiDARs; stamps and arrivals in milliseconds."""

from __future__ import annotations

import pytest

from bevseg_ros.groups import Grouping, GroupLimits, Member, Step

LIMITS = GroupLimits(tolerance_ns=50_000_000, timeout_s=0.08, apart_ns=1_000_000_000)
ALL = (0, 1, 2)


class Trial:
    """A grouping that is told of clouds by name: `a100` is LiDAR a's with stamp 100."""

    def __init__(self) -> None:
        self.grouping: Grouping[str] = Grouping(LIMITS)

    def take(self, name: str, *, at: float | None = None, alive: tuple[int, ...] = ALL) -> Step[str]:
        lidar, stamp = "abc".index(name[0]), int(name[1:])
        arrival_s = (stamp if at is None else at) / 1e3
        return self.grouping.take(Member(lidar, stamp * 1_000_000, arrival_s, name), alive)


@pytest.fixture
def trial() -> Trial:
    return Trial()


def closed(step: Step[str]) -> list[str] | None:
    return None if step.closed is None else [member.payload for member in step.closed.in_order()]


def superseded(step: Step[str]) -> list[str]:
    return [member.payload for member in step.superseded]


def test_a_group_is_closed_when_the_last_has_come_in_whatever_order(trial: Trial) -> None:
    assert closed(trial.take("c110")) is None
    assert closed(trial.take("a100")) is None
    step = trial.take("b140")
    assert closed(step) == ["a100", "b140", "c110"]
    assert step.closed is not None
    assert step.closed.spread_ns == 40_000_000
    assert trial.grouping.next_due_s is None


def test_stamps_that_are_too_far_apart_are_two_groups(trial: Trial) -> None:
    trial.take("a100")
    trial.take("b140")
    assert trial.take("c151").drop is None
    assert trial.grouping.next_due_s == pytest.approx(0.18)
    assert closed(trial.grouping.end_waits(0.18)) == ["a100", "b140"]


def test_a_group_waits_no_longer_than_its_time(trial: Trial) -> None:
    trial.take("a100")
    trial.take("c120")
    assert closed(trial.grouping.end_waits(0.179)) is None
    assert closed(trial.grouping.end_waits(0.18)) == ["a100", "c120"]
    assert closed(trial.grouping.end_waits(9.0)) is None


def test_what_comes_after_its_group_was_closed_is_late(trial: Trial) -> None:
    trial.take("a100")
    trial.grouping.end_waits(0.2)
    assert trial.take("b110", at=210).drop == "late_partner"
    assert trial.take("b20", at=211).drop == "late_partner"
    assert trial.take("b190", at=212).drop is None
    assert closed(trial.take("c200")) is None
    assert closed(trial.take("a200")) == ["a200", "b190", "c200"]


def test_when_all_partners_are_late_the_reference_goes_on_alone(trial: Trial) -> None:
    for stamp in (100, 200, 300):
        assert trial.take(f"a{stamp}").drop is None
        assert closed(trial.grouping.end_waits((stamp + 80) / 1e3)) == [f"a{stamp}"]
        assert [trial.take(f"{lidar}{stamp}", at=stamp + 90).drop for lidar in "bc"] == ["late_partner"] * 2


def test_a_stalled_lidar_is_not_waited_for_until_it_comes_again(trial: Trial) -> None:
    trial.take("a100", alive=(0, 1))
    assert closed(trial.take("b100", alive=(0, 1))) == ["a100", "b100"]
    trial.take("a200", alive=(0, 1))
    trial.take("c200")
    assert closed(trial.take("b200")) == ["a200", "b200", "c200"]


def test_a_newer_group_that_is_complete_supersedes_older_ones(trial: Trial) -> None:
    trial.take("a100")
    for name in ("a200", "b200"):
        trial.take(name, at=150)
    step = trial.take("c200", at=160)
    assert (closed(step), superseded(step)) == (["a200", "b200", "c200"], ["a100"])
    assert trial.grouping.next_due_s is None


def test_of_two_groups_whose_time_is_up_the_newer_is_worked_on(trial: Trial) -> None:
    trial.take("a100")
    trial.take("a200", at=150)
    step = trial.grouping.end_waits(0.3)
    assert (closed(step), superseded(step)) == (["a200"], ["a100"])


def test_a_lidar_of_another_clock_joins_nothing_and_is_not_waited_for(trial: Trial) -> None:
    trial.take("a100")
    trial.take("c100")
    assert trial.take("b900100", at=101).drop == "clock_apart"
    assert trial.grouping.apart == {1}
    trial.take("a200")
    assert closed(trial.take("c200")) == ["a200", "c200"]
    assert trial.take("b300").drop is None
    assert trial.grouping.apart == set()


def test_when_the_reference_jumps_back_all_begin_anew(trial: Trial) -> None:
    trial.take("a900100", at=0)
    trial.take("b900100", at=1)
    step = trial.take("a100", at=100)
    assert (step.drop, superseded(step)) == (None, ["a900100", "b900100"])
    assert trial.take("c900200", at=101).drop == "clock_apart"
    assert closed(trial.take("b100", at=102)) == ["a100", "b100"]
    assert trial.take("c100", at=103).drop == "late_partner"
    trial.take("a200")
    trial.take("b200")
    assert closed(trial.take("c200")) == ["a200", "b200", "c200"]


def test_a_jump_of_the_reference_ahead_leaves_the_others_behind_until_they_jump_too(trial: Trial) -> None:
    for name in ("a100", "b100", "c100"):
        trial.take(name)
    trial.take("a900200", at=200)
    assert trial.take("b200").drop == "clock_apart"
    assert trial.take("b900210", at=210).drop is None
    assert closed(trial.take("c900210", at=211)) == ["a900200", "b900210", "c900210"]


def test_the_next_lidar_rules_the_clock_while_the_reference_is_stalled(trial: Trial) -> None:
    trial.take("a900100", at=0)
    trial.grouping.end_waits(1.0)
    assert trial.take("b100", at=2000, alive=(1, 2)).drop is None
    assert closed(trial.take("c110", at=2010, alive=(1, 2))) == ["b100", "c110"]
    assert trial.take("a900200", at=2020).drop is None
    assert trial.take("b200", at=2100).drop == "clock_apart"


def test_a_silence_of_the_ruling_lidar_is_no_other_clock(trial: Trial) -> None:
    trial.take("a100")
    trial.grouping.end_waits(1.0)
    assert trial.take("b5100", at=5100).drop is None
    assert trial.take("c5110", at=5200).drop is None


def test_what_waits_is_handed_back(trial: Trial) -> None:
    assert trial.grouping.clear() == []
    trial.take("a100")
    trial.take("b160")
    assert [member.payload for member in trial.grouping.clear()] == ["a100", "b160"]
    assert trial.grouping.next_due_s is None
