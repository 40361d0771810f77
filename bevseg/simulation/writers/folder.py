"""A folder that a drive is written into: begun by one configuration, each file whole or absent, resumed frame by frame.

A frame counts as done when all its files are there: as every file appears under its name only when it is complete, and
holds the same bytes on every run, an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bevseg.datasets.sample import Sample
from bevseg.simulation.config import SIMULATOR_VERSION
from bevseg.simulation.drive import DriveSource
from bevseg.simulation.generate import MANIFEST, GenerationError, Progress
from bevseg.whole_files import remove_unfinished, write_whole


def manifest_of(drive: DriveSource, layout: str) -> dict[str, Any]:
    """All that the bytes depend on: the simulator's version, the layout, and the drive's configuration, as JSON has it.

    Unlike single scenes, the frames of a drive depend on how many they are, as its street is as long as the way.
    """
    config = asdict(drive.config)
    manifest = {"simulator_version": SIMULATOR_VERSION, "layout": layout, **config.pop("scene"), **config}
    return dict(json.loads(json.dumps(manifest)))


def require_same(found: Mapping[str, Any], wanted: Mapping[str, Any], *, where: Path) -> None:
    """Refuses to go on with what another configuration has begun.

    Raises:
        GenerationError: An entry differs.
    """
    different = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
    if different:
        raise GenerationError(
            f"{where} holds a drive of another configuration (different: {', '.join(different)}); "
            "choose another place, or delete this one"
        )


def claim(folder: Path, wanted: Mapping[str, Any]) -> None:
    """Writes what the folder is to hold, as `manifest_of` says it, or checks that it is the same.

    Raises:
        GenerationError: The folder was begun with another configuration, layout or version of the simulator, or it
            holds files that are no drive.
    """
    manifest = folder / MANIFEST
    if manifest.is_file():
        require_same(_read_manifest(manifest), wanted, where=folder)
        remove_unfinished(folder)
        return
    if folder.exists() and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise GenerationError(
            f"{folder} is not empty and has no {MANIFEST}: a drive is written into a folder of its own"
        )
    write_whole(manifest, (json.dumps(wanted, indent=1) + "\n").encode())


def write_frames(
    drive: DriveSource,
    folder: Path,
    names_of: Callable[[int], Sequence[str]],
    encode: Callable[[Sample], Sequence[bytes]],
    *,
    progress: Progress | None = None,
) -> None:
    """Makes those frames of the drive of which a file is missing.

    Args:
        drive: The drive.
        folder: Where the files go.
        names_of: The files of a frame by its index, within the folder.
        encode: What they hold, in the same order.
        progress: Called with the number of frames done and of all frames, at first and after each frame.
    """
    total = len(drive)
    missing = [k for k in range(total) if not all((folder / name).is_file() for name in names_of(k))]
    done = total - len(missing)
    if progress:
        progress(done, total)
    for index in missing:
        for name, data in zip(names_of(index), encode(drive[index]), strict=True):
            write_whole(folder / name, data)
        done += 1
        if progress:
            progress(done, total)


def _read_manifest(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise GenerationError(f"{path} is damaged ({error}): delete the folder, or choose another") from error
    return found if isinstance(found, dict) else {}
