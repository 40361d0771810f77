"""What a run notes of its frames beside their scores: how they were opened, and which of them are of one drive.

`sources.json` in the folder of a run holds the options of `bevseg eval` that chose its frames, with absolute paths, so
that they can be looked at again. It is no part of what is evaluated: a run goes on elsewhere, too, where the same
dataset lies in another place.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bevseg.commands.dataset_part import add_part_arguments
from bevseg.commands.evaluated_sources import REAL_DATA, add_source_arguments, evaluated_sources

if TYPE_CHECKING:
    from rich.console import Console

    from bevseg.datasets.source import Source

_FILE = "sources.json"
_PATHS = ("data", "frozen")


def note_sources(folder: Path, args: argparse.Namespace) -> None:
    """Writes which frames were asked for."""
    from bevseg.whole_files import write_whole

    chosen = {name: getattr(args, name) for name in _defaults()}
    for name in (*_PATHS, "simulated", "real"):
        named = chosen[name] or (os.environ.get(REAL_DATA, "") if name == "real" and chosen[name] is not None else "")
        if named:
            chosen[name] = str(Path(named).resolve())
    write_whole(folder / _FILE, (json.dumps(chosen, indent=2) + "\n").encode())


def drives_of(source: Source) -> list[str] | None:
    """The drive of each frame, or None where the source does not tell; scenes of a simulator are one each."""
    from bevseg.datasets.swept import drives_of as drives_of_recording
    from bevseg.simulation.corruptions import CorruptedSource
    from bevseg.simulation.frozen_set import FrozenSource
    from bevseg.simulation.source import SimulatedSource

    if isinstance(source, CorruptedSource):
        return drives_of(source.source)
    if isinstance(source, SimulatedSource | FrozenSource):
        return [f"scene {index}" for index in range(len(source))]
    return drives_of_recording(source)


def open_again(folder: Path, screen: Console) -> Mapping[str, Source] | str:
    """The sources of a run by their names, or why they cannot be opened."""
    path = folder / _FILE
    if not path.is_file():
        return f"{folder} does not tell how its frames were opened (it has no {_FILE})"
    try:
        args = _as_arguments(json.loads(path.read_text(encoding="utf-8")))
        if args.frozen and not args.frozen.is_dir():
            return f"{args.frozen} is not there any more"  # it would be made anew, which takes minutes
        return {source.name: source.open() for source in evaluated_sources(args, screen)}
    except (ValueError, OSError, TypeError) as error:
        return f"its frames cannot be opened again: {error}"


def _as_arguments(stored: Mapping[str, Any]) -> argparse.Namespace:
    chosen = {**_defaults(), **stored}
    return argparse.Namespace(**chosen | {name: Path(chosen[name]) for name in _PATHS if chosen[name]})


def _defaults() -> dict[str, Any]:
    """All options that choose frames, as they are where nobody gives them."""
    parser = argparse.ArgumentParser()
    add_source_arguments(parser)
    add_part_arguments(parser)
    return vars(parser.parse_args([]))
