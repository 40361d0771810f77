"""The tables of a dataset in the nuScenes schema as JSON files, all of them or none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path

from bevseg.simulation.writers.nuscenes.config import TRAIN_SPLIT, VAL_SPLIT
from bevseg.simulation.writers.nuscenes.scenes import SceneSpec
from bevseg.simulation.writers.nuscenes.schema import Row, SharedRows
from bevseg.simulation.writers.nuscenes.tables import SceneRows

TABLES = tuple(field.name for rows in (SharedRows, SceneRows) for field in fields(rows))
"""Names of all tables: nuScenes' 13, lidarseg and panoptic."""

_SPLITS = "splits.json"


def has_tables(folder: Path) -> bool:
    """Whether every table is in the folder."""
    return all((folder / file).exists() for file in (_SPLITS, *(f"{name}.json" for name in TABLES)))


def write_tables(
    folder: Path, shared: SharedRows, scenes: Iterable[SceneRows], splits: Mapping[str, Sequence[str]]
) -> None:
    """Writes every table into a folder, which appears under its name when all are complete.

    Args:
        folder: Of the tables: the dataset's folder, then its version. If it is there, the tables are put into it.
        shared: Rows that do not depend on the scenes.
        scenes: Rows of each scene; taken one by one, so that a large dataset need not fit into memory.
        splits: Names of scenes by the name of their split, for the devkit's custom splits.

    Raises:
        OSError: A table cannot be written.
    """
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        (unfinished / _SPLITS).write_text(json.dumps(splits, indent=1) + "\n", encoding="utf-8")
        with ExitStack() as stack:
            append = {name: stack.enter_context(_table_file(unfinished / f"{name}.json")) for name in TABLES}
            for rows in (shared, *scenes):
                for name, added in vars(rows).items():
                    append[name](added)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _move_into_place(unfinished, folder)


def splits_of(scenes: Sequence[SceneSpec]) -> dict[str, list[str]]:
    """Names of the scenes by split."""
    return {
        TRAIN_SPLIT: [scene.name for scene in scenes if not scene.is_val],
        VAL_SPLIT: [scene.name for scene in scenes if scene.is_val],
    }


def _move_into_place(unfinished: Path, folder: Path) -> None:
    if not folder.exists():
        unfinished.replace(folder)
        return
    # Somebody has removed a table, or put something of their own there first, which has to stay.
    for file in unfinished.iterdir():
        file.replace(folder / file.name)
    unfinished.rmdir()


@contextmanager
def _table_file(path: Path) -> Iterator[Callable[[Iterable[Row]], None]]:
    """Opens a JSON list, one row a line; what it gives appends rows."""
    with open(path, "w", encoding="utf-8") as file:
        separator = "[\n"

        def append(rows: Iterable[Row]) -> None:
            nonlocal separator
            for row in rows:
                file.write(separator + json.dumps(row, allow_nan=False))
                separator = ",\n"

        yield append
        file.write("[]\n" if separator == "[\n" else "\n]\n")
