"""The labelled scans that `bevseg eval` scores: what was asked for, as sources that open in any process."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bevseg.commands.dataset_part import open_options
from bevseg.commands.submissions import submission_writer

if TYPE_CHECKING:
    from rich.console import Console

    from bevseg.datasets.open import Kind, OpenOptions
    from bevseg.datasets.source import Source
    from bevseg.evaluation.frame_scores import Scoring
    from bevseg.evaluation.run import EvaluatedSource
    from bevseg.simulation.corruptions import Corruption

REAL_DATA = "BEVSEG_REAL_DATA"

DATASET_OF_SOURCE = {
    "nuscenes": "nuScenes",
    "kitti": "KITTI",
    "kitti_tracking": "KITTI",
    "argoverse1": "Argoverse",
    "pandaset": "PandaSet",
    "nuscenes_lidarseg": "nuScenes-lidarseg",
    "semantic_kitti": "SemanticKITTI",
}
"""Dataset of each reader of the small real sets. Drives of one dataset, seen by one sensor, are scored together."""

_LABEL_ALL_GROUPS: tuple[Kind, ...] = ("nuscenes", "nuscenes-keyframes", "argoverse2", "bevseg-frames")
"""Kinds that have boxes around cones and barriers, too."""


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what is scored on."""
    frames = parser.add_argument_group("frames to score on")
    frames.add_argument(
        "--data", type=Path, metavar="PATH", help="a dataset of any kind that bevseg reads, see `bevseg check`"
    )
    frames.add_argument(
        "--real", nargs="?", const="", metavar="FOLDER", help=f"labelled real frames (default folder: ${REAL_DATA})"
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
    counted = parser.add_argument_group("which objects of --data count")
    counted.add_argument("--min-points", type=int, default=5, metavar="N", help="points on the object (default: 5)")
    counted.add_argument(
        "--max-range", type=float, default=50.0, metavar="M", help="distance of its centre in metres (default: 50)"
    )


def evaluated_sources(
    args: argparse.Namespace, screen: Console, *, results: Path | None = None
) -> tuple[EvaluatedSource, ...]:
    """What was asked for, in the order of the options.

    Args:
        args: As `add_source_arguments` and `add_part_arguments` read them.
        screen: Where it is said what was found.
        results: Folder for results in the formats of benchmarks, where they are wanted.

    Raises:
        ValueError: Nothing was asked for, or it is not there.
        DatasetError: `--data` is no dataset, or one on which every method would score nothing.
    """
    sources = tuple(_sources(args, screen, results))
    if not sources:
        raise ValueError("nothing to score on: give --data, --real, --simulated or --frozen")
    if not args.corrupt:
        return sources
    from bevseg.simulation.corruptions import Corruption

    corruption = Corruption.parse(args.corrupt)
    # What is said of a damaged scan is no result on the dataset.
    return tuple(replace(source, open=_Corrupted(source.open, corruption), writer=None) for source in sources)


def _sources(args: argparse.Namespace, screen: Console, results: Path | None) -> Iterator[EvaluatedSource]:
    if args.data is not None:
        yield _dataset(args, screen, results)
    if args.real is not None:
        yield from _real_sources(args.real)
    if args.frozen is not None:
        yield _frozen_source(args.frozen, screen)
    if args.simulated is not None:
        yield _simulated_source(args)


def _dataset(args: argparse.Namespace, screen: Console, results: Path | None) -> EvaluatedSource:
    from bevseg.datasets.open import open_source
    from bevseg.datasets.problems import require_trainable
    from bevseg.evaluation.run import EvaluatedSource

    options = open_options(args)
    opened = open_source(args.data, options)
    screen.print(opened.description, markup=False)
    require_trainable(opened.source)
    scoring = scoring_of_kind(opened.kind, args.min_points, args.max_range)
    about = {"path": str(args.data.resolve()), "kind": opened.kind, **asdict(options)}
    writer = submission_writer(results, opened, args.tables, scoring) if results is not None else None
    return EvaluatedSource(opened.source.name, partial(_open_dataset, args.data, options), scoring, about, writer)


def scoring_of_kind(kind: Kind, min_points: int, max_range_m: float) -> Scoring:
    """Which objects of a dataset count."""
    from bevseg.evaluation.frame_scores import REAL, Scoring
    from bevseg.evaluation.matching import MatchRule

    rule = MatchRule(min_points=min_points, max_range_m=max_range_m)
    return Scoring(rule) if kind in _LABEL_ALL_GROUPS else Scoring(rule, REAL.groups)


def _real_sources(folder: str) -> Iterator[EvaluatedSource]:
    """All known sets in the folder, by dataset.

    Raises:
        ValueError: No folder is named, or it holds none of the known sets with boxes.
    """
    from bevseg.datasets.real_frames import BOXED_FRAMES, POINT_LABELLED_FRAMES
    from bevseg.evaluation.frame_scores import REAL
    from bevseg.evaluation.run import EvaluatedSource

    named = folder or os.environ.get(REAL_DATA, "")
    if not named:
        raise ValueError(f"--real needs the folder of labelled frames: give it (--real FOLDER) or set {REAL_DATA}")
    root = Path(named)
    readers = {**BOXED_FRAMES, **POINT_LABELLED_FRAMES}
    by_dataset: dict[str, list[str]] = {}
    for name in (name for name in readers if (root / name).is_dir()):
        dataset = DATASET_OF_SOURCE[readers[name](root / name).name]
        by_dataset.setdefault(dataset, []).append(name)
    if not by_dataset:
        raise ValueError(f"{root}: expected at least one of the folders {', '.join(readers)}, found none")
    for dataset, names in by_dataset.items():
        about = {"path": str(root.resolve()), "folders": names}
        yield EvaluatedSource(dataset, partial(_open_real, root, dataset, tuple(names)), REAL, about)


def _simulated_source(args: argparse.Namespace) -> EvaluatedSource:
    """Stored frames, or frames that are made as they are asked for.

    Raises:
        ValueError: There are none.
    """
    from bevseg.evaluation.frame_scores import SIMULATED
    from bevseg.evaluation.matching import EVALUATION_GRID
    from bevseg.evaluation.run import EvaluatedSource
    from bevseg.simulation.config import SIMULATOR_VERSION, SimulationConfig
    from bevseg.simulation.generate import GeneratedSource
    from bevseg.simulation.source import SimulatedSource

    if args.simulated:
        folder = Path(args.simulated)
        if not len(GeneratedSource(folder)):
            raise ValueError(f"{args.simulated} holds no simulated frames; make some: bevseg simulate")
        about: dict[str, object] = {"path": str(folder.resolve())}
        return EvaluatedSource("simulated", partial(GeneratedSource, folder), SIMULATED, about)
    if args.frames < 1:
        raise ValueError(f"--frames must be 1 or more, got {args.frames}")
    config = SimulationConfig(seed=args.simulated_seed, frames=args.frames, ground_cells=EVALUATION_GRID)
    about = {"simulator_version": SIMULATOR_VERSION, "seed": config.seed}
    return EvaluatedSource("simulated", partial(SimulatedSource, config), SIMULATED, about)


def _frozen_source(folder: Path, screen: Console) -> EvaluatedSource:
    """The frozen set; frames that are missing in the folder are made first.

    Raises:
        FrozenSetError: They cannot be made by this version of the simulator.
    """
    from rich.progress import Progress

    from bevseg.evaluation.frame_scores import SIMULATED
    from bevseg.evaluation.run import EvaluatedSource
    from bevseg.processes import usable_cores
    from bevseg.simulation.frozen_set import CONFIG, NAME, FrozenSource, write_frozen_set
    from bevseg.simulation.generate import GeneratedSource

    if len(GeneratedSource(folder)) < CONFIG.frames:
        with Progress(console=screen, transient=True) as progress:
            bar = progress.add_task("simulating", total=CONFIG.frames)
            write_frozen_set(folder, usable_cores(), progress=lambda done, _: progress.update(bar, completed=done))
    return EvaluatedSource(NAME, partial(FrozenSource, folder), SIMULATED, {"path": str(folder.resolve())})


@dataclass(frozen=True)
class _Corrupted:
    """Opens a source whose scans come to harm."""

    open: Callable[[], Source]
    corruption: Corruption

    def __call__(self) -> Source:
        from bevseg.simulation.corruptions import CorruptedSource

        return CorruptedSource(self.open(), self.corruption)


def _open_dataset(path: Path, options: OpenOptions) -> Source:
    from bevseg.datasets.open import open_source

    return open_source(path, options).source


def _open_real(root: Path, dataset: str, folders: tuple[str, ...]) -> Source:
    from bevseg.datasets.joined import JoinedSource
    from bevseg.datasets.real_frames import BOXED_FRAMES, POINT_LABELLED_FRAMES

    readers = {**BOXED_FRAMES, **POINT_LABELLED_FRAMES}
    return JoinedSource(dataset, [readers[name](root / name) for name in folders])
