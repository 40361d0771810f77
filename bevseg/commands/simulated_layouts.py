"""The layouts that `bevseg simulate` writes, and what each makes of the options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import argparse

    from bevseg.simulation.config import SimulationConfig
    from bevseg.simulation.dataset_folder import Progress
    from bevseg.simulation.drive import DriveSource

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
    workers = _workers(args)
    if layout == "nuscenes":
        _write_nuscenes(args, config, workers, progress)
        return
    if args.scenes is not None:
        raise ValueError("--scenes is for --format nuscenes; the other layouts hold one drive")
    if layout == "bevseg" and not args.drive and (args.rate, args.speed) != (None, None):
        raise ValueError("--rate and --speed are for drives: single scenes show one moment each")
    match layout:
        case "bevseg" if args.drive:
            from bevseg.simulation.generate import write_drive

            write_drive(_drive(args, config), args.out, workers, progress=progress)
        case "bevseg":
            from bevseg.simulation.generate import generate

            generate(config, args.out, args.frames, workers, progress=progress)
        case "kitti":
            from bevseg.simulation.writers.kitti import write_kitti

            write_kitti(_drive(args, config), args.out, workers, progress=progress)
        case "semantic-kitti":
            from bevseg.simulation.writers.semantic_kitti import write_semantic_kitti

            write_semantic_kitti(_drive(args, config), args.out, workers, progress=progress)
        case "rosbag":
            from bevseg.simulation.writers.rosbag import write_rosbag

            write_rosbag(_drive(args, config), args.out, workers, progress=progress)


def _workers(args: argparse.Namespace) -> int:
    from bevseg.processes import usable_cores

    if args.workers is None:
        return usable_cores()
    if args.workers < 1:
        raise ValueError(f"--workers must be 1 or more, got {args.workers}")
    return int(args.workers)


def _write_nuscenes(args: argparse.Namespace, config: SimulationConfig, workers: int, progress: Progress) -> None:
    from dataclasses import replace

    from bevseg.simulation.writers.nuscenes.config import NuScenesWriterConfig
    from bevseg.simulation.writers.nuscenes.dataset import write_nuscenes

    if args.rate is not None:
        raise ValueError("--format nuscenes has 20 scans a second, every tenth a keyframe: leave --rate out")
    given = {"scenes": args.scenes, "speed_mps": args.speed}
    dataset = replace(
        NuScenesWriterConfig(replace(config, sensors=config.sensors[:1]), keyframes=args.frames),
        **{name: value for name, value in given.items() if value is not None},
    )
    write_nuscenes(dataset, args.out, workers, progress=progress)


def _drive(args: argparse.Namespace, config: SimulationConfig) -> DriveSource:
    from dataclasses import replace

    from bevseg.simulation.drive import DriveConfig, DriveSource

    given = {"rate_hz": args.rate, "speed_mps": args.speed}
    return DriveSource(replace(DriveConfig(config), **{k: value for k, value in given.items() if value is not None}))
