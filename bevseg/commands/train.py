"""Train a network on simulated streets, from one YAML, into one folder.

The folder takes the state, the averaged weights (last.safetensors), the learning curve and the logs. Ctrl-C or SIGTERM
saves and stops; `bevseg train --out FOLDER --resume` goes on as if nothing had happened.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bevseg.commands.output import ExitCode, console, print_json

if TYPE_CHECKING:
    from bevseg.learning.experiment import ExperimentConfig
    from bevseg.learning.frames import FrameStore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the experiment, the folder, and what may differ from one start to the next."""
    parser.add_argument("config", type=Path, nargs="?", help="YAML of the experiment; with --resume the run's own")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the run is kept")
    parser.add_argument("--resume", action="store_true", help="go on with the run in FOLDER")
    parser.add_argument(
        "--frames", type=Path, metavar="FOLDER", help="stored frames (`bevseg simulate`); by default made on the way"
    )
    parser.add_argument("--initial", metavar="CHECKPOINT", help="weights to start with, in place of the YAML's choice")
    parser.add_argument("--steps", type=int, help="length of the run, in place of the YAML's")
    parser.add_argument("--minutes", type=float, help="stop after this much training, in place of the YAML's")
    parser.add_argument("--workers", type=int, help="processes that prepare frames, in place of the YAML's")


def run(args: argparse.Namespace) -> ExitCode:
    """Trains, and says where the weights are."""
    from bevseg.commands.idle_threads import calm_idle_threads

    calm_idle_threads()
    from bevseg.configuration import dump_yaml
    from bevseg.learning.experiment import run_experiment
    from bevseg.learning.run_folder import RunFolder

    _log_progress(args)
    experiment = _experiment(args)
    frames = _stored_frames(args.frames) if args.frames else None
    args.out.mkdir(parents=True, exist_ok=True)
    RunFolder(args.out).experiment_file.write_text(dump_yaml(experiment), encoding="utf-8")
    outcome = run_experiment(experiment, args.out, frames=frames, resume=args.resume)
    if args.json:
        print_json({"step": outcome.step, "reason": outcome.reason, "checkpoint": str(outcome.checkpoint)})
    else:
        console(args).print(f"Stopped after step {outcome.step} ({outcome.reason}); weights: {outcome.checkpoint}")
    return ExitCode.INTERRUPTED if outcome.reason == "signal" else ExitCode.OK


def _experiment(args: argparse.Namespace) -> ExperimentConfig:
    """The experiment of this start: a resumed run keeps its own, but for what the options change.

    Raises:
        ValueError: No YAML is given for a new run, or another one than that of the run to resume.
    """
    from bevseg.configuration import load_yaml_as
    from bevseg.learning.experiment import ExperimentConfig
    from bevseg.learning.run_folder import RunFolder

    run = RunFolder(args.out)
    kept = run.experiment_file
    if not args.resume and run.state_file.exists():
        raise ValueError(f"{args.out} already holds a run: go on with it (--resume), or choose another --out")
    if args.resume and args.initial is not None:
        raise ValueError("--initial starts a new run; a resumed one goes on with its own weights")
    if args.resume and not kept.is_file():
        raise ValueError(f"no run to resume in {args.out}: it has no {kept.name}")
    if not args.resume and args.config is None:
        raise ValueError("a new run needs the YAML of its experiment: bevseg train CONFIG --out FOLDER")
    experiment = load_yaml_as(ExperimentConfig, args.config or kept)
    if args.resume and replace(load_yaml_as(ExperimentConfig, kept), train=experiment.train) != experiment:
        raise ValueError(f"{args.config} differs from {kept}: leave it out to resume, or start a new run with it")
    given = {"steps": args.steps, "max_minutes": args.minutes, "workers": args.workers}
    changes = {name: value for name, value in given.items() if value is not None}
    initial = experiment.initial if args.initial is None else args.initial
    return replace(experiment, train=replace(experiment.train, **changes), initial=initial)


def _stored_frames(folder: Path) -> FrameStore:
    """The frames of a folder that `bevseg simulate` wrote (or still writes), or of any folder of sample files.

    Raises:
        ValueError: The folder has neither.
    """
    from bevseg.datasets.sample_file import read_sample
    from bevseg.learning.frames import FolderFrames, SourceFrames
    from bevseg.simulation.dataset_folder import MANIFEST
    from bevseg.simulation.generate import GeneratedSource

    if (folder / MANIFEST).is_file():
        return SourceFrames(GeneratedSource(folder))
    if not folder.is_dir() or not any(folder.glob("*.npz")):
        raise ValueError(f"--frames {folder} holds neither {MANIFEST} nor .npz files; make frames: bevseg simulate")
    return FolderFrames(folder, ".npz", read_sample)


def _log_progress(args: argparse.Namespace) -> None:
    """Where no progress bar can be drawn, lines of the log tell how far it is."""
    import logging
    import sys

    if not sys.stderr.isatty() and not args.verbose:
        logging.getLogger("bevseg.learning").setLevel(logging.INFO)
