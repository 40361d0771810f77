from __future__ import annotations

import threading

import pytest

from bevseg.replay.prefetch import Prefetcher

_LONG_S = 120.0


def test_what_comes_next_is_read_meanwhile() -> None:
    read, third = list[int](), threading.Event()

    def load(index: int) -> int:
        read.append(index)
        if index == 2:
            third.set()
        return index * index

    with Prefetcher(load, ahead=2) as prefetcher:
        assert prefetcher.get(0, [1, 2, 3, 4]) == 0
        assert third.wait(_LONG_S)
        assert prefetcher.get(1, [2, 3]) == 1
        assert prefetcher.get(2) == 4
        assert prefetcher.get(9) == 81
    assert [k for k in read if k < 3] == [0, 1, 2], "each once"


def test_no_more_is_kept_than_asked_for() -> None:
    seen, done = list[int](), threading.Event()

    def load(index: int) -> int:
        seen.append(index)
        if len(seen) == 3:
            done.set()
        return index

    with Prefetcher(load, ahead=2) as prefetcher:
        prefetcher.get(0, range(1, 100))
        assert done.wait(_LONG_S)
        assert len(prefetcher._kept) <= 3
    assert seen == [0, 1, 2]


def test_an_error_reaches_whoever_asks() -> None:
    def load(index: int) -> int:
        raise OSError(f"no frame {index}")

    with Prefetcher(load) as prefetcher, pytest.raises(OSError, match="no frame 3"):
        prefetcher.get(3)


def test_nothing_ahead_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        Prefetcher(abs, ahead=0)


def test_it_may_be_left_unused() -> None:
    with Prefetcher(abs):
        pass


def test_items_that_are_not_waited_for() -> None:
    go_on = threading.Event()

    def read(index: int) -> int:
        go_on.wait(_LONG_S)
        return index * index

    with Prefetcher(read, ahead=2) as prefetcher:
        assert prefetcher.ready(3, (4,)) is None
        assert prefetcher.peek(3) is None
        go_on.set()
        assert prefetcher.get(4) == 16
        assert prefetcher.peek(4) == prefetcher.ready(4) == 16
        assert prefetcher.peek(9) is None


def test_a_failure_is_told_to_those_who_do_not_wait() -> None:
    def read(index: int) -> int:
        raise OSError("disk gone")

    with Prefetcher(read) as prefetcher:
        with pytest.raises(OSError, match="disk gone"):
            prefetcher.get(0)
        with pytest.raises(OSError, match="disk gone"):
            prefetcher.ready(0)
