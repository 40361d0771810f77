"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SETTLED_S = 5.0


@contextmanager
def unfinished_path(path: Path) -> Iterator[Path]:
    """Gives a name beside `path` to write to; it becomes `path` at the end, and is removed if the writing fails.

    Raises:
        OSError: The file cannot be written; it names `path` where the system names no file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield unfinished
        unfinished.replace(path)
    except BaseException as error:
        unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # as of a write to a full disk
            error.filename = str(path)
        raise


def require_writable(path: Path) -> None:
    """Finds out before the work begins whether a file, or a folder, can be made under that name.

    Raises:
        ValueError: It cannot.
    """
    folder = next(above for above in path.absolute().parents if above.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise ValueError(f"'{path}' cannot be written: in {folder}: {error.strerror}") from error


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file; what stood under its name stays until the new one is complete.

    Args:
        path: Its folder is made if it does not exist.
        data: All that the file is to hold.
    """
    with unfinished_path(path) as unfinished:
        unfinished.write_bytes(data)


def remove_abandoned(path: Path, *, ending: str = ".tmp") -> None:
    """Removes what earlier attempts at `path` left beside it that were killed on the spot: `.NAME.PID` and the ending.

    A process of that number that runs, or a file that was written to a moment ago, is let be.
    """
    beginning = f".{path.name}."
    for entry in path.parent.glob(f"{glob.escape(beginning)}[0-9]*{glob.escape(ending)}"):
        number = entry.name[len(beginning) : -len(ending)]
        if number.isdigit() and not _runs(int(number)) and time.time() - entry.stat().st_mtime > _SETTLED_S:
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # of another user
        return True
    return True


def remove_unfinished(folder: Path) -> None:
    """Removes what killed processes left behind; nobody may be writing into the folder."""
    for left_over in folder.rglob(".*.tmp"):
        # A worker may outlive its killed parent by one file, which it renames or removes itself.
        left_over.unlink(missing_ok=True)
