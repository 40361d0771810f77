"""Every layout that `bevseg simulate` writes, with a street that is quickly made, and a disk that fills up."""

from __future__ import annotations

import builtins
import contextlib
import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bevseg.cli import main
from bevseg.configuration import dump_yaml
from bevseg.simulation.config import SimulationConfig

_LAYOUTS = {
    "bevseg": [],
    "drive": ["--drive"],
    "nuscenes": ["--format", "nuscenes", "--scenes", "2"],
    "kitti": ["--format", "kitti"],
    "semantic-kitti": ["--format", "semantic-kitti"],
    "rosbag": ["--format", "rosbag"],
}

_SENSOR = """
name: tiny
source: made up for tests
elevations_deg: [{low_deg: -15.0, high_deg: 3.0, beams: 8}]
azimuth_steps: 90
mount_height_m: 1.8
reach_m: 80.0
max_range_m: 100.0
"""


@dataclass(frozen=True)
class Layout:
    """A layout, and a street that is quickly made in it."""

    name: str
    config: Path

    def arguments(self, out: Path, *more: str, workers: int = 1) -> list[str]:
        frames = "2" if self.name == "nuscenes" else "6"
        options = ["--config", str(self.config), "--frames", frames, "--workers", str(workers)]
        return ["simulate", *options, *_LAYOUTS[self.name], "--out", str(out), *more]

    def run(self, out: Path, *more: str, workers: int = 1) -> int:
        """The exit code."""
        return main(self.arguments(out, *more, workers=workers))


@pytest.fixture(scope="session")
def workshop() -> Iterator[Path]:
    """A folder that every user may read, with the YAML of a small street."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "tiny.yaml").write_text(_SENSOR)
        street = SimulationConfig(seed=5, sensors=(str(folder / "tiny.yaml"),), density=(0.0, 0.1), range_m=12.0)
        (folder / "street.yaml").write_text(dump_yaml(street))
        for file in folder.iterdir():
            file.chmod(0o644)
        yield folder


@pytest.fixture(scope="session", params=_LAYOUTS)
def layout(request: pytest.FixtureRequest, workshop: Path) -> Layout:
    if request.param == "rosbag":
        pytest.importorskip("rosbags.rosbag2", reason="needs the extra `datasets`")
    return Layout(request.param, workshop / "street.yaml")


@pytest.fixture(scope="session")
def undisturbed(layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a run has ended that nothing disturbed."""
    out = tmp_path_factory.mktemp(layout.name) / "out"
    assert layout.run(out) == 0
    return out


@pytest.fixture(scope="session")
def whole(undisturbed: Path) -> dict[str, str]:
    """What that run has left."""
    return _contents(undisturbed)


@pytest.fixture
def contents() -> Callable[[Path], dict[str, str]]:
    return _contents


@pytest.fixture
def full_disk() -> Callable[[Path, int], AbstractContextManager[None]]:
    """`with full_disk(folder, files)`: the disk of the folder has room for so many files more."""
    return _full_disk


def _contents(folder: Path) -> dict[str, str]:
    """The hash of every file by its path; of the folders beside it, what a bag leaves there until it is whole."""
    files = sorted(path for path in folder.parent.rglob("*") if path.is_file())
    return {str(path.relative_to(folder.parent)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@contextlib.contextmanager
def _full_disk(folder: Path, files: int) -> Iterator[None]:
    """All that is written below the folder after the first `files` files goes to the device that is always full."""
    room, opened = files, io.open

    def open_on_small_disk(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        nonlocal room
        if set(mode) & set("wxa") and not isinstance(file, int) and Path(file).is_relative_to(folder):
            room -= 1
            if room < 0:
                return opened("/dev/full", mode.replace("x", "w"), *args, **options)
        return opened(file, mode, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(io, "open", open_on_small_disk)
        patch.setattr(builtins, "open", open_on_small_disk)
        yield
