"""Simulate labelled LiDAR scans into a folder: independent scenes, one drive scan by scan, or a whole dataset.

Without --format each frame is one .npz with the cloud, boxes, labels for points, visible fractions and who hides whom.
In a drive the vehicle and the objects may move while the sensor turns: --shutter. Which echoes of a beam a sensor
reports stands in its YAML (returns: first, strongest, last or dual); vlp-16-dual is one that reports two.
The same options give the same bytes; what is there already is kept, so an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bevseg.commands.output import ExitCode, console, print_json
from bevseg.commands.simulated_layouts import write_simulated
from bevseg.interruption import with_consequence

if TYPE_CHECKING:
    from rich.console import Console

    from bevseg.simulation.config import SimulationConfig
    from bevseg.simulation.dataset_folder import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds where the frames go, what is simulated, and with how many processes."""
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the frames are kept")
    parser.add_argument("--frames", type=int, default=100, metavar="N", help="number of scans (default: 100)")
    parser.add_argument("--config", type=Path, metavar="YAML", help="the whole simulation; options below go over it")
    parser.add_argument("--seed", type=int, metavar="N", help="another number is another family of streets")
    parser.add_argument(
        "--sensor",
        action="append",
        metavar="NAME",
        help="such as hdl-64e; given more than once, the sensors take turns",
    )
    parser.add_argument(
        "--format",
        choices=("bevseg", "nuscenes", "kitti", "semantic-kitti", "rosbag"),
        default="bevseg",
        help="layout: one .npz a scan (default), or drives as one of the public datasets has them, or as a ROS 2 bag",
    )
    parser.add_argument(
        "--ground-cells",
        action="store_true",
        help="with each frame whether each cell of its ground is free, occupied, hidden or unobserved",
    )
    parser.add_argument(
        "--truncation",
        action="store_true",
        help="with each object which share of it lies outside of what the sensor can cover",
    )
    parser.add_argument(
        "--scenes", type=int, metavar="N", help="drives of a nuScenes dataset, each of --frames keyframes (default: 10)"
    )
    parser.add_argument("--drive", action="store_true", help="one drive, scan by scan, instead of single scenes")
    parser.add_argument(
        "--rate", type=float, metavar="HZ", help="scans a second of a drive (default: 10; nuScenes: 20)"
    )
    parser.add_argument(
        "--speed", type=float, metavar="M/S", help="at which a drive's vehicle wants to go (default: 7)"
    )
    parser.add_argument(
        "--shutter",
        choices=("instant", "deskewed", "distorted"),
        help="what moves while the sensor turns, in drives and datasets: nothing (default); or vehicle and objects, "
        "and each point is seen from where the sensor is at the turn's end (deskewed) or was at its time (distorted)",
    )
    parser.add_argument(
        "--compare", type=Path, metavar="REAL", help="no dataset, but a report: scans beside the real frames in REAL"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one for each core)")


def run(args: argparse.Namespace) -> ExitCode:
    """Simulates, and says what was written."""
    if args.frames < 1:
        raise ValueError(f"--frames must be 1 or more, got {args.frames}")
    config, screen, start_s = _config(args), console(args), time.perf_counter()
    if args.compare:
        from bevseg.commands.domain_gap_report import compare_with_real

        return compare_with_real(args, config)
    try:
        with _Bar(screen) as progress:
            write_simulated(args, config, progress)
    except KeyboardInterrupt as stop:
        raise with_consequence(stop, "; what is done is kept, and the same command goes on from there") from None
    elapsed_s = time.perf_counter() - start_s
    if args.json:
        print_json({"folder": str(args.out), "frames": args.frames, "wall_s": round(elapsed_s, 2)})
    else:
        screen.print(f"{args.frames} frames in {args.out}, after {elapsed_s:.0f} s")
    return ExitCode.OK


def _config(args: argparse.Namespace) -> SimulationConfig:
    """The simulation of the YAML, or the usual one, with the options put over it."""
    from dataclasses import replace

    from bevseg.configuration import load_yaml_as
    from bevseg.evaluation.matching import EVALUATION_GRID
    from bevseg.simulation.config import SimulationConfig

    config = load_yaml_as(SimulationConfig, args.config) if args.config else SimulationConfig()
    given = {
        "seed": args.seed,
        "sensors": tuple(args.sensor) if args.sensor else None,
        "frames": args.frames,
        "truncation": args.truncation or None,
        "ground_cells": EVALUATION_GRID if args.ground_cells else None,
        "shutter": args.shutter,
    }
    return replace(config, **{name: value for name, value in given.items() if value is not None})


class _Bar:
    """A progress bar that is moved by calling it with the frames done and the frames in all."""

    def __init__(self, screen: Console) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        self._bar = Progress("simulating", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=screen)
        self._task = self._bar.add_task("simulating", total=None)

    def __enter__(self) -> Progress:
        self._bar.start()
        return lambda done, total: self._bar.update(self._task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
