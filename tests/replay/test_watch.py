from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from bevseg.datasets.folder import FolderSource
from bevseg.datasets.source import Source
from bevseg.replay.watch import Watch


def _write(folder: Path, name: str, *, age_s: float = 10.0) -> None:
    np.zeros((5, 4), np.float32).tofile(folder / name)
    os.utime(folder / name, (time.time() - age_s,) * 2)


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
    _write(tmp_path, "1.bin", age_s=0.0)
    assert list(_watch(tmp_path, idle_s=0.1).new_frames(len)) == [0]


def test_watching_can_be_stopped(tmp_path: Path) -> None:
    _write(tmp_path, "0.bin")
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 1

    assert list(_watch(tmp_path, idle_s=60.0).new_frames(len, stop=stop)) == [0]
