"""`bevseg replay --view mcap` and `--ros`: a recording with its results as a bag."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from bevseg.commands.replayed import Replayed

if TYPE_CHECKING:
    from rich.progress import Progress

    from bevseg.replay.export import Tally

_NODES_CHECKPOINT = "bevseg-s"
"""What the node runs unless told otherwise."""


def add_bag_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what only bags have."""
    bag = parser.add_argument_group("bags")
    bag.add_argument(
        "--ros",
        action="store_true",
        help="a bag in, a bag out: --view mcap with all messages of the input beside the results, as if the node had "
        f"run (its checkpoint, {_NODES_CHECKPOINT}, unless results or another are named)",
    )


def as_the_node(args: argparse.Namespace) -> argparse.Namespace:
    """What `--ros` stands for: the view, the node's checkpoint, and ids of each scan's own as the node gives them.

    Raises:
        ValueError: It does not go with another option.
    """
    if not args.ros:
        return args
    strange = [name for name in ("compare", "truth", "watch", "find") if getattr(args, name)]
    if strange:
        raise ValueError(f"--ros does what the node does with a recorded bag: it does not go with --{strange[0]}")
    checkpoint = args.checkpoint or (None if args.predictions else _NODES_CHECKPOINT)
    return argparse.Namespace(**{**vars(args), "view": "mcap", "no_tracking": True, "checkpoint": checkpoint})


def check_bag(args: argparse.Namespace) -> None:
    """Refuses what does not go together.

    Raises:
        ValueError: It does not.
        FileExistsError: There is something where the bag is to be.
    """
    if args.compare:
        raise ValueError("--view mcap writes one result: --compare shows two side by side in a video")
    if args.output is None or args.output.suffix.lower() not in (".mcap", ""):
        raise ValueError(
            f"--view mcap writes a bag: --output FILE.mcap, or the name of a folder, got '{args.output or 'none'}'"
        )
    if args.output.exists():
        raise FileExistsError(f"{args.output} exists already: name another bag, or remove it")


def write_bag_view(args: argparse.Namespace, replayed: Replayed, indices: Iterable[int], progress: Progress) -> Tally:
    """Writes the bag and counts the frames.

    Raises:
        DatasetError: No frame can be read; or, with `--ros`, the source is no bag, or one that holds results already.
    """
    from bevseg.datasets.bag import BagSource
    from bevseg.datasets.labels import DatasetError
    from bevseg.processes import usable_cores
    from bevseg.replay.bag.export import write_bag, write_beside_inputs
    from bevseg.replay.export import Tally, read_ahead
    from bevseg.replay.pictures import FramePainter

    source = replayed.recording.source
    if args.ros:
        indices = sorted(set(indices))
        if not isinstance(source, BagSource):
            raise DatasetError(f"--ros takes a bag, scan by scan; {replayed.description}: use --view mcap")
    bar = progress.add_task("writing", total=len(indices) if isinstance(indices, Sequence) else None)
    tally, painter = Tally(), FramePainter(replayed.look, replayed.recording.scoring)
    workers = args.workers or usable_cores()
    with closing(read_ahead(replayed.recording, indices, tally)) as frames:
        if args.ros and isinstance(source, BagSource) and isinstance(indices, list):
            bag = write_beside_inputs(args.output, source, indices, frames, painter, workers=workers)
        else:
            bag = write_bag(args.output, replayed.recording, frames, painter, workers=workers)
        with bag as written:
            for _ in written:
                progress.advance(bar)
            replayed.require_results(tally)
    return tally
