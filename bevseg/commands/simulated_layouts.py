"""The layouts that `bevseg simulate` writes, and what each makes of the options."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from bevseg.simulation.config import SimulationConfig
    from bevseg.simulation.drive import DriveSource
    from bevseg.simulation.generate import Progress

Layout = Literal["bevseg", "nuscenes", "kitti", "semantic-kitti", "rosbag"]


def write_simulated(args: argparse.Namespace, config: SimulationConfig, progress: Progress) -> None:
    """Writes what the options ask for into `args.out`.

    Raises:
        GenerationError: What is there already is something else.
        ValueError: The options do not go together.
    """
    layout: Layout = args.format
    if layout != "bevseg" and (config.truncation or config.ground_cells is not None):
        raise ValueError(f"--format {layout} has no place for --truncation and --ground-cells; one .npz a scan has")
    if layout == "nuscenes":
        _write_nuscenes(args, config, progress)
        return
    if args.scenes is not None:
        raise ValueError("--scenes is for --format nuscenes; the other layouts hold one drive")
    match layout:
        case "bevseg" if args.drive:
            _write_drive(config, args.out, progress)
        case "bevseg":
            from bevseg.simulation.generate import generate

            generate(config, args.out, args.frames, args.workers or os.cpu_count() or 1, progress=progress)
        case "kitti":
            from bevseg.simulation.writers.kitti import write_kitti

            write_kitti(_drive(config), args.out, progress=progress)
        case "semantic-kitti":
            from bevseg.simulation.writers.semantic_kitti import write_semantic_kitti

            write_semantic_kitti(_drive(config), args.out, progress=progress)
        case "rosbag":
            from bevseg.simulation.writers.rosbag import write_rosbag

            write_rosbag(_drive(config), args.out, progress=progress)


def _write_drive(config: SimulationConfig, folder: Path, progress: Progress) -> None:
    """Writes every scan of one drive, each frame under the name that `GeneratedSource` looks for."""
    from bevseg.datasets.sample_file import write_sample
    from bevseg.simulation.generate import frame_path

    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty: a drive is written into a folder of its own")
    drive = _drive(config)
    for index in range(len(drive)):
        progress(index, len(drive))
        path = frame_path(folder, index)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sample(path, drive[index])


def _write_nuscenes(args: argparse.Namespace, config: SimulationConfig, progress: Progress) -> None:
    from dataclasses import replace

    from bevseg.simulation.writers.nuscenes.config import NuScenesWriterConfig
    from bevseg.simulation.writers.nuscenes.dataset import write_nuscenes

    scenes = 10 if args.scenes is None else args.scenes
    dataset = NuScenesWriterConfig(replace(config, sensors=config.sensors[:1]), scenes=scenes, keyframes=args.frames)
    write_nuscenes(dataset, args.out, args.workers or os.cpu_count() or 1, progress=progress)


def _drive(config: SimulationConfig) -> DriveSource:
    from bevseg.simulation.drive import DriveConfig, DriveSource

    return DriveSource(DriveConfig(config))
