"""Point files named on the command line, and the names of what is written for each."""

from __future__ import annotations

import argparse
import glob
from collections import Counter
from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path


class InputError(ValueError):
    """The inputs of a command name nothing that can be read, or lie where its results go."""


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what a point file does not tell of itself."""
    group = parser.add_argument_group("reading")
    group.add_argument("--columns", metavar="x,y,z,...", help="columns of headerless files; '_' skips one")
    group.add_argument(
        "--input-frame",
        choices=("x-forward", "y-forward"),
        help="axes of the files (default: y-forward for nuScenes' .pcd.bin, else x-forward)",
    )
    group.add_argument("--intensity-full-scale", type=float, metavar="VALUE", help="the files' intensity that means 1")


def find_frames(inputs: Sequence[str]) -> tuple[Path, ...]:
    """The files that files, folders and patterns name, in that order, each once.

    A folder stands for the point files directly in it, by name; a pattern (`*`, `?`, `[...]`, `**`) for what it
    matches, by name. A file is taken whatever its kind: reading it tells.

    Raises:
        InputError: One of the inputs does not exist, matches nothing, or is a folder without point files.
    """
    found = {file.resolve(): file for text in inputs for file in _files_of(text)}
    return tuple(found.values())


def _files_of(text: str) -> Sequence[Path]:
    path = Path(text)
    if path.is_dir():
        return _point_files(path)
    if path.exists():
        return [path]
    matches = sorted(Path(match) for match in glob.glob(text, recursive=True))
    files = [match for match in matches if match.is_file()]
    if not files:
        raise InputError(f"{text}: there is no such file or folder, and as a pattern it matches no file")
    return files


def _point_files(folder: Path) -> Sequence[Path]:
    from bevseg.points.formats import EXTENSIONS

    files = sorted(path for path in folder.iterdir() if path.name.lower().endswith(EXTENSIONS))
    if not files:
        below = next((kind for kind in EXTENSIONS if any(folder.glob(f"*/**/*{kind}"))), None)
        how = f"; those in folders below it are named by a pattern: '{folder}/**/*{below}'" if below else ""
        raise InputError(f"{folder} holds no point files ({', '.join(EXTENSIONS)}){how}")
    return files


def require_apart(files: Sequence[Path], output: Path) -> None:
    """Nothing is written into a folder that inputs lie in: results end in .npz, as point files may.

    Raises:
        InputError: An input lies in `output`.
    """
    folder = output.resolve()
    inside = [file for file in files if file.resolve().is_relative_to(folder)]
    if inside:
        raise InputError(
            f"{inside[0]} lies in the folder of the results, {output}: results could replace inputs, or be taken for "
            "inputs the next time. Choose another folder with --output"
        )


def output_names(files: Sequence[Path]) -> tuple[str, ...]:
    """A name for what is written for each file: its own, with as much of its ending and folder as makes it unique.

    Names that differ in letter case alone count as one, as they do on some file systems.
    """
    candidates = [_candidates(file) for file in files]
    uses = Counter(name.casefold() for names in candidates for name in dict.fromkeys(names))
    taken: set[str] = set()
    chosen = []
    for names in candidates:
        unshared = (name for name in names if uses[name.casefold()] == 1)
        numbered = (f"{names[-1]}-{number}" for number in count(1))
        name = next(name for name in chain(unshared, numbered) if name.casefold() not in taken)
        taken.add(name.casefold())
        chosen.append(name)
    return tuple(chosen)


def _candidates(file: Path) -> tuple[str, ...]:
    """Names for a file's results, the shortest first."""
    stem, folder = _stem(file), file.resolve().parent.name
    return stem, file.name, f"{folder}-{stem}", f"{folder}-{file.name}"


def _stem(file: Path) -> str:
    from bevseg.points.formats import EXTENSIONS

    lower = file.name.lower()
    return next((file.name[: -len(end)] for end in EXTENSIONS if lower.endswith(end)), file.stem) or file.name
