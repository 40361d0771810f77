"""Score a model, the geometric baseline, or stored scenes on datasets, on real frames and on simulated ones.

Each source is scored by itself, with the number of objects beside each figure, on all cores. Objects below the score
thresholds of the checkpoint do not count as found; those thresholds were chosen on simulated frames alone, and nothing
is ever chosen on the frames scored here. The visibility map is scored on simulated frames that know the state of each
cell of the ground: those made anew, and those that `bevseg simulate --ground-cells` has written.

With --output everything is kept in a folder: the scenes, what was counted in each frame, the figures as JSON and CSV,
and of --data the results in its benchmark's own format and as COCO's masks, with what official evaluators say of them.
What was interrupted goes on from there with the same command. Scenes that are stored already, by this or by `bevseg
segment`, are scored with --predictions; all are read and checked before the first is scored. Under `torchrun` the
processes share the frames.

With --compare A B nothing is scored: two such folders are put side by side, figure by figure, with the interval of each
difference, and with the frames that changed most.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bevseg.commands.compared_runs import add_compare_arguments, compare_runs
from bevseg.commands.dataset_part import add_part_arguments
from bevseg.commands.evaluated_methods import ClustersMethod, NetworkMethod, as_json, open_sight
from bevseg.commands.evaluated_sources import add_source_arguments, evaluated_sources
from bevseg.commands.evaluation_ranks import Rank
from bevseg.commands.models import add_model_arguments, find_device
from bevseg.commands.output import ExitCode, console, print_json
from bevseg.commands.source_notes import drives_of, note_sources
from bevseg.commands.stored_predictions import PredictionsMethod, add_prediction_arguments, stored_predictions
from bevseg.commands.submissions import with_official_scores

if TYPE_CHECKING:
    from rich.console import Console

    from bevseg.evaluation.run import EvaluatedSource, Evaluation, RunFolder
    from bevseg.evaluation.summary import Summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what is scored, on what, and where the figures go."""
    add_model_arguments(parser)
    parser.add_argument(
        "--head", choices=("network", "clusters"), default="network", help="clusters: geometry alone, no checkpoint"
    )
    add_prediction_arguments(parser)
    add_source_arguments(parser)
    add_part_arguments(parser)
    add_compare_arguments(parser)
    kept = parser.add_argument_group("what is kept")
    kept.add_argument("--output", type=Path, metavar="FOLDER", help="keep scenes, scores and figures there, and resume")
    kept.add_argument("--no-report", action="store_true", help="leave out report.html, the page that shows it all")
    kept.add_argument(
        "--no-submission", action="store_true", help="without results in the benchmark's format, and official scores"
    )
    kept.add_argument(
        "--tracking", action="store_true", help="nuScenes: follow objects through drives, too (one core): PAT, LSTQ"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one a core, one with a GPU)")


def run(args: argparse.Namespace) -> ExitCode:
    """Scores and reports."""
    if args.compare:
        return compare_runs(args)
    rank = Rank.from_environment()
    screen = console(args)
    screen.quiet = not rank.is_first
    args.device = rank.device(args.device)
    from bevseg.evaluation.run import Evaluation, RunFolder

    results = None if args.no_submission else args.output
    sources, workers = evaluated_sources(args, screen, results=results), _workers(args, rank)
    method = _method(args, sources, screen, workers)
    about = as_json(method.about(), args.corrupt)
    evaluation = Evaluation(sources, method, about, see=open_sight)
    with TemporaryDirectory(prefix="bevseg-eval-") as scratch, rank.joined():
        summary = _score(evaluation, RunFolder(args.output or Path(scratch)), rank, workers, screen)
    if not rank.is_first:
        return ExitCode.OK
    summary = with_official_scores(summary, evaluation, tracking=args.tracking)
    metrics = {"method": about, **summary.as_json()}
    if args.output:
        note_sources(args.output, args)
        _write(args.output, metrics, method.config())
        if not args.no_report:
            _report(args.output, evaluation, summary, metrics, workers=workers)
            screen.print(f"report: {args.output / 'report.html'}", markup=False)
    if args.json:
        print_json(metrics)
    else:
        screen.print(*summary.tables())
        for sentence in (line for source in summary.sources for line in source.official_left_out):
            screen.print(f"{sentence}.", markup=False)
    return ExitCode.OK


