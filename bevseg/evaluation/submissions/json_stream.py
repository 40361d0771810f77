"""JSON files that are written piece by piece, so that memory does not grow with what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bevseg.whole_files import unfinished_path


def write_text_parts(path: Path, parts: Iterable[str]) -> None:
    """Writes a file of text, whole or not at all, while its parts are made."""
    with unfinished_path(path) as unfinished, unfinished.open("w", encoding="utf-8") as file:
        file.writelines(parts)


def separated(items: Iterable[str]) -> Iterator[str]:
    """The items with a comma and a line break between each two, as in a list or an object of JSON."""
    between = ""
    for item in items:
        yield between + item
        between = ",\n"
