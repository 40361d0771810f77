"""Check a dataset before it is trained or scored on: what is in it, what is wrong with it, and pictures of it.

DATASET is anything that bevseg reads: the folder of nuScenes, KITTI (objects, tracking), SemanticKITTI, Argoverse 2 or
PandaSet, a ROS 2 bag, a folder of point files or of frames from `bevseg simulate`.

Exits with 0 if nothing is wrong, with 1 if something is, and with 2 if it is no dataset or cannot be opened.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from bevseg.commands.dataset_part import add_part_arguments, open_options
from bevseg.commands.output import ExitCode, console, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from bevseg.datasets.inspection import Inspection, OnSample
    from bevseg.datasets.open import OpenedSource
    from bevseg.datasets.sample import Sample

_PICTURES = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the dataset, which part of it is looked at, and where pictures go."""
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="folder of the dataset, or file of a bag")
    parser.add_argument(
        "--frames", type=int, default=20, metavar="N", help="samples to read, spread over all; 0 for all (default: 20)"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help=f"write pictures of {_PICTURES} samples with their boxes here"
    )
    add_part_arguments(parser)


def run(args: argparse.Namespace) -> ExitCode:
    """Reads some samples, reports, and draws."""
    if args.frames < 0:
        raise ValueError(f"--frames must be 0 or more, got {args.frames}")
    from bevseg.datasets.inspection import inspect_source
    from bevseg.datasets.open import open_source
    from bevseg.datasets.problems import notes_of, problems_of

    screen = console(args)
    opened = open_source(args.dataset, open_options(args))
    if not args.json:
        screen.print(opened.description, markup=False)
    pictures: list[Path] = []
    with _Bar(screen, opened, args.frames, _painter(opened, args, pictures)) as seen:
        inspection = inspect_source(opened.source, args.frames or None, seen=seen)
    problems, notes = problems_of(inspection), notes_of(inspection)
    if args.json:
        print_json(_as_json(opened, inspection, problems, notes, pictures))
    else:
        _print(screen, inspection, problems, notes, pictures)
    return ExitCode.PARTIAL if problems else ExitCode.OK


def _painter(opened: OpenedSource, args: argparse.Namespace, written: list[Path]) -> OnSample | None:
    """Draws the samples that were chosen for it, as they come by."""
    if args.output is None:
        return None
    from bevseg.datasets.inspection import chosen_indices
    from bevseg.drawing.annotations import draw_annotations
    from bevseg.drawing.image_file import write_png

    read = chosen_indices(len(opened.source), args.frames or None)
    chosen = {read[(2 * k + 1) * len(read) // (2 * _PICTURES)] for k in range(_PICTURES)} if read else set()
    args.output.mkdir(parents=True, exist_ok=True)

    def paint(index: int, sample: Sample) -> None:
        if index in chosen:
            path = args.output / (re.sub(r"[^\w.-]", "_", f"{opened.source.name}-{sample.name}") + ".png")
            write_png(path, draw_annotations(sample, title=f"{opened.source.name}: {sample.name}"))
            written.append(path)

    return paint


class _Bar:
    """A progress bar that moves with each sample, and passes it on."""

    def __init__(self, screen: Console, opened: OpenedSource, frames: int, then: OnSample | None) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress

        total = min(frames or len(opened.source), len(opened.source))
        self._bar = Progress("reading", BarColumn(), MofNCompleteColumn(), console=screen, transient=True)
        self._task = self._bar.add_task("reading", total=total)
        self._then = then

    def __enter__(self) -> OnSample:
        self._bar.start()
        return self._seen

    def _seen(self, index: int, sample: Sample) -> None:
        self._bar.advance(self._task)
        if self._then:
            self._then(index, sample)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def _print(
    screen: Console, inspection: Inspection, problems: Sequence[str], notes: Sequence[str], pictures: Sequence[Path]
) -> None:
    from bevseg.commands.check_report import classes_table, facts_table

    for table in (facts_table(inspection), classes_table(inspection)):
        if table.row_count:
            screen.print(table)
    for note in notes:
        screen.print("[yellow]note[/]", end=" ")
        screen.print(note, markup=False)
    for problem in problems:
        screen.print("[red]problem[/]", end=" ")
        screen.print(problem, markup=False)
    if pictures:
        screen.print(f"{len(pictures)} pictures in {pictures[0].parent}", markup=False)
    screen.print("[red]Something is wrong[/]: see above." if problems else "Nothing is wrong.")


def _as_json(
    opened: OpenedSource,
    inspection: Inspection,
    problems: Sequence[str],
    notes: Sequence[str],
    pictures: Sequence[Path],
) -> dict[str, object]:
    from bevseg.commands.check_report import report_of

    return {
        "path": str(opened.path),
        "kind": opened.kind,
        **report_of(inspection),
        "problems": list(problems),
        "notes": list(notes),
        "pictures": [str(path) for path in pictures],
    }
