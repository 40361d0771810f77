"""What results are called in pictures: by their run, and by more of the path where two are alike."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_PREDICTIONS = "predictions"


def result_names(named: Sequence[str]) -> tuple[str, ...]:
    """A name for each of some results, all of them different.

    Args:
        named: Folders of results, and checkpoints by name or file, as a user named them.

    Returns:
        The run's name for a folder in RUN/predictions (which is that itself, too), else the last part of the path, of a
        file without its ending. Where two are alike: the folder in the run, then as much of the paths as tells them
        apart; the same thing twice is numbered.
    """
    paths = [_path(name) for name in named]
    runs = [_run(path) for path in paths]
    for names in ([run.name for run in runs], [path.name for path in paths]):
        if _all_differ(names):
            return tuple(names)
    for tails in (runs, paths):
        for parts in range(2, max(len(path.parts) for path in tails) + 1):
            names = ["/".join(path.parts[-parts:]) for path in tails]
            if _all_differ(names):
                return tuple(names)
    return tuple(f"{run.name} ({k})" for k, run in enumerate(runs, 1))


def _path(named: str) -> Path:
    """Links stay as they are called; `.` and `..` become names."""
    path = Path(os.path.abspath(named))
    return path if path.is_dir() else path.with_suffix("")


def _run(path: Path) -> Path:
    """The run that a folder of results is in; the folder itself where it is in none."""
    if path.name == _PREDICTIONS:
        return path.parent
    return path.parent.parent if path.parent.name == _PREDICTIONS else path


def _all_differ(names: Sequence[str]) -> bool:
    return len(set(names)) == len(names) and all(names)
