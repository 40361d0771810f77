"""Tests of `bevseg.interruption`."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from bevseg.interruption import StopRequest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_is_noted_and_the_second_acts_as_before(number: signal.Signals) -> None:
    acted: list[int] = []
    before = signal.signal(number, lambda caught, frame: acted.append(caught))
    try:
        with StopRequest() as stop:
            assert stop.signal_name is None
            os.kill(os.getpid(), number)
            assert stop.signal_name == number.name
            assert acted == []
            os.kill(os.getpid(), number)
            assert acted == [number]
        os.kill(os.getpid(), number)
        assert acted == [number, number]
    finally:
        signal.signal(number, before)


def test_handlers_are_restored_without_a_signal() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopRequest():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_outside_the_main_thread_nothing_is_caught() -> None:
    before, seen = signal.getsignal(signal.SIGTERM), []

    def enter() -> None:
        with StopRequest() as stop:
            seen.append((signal.getsignal(signal.SIGTERM) is before, stop.signal_name))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [(True, None)]
