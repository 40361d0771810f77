"""`bevseg replay` stopped in the middle of an export: nothing half done is left, and the same command does it anew."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bevseg import cli

FRAMES = 100
PATIENCE_S = 60.0
NEEDED = {"a.rrd": "rerun", "a.mcap": "rosbags", "bag": "rosbags"}


@pytest.fixture(scope="module")
def drive(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One scan under many names: enough of them to be stopped before the last."""
    folder = tmp_path_factory.mktemp("interrupted")
    for k in range(FRAMES):
        os.link(clip / "drive" / "000000.npz", folder / f"{k:06d}.npz")
    return folder


def _arguments(drive: Path, output: Path) -> list[str]:
    views = {".html": "web", ".rrd": "rerun", ".mcap": "mcap"}
    view = "mcap" if output.name == "bag" else views.get(output.suffix, "video")
    return ["replay", str(drive), "--truth", "--view", view, "--output", str(output), "--workers", "2"]


def _stopped(arguments: list[str], output: Path, number: signal.Signals) -> tuple[int, str]:
    """Starts the command, and stops it when its first bytes are written."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bevseg", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + PATIENCE_S
    while not _has_bytes(output):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(number)
    told, _ = process.communicate(timeout=PATIENCE_S)
    return process.returncode, told


def _has_bytes(output: Path) -> bool:
    """Whether what is beside the output holds something, be it a file or a folder of files."""
    left = list(output.parent.glob(f".{output.name}.*"))
    return any(path.is_file() for entry in left for path in (entry, *entry.rglob("*")))


@pytest.mark.parametrize(
    ("name", "number", "code"),
    [
        ("a.mp4", signal.SIGTERM, 143),
        ("pictures", signal.SIGTERM, 143),
        ("pictures", signal.SIGINT, 130),
        ("a.html", signal.SIGTERM, 143),
        ("a.html", signal.SIGINT, 130),
        ("a.rrd", signal.SIGTERM, 143),
        ("a.mcap", signal.SIGTERM, 143),
        ("bag", signal.SIGINT, 130),
    ],
)
def test_nothing_half_done_is_left(drive: Path, tmp_path: Path, name: str, number: signal.Signals, code: int) -> None:
    if name in NEEDED and importlib.util.find_spec(NEEDED[name]) is None:
        pytest.skip(f"needs {NEEDED[name]}")
    ended, told = _stopped(_arguments(drive, tmp_path / name), tmp_path / name, number)
    assert ended == code, told
    assert "Traceback" not in told
    how = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}[number]
    assert f"bevseg: {how}: '{tmp_path / name}' was not written" in told
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["pictures", "a.mp4"])
def test_what_kill_leaves_is_removed_by_the_next_export(drive: Path, tmp_path: Path, name: str) -> None:
    output = tmp_path / name
    ended, _ = _stopped(_arguments(drive, output), output, signal.SIGKILL)
    assert ended == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    time.sleep(0.5)  # its processes leave when they find it gone
    os.utime(left, (1.0, 1.0))
    assert cli.main([*_arguments(drive, output)[:-2], "--workers", "1", "--to", "1", "--json"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_signal_is_ours_only_while_a_command_runs(drive: Path, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    arguments = [*_arguments(drive, tmp_path / "a.mp4")[:-2], "--workers", "1", "--to", "0", "--json"]
    assert cli.main(arguments) == 0
    assert signal.getsignal(signal.SIGTERM) == before
