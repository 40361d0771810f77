"""`python -m bevseg_ros.benchmarks overhead | soak | fuzz`: measures, and writes JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> None:
    args = _parser().parse_args(arguments)
    match args.what:
        case "overhead":
            from bevseg_ros.benchmarks.overhead import measure_overhead

            report = measure_overhead(args.clouds, sensor=args.sensor, all_outputs=args.all_outputs)
        case "soak":
            from bevseg_ros.benchmarks.soak import soak

            report = soak(args.clouds, args.real)
        case _:
            from bevseg_ros.benchmarks.live_fuzz import live_fuzz

            report = live_fuzz(args.messages, args.seed)
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bevseg_ros.benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    overhead = commands.add_parser("overhead", help="what the node adds to the model's own time, at 10 Hz")
    overhead.add_argument("--clouds", type=int, default=600, help="how many are measured (default: %(default)s)")
    overhead.add_argument("--sensor", default="hdl-32e", help="of the simulation (default: %(default)s)")
    overhead.add_argument("--all-outputs", action="store_true", help="subscribe to every output, not to objects alone")
    soak = commands.add_parser("soak", help="memory and counters over many clouds, as fast as they are taken")
    soak.add_argument("--clouds", type=int, default=20_000, help="(default: %(default)s)")
    soak.add_argument("--real", type=Path, help="folder of real frames, taken in turn with simulated ones")
    fuzz = commands.add_parser("fuzz", help="mutated messages through a live node")
    fuzz.add_argument("--messages", type=int, default=5_000, help="(default: %(default)s)")
    fuzz.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    main()
