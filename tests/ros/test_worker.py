from __future__ import annotations

import logging
import threading

import pytest

from bevseg_ros.worker import NewestWorker


class Gate:
    """Work that waits until it is let through."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.begun, self.open = threading.Semaphore(0), threading.Semaphore(0)

    def work(self, job: int) -> None:
        self.begun.release()
        assert self.open.acquire(timeout=10)
        self.done.append(job)


def test_the_newest_is_taken_and_older_ones_are_handed_back() -> None:
    gate = Gate()
    worker = NewestWorker(gate.work, name="test")
    assert worker.put(1) is None
    assert gate.begun.acquire(timeout=10)
    assert [worker.put(job) for job in (2, 3, 4)] == [None, 2, 3]
    gate.open.release(2)
    assert gate.begun.acquire(timeout=10)
    assert worker.stop(10) == (None, True)
    assert gate.done == [1, 4]


def test_a_stop_hands_back_what_waits_and_finishes_what_is_in_work() -> None:
    gate = Gate()
    worker = NewestWorker(gate.work, name="test")
    worker.put(1)
    assert gate.begun.acquire(timeout=10)
    worker.put(2)
    waiting, ended = worker.stop(0.01)
    assert (waiting, ended) == (2, False)
    gate.open.release()
    assert worker.stop(10) == (None, True)
    assert worker.put(3) == 3
    assert gate.done == [1]


def test_a_worker_without_work_ends_at_once() -> None:
    assert NewestWorker(print, name="test").stop(10) == (None, True)


def test_an_error_does_not_end_the_work(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()

    def work(job: int) -> None:
        gate.work(job)
        if job == 1:
            raise LookupError("one job")

    worker = NewestWorker(work, name="test")
    with caplog.at_level(logging.ERROR):
        for job in (1, 2):
            worker.put(job)
            assert gate.begun.acquire(timeout=10)
            gate.open.release()
        assert worker.stop(10) == (None, True)
    assert gate.done == [1, 2]
    assert "LookupError: one job" in caplog.text
