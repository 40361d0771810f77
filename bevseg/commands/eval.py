"""Score a model, or the geometric baseline, on real and on simulated frames.

Real frames are scored dataset by dataset, with the number of objects beside each figure. Objects below the score
thresholds of the checkpoint do not count as found; those thresholds were chosen on simulated frames alone, and nothing
is ever chosen on the frames scored here. The visibility map is scored on simulated frames that know the state of each
cell of the ground: those made anew, and those that `bevseg simulate --ground-cells` has written.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bevseg.commands.models import add_model_arguments, load_segmenter
from bevseg.commands.output import ExitCode, console, print_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from bevseg.datasets.source import Source
    from bevseg.evaluation.mask_scores import See
    from bevseg.evaluation.real_points import RealPointScores
    from bevseg.evaluation.simulated_frames import Segmentation
    from bevseg.evaluation.throughput import Throughput, Timed
    from bevseg.points.cloud import PointCloud
    from bevseg.results.scene import PointLabels

_REAL_DATA = "BEVSEG_REAL_DATA"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what is scored, on what, and where the figures go."""
    add_model_arguments(parser)
    parser.add_argument(
        "--head", choices=("network", "clusters"), default="network", help="clusters: geometry alone, no checkpoint"
    )
    frames = parser.add_argument_group("frames to score on: real, simulated or both")
    frames.add_argument(
        "--real", nargs="?", const="", metavar="FOLDER", help=f"labelled real frames (default folder: ${_REAL_DATA})"
    )
    simulated = frames.add_mutually_exclusive_group()
    simulated.add_argument(
        "--simulated", nargs="?", const="", metavar="FOLDER", help="simulated frames: made anew, or those in FOLDER"
    )
    simulated.add_argument(
        "--frozen", type=Path, metavar="FOLDER", help="the frozen simulated test set in FOLDER, made if it is not there"
    )
    frames.add_argument(
        "--corrupt",
        metavar="KIND:STRENGTH",
        help="let weather or damage befall every scan first, such as fog:0.5 or point-loss:0.75 (truth that then has "
        "too few points need not be found)",
    )
    frames.add_argument("--simulated-seed", type=int, default=4, metavar="N", help="of frames made anew (default: 4)")
    frames.add_argument("--frames", type=int, default=60, metavar="K", help="how many to make anew (default: 60)")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="write metrics.json and config.yaml there")


def run(args: argparse.Namespace) -> ExitCode:
    """Scores and reports."""
    screen = console(args)
    real = None if args.real is None else _real_sources(args.real)
    simulated = _simulated_source(args, screen)
    if real is None and simulated is None:
        raise ValueError("nothing to score on: give --real, --simulated or --frozen")
    if args.corrupt:
        from bevseg.simulation.corruptions import CorruptedSource, Corruption

        corruption = Corruption.parse(args.corrupt)
        real = real and tuple(CorruptedSource(source, corruption) for source in real)
        simulated = simulated and CorruptedSource(simulated, corruption)
    method = _baseline() if args.head == "clusters" else _network(args)
    outcomes: dict[str, _Outcome] = {}
    if real is not None:
        outcomes["real"] = _score_real(method, real, screen)
    if simulated is not None:
        outcomes["simulated"] = _score_simulated(method, simulated, screen)
    about = {**method.about, **({"corruption": args.corrupt} if args.corrupt else {})}
    metrics = {"method": about, **{name: outcome.as_json() for name, outcome in outcomes.items()}}
    if args.output:
        _write(args.output, metrics, method)
    if args.json:
        print_json(metrics)
    else:
        for outcome in outcomes.values():
            screen.print(*outcome.tables, outcome.throughput.as_text())
    return ExitCode.OK


@dataclass(frozen=True, eq=False)
class _Method:
    """What is scored, what is known of it, and the config it depends on.

    `see` tells what the sensor saw of true objects, for methods that say what is visible of theirs.
    """

    segment: Callable[[PointCloud], Segmentation]
    see: See | None
    labels_points: bool
    about: Mapping[str, object]
    config: object


@dataclass(frozen=True, eq=False)
class _Outcome:
    """Scores on one kind of frames: for machines, and for people."""

    figures: Mapping[str, object]
    tables: tuple[Table, ...]
    throughput: Throughput

    def as_json(self) -> dict[str, object]:
        return {**self.figures, "throughput": self.throughput.as_json()}


def _baseline() -> _Method:
    from bevseg.evaluation.matching import EVALUATION_GRID
    from bevseg.evaluation.simulated_frames import Segmentation
    from bevseg.instances.clusters import ClusterConfig, segment_clusters

    config = ClusterConfig()
    return _Method(
        segment=lambda cloud: Segmentation(segment_clusters(cloud, EVALUATION_GRID, config)),
        see=None,
        labels_points=False,
        about={"head": "clusters"},
        config=config,
    )


def _network(args: argparse.Namespace) -> _Method:
    from bevseg.checkpoint import checkpoint_path, load_checkpoint
    from bevseg.evaluation.matching import EVALUATION_GRID
    from bevseg.evaluation.simulated_frames import Segmentation
    from bevseg.occlusion.truth import observed_truth
    from bevseg.occlusion.visibility import VisibilityMapper
    from bevseg.results.classes import ClassGroup

    segmenter = load_segmenter(args)
    config = segmenter.config
    known = load_checkpoint(checkpoint_path(args.checkpoint)).metadata
    mapper = VisibilityMapper(EVALUATION_GRID)

    def segment(cloud: PointCloud) -> Segmentation:
        scene = segmenter.segment(cloud)
        return Segmentation(scene.instances, scene.points, scene.occlusion, scene.visibility)

    about = {
        "checkpoint": args.checkpoint,
        "model": config.name,
        **{name: known[name] for name in ("step", "frames_seen", "seed") if name in known},
        "score_thresholds": {group.label: config.decode.min_score[group] for group in ClassGroup},
    }
    return _Method(
        segment, see=lambda sample: observed_truth(sample, mapper), labels_points=True, about=about, config=config
    )


