"""Tests of `bevseg.interruption`."""

from __future__ import annotations

import codecs
import os
import signal
import threading
from typing import Any

import pytest

from bevseg.interruption import StopRequest, Terminated, with_consequence, words_of


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


@pytest.mark.parametrize(("kind", "how"), [(KeyboardInterrupt, "interrupted"), (Terminated, "terminated")])
def test_what_an_interruption_leaves_is_told_wherever_it_came(kind: type[KeyboardInterrupt], how: str) -> None:
    def interrupted(_: Any, __: str = "strict", /) -> tuple[str, int]:
        raise kind

    def search(name: str) -> codecs.CodecInfo | None:
        return codecs.CodecInfo(codecs.ascii_encode, interrupted, name=name) if name == "interrupted" else None

    codecs.register(search)
    try:
        with pytest.raises(kind) as stop:
            b"text".decode("interrupted")
    finally:
        codecs.unregister(search)
    assert words_of(stop.value) == how
    again = with_consequence(stop.value, ": 'a.mp4' was not written")
    assert type(again) is kind
    assert words_of(again) == f"{how}: 'a.mp4' was not written"
