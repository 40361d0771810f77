"""`bevseg bench --evaluation`: frames a second, cores and memory of an evaluation of stored scenes, all of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bevseg.commands.output import ExitCode, console, print_json

if TYPE_CHECKING:
    import argparse


def measure_evaluation(args: argparse.Namespace) -> ExitCode:
    """Scores stored scenes of the frames by `bevseg eval` in processes of its own, from its start to its end."""
    from bevseg.evaluation.command_usage import measure_command

    screen = console(args)
    with TemporaryDirectory(prefix="bevseg-bench-") as scratch:
        start = [sys.executable, "-m", "bevseg", "eval", "--json", "--data", str(args.evaluation)]
        predictions = args.predictions
        if predictions is None:
            screen.print("making scenes by the geometric baseline ...", markup=False)
            start += ["--head", "clusters"]
            predictions = Path(scratch) / "made" / "predictions"
            measure_command([*start, "--output", str(predictions.parent), "--no-report"])
        screen.print(f"scoring {predictions} ...", markup=False)
        usage = measure_command([*start, "--predictions", str(predictions)])
    frames = sum(source["frames"] for source in json.loads(usage.output)["sources"])
    speed = {"frames": frames, "frames_per_s": frames / usage.wall_s, **usage.as_json()}
    if args.json:
        print_json(speed)
    else:
        screen.print(
            f"{frames} frames in {usage.wall_s:.1f} s, {frames / usage.wall_s:.1f} a second; "
            f"{usage.peak_mb:.0f} MB of memory at most, all processes together; "
            f"{usage.core_share:.0%} of {usage.cores} cores used, {usage.runnable_share:.0%} wanted",
            markup=False,
        )
    return ExitCode.OK
