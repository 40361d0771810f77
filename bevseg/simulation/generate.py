"""Simulated frames in the package's own layout, one .npz each: independent scenes, or the scans of a drive."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bevseg.datasets.sample import Sample
from bevseg.datasets.sample_file import read_sample, sample_as_bytes, sample_name
from bevseg.datasets.source import numbered_name
from bevseg.simulation.config import SimulationConfig, refuse_reserved_seed, require_instant
from bevseg.simulation.dataset_folder import Progress, ScanFiles, as_manifest, claimed, drive_manifest, write_frames
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.source import simulate_frame

_DRIVE_LAYOUT = "bevseg-drive-1"
_FRAMES_A_FOLDER = 1000


def generate(
    config: SimulationConfig, folder: Path, frames: int, workers: int = 1, *, progress: Progress | None = None
) -> None:
    """Makes frames 0 .. `frames` - 1 of the configuration; those that are there already are kept.

    Raises:
        GenerationError: The folder holds something else, or was begun with another configuration or version of the
            simulator; the number of frames may differ.
        DiskFullError: There is no room on the disk.
        ValueError: The seed is reserved for frozen test sets, or the shutter needs a drive.
    """
    refuse_reserved_seed(config)
    write_scenes(config, folder, frames, workers, progress=progress)


def write_scenes(
    config: SimulationConfig, folder: Path, frames: int, workers: int = 1, *, progress: Progress | None = None
) -> None:
    """Does what `generate` does, for any seed; only frozen sets are made with it directly."""
    require_instant(config)
    with claimed(folder, as_manifest(replace(config, frames=0), {})):
        write_frames(_Scenes(replace(config, frames=frames)), folder, _FILES, workers, progress=progress)


def write_drive(drive: DriveSource, folder: Path, workers: int = 1, *, progress: Progress | None = None) -> None:
    """Makes the scans of a drive; those that are there already are kept. `GeneratedSource` reads them.

    Raises:
        GenerationError: The folder holds something else, or was begun with another configuration, length or version of
            the simulator.
        DiskFullError: There is no room on the disk.
    """
    with claimed(folder, drive_manifest(drive.config, _DRIVE_LAYOUT)):
        write_frames(drive, folder, _FILES, workers, progress=progress)


def frame_path(folder: Path, index: int) -> Path:
    """Where frame `index` is kept."""
    return folder / _names(index)[0]


@dataclass(frozen=True)
class GeneratedSource:
    """A `Source` over the frames that `generate` or `write_drive` has written."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    def __len__(self) -> int:
        """Frames from the first on without a gap, so that a folder still being filled can be read."""
        present = {int(path.stem) for path in self.folder.glob("[0-9]*/[0-9]*.npz")}
        return next(index for index in range(len(present) + 1) if index not in present)

    def name_of(self, index: int) -> str:
        return sample_name(self._path(index))

    def __getitem__(self, index: int) -> Sample:
        return read_sample(self._path(index))

    def _path(self, index: int) -> Path:
        path = frame_path(self.folder, index)
        if index < 0 or not path.exists():
            raise IndexError(f"frame {index} is not in {self.folder}")
        return path


@dataclass(frozen=True)
class _Scenes:
    """A `Source` as `SimulatedSource`, of any seed."""

    config: SimulationConfig

    @property
    def name(self) -> str:
        return f"simulated-{self.config.seed}"

    def __len__(self) -> int:
        return self.config.frames

    def name_of(self, index: int) -> str:
        return numbered_name(index, len(self))

    def __getitem__(self, index: int) -> Sample:
        return simulate_frame(self.config, index)


def _names(index: int) -> tuple[str]:
    return (f"{index // _FRAMES_A_FOLDER:03d}/{index:06d}.npz",)


def _encode(sample: Sample) -> tuple[bytes]:
    return (sample_as_bytes(sample),)


_FILES = ScanFiles(_names, _encode)
