"""Writes simulated frames to a folder with several processes; goes on where an earlier run stopped."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bevseg.allocator import keep_freed_memory
from bevseg.datasets.sample import Sample
from bevseg.datasets.sample_file import read_sample, write_sample
from bevseg.simulation.config import (
    SIMULATOR_VERSION,
    SimulationConfig,
    manifest_of_simulation,
    refuse_reserved_seed,
    require_instant,
)
from bevseg.simulation.sensors import find_sensor, manifest_of_sensor
from bevseg.simulation.source import simulate_frame

MANIFEST = "simulation.json"
_FRAMES_A_FOLDER = 1000

Progress = Callable[[int, int], None]
"""Called with the number of frames done and of all frames."""


class GenerationError(ValueError):
    """The folder holds frames of another configuration."""


def generate(
    config: SimulationConfig,
    folder: Path,
    frames: int,
    workers: int = 1,
    *,
    progress: Progress | None = None,
) -> None:
    """Makes frames 0 .. `frames` - 1 of the configuration; those that are there already are kept.

    Raises:
        GenerationError: The folder was begun with another configuration or version of the simulator.
        ValueError: The seed is reserved for frozen test sets, or the shutter needs a drive.
    """
    refuse_reserved_seed(config)
    write_frames(config, folder, frames, workers, progress=progress)


def write_frames(
    config: SimulationConfig,
    folder: Path,
    frames: int,
    workers: int = 1,
    *,
    progress: Progress | None = None,
) -> None:
    """Does what `generate` does, for any seed; only frozen sets are made with it directly."""
    require_instant(config)
    config = replace(config, frames=frames)
    _claim(config, folder)
    missing = [index for index in range(frames) if not frame_path(folder, index).exists()]
    done = frames - len(missing)
    if progress:
        progress(done, frames)
    job = _Job(config, folder)
    if workers <= 1:
        for index in missing:
            job(index)
            done += 1
            if progress:
                progress(done, frames)
        return
    with multiprocessing.get_context("spawn").Pool(workers, initializer=_start_worker) as pool:
        for _ in pool.imap_unordered(job, missing, chunksize=4):
            done += 1
            if progress:
                progress(done, frames)


def frame_path(folder: Path, index: int) -> Path:
    """Where frame `index` is kept."""
    return folder / f"{index // _FRAMES_A_FOLDER:03d}" / f"{index:06d}.npz"


@dataclass(frozen=True)
class GeneratedSource:
    """A `Source` over the frames that `generate` has written."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    def __len__(self) -> int:
        """Frames from the first on without a gap, so that a folder still being filled can be read."""
        present = {int(path.stem) for path in self.folder.glob("[0-9]*/[0-9]*.npz")}
        return next(index for index in range(len(present) + 1) if index not in present)

    def __getitem__(self, index: int) -> Sample:
        path = frame_path(self.folder, index)
        if index < 0 or not path.exists():
            raise IndexError(f"frame {index} is not in {self.folder}")
        return read_sample(path)


@dataclass(frozen=True)
class _Job:
    config: SimulationConfig
    folder: Path

    def __call__(self, index: int) -> int:
        path = frame_path(self.folder, index)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sample(path, simulate_frame(self.config, index))
        return index


def _claim(config: SimulationConfig, folder: Path) -> None:
    """Writes what the folder holds, or checks that it is the same; the number of frames may differ."""
    sensors = [manifest_of_sensor(find_sensor(name)) for name in config.sensors]  # a file of one's own may change
    simulation = manifest_of_simulation(replace(config, frames=0))
    wanted = {"simulator_version": SIMULATOR_VERSION, **simulation, "sensors": sensors}
    wanted = json.loads(json.dumps(wanted))
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / MANIFEST
    if not manifest.exists():
        manifest.write_text(json.dumps(wanted, indent=1) + "\n")
        return
    found = json.loads(manifest.read_text())
    if found != wanted:
        different = sorted(key for key in wanted if found.get(key) != wanted[key])
        raise GenerationError(
            f"{folder} holds frames of another configuration (different: {', '.join(different)}); "
            "choose another folder, or delete this one"
        )


def _start_worker() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    keep_freed_memory()  # the arrays of a scan are large, and each scan needs as many as the one before