def _method(
    args: argparse.Namespace, sources: tuple[EvaluatedSource, ...], screen: Console, workers: int
) -> PredictionsMethod | ClustersMethod | NetworkMethod:
    if args.predictions is not None:
        return stored_predictions(args, sources, screen, workers)
    if args.allow_missing:
        raise ValueError("--allow-missing is for --predictions: a model leaves no frame out")
    store = args.output and args.output / "predictions"
    return ClustersMethod(store) if args.head == "clusters" else NetworkMethod(args, store)


def _score(evaluation: Evaluation, folder: RunFolder, rank: Rank, workers: int, screen: Console) -> Summary:
    """Scores the frames of this process; the first one gives the sum of all, the others that of nothing."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from bevseg.evaluation.comparison.finished_run import note_drives
    from bevseg.evaluation.csv_files import ScoredSource, write_csv_files
    from bevseg.evaluation.run import Collection, FramePlace, evaluate
    from bevseg.evaluation.summary import Summary

    opened = [source.open() for source in evaluation.sources]
    drives, lengths = [drives_of(source) for source in opened], [len(source) for source in opened]
    places = [FramePlace(source, frame) for source, length in enumerate(lengths) for frame in range(length)]
    if rank.is_first:
        folder.begin(evaluation, lengths)
        note_drives(folder.path, {s.name: of_frames for s, of_frames in zip(evaluation.sources, drives, strict=True)})
    rank.wait()
    if not rank.is_first:
        folder.begin(evaluation, lengths, alone=False)
    own, collection = rank.share(places), Collection(evaluation, folder, lengths)
    columns = ("scoring", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as progress:
        bar = progress.add_task("scoring", total=len(own))

        def one_more() -> None:
            progress.advance(bar)
            collection.catch_up()  # now, as this process has little else to do, and all cores have work

        evaluate(evaluation, folder, own, workers=workers, done=one_more)
    rank.deliver(folder.path)
    if not rank.is_first:
        return Summary(())
    summary = collection.summary()
    scored = [
        ScoredSource(source, of_frames or [""] * length)
        for source, of_frames, length in zip(evaluation.sources, drives, lengths, strict=True)
    ]
    write_csv_files(folder, summary, scored)
    return summary


def _workers(args: argparse.Namespace, rank: Rank) -> int:
    """As many as asked for; else one a core, as one thread each is what the cores do most with, or one for a GPU.

    Processes that share a machine share its cores.

    Raises:
        ValueError: Fewer than one, or there is no such `--device` here.
    """
    if args.workers is not None:
        if args.workers < 1:
            raise ValueError(f"--workers must be 1 or more, got {args.workers}")
        return int(args.workers)
    if args.predictions is None and args.head == "network" and find_device(args.device).type != "cpu":
        return 1
    from bevseg.processes import usable_cores

    return max(usable_cores() // rank.local_count, 1)


def _report(
    folder: Path, evaluation: Evaluation, summary: Summary, metrics: Mapping[str, object], *, workers: int
) -> None:
    """The page with figures, charts and pictures of what failed."""
    from bevseg.evaluation.report.report import StoredScenes, write_report

    kept = folder / "predictions"
    write_report(
        folder / "report.html",
        summary,
        metrics,
        sources=evaluation.sources,
        method=StoredScenes(kept) if kept.is_dir() else evaluation.method,  # no model has to be loaded to draw
        config=(folder / "config.yaml").read_text(encoding="utf-8"),
        workers=workers,
    )


def _write(folder: Path, metrics: Mapping[str, object], config: object) -> None:
    """The figures, and the whole config of what they were measured on."""
    from bevseg.configuration import dump_yaml
    from bevseg.whole_files import write_whole

    write_whole(folder / "metrics.json", (json.dumps(metrics, indent=2, allow_nan=False) + "\n").encode())
    write_whole(folder / "config.yaml", dump_yaml(config).encode())
