"""`bevseg bench --simulator`: frames a second of one core, sensor by sensor, and where the time goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bevseg.commands.output import ExitCode, console, print_json

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from rich.table import Table

    from bevseg.simulation.benchmark import SensorSpeed

_SEED = 7


def measure_simulator(args: argparse.Namespace, sensors: Sequence[str]) -> ExitCode:
    """Simulates `--repeats` frames of each sensor with all their truth, and reports CPU times."""
    from bevseg.simulation.benchmark import benchmark_simulator
    from bevseg.simulation.config import SimulationConfig

    config = SimulationConfig(seed=_SEED, sensors=tuple(sensors), density=(0.0, 0.4))
    speeds = benchmark_simulator(config, frames=args.repeats, warmup=args.warmup)
    if args.json:
        print_json({"sensors": [speed.as_json() for speed in speeds]})
    else:
        console(args).print(_table(speeds))
    return ExitCode.OK


def _table(speeds: Sequence[SensorSpeed]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    title = "One frame with all truth, ms of CPU time in the mean"
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("stage")
    for speed in speeds:
        table.add_column(speed.sensor, justify="right")
    for stage in speeds[0].stages_ms:
        table.add_row(stage, *(f"{speed.stages_ms.get(stage, 0.0):.1f}" for speed in speeds))
    table.add_section()
    table.add_row("whole frame", *(f"{speed.frame_ms:.1f}" for speed in speeds))
    table.add_row("frames/s of one core", *(f"{speed.frames_a_second:.1f}" for speed in speeds))
    return table
