"""What a finished evaluation left in its folder, for others to read.

`run.json` tells what was evaluated and by which rules, `scores/` what was counted in each frame, and `drives.json`
which frames belong to one drive. Runs that were made before there was a `drives.json` do without.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from bevseg.evaluation.frame_scores import Scores
from bevseg.evaluation.run import scores_path
from bevseg.evaluation.score_files import VERSION, ScoreFileError, read_scores
from bevseg.whole_files import write_whole

_DRIVES = "drives.json"
_NAMED = 3
"""Frames that an error names."""


class ComparisonError(ValueError):
    """Two folders cannot be compared; the message says why and what to do."""


@dataclass(frozen=True)
class RunSource:
    """One source of a run.

    Attributes:
        name: Of the source.
        frames: How many it has.
        scoring: Which objects count, as `run.json` has it.
        drives: Of each frame, or None where the run does not tell.
    """

    name: str
    frames: int
    scoring: Mapping[str, Any]
    drives: tuple[str, ...] | None


@dataclass(frozen=True)
class FinishedRun:
    """A folder of `bevseg eval --output`.

    Attributes:
        folder: Where it is.
        method: What was evaluated.
        sources: On what, by name.
    """

    folder: Path
    method: Mapping[str, Any]
    sources: Mapping[str, RunSource]

    @classmethod
    def open(cls, folder: Path) -> FinishedRun:
        """Reads what the folder says of itself.

        Raises:
            ComparisonError: It is no such folder, or of another version.
        """
        note = _read_note(folder)
        version = note.get("scores_version")
        if version != VERSION:
            raise ComparisonError(
                f"{folder}: expected scores of version {VERSION}, got {version}: they were counted by another bevseg; "
                "score the frames again with this one, into another folder"
            )
        drives = _read_drives(folder)
        try:
            sources = {
                s["name"]: RunSource(s["name"], int(s["frames"]), s["scoring"], _drives_of(drives, s))
                for s in note["sources"]
            }
            return cls(folder, note["method"], sources)
        except (KeyError, TypeError, AttributeError) as error:
            raise ComparisonError(f"{folder / 'run.json'}: {error} is missing or of the wrong kind") from error

    def missing(self, source: RunSource) -> tuple[int, ...]:
        """Places of the frames without scores."""
        return tuple(k for k in range(source.frames) if not scores_path(self.folder, source.name, k).is_file())

    def read(self, source: RunSource, *, allow_missing: bool) -> dict[int, Scores]:
        """The scores of each frame that has some, by its place.

        Raises:
            ComparisonError: A frame has none, and that is not allowed; or those of one are damaged.
        """
        missing = self.missing(source)
        if missing and not allow_missing:
            raise ComparisonError(
                f"{self.folder}: the run is unfinished: {len(missing)} of {source.frames} frames of {source.name} have "
                f"no scores ({listed([f'number {k}' for k in missing])}). Finish it with the same `bevseg eval "
                "... --output`, or compare what is there with --allow-missing"
            )
        try:
            return {
                k: read_scores(scores_path(self.folder, source.name, k))
                for k in range(source.frames)
                if k not in set(missing)
            }
        except ScoreFileError as error:
            raise ComparisonError(str(error)) from error


def listed(names: list[str]) -> str:
    """The first few of them."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def note_drives(folder: Path, drives: Mapping[str, Sequence[str] | None]) -> None:
    """Writes which frames belong to one drive, as runs `[drive, frames]`.

    Args:
        folder: Of the run.
        drives: Of each frame of each source; None, and left out, where a source does not tell.
    """
    runs = {
        name: [[drive, len(list(run))] for drive, run in groupby(of_frames)]
        for name, of_frames in drives.items()
        if of_frames is not None
    }
    write_whole(folder / _DRIVES, (json.dumps(runs) + "\n").encode())


def _read_note(folder: Path) -> dict[str, Any]:
    path = folder / "run.json"
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = "there is none" if isinstance(error, FileNotFoundError) else str(error)
        raise ComparisonError(
            f"{folder} is no folder of an evaluation, which has a run.json ({why}): give the folders that "
            "`bevseg eval ... --output FOLDER` has written"
        ) from error
    if not isinstance(note, dict):
        raise ComparisonError(f"{path}: expected a JSON object, got {type(note).__name__}")
    return note


def _read_drives(folder: Path) -> Mapping[str, Any]:
    path = folder / _DRIVES
    if not path.is_file():
        return {}
    try:
        drives = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ComparisonError(f"{path} cannot be read ({error}): remove it to do without") from error
    return drives if isinstance(drives, dict) else {}


def _drives_of(drives: Mapping[str, Any], source: Mapping[str, Any]) -> tuple[str, ...] | None:
    runs = drives.get(source["name"])
    if runs is None:
        return None
    of_frames = tuple(str(drive) for drive, frames in runs for _ in range(int(frames)))
    return of_frames if len(of_frames) == source["frames"] else None
