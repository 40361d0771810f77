from __future__ import annotations

import pytest

from bevseg.replay.player import Playback, frame_at_time, frame_of_token


def test_playing_moves_with_the_clock() -> None:
    state = Playback(total=10).played()
    assert state.advanced(0.05).frame == 0
    assert state.advanced(0.05).advanced(0.05).frame == 1
    assert state.advanced(0.35).frame == 3
    assert Playback(total=10).advanced(5.0).frame == 0, "standing still"


def test_speed_makes_time_run() -> None:
    assert Playback(total=10, playing=True, speed=2.0).advanced(0.1).frame == 2
    assert Playback(total=10, playing=True, speed=0.5).advanced(0.1).frame == 0
    assert Playback(total=10).faster().speed == 2.0
    assert Playback(total=10, speed=8.0).faster().speed == 8.0
    assert Playback(total=10, speed=3.9).faster(-1).speed == 2.0


def test_it_stops_at_the_end_and_begins_anew() -> None:
    end = Playback(total=3, playing=True).advanced(9.0)
    assert (end.frame, end.playing, end.at_end) == (2, False, True)
    assert end.played().frame == 0


def test_a_loop_goes_on() -> None:
    state = Playback(total=3, playing=True).looped(True)
    assert [state.advanced(0.1 * k).frame for k in range(5)] == [0, 1, 2, 0, 1]
    assert state.advanced(0.1 * 2).playing
    assert state.stepped(-1).frame == 2


def test_steps_stand_still_and_end_at_the_ends() -> None:
    state = Playback(total=4, frame=2, playing=True).stepped()
    assert (state.frame, state.playing) == (3, False)
    assert state.stepped(5).frame == 3
    assert state.stepped(-9).frame == 0
    assert state.toggled().playing
    assert not state.toggled().toggled().playing


def test_seeking() -> None:
    state = Playback(total=4, playing=True)
    assert state.sought(2).playing
    assert state.sought(-1).frame == 3
    with pytest.raises(IndexError, match="no frame 4: the recording has 4, from 0 to 3"):
        state.sought(4)


def test_what_comes_next() -> None:
    assert Playback(total=5, frame=3).upcoming(3) == (4,)
    assert Playback(total=5, frame=3, loop=True).upcoming(3) == (4, 0, 1)
    assert Playback(total=9, playing=True, speed=2.0).upcoming(3) == (2, 4, 6)
    assert Playback(total=1, loop=True).upcoming(3) == (0,)


def test_a_recording_may_grow() -> None:
    assert Playback(total=2, frame=1).grown(5).stepped(2).frame == 3


@pytest.mark.parametrize("changed", [{"total": 0}, {"frame": 3}, {"speed": 0.0}, {"period_s": -1.0}])
def test_states_that_cannot_be_are_refused(changed: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"expected|above 0"):
        Playback(**{"total": 3, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(("time_s", "frame"), [(-1.0, 0), (0.0, 0), (0.25, 2), (0.3, 3), (0.99, 9)])
def test_a_frame_by_time_is_found_by_few_reads(time_s: float, frame: int) -> None:
    asked: list[int] = []

    def time_of(index: int) -> float:
        asked.append(index)
        return index * 0.1 + 1e-9 * (index == 3)

    assert frame_at_time(time_s, 10, lambda k: time_of(k) - 2e-9) == frame
    assert len(asked) <= 6


def test_a_time_after_the_end_is_refused() -> None:
    with pytest.raises(LookupError, match=r"no frame at 99 s, the last is at 0\.9 s"):
        frame_at_time(99.0, 10, lambda k: k * 0.1)
    with pytest.raises(LookupError, match="the last is at 0"):
        frame_at_time(0.1, 1, lambda k: 0.0)


def test_a_frame_by_name() -> None:
    names = ["ab12", "ab13", "cd"]
    assert frame_of_token("ab13", iter(names)) == 1
    assert frame_of_token("c", iter(names)) == 2
    with pytest.raises(LookupError, match="2 frames begin with 'ab'"):
        frame_of_token("ab", iter(names))
    with pytest.raises(LookupError, match="no frame is named 'x'"):
        frame_of_token("x", iter(names))


def test_frames_that_do_not_come_evenly() -> None:
    slow = Playback(4, playing=True, period_s=0.1).paced(0.5)
    assert slow.advanced(0.4).frame == 0
    assert slow.advanced(0.4).advanced(0.1).frame == 1
    with pytest.raises(ValueError, match="period_s must be above 0"):
        slow.paced(0.0)
