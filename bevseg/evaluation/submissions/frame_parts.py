"""What a frame adds to the files that hold all frames, kept until these are put together.

A small file a frame, of four lines of JSON: the name and the files that were written for it, its true masks, the masks
found, the boxes found. Whoever needs one line reads no other as JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bevseg.evaluation.submissions.checks import SubmissionError
from bevseg.whole_files import write_whole

Rows = list[dict[str, Any]]
Section = Literal["true_masks", "found_masks", "boxes"]

_LINES: dict[Section, int] = {"true_masks": 1, "found_masks": 2, "boxes": 3}


class PartsHead(NamedTuple):
    """The name of a frame, and the files of its own that were written, relative to the submission's folder."""

    frame: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class FrameParts:
    """What a frame adds.

    Attributes:
        head: Its name and its own files.
        true_masks: Rows of COCO's truth.
        found_masks: Rows of COCO's results.
        boxes: nuScenes' boxes; none for other sets.
    """

    head: PartsHead
    true_masks: Rows
    found_masks: Rows
    boxes: Rows


def write_parts(path: Path, parts: FrameParts) -> None:
    """Writes the file of a frame."""
    head = {"frame": parts.head.frame, "files": list(parts.head.files)}
    sections = (head, parts.true_masks, parts.found_masks, parts.boxes)
    write_whole(path, "".join(json.dumps(part, allow_nan=False) + "\n" for part in sections).encode())


def read_head(path: Path) -> PartsHead:
    """The first line alone.

    Raises:
        SubmissionError: The file is missing or damaged.
    """
    return _head(path, _first_lines(path, 1)[0])


def read_section(path: Path, section: Section) -> Rows:
    """The rows of one kind.

    Raises:
        SubmissionError: The file is missing or damaged.
    """
    rows: Rows = _parsed(path, _first_lines(path, _LINES[section] + 1)[-1])
    return rows


def _first_lines(path: Path, number: int) -> list[str]:
    try:
        with path.open(encoding="utf-8") as file:
            lines = [file.readline() for _ in range(number)]
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error
    return lines


def _head(path: Path, line: str) -> PartsHead:
    head = _parsed(path, line)
    return PartsHead(str(head["frame"]), tuple(head["files"]))


def _parsed(path: Path, line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> SubmissionError:
    return SubmissionError(f"{path}: cannot be read ({error}): remove it, and the frame is written again")
