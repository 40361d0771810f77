"""Many pieces of work on several processes, one thread each, which are gone at once whatever ends the work.

Other than `multiprocessing.Pool` this neither hangs when a worker is killed (as by a system out of memory) nor leaves
workers behind when the parent is: each has a pipe of its own to the parent, without locks, and leaves when it breaks.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any, Generic, NoReturn, TypeVar

from bevseg.allocator import keep_freed_memory
from bevseg.interruption import interrupts_held_back

Item = TypeVar("Item")
Result = TypeVar("Result")

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_PATIENCE_S = 20.0
"""How long a worker may take to leave: a tenth of a second, but for a machine that has no time for it. One that is
killed then leaves what it has half written."""


class WorkerDiedError(OSError):
    """A worker ended in the middle of its work, as one does that the system kills when memory runs out."""


class WorkerTraceback(Exception):  # noqa: N818 (it is only ever the cause of an error)
    """Where in a worker an error came from; the cause of that error in this process."""


def usable_cores() -> int:
    """Cores that this process may run on, which may be fewer than the machine has."""
    return len(os.sched_getaffinity(0))


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes started meanwhile inherit an environment in which maths libraries start no thread for every core.

    They read it when they are loaded, so setting it in the new process itself would be too late.
    """
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(_ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def work_off(
    job: Callable[[Item], object],
    runs: Iterable[Sequence[Item]],
    workers: int,
    *,
    done: Callable[[], object] = lambda: None,
) -> None:
    """Calls `job(item)` for every item of every run; returns when all are done.

    The runs are begun in order. As results stay where `job` puts them, memory does not grow with the number of items.

    Args:
        job: Picklable; every process gets it once, and may keep in it what the next items need again.
        runs: The items of a run are best done by one process, one after the other, as they share what is dear to make;
            a process without work takes half of what is left of the longest run.
        workers: Processes; 1 does all of it in this process.
        done: Called in this process after each item.

    Raises:
        WorkerDiedError: A worker was killed.
        Exception: The first that `job` raised; what other workers were doing then is broken off.
    """
    waiting = deque(deque(run) for run in runs if run)
    workers = min(workers, sum(map(len, waiting)))
    if workers <= 1:
        for item in (item for run in waiting for item in run):
            job(item)
            done()
        return
    crew: list[_Worker[Item]] = []
    try:
        with one_thread_each(), interrupts_held_back():
            crew.extend(_Worker.start(job) for _ in range(workers))
        _keep_busy(crew, waiting, done)
    finally:
        for worker in crew:
            worker.process.terminate()
        for worker in crew:
            worker.leave()


def in_order(job: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Generator[Result, None, None]:
    """What `job` makes of each item, in the order of the items, which are taken only as they are needed.

    Two results a worker are kept at most, so that memory does not grow with the number of items.

    Args:
        job: Picklable; every process gets it once. So are items and results, which go through pipes.
        items: Taken in this process.
        workers: Processes; 1 does all of it in this process.

    Raises:
        WorkerDiedError: A worker was killed.
        Exception: The first that `job` raised.
    """
    if workers <= 1:
        yield from map(job, items)
        return
    crew: list[_Worker[Item]] = []
    try:
        with one_thread_each(), interrupts_held_back():
            crew.extend(_Worker.start(job, returns=True) for _ in range(workers))
        yield from _results_in_order(crew, items)
    finally:
        for worker in crew:
            worker.process.terminate()
        for worker in crew:
            worker.leave()


def _results_in_order(crew: Sequence[_Worker[Item]], items: Iterable[Item]) -> Iterator[Any]:
    waiting, idle = enumerate(items), deque(crew)
    busy: dict[Any, tuple[_Worker[Item], int]] = {}
    made: dict[int, Any] = {}
    first = 0
    while True:
        while idle and len(busy) + len(made) < 2 * len(crew):
            following = next(waiting, None)
            if following is None:
                break
            worker, index = idle.popleft(), following[0]
            worker.give(following[1])
            busy[worker.pipe] = (worker, index)
        if first in made:
            yield made.pop(first)
            first += 1
        elif busy:
            for pipe in wait(list(busy)):
                worker, index = busy.pop(pipe)
                made[index] = worker.check()
                idle.append(worker)
        else:
            return


def _keep_busy(crew: Sequence[_Worker[Item]], waiting: deque[deque[Item]], done: Callable[[], object]) -> None:
    idle = list(crew)
    busy: dict[Any, _Worker[Item]] = {}
    while True:
        for worker in idle:
            if worker.give_next(waiting, crew):
                busy[worker.pipe] = worker
        if not busy:
            return
        idle = [busy.pop(pipe) for pipe in wait(list(busy))]
        for worker in idle:
            worker.check()
            done()


@dataclass(eq=False)
class _Worker(Generic[Item]):
    """A process as its parent sees it; `own` is the rest of the run it works on."""

    process: BaseProcess
    pipe: Connection
    own: deque[Item] = field(default_factory=deque)

    @classmethod
    def start(cls, job: Callable[[Item], object], *, returns: bool = False) -> _Worker[Item]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(job, theirs, returns), daemon=True)
        process.start()
        theirs.close()  # so that the pipe breaks when the worker ends
        return cls(process, ours)

    def give_next(self, waiting: deque[deque[Item]], crew: Sequence[_Worker[Item]]) -> bool:
        """Hands out one item; False where nothing is left."""
        if not self.own and waiting:
            self.own = waiting.popleft()
        if not self.own:
            longest = max(crew, key=lambda worker: len(worker.own)).own
            self.own.extendleft([longest.pop() for _ in range((len(longest) + 1) // 2)])
        if not self.own:
            return False
        self.give(self.own.popleft())
        return True

    def give(self, item: Item) -> None:
        """Hands out an item."""
        try:
            self.pipe.send(item)
        except OSError:
            self._tell_of_death()

    def check(self) -> Any:
        """Takes the answer to an item: its result, where results are wanted; raises what the item raised."""
        try:
            answer = self.pipe.recv()
        except (EOFError, OSError):
            self._tell_of_death()
        if isinstance(answer, _Failure):
            raise answer.error from WorkerTraceback(answer.trace)
        return answer

    def leave(self) -> None:
        """Waits until the process, which was asked to end, has ended."""
        self.process.join(_PATIENCE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.pipe.close()

    def _tell_of_death(self) -> NoReturn:
        self.process.join(_PATIENCE_S)
        raise WorkerDiedError(
            f"a worker process ended with exit code {self.process.exitcode} before its work was done; "
            "-9 is what the system does when memory runs out: try fewer workers"
        )


@dataclass(frozen=True)
class _Failure:
    """What a job raised; `trace` is the traceback as text, as tracebacks cannot be pickled."""

    error: Exception
    trace: str


def _serve(job: Callable[[Item], object], pipe: Connection, returns: bool) -> None:
    """Runs in a worker: does item after item until the parent is gone or says SIGTERM."""
    signal.signal(signal.SIGTERM, _leave)
    keep_freed_memory()  # the next item needs as large arrays as the one before
    while True:
        try:
            item = pipe.recv()
        except EOFError:
            return
        answer = _attempt(job, item)
        try:
            pipe.send(answer if returns or isinstance(answer, _Failure) else None)
        except OSError:
            return


def _attempt(job: Callable[[Item], object], item: Item) -> object:
    """What the job makes of an item, or its `_Failure`."""
    try:
        return job(item)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            error = RuntimeError(f"{type(error).__name__}: {error}")
        return _Failure(error, traceback.format_exc())


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """Ends the worker by an exception, so that it removes the file that it has half written."""
    sys.exit(128 + number)
