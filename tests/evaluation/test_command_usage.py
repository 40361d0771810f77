from __future__ import annotations

import os
import select
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from bevseg.evaluation import command_usage
from bevseg.evaluation.command_usage import Usage, measure_command

WAIT = """
import pathlib, sys, time
def tell_and_wait(told):
    pathlib.Path(told).touch()
    while not pathlib.Path(told + ".seen").exists():
        time.sleep(0.01)
"""
CHILD = "held = bytearray(b'x') * 60_000_000; print(flush=True); input()"
PARENT = f"""{WAIT}
import subprocess
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
end = time.process_time() + 0.2
while time.process_time() < end:
    pass
held = bytearray(b"x") * 30_000_000
child.stdout.readline()
tell_and_wait(sys.argv[2])
child.communicate(b"\\n")
print("done")
"""
LESS = f"""{WAIT}
import os
held = bytearray(b"x") * 60_000_000
tell_and_wait(sys.argv[1])
del held
tell_and_wait(sys.argv[2])
print(os.environ["NAMED"])
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files by which a command tells that its memory can be looked at: it is let go once it was, however late."""
    names = [str(tmp_path / name) for name in "ab"]
    before: set[str] = set()

    def wait(readers: list[int], *others: object) -> None:
        for name in before:  # told at an earlier wait, so that memory was looked at since
            Path(f"{name}.seen").touch()
        before.update(name for name in names if Path(name).exists())
        select.select(readers, [], [], 0.02)

    monkeypatch.setattr(command_usage, "select", SimpleNamespace(select=wait))
    return names


def test_a_command_and_what_it_starts_are_measured_together(told: list[str]) -> None:
    usage = measure_command([sys.executable, "-c", PARENT, CHILD, told[0]])
    assert usage.output == b"done\n"
    assert 90 < usage.peak_mb < 200
    assert usage.wall_s > 0.2
    assert 0.2 < usage.cpu_s < usage.cores * usage.wall_s
    assert usage.runnable_s > 0.15


def test_memory_is_told_over_time_and_the_environment_is_handed_on(told: list[str]) -> None:
    environment = {**os.environ, "NAMED": "here"}
    usage = measure_command([sys.executable, "-c", LESS, *told], environment=environment)
    assert usage.output == b"here\n"
    assert usage.peak_mb == max(usage.memory_mb) > usage.memory_mb[-1] + 40


def test_it_is_looked_at_as_often_as_is_asked_for() -> None:
    usage = measure_command([sys.executable, "-c", "import time; time.sleep(1.0)"], interval_s=0.1)
    assert 2 <= len(usage.memory_mb) <= usage.wall_s / 0.1 + 1


def test_shares_are_those_of_all_cores() -> None:
    usage = Usage(wall_s=10.0, cpu_s=12.0, runnable_s=25.0, cores=2, memory_mb=(60.0, 100.0, 80.0), output=b"text")
    assert (usage.core_share, usage.runnable_share) == (0.6, 1.0)
    plain = usage.as_json()
    assert plain["core_share"] == 0.6
    assert plain["peak_mb"] == 100.0
    assert not {"output", "memory_mb"} & set(plain)


def test_a_command_ends_with_whoever_measures_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(command_usage, "select", SimpleNamespace(select=interrupted))
    code = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(1000)"
    with pytest.raises(KeyboardInterrupt):
        measure_command([sys.executable, "-c", code, str(tmp_path / "pid")])
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_command_that_fails_is_an_error_with_what_it_said() -> None:
    with pytest.raises(OSError, match=r"ended with exit code 3: no frames"):
        measure_command([sys.executable, "-c", "import sys; sys.stderr.write('no frames'); sys.exit(3)"])
    with pytest.raises(OSError, match=r"ended with exit code 1: 2 frames of 3"):
        measure_command([sys.executable, "-c", "import sys; print('2 frames of 3'); sys.exit(1)"])
    with pytest.raises(FileNotFoundError):
        measure_command(["no-such-command"])


def test_a_system_that_does_not_tell_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_file", lambda self: False)
    with pytest.raises(OSError, match="by Linux alone"):
        measure_command([sys.executable, "-c", ""])