def _real_sources(folder: str) -> tuple[Source, ...]:
    """All known sets in the folder.

    Raises:
        ValueError: No folder is named, or it holds none of the known sets with boxes.
    """
    from bevseg.datasets.real_frames import BOXED_FRAMES, open_real_frames
    from bevseg.evaluation.real_frames import DATASET_OF_SOURCE

    root = folder or os.environ.get(_REAL_DATA, "")
    if not root:
        raise ValueError(f"--real needs the folder of labelled frames: give it (--real FOLDER) or set {_REAL_DATA}")
    sources = open_real_frames(Path(root))
    if not any(source.name in DATASET_OF_SOURCE for source in sources):
        raise ValueError(f"{root} holds frames without boxes alone; expected one of {', '.join(BOXED_FRAMES)}")
    return sources


def _simulated_source(args: argparse.Namespace, screen: Console) -> Source | None:
    """The frozen set, stored frames, or frames that are made as they are asked for; None where none are asked for.

    Raises:
        ValueError: There are none.
    """
    if args.frozen is not None:
        return _frozen_source(args.frozen, screen)
    if args.simulated is None:
        return None
    from bevseg.evaluation.matching import EVALUATION_GRID
    from bevseg.simulation.config import SimulationConfig
    from bevseg.simulation.generate import GeneratedSource
    from bevseg.simulation.source import SimulatedSource

    if args.simulated:
        stored = GeneratedSource(Path(args.simulated))
        if not len(stored):
            raise ValueError(f"{args.simulated} holds no simulated frames; make some: bevseg simulate")
        return stored
    if args.frames < 1:
        raise ValueError(f"--frames must be 1 or more, got {args.frames}")
    config = SimulationConfig(seed=args.simulated_seed, frames=args.frames, ground_cells=EVALUATION_GRID)
    return SimulatedSource(config)


def _frozen_source(folder: Path, screen: Console) -> Source:
    """The frozen set; frames that are missing in the folder are made first.

    Raises:
        FrozenSetError: They cannot be made by this version of the simulator.
    """
    from rich.progress import Progress

    from bevseg.processes import usable_cores
    from bevseg.simulation.frozen_set import CONFIG, FrozenSource, write_frozen_set
    from bevseg.simulation.generate import GeneratedSource

    if len(GeneratedSource(folder)) < CONFIG.frames:
        with Progress(console=screen, transient=True) as progress:
            bar = progress.add_task("simulating", total=CONFIG.frames)
            write_frozen_set(folder, usable_cores(), progress=lambda done, _: progress.update(bar, completed=done))
    return FrozenSource(folder)


def _score_real(method: _Method, sources: Sequence[Source], screen: Console) -> _Outcome:
    """Objects on the frames with boxes, and classes of points, where the method names any, on those that know them."""
    from bevseg.evaluation.real_frames import DATASET_OF_SOURCE, by_dataset, score_real_frames

    boxed = [source for source in sources if source.name in DATASET_OF_SOURCE]
    with _timed(method, sum(map(len, boxed)), screen) as segment:
        scores = score_real_frames(lambda cloud: segment(cloud).instances, by_dataset(boxed), see=method.see)
    points = _score_real_points(method, sources, screen)
    tables = (*scores.tables(), *points.tables())
    return _Outcome({**scores.as_json(), "semantic": points.as_json()}, tables, segment.throughput())


def _score_real_points(method: _Method, sources: Sequence[Source], screen: Console) -> RealPointScores:
    from bevseg.evaluation.real_points import POINT_LABELLED, RealPointScores, score_real_points

    if not method.labels_points:
        return RealPointScores({})
    labelled = [source for source in sources if source.name in POINT_LABELLED]

    def classify(cloud: PointCloud) -> PointLabels:
        points = segment(cloud).points
        assert points is not None
        return points

    with _timed(method, sum(map(len, labelled)), screen) as segment:
        return score_real_points(classify, labelled)


def _score_simulated(method: _Method, source: Source, screen: Console) -> _Outcome:
    from bevseg.evaluation.simulated_frames import score_simulated_frames

    with _timed(method, len(source), screen) as segment:
        scores = score_simulated_frames(segment, source, see=method.see)
    return _Outcome({"source": source.name, **scores.as_json()}, scores.tables(), segment.throughput())


@contextmanager
def _timed(method: _Method, num_frames: int, screen: Console) -> Iterator[Timed[Segmentation]]:
    """The method under a stopwatch, while a bar shows how many frames are done."""
    from rich.progress import Progress

    from bevseg.evaluation.throughput import Timed

    with Progress(console=screen, transient=True) as progress:
        bar = progress.add_task("scoring", total=num_frames)
        yield Timed(method.segment, on_call=lambda: progress.advance(bar))


def _write(folder: Path, metrics: Mapping[str, object], method: _Method) -> None:
    """The figures, and the whole config of what they were measured on."""
    from bevseg.configuration import dump_yaml

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    (folder / "config.yaml").write_text(dump_yaml(method.config), encoding="utf-8")
