"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def unfinished_path(path: Path) -> Iterator[Path]:
    """Gives a name beside `path` to write to; it becomes `path` at the end, and is removed if the writing fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield unfinished
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file; what stood under its name stays until the new one is complete.

    Args:
        path: Its folder is made if it does not exist.
        data: All that the file is to hold.
    """
    with unfinished_path(path) as unfinished:
        unfinished.write_bytes(data)


def remove_unfinished(folder: Path) -> None:
    """Removes what killed processes left behind; nobody may be writing into the folder."""
    for left_over in folder.rglob(".*.tmp"):
        left_over.unlink()
