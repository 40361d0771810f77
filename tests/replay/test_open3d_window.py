"""Open3D's window: what is told where it cannot open, and the window itself on a display of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bevseg.datasets.sample_file import write_sample
from bevseg.datasets.source import Source
from bevseg.replay.open3d_pictures import RendererError
from bevseg.replay.open3d_window import require_window

_LONG_S = 120.0


@pytest.fixture
def with_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":99")


def test_without_a_display_the_ways_without_one_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bevseg.replay.open3d_window.has_display", lambda: False)
    with pytest.raises(RendererError, match=r"there is no display.*--output FOLDER.*apt-get install xvfb"):
        require_window()


@pytest.mark.usefixtures("with_display")
def test_a_machine_that_opens_no_window_is_told_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bevseg.replay.open3d_window._PROBE", "raise RuntimeError('Unable to open X11 display.')")
    with pytest.raises(RendererError, match=r"Unable to open X11 display.*apt-get install libvulkan1.*--output FOLDER"):
        require_window()
    monkeypatch.setattr("bevseg.replay.open3d_window._PROBE", "import os; os.abort()")
    with pytest.raises(RendererError, match="it ended with -6"):
        require_window()
    monkeypatch.setattr("bevseg.replay.open3d_window._PROBE", "pass")
    require_window()


@pytest.mark.usefixtures("with_display")
def test_without_open3d_it_is_told_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bevseg.replay.open3d_window._PROBE", "raise ModuleNotFoundError(\"No module named 'open3d'\")")
    with pytest.raises(ModuleNotFoundError):
        require_window()


@pytest.fixture
def display() -> Iterator[str]:
    """A display without a screen, with the program that types and clicks on it."""
    missing = [program for program in ("Xvfb", "xdotool") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}: apt-get install xvfb xdotool")
    reads, writes = os.pipe()
    command = ["Xvfb", "-displayfd", str(writes), "-screen", "0", "800x600x24"]
    process = subprocess.Popen(command, pass_fds=(writes,), stderr=subprocess.DEVNULL)
    os.close(writes)
    with os.fdopen(reads) as answer:
        number = answer.readline().strip()
    yield f":{number}"
    process.terminate()
    process.wait()


@pytest.mark.open3d
def test_a_window_is_played_and_closed(
    drive: Source, display: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    try:
        require_window()
    except RendererError as error:
        pytest.skip(str(error))
    for index in range(3):
        write_sample(tmp_path / "drive" / f"{index:06d}.npz", drive[index])
    command = [sys.executable, "-m", "bevseg", "replay", str(tmp_path / "drive"), "--view", "open3d", "--json"]
    with subprocess.Popen(
        [*command, "--size", "640x480", "--frames", "0,1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            _do("search", "--sync", "--onlyvisible", "--name", "drive")
            time.sleep(2)  # until it has drawn
            _do("key", "h", "End", "v", "4")
            _do("mousemove", "400", "300", "click", "1")
            time.sleep(1)
            _do("key", "q")
            told, noted = process.communicate(timeout=_LONG_S)
        finally:
            process.kill()
    assert process.returncode == 0, noted
    assert '"drawn": [\n    2\n  ]' in told


def _do(*arguments: str) -> None:
    subprocess.run(["xdotool", *arguments], check=True, capture_output=True, timeout=_LONG_S)
