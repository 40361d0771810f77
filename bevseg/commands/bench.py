"""Measure how fast the model (or the simulator, an evaluator, messages, the replay) is here, stage by stage.

Without --input it measures on simulated scans of three sensors. The bytes are in memory already, so no disk is timed,
but reading and voxelization are. One scan runs after the other, with nothing else on the machine if you can help it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING

from bevseg.commands.frame_files import add_reading_arguments, find_frames
from bevseg.commands.models import add_model_arguments, load_segmenter
from bevseg.commands.output import ExitCode, console, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from bevseg.benchmark import BenchReport, Payload, Percentiles
    from bevseg.pipeline import BevSegmenter

_SENSORS = ("hdl-32e", "hdl-64e", "pandar64")
_SIMULATED_FRAMES = 5
_SEED = 7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the scans, how often they run, and the model."""
    scans = parser.add_mutually_exclusive_group()
    scans.add_argument(
        "--sensor",
        action="append",
        metavar="NAME|FILE",
        help=f"simulated scans of this one, as `bevseg simulate` takes them (default: {', '.join(_SENSORS)})",
    )
    _add_arguments_instead(parser)
    scans.add_argument("--input", nargs="+", metavar="PATH", help="point files, folders or patterns instead")
    parser.add_argument("--repeats", type=int, default=50, metavar="N", help="timed runs a row (default: 50)")
    parser.add_argument("--warmup", type=int, default=5, metavar="N", help="runs before them (default: 5)")
    add_reading_arguments(parser)
    add_model_arguments(parser)


def _add_arguments_instead(parser: argparse.ArgumentParser) -> None:
    """What is measured in place of a model."""
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--simulator", action="store_true", help="measure the simulator instead of a model")
    instead.add_argument(
        "--panoptic", action="store_true", help="measure the panoptic evaluator beside nuScenes' own instead of a model"
    )
    instead.add_argument(
        "--messages", action="store_true", help="measure decoding and encoding of PointCloud2 instead of a model"
    )
    instead.add_argument(
        "--replay",
        action="store_true",
        help="measure `bevseg replay --view video` with stored results instead of a model",
    )
    instead.add_argument(
        "--opening",
        action="store_true",
        help="measure how soon `bevseg replay` shows the first frame of recordings of every layout that are made for "
        "it, and its memory, instead of a model",
    )
    instead.add_argument(
        "--evaluation",
        type=Path,
        metavar="DATASET",
        help="measure the scoring of stored scenes of these frames instead of a model: speed, cores, memory",
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        metavar="FOLDER",
        help="with --evaluation: the scenes, as `bevseg eval` takes them (default: made by the baseline first)",
    )
    parser.add_argument("--frames", type=int, metavar="N", help="with --opening: of each recording (default: 10000)")


def run(args: argparse.Namespace) -> ExitCode:
    """Measures and reports."""
    if args.repeats < 1 or args.warmup < 0:
        raise ValueError(f"--repeats must be 1 or more and --warmup 0 or more, got {args.repeats} and {args.warmup}")
    if args.predictions is not None and args.evaluation is None:
        raise ValueError("--predictions is for --evaluation: it names the scenes that are scored")
    if args.frames is not None and not args.opening:
        raise ValueError("--frames is for --opening: it says how long its recordings are")
    measured_instead = _measure_instead(args)
    return _measure_model(args) if measured_instead is None else measured_instead


def _measure_instead(args: argparse.Namespace) -> ExitCode | None:
    """Measures what is asked for in place of a model; None where nothing is."""
    if args.simulator:
        from bevseg.commands.simulator_speed import measure_simulator

        return measure_simulator(args, args.sensor or _SENSORS)
    if args.panoptic:
        from bevseg.commands.panoptic_speed import measure_panoptic

        return measure_panoptic(args)
    if args.replay:
        from bevseg.commands.replay_speed import measure_replay

        return measure_replay(args)
    if args.opening:
        from bevseg.commands.opening_speed import measure_opening

        return measure_opening(args)
    if args.messages:
        from bevseg.commands.message_speed import measure_messages

        return measure_messages(args)
    if args.evaluation is not None:
        from bevseg.commands.evaluation_speed import measure_evaluation

        return measure_evaluation(args)
    return None


