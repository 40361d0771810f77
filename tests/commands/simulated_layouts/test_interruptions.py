"""Whatever ends a run, what is on disk is whole, and the next run goes on from there to the same bytes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bevseg.cli import main

if TYPE_CHECKING:
    from tests.commands.simulated_layouts.conftest import Layout

RunUntil = Callable[[str, list[str]], subprocess.CompletedProcess[str]]

STOP_AFTER = 3
RUN_UNTIL = f"""
import os, signal, sys
from bevseg.cli import main
from bevseg.commands import simulate

write = simulate.write_simulated

def write_and_stop(args, config, progress):
    def count(done, total):
        progress(done, total)
        if done == {STOP_AFTER}:
            if sys.argv[1] == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            os.killpg(0, signal.SIGINT)  # as a terminal does at Ctrl-C
    write(args, config, count)

simulate.write_simulated = write_and_stop
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start what runs in the background without it
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def run_until(
    until_all_have_left: Callable[[int], None],
) -> RunUntil:
    """Runs the command line in a process that is stopped after some scans; ends when its workers have, too."""

    def run(how: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", RUN_UNTIL, how, *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        said = process.communicate(timeout=300)
        until_all_have_left(process.pid)
        return subprocess.CompletedProcess(command, process.returncode, *said)

    return run


@pytest.mark.parametrize("layout", ["drive", "rosbag"], indirect=True)
def test_two_workers_write_the_same_bytes(
    layout: Layout, whole: dict[str, str], tmp_path: Path, contents: Callable[[Path], dict[str, str]]
) -> None:
    assert layout.run(tmp_path / "out", workers=2) == 0
    assert contents(tmp_path / "out") == whole


def test_a_killed_run_goes_on_to_the_same_bytes(
    layout: Layout,
    whole: dict[str, str],
    tmp_path: Path,
    contents: Callable[[Path], dict[str, str]],
    run_until: RunUntil,
) -> None:
    arguments = layout.arguments(tmp_path / "out", workers=2)
    assert run_until("kill", arguments).returncode == -signal.SIGKILL
    begun = contents(tmp_path / "out")
    finished = {path: found for path, found in begun.items() if path in whole}
    assert finished.items() <= whole.items()  # what has its final name is whole, whichever worker has made it
    assert finished != whole
    assert layout.run(tmp_path / "out") == 0
    assert contents(tmp_path / "out") == whole


@pytest.mark.parametrize("layout", ["nuscenes", "rosbag"], indirect=True)
def test_ctrl_c_leaves_one_line_and_no_process(
    layout: Layout,
    whole: dict[str, str],
    tmp_path: Path,
    contents: Callable[[Path], dict[str, str]],
    run_until: RunUntil,
) -> None:
    stopped = run_until("interrupt", layout.arguments(tmp_path / "out", workers=2))
    assert stopped.returncode == 130
    said = "bevseg: interrupted; what is done is kept, and the same command goes on from there"
    assert stopped.stderr.splitlines() == [said]
    assert list(tmp_path.rglob("*.tmp")) == []
    assert layout.run(tmp_path / "out") == 0
    assert contents(tmp_path / "out") == whole


def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(
    layout: Layout,
    whole: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    contents: Callable[[Path], dict[str, str]],
    full_disk: Callable[[Path, int], AbstractContextManager[None]],
) -> None:
    arguments = layout.arguments(tmp_path / "out")
    failures = 0
    for files in (0, 1, 4, 9, 15, 30, 60):
        with full_disk(tmp_path, files):
            if main(arguments) == 0:
                break
        said = capsys.readouterr().err
        assert "no room for the rest of" in said
        assert "(No space left on device); make room and run the same again" in said
        assert said.count("\n") == 1
        assert list(tmp_path.rglob("*.tmp")) == []
        failures += 1
    assert failures >= 3
    assert main(arguments) == 0
    assert contents(tmp_path / "out") == whole
