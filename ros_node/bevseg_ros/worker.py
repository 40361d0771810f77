"""A thread that works on the newest thing only: what waits when a newer one comes is handed back as superseded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Job = TypeVar("Job")

_logger = logging.getLogger(__name__)


class NewestWorker(Generic[Job]):
    """One thread, one waiting place.

    `put` never waits: neither for the work nor for the one who works.
    """

    def __init__(self, work: Callable[[Job], None], *, name: str) -> None:
        """Starts the thread; `work` is called there with each job; an error of it is logged."""
        self._work = work
        self._changed = threading.Condition()
        self._waiting: Job | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, job: Job) -> Job | None:
        """Hands a job over.

        Returns:
            The job that will not be done for it: the one that waited, or, once stopped, the new one.
        """
        with self._changed:
            if self._stopped:
                return job
            superseded, self._waiting = self._waiting, job
            self._changed.notify()
            return superseded

    def stop(self, timeout_s: float) -> tuple[Job | None, bool]:
        """Takes no more jobs and waits for the one in work.

        Returns:
            The job that still waited, which will not be done, and whether the thread has ended in time.
        """
        with self._changed:
            self._stopped = True
            waiting, self._waiting = self._waiting, None
            self._changed.notify()
        self._thread.join(timeout_s)
        return waiting, not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is not None or self._stopped)
                job, self._waiting = self._waiting, None
            if job is None:
                return
            try:
                self._work(job)
            except Exception:  # one defect must not end all work to come
                _logger.exception("a job ended with an error")
