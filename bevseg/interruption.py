"""SIGTERM and SIGINT as a wish to stop at the next safe place, and held back where they would do harm."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType, TracebackType
from typing import Any


class Terminated(KeyboardInterrupt):
    """SIGTERM, as an exception that ends what Ctrl-C ends."""


def with_consequence(stop: KeyboardInterrupt, consequence: str) -> KeyboardInterrupt:
    """An interruption to be raised in the place of `stop`, which says what it leaves behind."""
    return type(stop)(_how(stop), consequence)


def words_of(stop: KeyboardInterrupt) -> str:
    """Interrupted or terminated, and what that leaves behind.

    A single argument is not ours: Python makes one up of an exception that comes while text is coded, "decoding with
    'ascii' codec failed".
    """
    return _how(stop) + (str(stop.args[1]) if len(stop.args) == 2 else "")


def _how(stop: KeyboardInterrupt) -> str:
    return "terminated" if isinstance(stop, Terminated) else "interrupted"


class StopRequest:
    """While entered, the first SIGTERM or SIGINT only sets `signal_name`; a second one acts as it did before.

    Outside the main thread signals cannot be caught, and nothing is changed.
    """

    def __init__(self) -> None:
        self.signal_name: str | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for caught in (signal.SIGTERM, signal.SIGINT):
                self._before[caught] = signal.signal(caught, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal_name = signal.Signals(number).name
        self._restore()

    def _restore(self) -> None:
        for caught, handler in self._before.items():
            signal.signal(caught, handler)
        self._before = {}


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Ctrl-C reaches all processes of a terminal; those started meanwhile never see it, as they inherit the mask.

    Here it takes effect at the end, and so does SIGTERM: a worker that is left half started complains of it. The mask
    alone is no help against that where there are other threads, which take the signal in.
    """
    resource_tracker.ensure_running()  # starting it with the first worker would lift the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    held: list[int] = []
    in_main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if in_main else ()
    handlers = {number: signal.signal(number, lambda caught, _: held.append(caught)) for number in numbers}
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for caught in held[:1]:
            signal.raise_signal(caught)
