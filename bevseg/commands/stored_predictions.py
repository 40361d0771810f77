"""`bevseg eval --predictions`: scenes that are stored already, of whatever method, in place of a model."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from bevseg.evaluation.result_checks import Coverage
    from bevseg.evaluation.run import EvaluatedSource, Method
    from bevseg.evaluation.stored_results import StoredMethod, StoredResults

_SHOWN = 5


def add_prediction_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the folder of scenes, and what is done where they do not cover the frames."""
    group = parser.add_argument_group("stored scenes instead of a model")
    group.add_argument(
        "--predictions",
        type=Path,
        metavar="FOLDER",
        help="score FOLDER/SOURCE/FRAME.json, .npz, as --output keeps them under predictions, or FOLDER/FRAME.json as "
        "`bevseg segment` writes them; with --head clusters their labels of points are not scored",
    )
    group.add_argument(
        "--allow-missing",
        action="store_true",
        help="frames without a scene count as frames where nothing was found, scenes without a frame are left out; "
        "with --compare, frames that one of the runs lacks are left out",
    )


def stored_predictions(
    args: argparse.Namespace, sources: Sequence[EvaluatedSource], screen: Console, workers: int
) -> PredictionsMethod:
    """The scenes that `--predictions` names, after all of them were read and found fit to be scored.

    Raises:
        StoredResultError: They are not; it says what is wrong with which frames.
        ValueError: A checkpoint is named, too.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress

    from bevseg.evaluation.result_checks import check_results
    from bevseg.evaluation.stored_results import StoredMethod, StoredResults

    if args.checkpoint != "bevseg-s":
        raise ValueError(f"--predictions are scored as they are: leave out --checkpoint {args.checkpoint}")
    results = StoredResults.in_folder(args.predictions, [source.name for source in sources])
    opened = [source.open() for source in sources]
    frames = [[source.name_of(index) for index in range(len(source))] for source in opened]
    with Progress("checking", BarColumn(), MofNCompleteColumn(), console=screen, transient=True) as progress:
        bar = progress.add_task("checking", total=sum(map(len, frames)))
        coverage = check_results(
            results,
            frames,
            allow_missing=args.allow_missing,
            workers=workers,
            done=lambda: progress.advance(bar),
        )
    _tell(coverage, screen)
    method = StoredMethod(results, labels_points=args.head != "clusters", allow_missing=args.allow_missing)
    return PredictionsMethod(method, coverage)


@dataclass(frozen=True)
class PredictionsMethod:
    """Stored scenes as a method; `coverage` says which frames they leave out."""

    stored: StoredMethod
    coverage: Coverage

    def __call__(self) -> Method:
        return self.stored()

    def about(self) -> dict[str, object]:
        """What the scores depend on, and what was missing."""
        uncovered = {
            "frames_without_result": len(self.coverage.missing),
            "results_without_frame": list(self.coverage.extra),
        }
        return {
            "predictions": str(self.stored.results.folder.resolve()),
            "sha256": self.stored.results.digest(),
            "labels_points": self.stored.labels_points,
            **(uncovered if self.stored.allow_missing else {}),
        }

    def config(self) -> StoredResults:
        """Where the scenes were found: how they came about is known to whoever made them."""
        return self.stored.results


def _tell(coverage: Coverage, screen: Console) -> None:
    for names, what in (
        (coverage.missing, "frames have no scene and count as frames where nothing was found"),
        (coverage.extra, "scenes are of no frame and were left out"),
    ):
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            screen.print(f"{len(names)} {what}: {', '.join(names[:_SHOWN])}{more}", markup=False)
