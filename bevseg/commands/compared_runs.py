"""`bevseg eval --compare A B`: two finished runs on the same frames, side by side, with intervals."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from bevseg.commands.output import ExitCode, console, print_json
from bevseg.commands.source_notes import open_again

if TYPE_CHECKING:
    from rich.console import Console

    from bevseg.evaluation.comparison.comparison_tables import Comparison

_FRAMES_OPTIONS = ("data", "real", "simulated", "frozen", "predictions")


def add_compare_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds which runs are compared, and how often their frames are drawn anew."""
    compared = parser.add_argument_group("two finished runs side by side, in place of a new one")
    compared.add_argument(
        "--compare",
        nargs=2,
        type=Path,
        metavar=("A", "B"),
        help="folders that --output has written: what B gained and lost against A, with intervals; --output then is "
        "where the page of the comparison goes",
    )
    compared.add_argument(
        "--resamples", type=int, default=1000, metavar="N", help="draws of the frames for the intervals (default: 1000)"
    )
    compared.add_argument("--resample-seed", type=int, default=0, metavar="N", help="of these draws (default: 0)")


def compare_runs(args: argparse.Namespace) -> ExitCode:
    """Compares and reports."""
    asked = [f"--{name}" for name in _FRAMES_OPTIONS if getattr(args, name) is not None]
    if asked:
        raise ValueError(f"--compare reads what two runs have stored and scores nothing: leave out {', '.join(asked)}")
    if args.resamples < 1:
        raise ValueError(f"--resamples must be 1 or more, got {args.resamples}")
    if args.resample_seed < 0:
        raise ValueError(f"--resample-seed must be 0 or more, got {args.resample_seed}")
    screen = console(args)
    comparison = _compare(args)
    if args.output:
        _write(args.output, comparison, screen)
    if args.json:
        print_json(comparison.as_json())
    else:
        _print(screen, comparison)
        if args.output:
            screen.print(f"\n{args.output / 'compare.html'}", markup=False)
    return ExitCode.OK


def _compare(args: argparse.Namespace) -> Comparison:
    from bevseg.evaluation.comparison.changed_frames import changed_frames
    from bevseg.evaluation.comparison.compare import compare_source
    from bevseg.evaluation.comparison.comparison_tables import Comparison
    from bevseg.evaluation.comparison.finished_run import FinishedRun
    from bevseg.evaluation.comparison.pairing import pair_runs

    a, b = (FinishedRun.open(folder) for folder in args.compare)
    paired = pair_runs(a, b, allow_missing=args.allow_missing)
    sources = tuple(compare_source(p, resamples=args.resamples, seed=args.resample_seed) for p in paired)
    return Comparison(a, b, sources, tuple(map(changed_frames, paired)), args.resamples, args.resample_seed)


def _print(screen: Console, comparison: Comparison) -> None:
    from bevseg.evaluation.comparison.comparison_tables import (
        CAUTION,
        TIME_CAUTION,
        method_words,
        notes_of,
        verdicts_in_words,
    )

    for name, run in (("A", comparison.a), ("B", comparison.b)):
        screen.print(f"{name}: {run.folder}: {method_words(run)}", markup=False)
    screen.print(*comparison.tables())
    screen.print(
        "from, to: 95 % interval of B - A (Efron and Tibshirani 1993; widened for few\nunits as in Hesterberg 2015), "
        f"from {comparison.resamples} draws, the same for A and B.\nB wins: share of the draws in which B is better.\n"
    )
    for source in comparison.sources:
        _paragraph(screen, f"{source.name}: {verdicts_in_words(source.rows)}")
        for note in notes_of(source):
            _paragraph(screen, note)
    _paragraph(screen, "There is more in --json and, with --output, in compare.html: every class, every measure.")
    _paragraph(screen, CAUTION)
    _paragraph(screen, TIME_CAUTION)


def _paragraph(screen: Console, text: str) -> None:
    screen.print(text, markup=False, soft_wrap=False)


def _write(folder: Path, comparison: Comparison, screen: Console) -> None:
    """`compare.json`, and one page that needs nothing beside it."""
    from bevseg.evaluation.comparison.comparison_page import comparison_page
    from bevseg.whole_files import write_whole

    text = json.dumps(comparison.as_json(), indent=2, allow_nan=False) + "\n"
    write_whole(folder / "compare.json", text.encode())
    page = comparison_page(comparison, open_again(comparison.a.folder, screen))
    write_whole(folder / "compare.html", page.encode())
