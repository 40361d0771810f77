"""Which part of a dataset a command reads: the options that several commands share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bevseg.datasets.open import OpenOptions


def add_part_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds split, drives, sweeps, tables, topic and sensor frame."""
    part = parser.add_argument_group("which part of a dataset")
    part.add_argument("--split", metavar="NAME", help="such as train, val, mini_val")
    part.add_argument("--drive", action="append", metavar="NAME", help="a scene, log or drive; may be given repeatedly")
    part.add_argument("--sweeps", type=int, default=1, metavar="N", help="scans to join into each sample (default: 1)")
    part.add_argument("--tables", metavar="VERSION", help="nuScenes: folder of tables, where there are several")
    part.add_argument("--topic", metavar="NAME", help="bags: topic of the points, where there are several")
    part.add_argument(
        "--sensor-frame",
        metavar="FRAME",
        help="bags: frame of the LiDAR, connected by /tf_static, where the points are in another one, as base_link",
    )


def open_options(args: argparse.Namespace) -> OpenOptions:
    """What was asked for."""
    from bevseg.datasets.open import OpenOptions

    drives = tuple(args.drive) if args.drive else None
    return OpenOptions(
        args.split,
        drives,
        sweeps=args.sweeps,
        version=args.tables,
        topic=args.topic,
        sensor_frame=args.sensor_frame,
    )
