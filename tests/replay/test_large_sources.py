"""Large recordings: opening one reads a few files however many there are, and playing it keeps none of them."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bevseg.commands.long_recordings import Layout, write_long
from bevseg.datasets.open import open_source
from bevseg.replay.frames import Frame
from bevseg.replay.recording import Predictor, Recording
from bevseg.replay.truth import TruthScenes

FRAMES = 3000
_FEW = 12


class Opened:
    """Counts the files that are opened, from when it is switched on."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.counting = False
        sys.addaudithook(self._hear)  # cannot be taken away again, so it is switched off

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.counting and event == "open":
            self.paths.append(str(arguments[0]))

    def during(self, action: Callable[[], Any]) -> Any:
        self.paths.clear()
        self.counting = True
        try:
            return action()
        finally:
            self.counting = False


@pytest.fixture(scope="module")
def opened() -> Opened:
    return Opened()


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Layout], Path]:
    """`long(layout)`: one scan under many names, made once."""
    return cache(lambda layout: write_long(layout, FRAMES, tmp_path_factory.mktemp(layout)))


@pytest.mark.parametrize("layout", ["points", "kitti-object", "kitti-tracking", "semantic-kitti"])
def test_opening_and_the_first_frame_read_a_few_files(
    long: Callable[[Layout], Path], opened: Opened, layout: Layout
) -> None:
    path = long(layout)

    def first_frame() -> tuple[int, object]:
        recording = Recording(open_source(path).source, (Predictor("truth", TruthScenes().predict),))
        return len(recording), recording.read(0)

    first_frame()  # packages are imported
    total, frame = opened.during(first_frame)
    assert total == FRAMES
    assert isinstance(frame, Frame)
    data = {name for name in opened.paths if name.startswith(str(path)) and Path(name).is_file()}
    assert 1 <= len(data) <= _FEW, sorted(data)[:20]


@pytest.mark.parametrize("layout", ["points", "semantic-kitti"])
def test_playing_keeps_no_frame(long: Callable[[Layout], Path], layout: Layout) -> None:
    recording = Recording(open_source(long(layout)).source, (Predictor("truth", TruthScenes().predict),))
    for index in range(30):  # as far as trails reach back
        frame = recording.read(index)
    assert isinstance(frame, Frame)
    tracemalloc.start()
    try:
        recording.read(30)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for index in range(31, 91):
            recording.read(index)
        gc.collect()  # what lies in cycles is kept only until then
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < frame.cloud.xyz.nbytes * 10  # ten scans of the sixty
