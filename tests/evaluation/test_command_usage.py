from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from bevseg.evaluation import command_usage
from bevseg.evaluation.command_usage import Usage, measure_command

CHILD = "held = bytearray(b'x') * 60_000_000; print(flush=True); input()"
PARENT = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
end = time.process_time() + 0.2
while time.process_time() < end:
    pass
held = bytearray(b"x") * 30_000_000
child.stdout.readline()
pathlib.Path(sys.argv[2]).touch()
while not pathlib.Path(sys.argv[3]).exists():
    time.sleep(0.01)
child.communicate(b"\\n")
print("done")
"""


def test_a_command_and_what_it_starts_are_measured_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both hold their memory until they have been looked at, however long that takes."""
    both_hold, seen = tmp_path / "both hold", tmp_path / "seen"
    held: list[bool] = []

    def pause(_: float) -> None:
        if any(held):  # at an earlier pause, so that memory was looked at since
            seen.touch()
        held.append(both_hold.exists())
        time.sleep(0.02)

    monkeypatch.setattr(command_usage, "time", SimpleNamespace(sleep=pause, perf_counter=time.perf_counter))
    usage = measure_command([sys.executable, "-c", PARENT, CHILD, str(both_hold), str(seen)])
    assert usage.output == b"done\n"
    assert 90 < usage.peak_mb < 200
    assert usage.wall_s > 0.2
    assert 0.2 < usage.cpu_s < usage.cores * usage.wall_s
    assert usage.runnable_s > 0.15


def test_shares_are_those_of_all_cores() -> None:
    usage = Usage(wall_s=10.0, cpu_s=12.0, runnable_s=25.0, cores=2, peak_mb=100.0, output=b"text")
    assert (usage.core_share, usage.runnable_share) == (0.6, 1.0)
    plain = usage.as_json()
    assert plain["core_share"] == 0.6
    assert "output" not in plain


def test_a_command_that_fails_is_an_error_with_what_it_said() -> None:
    with pytest.raises(OSError, match=r"ended with exit code 3: no frames"):
        measure_command([sys.executable, "-c", "import sys; sys.stderr.write('no frames'); sys.exit(3)"])
    with pytest.raises(FileNotFoundError):
        measure_command(["no-such-command"])


def test_a_system_that_does_not_tell_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_file", lambda self: False)
    with pytest.raises(OSError, match="by Linux alone"):
        measure_command([sys.executable, "-c", ""])
