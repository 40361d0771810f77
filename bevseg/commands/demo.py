"""Simulate a short drive, segment every scan, and film what the model sees.

Needs nothing but the package: the drive is simulated and the model ships with it. Writes `drive.mp4` and `scene.png`
(the last scan) into a folder, and prints the objects of the last scan.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bevseg.commands.objects import object_rows, object_table
from bevseg.commands.output import ExitCode, console, print_json

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from bevseg.pipeline import BevSegmenter
    from bevseg.results.scene import Scene
    from bevseg.simulation.drive import DriveSource

_RATE_HZ = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the drive is, and where its film goes."""
    parser.add_argument("--out", type=Path, default=Path("bevseg-demo"), metavar="FOLDER", help="default: %(default)s")
    parser.add_argument(
        "--checkpoint", default="bevseg-s", metavar="NAME|FILE", help="model to run (default: %(default)s)"
    )
    parser.add_argument("--frames", type=int, default=60, metavar="N", help="scans, ten a second (default: 60)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another number is another street")
    parser.add_argument(
        "--sensor",
        default="hdl-64e",
        metavar="NAME|FILE",
        help="one that ships, or your own YAML (default: %(default)s)",
    )
    parser.add_argument("--truth", action="store_true", help="also draw the true boxes, as thin dashed outlines")


def run(args: argparse.Namespace) -> ExitCode:
    """Drives, segments, films and reports."""
    from bevseg.drawing.image_file import write_png
    from bevseg.pipeline import BevSegmenter

    if args.frames < 1:
        raise ValueError(f"--frames must be 1 or more, got {args.frames}")
    segmenter = BevSegmenter.from_checkpoint(args.checkpoint)
    args.out.mkdir(parents=True, exist_ok=True)
    video, picture = args.out / "drive.mp4", args.out / "scene.png"
    film = _film(segmenter, _drive(args), video, screen=console(args), with_truth=args.truth)
    write_png(picture, film.last_image)
    if args.json:
        print_json(_summary(film, video=video, picture=picture))
    else:
        _report(film, console(args), video=video, picture=picture)
    return ExitCode.OK


@dataclass(frozen=True, eq=False)
class _Film:
    """What is left of the drive once it is filmed; `stages_ms` is the mean over all scans."""

    num_frames: int
    wall_s: float
    stages_ms: Mapping[str, float]
    last_scene: Scene
    last_image: np.ndarray


def _drive(args: argparse.Namespace) -> DriveSource:
    from bevseg.simulation.config import SimulationConfig
    from bevseg.simulation.drive import DriveConfig, DriveSource

    scene = SimulationConfig(
        seed=args.seed, frames=args.frames, sensors=(args.sensor,), density=(0.7, 1.0), occlusion=False
    )
    return DriveSource(DriveConfig(scene, rate_hz=_RATE_HZ))


def _film(segmenter: BevSegmenter, drive: DriveSource, path: Path, *, screen: Console, with_truth: bool) -> _Film:
    from rich.progress import track

    from bevseg.drawing.bev import draw_scene
    from bevseg.drawing.video import VideoWriter
    from bevseg.tracking.tracker import Tracker

    tracker = Tracker()  # an object keeps its colour from scan to scan
    start, stages_ms = time.perf_counter(), dict[str, float]()
    with VideoWriter(path, frames_per_s=_RATE_HZ) as video:
        for index in track(range(len(drive)), description="driving", console=screen, transient=True):
            sample = drive[index]
            scene = tracker.follow(segmenter.segment(sample.cloud), sample.T_global_from_ego @ sample.T_ego_from_lidar)
            truth = sample.annotations if with_truth else None
            image = draw_scene(sample.cloud, scene, title=f"Simulated drive, {index / _RATE_HZ:.1f} s", truth=truth)
            video.write(image)
            for stage, elapsed_ms in scene.timings_ms.items():
                stages_ms[stage] = stages_ms.get(stage, 0.0) + elapsed_ms / len(drive)
    return _Film(len(drive), time.perf_counter() - start, stages_ms, scene, image)


def _summary(film: _Film, *, video: Path, picture: Path) -> dict[str, object]:
    return {
        "frames": film.num_frames,
        "wall_s": round(film.wall_s, 2),
        "stages_ms": {stage: round(elapsed_ms, 2) for stage, elapsed_ms in film.stages_ms.items()},
        "video": str(video),
        "picture": str(picture),
        "objects": [asdict(row) for row in object_rows(film.last_scene)],
    }


def _report(film: _Film, screen: Console, *, video: Path, picture: Path) -> None:
    screen.print(object_table(object_rows(film.last_scene), title="Objects of the last scan, the nearest first"))
    total_ms = sum(film.stages_ms.values())
    screen.print(f"{film.num_frames} scans in {film.wall_s:.0f} s, of which the model took {total_ms:.0f} ms a scan.")
    screen.print(f"video    {video}")
    screen.print(f"picture  {picture}")
