from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bevseg.evaluation.command_usage import Usage, measure_command

HOLD = "import time; held = bytearray(b'x' * {mb}_000_000); time.sleep(0.4)"


def test_a_command_and_what_it_starts_are_measured_together() -> None:
    child = HOLD.format(mb=60)
    code = (
        f"import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        f"end = time.process_time() + 0.2\n"
        f"while time.process_time() < end: pass\n"
        f"{HOLD.format(mb=30)}; child.wait(); print('done')"
    )
    usage = measure_command([sys.executable, "-c", code])
    assert usage.output == b"done\n"
    assert 90 < usage.peak_mb < 200
    assert usage.wall_s > 0.6
    assert 0.2 < usage.cpu_s < usage.cores * usage.wall_s
    assert usage.runnable_s > 0.15


def test_shares_are_those_of_all_cores() -> None:
    usage = Usage(wall_s=10.0, cpu_s=12.0, runnable_s=25.0, cores=2, memory_mb=(60.0, 100.0, 80.0), output=b"text")
    assert (usage.core_share, usage.runnable_share) == (0.6, 1.0)
    plain = usage.as_json()
    assert plain["core_share"] == 0.6
    assert plain["peak_mb"] == 100.0
    assert not {"output", "memory_mb"} & set(plain)


def test_memory_is_told_over_time_and_the_environment_is_handed_on() -> None:
    code = f"import os; {HOLD.format(mb=60)}; del held; print(os.environ['NAMED']); time.sleep(0.3)"
    environment = {**os.environ, "NAMED": "here"}
    usage = measure_command([sys.executable, "-c", code], interval_s=0.05, environment=environment)
    assert usage.output == b"here\n"
    assert 5 <= len(usage.memory_mb) <= usage.wall_s / 0.05 + 1
    assert usage.peak_mb == max(usage.memory_mb) > usage.memory_mb[-2] + 40


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
