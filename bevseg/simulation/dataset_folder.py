"""A folder that simulated scans are written into: begun by one configuration, each file whole or absent.

A scan counts as done when all its files are there: as every file appears under its name only when it is complete, and
holds the same bytes on every run, an interrupted run goes on where it stopped, with any number of processes.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.processes import work_off
from bevseg.simulation.config import SIMULATOR_VERSION, SimulationConfig, with_later_options
from bevseg.simulation.drive import DriveConfig
from bevseg.simulation.sensors import find_sensor, manifest_of_sensor
from bevseg.whole_files import remove_unfinished, write_whole

logger = logging.getLogger(__name__)

MANIFEST = "simulation.json"

Progress = Callable[[int, int], None]
"""Called with the number of frames done and of all frames, at first and after each frame."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class GenerationError(ValueError):
    """The folder holds something else, or frames of another configuration, or somebody is writing into it."""


class DiskFullError(OSError):
    """There is no room for the rest; what is written stays, and the same call goes on from there."""


@dataclass(frozen=True)
class ScanFiles:
    """How a scan becomes files; both are functions that a worker process can import.

    Attributes:
        names: The files of a frame by its index, within the folder.
        encode: What they hold, in the same order.
    """

    names: Callable[[int], Sequence[str]]
    encode: Callable[[Sample], Sequence[bytes]]


def drive_manifest(config: DriveConfig, layout: str) -> dict[str, Any]:
    """All that the bytes depend on: the simulator's version, the layout, and the drive's configuration, as JSON has it.

    Unlike single scenes, the frames of a drive depend on how many they are, as its street is as long as the way.
    """
    drive = {name: value for name, value in asdict(config).items() if name != "scene"}
    return as_manifest(config.scene, {"layout": layout, **drive})


def as_manifest(simulation: SimulationConfig, more: Mapping[str, Any]) -> dict[str, Any]:
    """The simulator's version and the simulation, with what else the bytes depend on; flat, to name what differs.

    Sensors are written out, as a file of one's own may change between two runs.
    """
    sensors = [manifest_of_sensor(find_sensor(name)) for name in simulation.sensors]
    manifest = {"simulator_version": SIMULATOR_VERSION, **asdict(simulation), **more, "sensors": sensors}
    # Through JSON, because what is compared with it comes from there: tuples are lists.
    return dict(json.loads(json.dumps(manifest)))


def require_same(found: Mapping[str, Any], wanted: Mapping[str, Any], *, where: Path) -> None:
    """Refuses to go on with what another configuration has begun.

    Raises:
        GenerationError: An entry differs.
    """
    found = with_later_options(found)
    different = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
    if different:
        raise GenerationError(
            f"{where} was begun with another configuration (different: {', '.join(different)}); "
            "choose another place, or delete this one"
        )


@contextmanager
def claimed(folder: Path, wanted: Mapping[str, Any]) -> Iterator[None]:
    """Makes the folder, or checks that it was begun with the same manifest, and keeps other runs out of it.

    Raises:
        GenerationError: The folder was begun with another configuration, layout or version of the simulator, it holds
            files of somebody else, or another run is writing into it.
        DiskFullError: There is no room for what is written into it meanwhile.
    """
    with _full_disk_explained(folder):
        manifest = folder / MANIFEST
        if manifest.is_file():
            require_same(_read_manifest(manifest), wanted, where=folder)
        elif folder.exists() and any(not path.name.startswith(".") for path in folder.iterdir()):
            raise GenerationError(
                f"{folder} is not empty and has no {MANIFEST}: scans are written into a folder of their own"
            )
        else:
            write_whole(manifest, (json.dumps(wanted, indent=1) + "\n").encode())
        with _sole_run(manifest):
            remove_unfinished(folder)
            yield


def write_frames(
    source: Source, folder: Path, files: ScanFiles, workers: int = 1, *, progress: Progress | None = None
) -> None:
    """Makes those frames of the source of which a file is missing.

    Args:
        source: Picklable; frame k has the same bytes in every process.
        folder: Claimed.
        files: What a frame becomes.
        workers: Processes that share the frames; each writes its own.
        progress: See `Progress`.
    """
    total = len(source)
    missing = [k for k in range(total) if not all((folder / name).is_file() for name in files.names(k))]
    report = counting(progress, total - len(missing), total)
    work_off(_FrameJob(source, folder, files), [[k] for k in missing], workers, done=report)


def counting(progress: Progress | None, done: int, total: int) -> Callable[[], None]:
    """Reports what is done already, and gives what reports one frame more each time it is called."""

    def one_more() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, total)

    if progress:
        progress(done, total)
    return one_more


@dataclass(frozen=True)
class _FrameJob:
    source: Source
    folder: Path
    files: ScanFiles

    def __call__(self, index: int) -> None:
        for name, data in zip(self.files.names(index), self.files.encode(self.source[index]), strict=True):
            write_whole(self.folder / name, data)


def _read_manifest(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise GenerationError(f"{path} is damaged ({error}): delete the folder, or choose another") from error
    return found if isinstance(found, dict) else {}


@contextmanager
def _sole_run(manifest: Path) -> Iterator[None]:
    """Locks the manifest; the system lifts the lock when the process ends, however it ends."""
    with open(manifest, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise GenerationError(f"another run is writing into {manifest.parent}: wait until it has ended") from error
        except OSError as error:  # as of some file systems over a network
            logger.info("%s cannot be locked (%s): nothing keeps another run out", manifest.parent, error.strerror)
        yield


@contextmanager
def _full_disk_explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise DiskFullError(
            f"no room for the rest of {folder} ({error.strerror}); make room and run the same again: "
            "it goes on where it stopped"
        ) from error
