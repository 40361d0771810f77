"""`bevseg eval` killed in the middle: the same command goes on, and the figures are those of one that was not.

The last frame is a pipe that nobody writes to, so that a run stops there and waits to be killed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bevseg.cli import main
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.generate import frame_path, generate

FRAMES = 5
LAST = FRAMES - 1
PATIENCE_S = 300.0
"""Only so that a hang ends."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames, and under `output` an evaluation that nobody interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    generate(SimulationConfig(seed=5, sensors=("vlp-16",), range_m=30.0, density=(0.5, 0.6)), folder / "frames", FRAMES)
    assert main([*command(folder), "--workers", "1"]) == 0
    return folder


@pytest.fixture
def stuck(whole: Path, tmp_path: Path) -> Path:
    """A copy of the frames, less the last."""
    shutil.copytree(whole / "frames", tmp_path / "frames")
    pipe = frame_path(tmp_path / "frames", LAST)
    pipe.unlink()
    os.mkfifo(pipe)
    return tmp_path


def command(folder: Path) -> list[str]:
    frames, output = str(folder / "frames"), str(folder / "output")
    return ["eval", "--head", "clusters", "--simulated", frames, "--output", output, "--no-report"]


def scores(folder: Path) -> list[str]:
    return sorted(file.name for file in (folder / "output").glob("scores/simulated/[0-9]*"))


def start_and_wait_until_it_is_stuck(folder: Path, workers: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bevseg", *command(folder), "--workers", f"{workers}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + PATIENCE_S
    while len(scores(folder)) < LAST:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    return process


def workers_of(parent: int) -> list[int]:
    """Those that compute; another child, which looks after shared resources, leaves with the last of them."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    lines = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    return [child for child, line in lines.items() if b"spawn_main" in line]


def let_go(folder: Path) -> None:
    """Puts the frame in the place of the pipe, and ends the wait of whoever still reads from it."""
    pipe = frame_path(folder / "frames", LAST)
    reader = pipe.with_name("pipe")
    pipe.rename(reader)
    try:
        os.close(os.open(reader, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:  # nobody does
        return
    finally:
        reader.unlink()


def figures(folder: Path) -> dict[str, Any]:
    metrics: dict[str, Any] = json.loads((folder / "output" / "metrics.json").read_text())
    for source in metrics["sources"]:
        assert source.pop("timings_ms")["total"]["p50"] > 0
    return metrics


def resume(folder: Path, whole: Path, workers: int) -> None:
    """Goes on with the whole set of frames; the folder is called what it was called before."""
    shutil.copy(frame_path(whole / "frames", LAST), frame_path(folder / "frames", LAST))
    before = {name: (folder / "output/scores/simulated" / name).stat().st_mtime_ns for name in scores(folder)}
    left = folder / "output" / "scores" / "simulated" / f".{LAST:06d}.safetensors.1.tmp"
    left.write_bytes(b"half")
    assert main([*command(folder), "--workers", f"{workers}"]) == 0
    after = {name: (folder / "output/scores/simulated" / name).stat().st_mtime_ns for name in scores(folder)}
    assert not left.exists()
    assert {name: after[name] for name in before} == before
    assert len(after) == FRAMES
    assert figures(folder) == figures(whole)


@pytest.mark.parametrize(
    ("number", "workers", "then", "code"),
    [
        (signal.SIGINT, 2, 1, 130),
        (signal.SIGTERM, 2, 1, 143),
        (signal.SIGKILL, 1, 2, -signal.SIGKILL),
    ],
)
def test_a_killed_run_goes_on(
    stuck: Path, whole: Path, number: signal.Signals, workers: int, then: int, code: int
) -> None:
    process = start_and_wait_until_it_is_stuck(stuck, workers)
    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE_S) if number == signal.SIGINT else ("", "")
    assert process.wait(PATIENCE_S) == code
    assert "Traceback" not in said
    let_go(stuck)
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()
    assert scores(stuck) == [f"{frame:06d}.safetensors" for frame in range(LAST)]
    assert not (stuck / "output" / "metrics.json").exists()
    resume(stuck, whole, then)


def test_a_run_without_output_leaves_no_scratch_folder(stuck: Path) -> None:
    scratch = stuck / "scratch"
    scratch.mkdir()
    arguments = ["eval", "--head", "clusters", "--simulated", str(stuck / "frames"), "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "bevseg", *arguments],
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    end = time.monotonic() + PATIENCE_S
    while not list(scratch.glob("bevseg-eval-*/scores/simulated/*")):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    process.terminate()
    assert process.wait(PATIENCE_S) == 143
    let_go(stuck)
    assert not list(scratch.glob("bevseg-*"))


def test_a_killed_worker_ends_the_run_which_goes_on(stuck: Path, whole: Path) -> None:
    process = start_and_wait_until_it_is_stuck(stuck, 2)
    for worker in workers_of(process.pid):
        os.kill(worker, signal.SIGKILL)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert "a worker process ended with exit code -9 before its work was done" in said
    let_go(stuck)
    resume(stuck, whole, 2)


def test_another_set_of_frames_in_the_same_folder_is_refused(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "frames"
    shutil.copytree(whole / "frames", other)
    arguments = ["eval", "--simulated", str(other), "--output", str(whole / "output")]
    assert main([*arguments, "--head", "clusters"]) == 2
    said = capsys.readouterr().err
    assert f"sources.simulated.from.path (there '{whole / 'frames'}', now '{other}')" in said
    assert main([*arguments, "--head", "clusters", "--corrupt", "fog:0.5"]) == 2
    assert "method.corruption (there None, now 'fog:0.5')" in capsys.readouterr().err


def test_damaged_scores_are_named_with_what_to_do(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(whole / "frames", tmp_path / "frames")
    assert main(command(tmp_path)) == 0
    damaged = tmp_path / "output" / "scores" / "simulated" / "000002.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    assert main(command(tmp_path)) == 2
    said = capsys.readouterr().err
    assert f"{damaged}: cannot be read" in said
    assert "remove it and the frame is scored again" in said
    damaged.unlink()
    assert main(command(tmp_path)) == 0
    assert figures(tmp_path) == figures(whole)