def _measure_model(args: argparse.Namespace) -> ExitCode:
    """One row for each sensor."""
    from bevseg.benchmark import benchmark

    segmenter, screen = load_segmenter(args), console(args)
    reports: dict[str, BenchReport] = {}
    for sensor, payloads in _payloads(args).items():
        screen.print(f"{args.warmup} + {args.repeats} runs on {sensor} ...", markup=False)
        reports[sensor] = benchmark(segmenter.segment, payloads, repeats=args.repeats, warmup=args.warmup)
    setting = _setting(segmenter)
    if args.json:
        rows = [{**setting, "sensor": sensor, **report.as_json()} for sensor, report in reports.items()]
        pooled = reduce(add, reports.values())
        print_json({**setting, "sensor": ", ".join(reports), **pooled.as_json(), "rows": rows})
        return ExitCode.OK
    screen.print(_end_to_end_table(reports))
    screen.print(_stages_table(reports))
    peak_mb = max(report.peak_rss_mb for report in reports.values())
    screen.print(
        "{model} in {precision}, threads: {threads}, device: {device} ({cpu}); ".format(**setting)
        + f"the process took {peak_mb:.0f} MB of memory at most",
        markup=False,
    )
    return ExitCode.OK


def simulate_payload(sensor: str, index: int) -> Payload:
    """A simulated scan as the bytes of a KITTI `.bin`; always the same for the same arguments."""
    from bevseg.benchmark import Payload
    from bevseg.points.raw_bin import KITTI_COLUMNS, write_raw_bin
    from bevseg.points.raw_points import RawPoints
    from bevseg.simulation.config import SimulationConfig
    from bevseg.simulation.source import SimulatedSource

    source = SimulatedSource(SimulationConfig(seed=_SEED, frames=index + 1, sensors=(sensor,), occlusion=False))
    cloud = source[index].cloud
    return Payload(
        f"{Path(sensor).stem}-{index}.bin", write_raw_bin(RawPoints(cloud.xyz, cloud.intensity), KITTI_COLUMNS)
    )


def _payloads(args: argparse.Namespace) -> dict[str, list[Payload]]:
    """Scans by the name of their row."""
    if args.input:
        return _payloads_of_files(args)
    return _simulated_payloads(args.sensor or list(_SENSORS))


def _payloads_of_files(args: argparse.Namespace) -> dict[str, list[Payload]]:
    from bevseg.benchmark import Payload

    files = find_frames(args.input)
    name = files[0].name if len(files) == 1 else f"{len(files)} files"
    told = (args.columns, args.input_frame, args.intensity_full_scale)
    return {name: [Payload(str(file), file.read_bytes(), *told) for file in files]}


def _simulated_payloads(sensors: list[str]) -> dict[str, list[Payload]]:
    """Made by a process of their own, so that the simulator's memory does not count as the model's."""
    import multiprocessing

    jobs = [(sensor, index) for sensor in dict.fromkeys(sensors) for index in range(_SIMULATED_FRAMES)]
    with multiprocessing.get_context("spawn").Pool(1) as simulator:
        made = simulator.starmap(simulate_payload, jobs)
    payloads: dict[str, list[Payload]] = {}
    for (sensor, _), payload in zip(jobs, made, strict=True):
        payloads.setdefault(sensor, []).append(payload)
    return payloads


def _setting(segmenter: BevSegmenter) -> dict[str, object]:
    """What ran, and where."""
    import torch

    from bevseg.benchmark import cpu_name

    return {
        "model": segmenter.config.name,
        "precision": segmenter.precision,
        "device": str(segmenter.device),
        "cpu": cpu_name(),
        "threads": torch.get_num_threads(),
    }


def _end_to_end_table(reports: Mapping[str, BenchReport]) -> Table:
    table = _table("End to end, ms", ("scans", "points", "p50", "p90", "p99", "max"))
    for sensor, report in reports.items():
        times = report.end_to_end_ms
        values = (f"{value:.1f}" for value in (times.p50, times.p90, times.p99, times.max))
        table.add_row(sensor, f"{report.points:,}", *values)
    return table


def _stages_table(reports: Mapping[str, BenchReport]) -> Table:
    table = _table("Stages, ms: p50 / p99", ("stage", *reports))
    columns: list[dict[str, Percentiles]] = [report.stages_ms for report in reports.values()]
    for stage in columns[0]:
        table.add_row(stage, *(f"{column[stage].p50:.1f} / {column[stage].p99:.1f}" for column in columns))
    return table


def _table(title: str, headings: tuple[str, ...]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 else "right")
    return table
