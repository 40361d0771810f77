from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bevseg.datasets.folder import FolderSource
from bevseg.datasets.source import Source
from bevseg.replay import watch
from bevseg.replay.watch import Watch


def _write(folder: Path, name: str, *, age_s: float = 10.0) -> None:
    np.zeros((5, 4), np.float32).tofile(folder / name)
    os.utime(folder / name, (time.time() - age_s,) * 2)


class HeldUp:
    """A clock that shows half a minute more whenever it is asked, as in a process that others leave no time."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 30.0
        return self.now_s


def _watch(folder: Path, *, idle_s: float = 0.3) -> Watch:
    return Watch(folder, lambda: FolderSource(folder), idle_s=idle_s, settle_s=1.0, every_s=0.01)


def test_frames_are_shown_once_as_they_come(tmp_path: Path) -> None:
    _write(tmp_path, "0.bin")
    _write(tmp_path, "1.bin")
    lengths: list[int] = []

    def opened(source: Source) -> None:
        lengths.append(len(source))

    frames = _watch(tmp_path).new_frames(opened)
    assert [next(frames), next(frames)] == [0, 1]
    _write(tmp_path, "2.bin")
    assert list(frames) == [2], "and then nothing more came"
    assert lengths[0] == 2
    assert lengths[-1] == 3


def test_a_file_that_may_still_be_written_to_waits(tmp_path: Path) -> None:
    _write(tmp_path, "0.bin")
    _write(tmp_path, "1.bin", age_s=-3600.0)  # written to after the last look, however long that took
    assert list(_watch(tmp_path, idle_s=0.1).new_frames(len)) == [0]


def test_what_came_before_the_last_look_is_shown_however_late_that_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=HeldUp(), time=time.time, sleep=time.sleep))
    _write(tmp_path, "0.bin")
    frames = _watch(tmp_path, idle_s=1.0).new_frames(len)
    assert next(frames) == 0
    _write(tmp_path, "1.bin")
    assert list(frames) == [1]


def test_a_name_without_a_file_is_passed_over(tmp_path: Path) -> None:
    _write(tmp_path, "0.bin")
    (tmp_path / ".1.bin.tmp").symlink_to(tmp_path / "gone")
    assert list(_watch(tmp_path, idle_s=0.05).new_frames(len)) == [0]


def test_watching_can_be_stopped(tmp_path: Path) -> None:
    _write(tmp_path, "0.bin")
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 1

    assert list(_watch(tmp_path, idle_s=60.0).new_frames(len, stop=stop)) == [0]
