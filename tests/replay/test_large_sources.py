"""Large recordings: opening one reads a few files however many there are, and playing it keeps none of them."""

from __future__ import annotations

import gc
import os
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bevseg.datasets.open import open_source
from bevseg.replay.frames import Frame
from bevseg.replay.recording import Predictor, Recording
from bevseg.replay.truth import TruthScenes

FRAMES = 3000
_FEW = 12

_CALIBRATION = """P0: 1 0 0 0 0 1 0 0 0 0 1 0
P1: 1 0 0 0 0 1 0 0 0 0 1 0
P2: 1 0 0 0 0 1 0 0 0 0 1 0
P3: 1 0 0 0 0 1 0 0 0 0 1 0
R0_rect: 1 0 0 0 1 0 0 0 1
Tr_velo_to_cam: 0 -1 0 0 0 0 -1 -0.08 1 0 0 -0.27
Tr_imu_to_velo: 1 0 0 -0.81 0 1 0 0.32 0 0 1 -0.8
Tr: 0 -1 0 0 0 0 -1 -0.08 1 0 0 -0.27
"""
_CAR = "Car 0 0 1.57 587 173 614 200 1.65 1.67 3.64 -0.65 1.71 16.70 -1.59"


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
def layouts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each layout with one scan under many names."""
    root = tmp_path_factory.mktemp("large")
    scan = np.zeros((500, 4), np.float32)
    scan[:, 0], scan[:, 1], scan[:, 2] = 16.7 + 0.1 * np.sin(np.arange(500)), np.linspace(-30, 30, 500), -1.5
    scan.tofile(root / "scan")
    np.full(500, 40, np.uint32).tofile(root / "labels")
    (root / "calibration").write_text(_CALIBRATION)
    (root / "car").write_text(_CAR + "\n")
    _link(root / "scan", root / "points", ".bin")
    for kind, suffix in (("scan", "velodyne/*.bin"), ("car", "label_2/*.txt"), ("calibration", "calib/*.txt")):
        _link(root / kind, (root / "kitti" / "training" / suffix).parent, suffix[-4:])
    tracking = root / "tracking" / "training"
    _link(root / "scan", tracking / "velodyne" / "0000", ".bin")
    for folder in ("label_02", "calib", "oxts"):
        (tracking / folder).mkdir()
    (tracking / "calib" / "0000.txt").write_text(_CALIBRATION)
    (tracking / "label_02" / "0000.txt").write_text("".join(f"{k} 0 {_CAR}\n" for k in range(FRAMES)))
    (tracking / "oxts" / "0000.txt").write_text("".join(f"49.{k:06d} 8.43 116 0 0 0\n" for k in range(FRAMES)))
    drive = root / "semantic" / "sequences" / "00"
    _link(root / "scan", drive / "velodyne", ".bin")
    _link(root / "labels", drive / "labels", ".label")
    (drive / "calib.txt").write_text(_CALIBRATION)
    (drive / "poses.txt").write_text("".join(f"1 0 0 0 0 1 0 0 0 0 1 {k}\n" for k in range(FRAMES)))
    return root


def _link(file: Path, folder: Path, suffix: str) -> None:
    folder.mkdir(parents=True)
    for k in range(FRAMES):
        os.link(file, folder / f"{k:06d}{suffix}")


@pytest.mark.parametrize("layout", ["points", "kitti", "tracking", "semantic"])
def test_opening_and_the_first_frame_read_a_few_files(layouts: Path, opened: Opened, layout: str) -> None:
    def first_frame() -> tuple[int, object]:
        recording = Recording(open_source(layouts / layout).source, (Predictor("truth", TruthScenes().predict),))
        return len(recording), recording.read(0)

    first_frame()  # packages are imported
    total, frame = opened.during(first_frame)
    assert total == FRAMES
    assert isinstance(frame, Frame)
    data = {path for path in opened.paths if path.startswith(str(layouts)) and Path(path).is_file()}
    assert 1 <= len(data) <= _FEW, sorted(data)[:20]


@pytest.mark.parametrize("layout", ["points", "semantic"])
def test_playing_keeps_no_frame(layouts: Path, layout: str) -> None:
    recording = Recording(open_source(layouts / layout).source, (Predictor("truth", TruthScenes().predict),))
    for index in range(30):  # as far as trails reach back
        recording.read(index)
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
    assert after - before < 500 * 16 * 10  # ten scans of the sixty
