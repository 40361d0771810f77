"""Turn a training run into a checkpoint to ship: half precision, score thresholds chosen on simulated frames.

Beside the checkpoint lie its config (.yaml) and what is known of it (.json): seed, frames seen, scores, and on which
frames the thresholds were chosen.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bevseg.commands.output import ExitCode, console, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from bevseg.learning.validation import Validation
    from bevseg.simulation.config import SimulationConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the run, the destination, and the frames that thresholds are chosen on."""
    parser.add_argument("source", type=Path, metavar="RUN|FILE", help="folder of a run, or one of its checkpoints")
    parser.add_argument("--to", type=Path, required=True, metavar="FILE", help="the checkpoint to write (.safetensors)")
    parser.add_argument("--frames", type=int, default=60, metavar="N", help="simulated frames (default: 60)")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="of these frames (default: that of the run's validation, or 2)"
    )
    parser.add_argument("--force", action="store_true", help="replace the file if it is there already")
    parser.add_argument(
        "--weights", choices=("float16", "bfloat16", "float32"), default="float16", help="default: %(default)s"
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Scores the weights on simulated frames, and writes the checkpoint."""
    from dataclasses import asdict

    from rich.progress import track

    from bevseg.learning.export import export_checkpoint
    from bevseg.simulation.source import SimulatedSource

    if args.frames < 1:
        raise ValueError(f"--frames must be 1 or more, got {args.frames}")
    if args.to.exists() and not args.force:
        raise ValueError(f"{args.to} is there already: choose another file, or replace it (--force)")
    source, screen = _checkpoint(args.source), console(args)
    simulation = _simulation(args)
    frames = SimulatedSource(simulation)
    bar = track(range(len(frames)), description="simulating", console=screen, transient=True)
    samples = [frames[index] for index in bar]
    with screen.status("scoring"):
        exported = export_checkpoint(
            source,
            args.to,
            samples=samples,
            samples_from={"simulator": frames.name, **asdict(simulation)},
            weight_type=args.weights,
        )
    if args.json:
        print_json({"checkpoint": str(exported.path), "bytes": exported.size_bytes, **_figures(exported.validation)})
    else:
        screen.print(_table(exported.validation, len(samples)))
        screen.print(f"{exported.path}, {exported.size_bytes / 2**20:.1f} MiB")
    return ExitCode.OK


def _checkpoint(source: Path) -> Path:
    """The newest averaged weights of a run's folder, or the file itself.

    Raises:
        ValueError: The folder holds none yet.
    """
    from bevseg.learning.run_folder import RunFolder

    if not source.is_dir():
        return source
    last = RunFolder(source).last_checkpoint
    if not last.is_file():
        raise ValueError(
            f"{source} has no {last.name}, which a run writes when it stops; give one of its checkpoints/ instead"
        )
    return last


def _simulation(args: argparse.Namespace) -> SimulationConfig:
    """That of the run's validation, where the run is known; never that of its training.

    Raises:
        ValueError: The seed is that of the frames that the run was trained on.
    """
    from dataclasses import replace

    from bevseg.configuration import load_yaml_as
    from bevseg.learning.experiment import ExperimentConfig
    from bevseg.learning.run_folder import RunFolder
    from bevseg.simulation.config import SimulationConfig

    simulation = SimulationConfig(seed=2)
    folder = args.source if args.source.is_dir() else args.source.parent
    folder = folder.parent if folder.name == "checkpoints" else folder
    kept = RunFolder(folder).experiment_file
    if kept.is_file():
        experiment = load_yaml_as(ExperimentConfig, kept)
        simulation = experiment.validation
        if args.seed == experiment.simulation.seed:
            raise ValueError(f"--seed {args.seed} gives the frames that this run was trained on; take another")
    seed = simulation.seed if args.seed is None else args.seed
    return replace(simulation, seed=seed, frames=args.frames, occlusion=False)


def _figures(validation: Validation) -> dict[str, object]:
    """Scores and thresholds; None for groups that the frames hold nothing of."""
    from bevseg.evaluation.tables import json_number

    return {name: json_number(value) for name, value in validation.scores().items()}


def _table(validation: Validation, num_frames: int) -> Table:
    from bevseg.evaluation.tables import figure_table
    from bevseg.results.classes import ClassGroup

    counts = validation.counts
    figures = {
        f"{group.label} ({counts.num_truth[group]})": (
            validation.thresholds[group],
            float(counts.f1[group]),
            float(counts.pq[group]),
        )
        for group in ClassGroup
    }
    headings = ("objects (truth)", "threshold", "F1", "PQ")
    title = f"{num_frames} simulated frames; mean IoU of points {validation.semantic.mean_iou:.3f}"
    return figure_table(figures, headings, title=title)
