"""Work on several processes. The jobs are `exec` and `Path.mkdir`, which a new process finds wherever tests lie."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bevseg import processes
from bevseg.processes import WorkerDiedError, WorkerTraceback, in_order, one_thread_each, usable_cores, work_off


@pytest.fixture(autouse=True)
def _nobody_is_left() -> object:
    yield
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_until_workers_have_started(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    """Another thread takes the signal in, so that it is not the mask of this one that holds it back."""
    arrived, notify = os.pipe()
    os.set_blocking(notify, False)
    whole: list[bool] = []

    class StoppedError(Exception):
        """What the signal is to raise."""

    def stop(_: int, __: object) -> None:
        raise StoppedError

    start = processes._Worker.start

    def slowly(*args: Any, **options: Any) -> Any:
        os.kill(os.getpid(), number)
        os.read(arrived, 1)
        worker = start(*args, **options)
        whole.append(True)
        return worker

    monkeypatch.setattr(processes._Worker, "start", slowly)
    before, quit_thread = signal.signal(number, stop), threading.Event()
    heard_before = signal.set_wakeup_fd(notify)
    thread = threading.Thread(target=quit_thread.wait)
    thread.start()
    try:
        with pytest.raises(StoppedError):
            list(in_order(len, ["a", "bc"], 2))
        assert signal.getsignal(number) is stop
    finally:
        quit_thread.set()
        thread.join()
        signal.set_wakeup_fd(heard_before)
        os.close(arrived)
        os.close(notify)
        signal.signal(number, before)
    assert whole == [True, True]


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_is_done_once(tmp_path: Path, workers: int) -> None:
    runs = [[tmp_path / f"{run}{item}" for item in range(size)] for run, size in enumerate((5, 0, 1, 2))]
    calls: list[None] = []
    work_off(Path.mkdir, runs, workers, done=lambda: calls.append(None))  # a folder cannot be made twice
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00", "01", "02", "03", "04", "20", "30", "31"]
    assert len(calls) == 8


def test_nothing_to_do() -> None:
    work_off(Path.mkdir, [[], []], 4)


def test_one_process_follows_a_run_until_another_has_no_work(tmp_path: Path) -> None:
    """The one that takes over the later half begins with item 10, and is held up there until item 1 is done."""
    hold_up = (
        "import pathlib, time\nend = time.monotonic() + 120\n"
        f"while not pathlib.Path({str(tmp_path / '1')!r}).exists():\n"
        "    assert time.monotonic() < end\n    time.sleep(.01)\n"
    )
    who = "import os, pathlib; pathlib.Path({!r}).write_text(str(os.getpid()))"
    jobs = [who.format(str(tmp_path / str(item))) for item in range(20)]
    work_off(exec, [[*jobs[:10], hold_up + jobs[10], *jobs[11:]]], 2)
    processes = [int((tmp_path / str(item)).read_text()) for item in range(20)]
    assert len(set(processes)) == 2
    assert os.getpid() not in processes
    assert processes[0] == processes[1]  # what is taken over is the later half


def test_workers_have_one_thread_and_the_environment_is_as_before(tmp_path: Path) -> None:
    before = dict(os.environ)
    tell = "import os, pathlib; pathlib.Path({!r}).write_text(os.environ['OMP_NUM_THREADS'])"
    work_off(exec, [[tell.format(str(tmp_path / name))] for name in "ab"], 2)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["1", "1"]
    assert dict(os.environ) == before
    with one_thread_each():
        assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    assert dict(os.environ) == before


def test_errors_arrive_with_the_place_they_come_from(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError) as caught:
        work_off(Path.mkdir, [[tmp_path], [tmp_path]], 2)
    assert caught.value.filename == str(tmp_path)
    assert isinstance(caught.value.__cause__, WorkerTraceback)
    assert "in mkdir" in str(caught.value.__cause__)


def test_errors_that_cannot_be_sent_arrive_as_text() -> None:
    local = "class Odd(Exception): pass\nraise Odd('so')"
    with pytest.raises(RuntimeError, match="Odd: so"):
        work_off(exec, [[local], [local]], 2)


def test_a_killed_worker_is_an_error_and_not_a_wait_for_ever() -> None:
    with pytest.raises(WorkerDiedError, match="exit code -9"):
        work_off(exec, [["import os; os.kill(os.getpid(), 9)"], ["pass"]], 2)


def test_what_others_have_half_written_goes_when_one_fails(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    write = (
        "import pathlib, time\n"
        "from bevseg.whole_files import unfinished_path\n"
        f"with unfinished_path(pathlib.Path({str(tmp_path / 'whole')!r})) as path:\n"
        f"    path.touch(); pathlib.Path({str(ready)!r}).touch(); time.sleep(600)"
    )
    fail = f"import pathlib, time\nwhile not pathlib.Path({str(ready)!r}).exists(): time.sleep(.01)\nraise ValueError"
    with pytest.raises(ValueError, match=r"^$"):
        work_off(exec, [[write], [fail]], 2)
    assert list(tmp_path.iterdir()) == [ready]


def test_it_works_outside_the_main_thread(tmp_path: Path) -> None:
    thread = threading.Thread(target=work_off, args=(Path.mkdir, [[tmp_path / "a"], [tmp_path / "b"]], 2))
    thread.start()
    thread.join()
    assert len(list(tmp_path.iterdir())) == 2


def test_cores_are_those_of_this_process() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    slow_first = ["__import__('time').sleep(.3) or 0", *(str(k) for k in range(1, 12))]
    assert list(in_order(eval, slow_first, workers)) == list(range(12))
    assert list(in_order(eval, [], workers)) == []


def test_items_are_taken_only_as_they_are_needed() -> None:
    taken: list[int] = []

    def items() -> Iterator[str]:
        for k in range(100):
            taken.append(k)
            yield str(k)

    results = in_order(eval, items(), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    assert len(taken) <= 3 + 4
    results.close()


def test_what_a_job_raises_ends_the_results() -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        list(in_order(eval, ["1", "1 / 0", "3"], 2))
    assert isinstance(raised.value.__cause__, WorkerTraceback)


def test_a_killed_worker_ends_the_results() -> None:
    with pytest.raises(WorkerDiedError, match="exit code -9"):
        list(in_order(eval, ["__import__('os').kill(__import__('os').getpid(), 9)"] * 3, 2))
