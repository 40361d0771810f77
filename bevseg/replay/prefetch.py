"""Frames read ahead by a thread, a few at a time: playing is smooth and memory stays what it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Condition, Thread
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Prefetcher(Generic[Item]):
    """Reads one item after the other in a thread of its own; used in a `with` block.

    Attributes:
        ahead: Most items that are kept beside the one in use.
    """

    def __init__(self, read: Callable[[int], Item], *, ahead: int = 4) -> None:
        """Starts nothing yet.

        Args:
            read: Called by the thread alone, for one index after the other.
            ahead: How many items are read ahead.

        Raises:
            ValueError: `ahead` is below 1.
        """
        if ahead < 1:
            raise ValueError(f"ahead must be 1 or more, got {ahead}")
        self.ahead = ahead
        self._read = read
        self._changed = Condition()
        self._wanted: list[int] = []
        self._kept: dict[int, Item] = {}
        self._failure: BaseException | None = None
        self._closed = False
        self._thread = Thread(target=self._work, name="prefetch", daemon=True)

    def __enter__(self) -> Prefetcher[Item]:
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def get(self, index: int, upcoming: Sequence[int] = ()) -> Item:
        """The item of an index, waited for if need be; `upcoming` are those to be read meanwhile, the next first.

        Raises:
            Exception: What reading raised.
        """
        with self._changed:
            self._want(index, upcoming)
            self._changed.wait_for(lambda: index in self._kept or self._failure is not None)
            return self._kept_or_failed(index)

    def ready(self, index: int, upcoming: Sequence[int] = ()) -> Item | None:
        """As `get`, without waiting: None where the item is still to be read."""
        with self._changed:
            self._want(index, upcoming)
            if index not in self._kept and self._failure is None:
                return None
            return self._kept_or_failed(index)

    def peek(self, index: int) -> Item | None:
        """The item of an index if it is kept; nothing is read for it."""
        with self._changed:
            return self._kept.get(index)

    def _want(self, index: int, upcoming: Sequence[int]) -> None:
        wanted = [index, *[k for k in upcoming if k != index][: self.ahead]]
        if wanted != self._wanted:
            self._wanted = wanted
            self._kept = {k: item for k, item in self._kept.items() if k in wanted}
            self._changed.notify_all()

    def _kept_or_failed(self, index: int) -> Item:
        if index not in self._kept and self._failure is not None:
            raise self._failure
        return self._kept[index]

    def _next(self) -> int | None:
        return next((k for k in self._wanted if k not in self._kept), None)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._next() is not None)
                index = self._next()
                if self._closed or index is None:
                    return
            try:
                item = self._read(index)
            except BaseException as error:
                with self._changed:
                    self._failure = error
                    self._changed.notify_all()
                return
            with self._changed:
                if index in self._wanted:
                    self._kept[index] = item
                self._changed.notify_all()
