"""`bevseg replay` without a display: a video, pictures, a contact sheet, or a page, drawn by all cores."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from bevseg.commands.replayed import Replayed

if TYPE_CHECKING:
    from rich.progress import Progress

    from bevseg.replay.export import Tally

SHEET_TILES = 9
"""Frames of a sheet for which none are named."""


def write_drawn_view(args: argparse.Namespace, replayed: Replayed, indices: Iterable[int], progress: Progress) -> Tally:
    """A video, or a folder of pictures."""
    from bevseg.replay.export import Tally, read_ahead, write_pictures, write_video
    from bevseg.replay.pictures import FramePainter

    bar = progress.add_task("drawing", total=len(indices) if isinstance(indices, Sequence) else None)
    tally, painter = Tally(), FramePainter(replayed.look, replayed.recording.scoring)
    workers = _workers(args)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    with closing(read_ahead(replayed.recording, indices, tally)) as frames:
        if args.output.suffix:
            rate = replayed.frames_per_s(args)
            writing = write_video(args.output, frames, painter, frames_per_s=rate, workers=workers)
        else:
            writing = write_pictures(args.output, frames, painter, workers=workers)
        with writing as drawn:
            for _ in drawn:
                progress.advance(bar)
            replayed.require_results(tally)
    return tally


def write_page_view(args: argparse.Namespace, replayed: Replayed, indices: Iterable[int], progress: Progress) -> Tally:
    """One page that plays in any browser."""
    from bevseg.replay.export import Tally, read_ahead
    from bevseg.replay.web.pack import FramePacker
    from bevseg.replay.web.page import Clip, bytes_of_frame, check_count, write_page

    chosen = list(indices)
    check_count(len(chosen))
    bar = progress.add_task("drawing", total=len(chosen))
    tally, look = Tally(), replayed.look
    packer = FramePacker(replayed.recording.scoring, most_bytes=bytes_of_frame(len(chosen)))
    clip = Clip(look.title, replayed.frames_per_s(args), look.layers, look.coloring)
    with (
        closing(read_ahead(replayed.recording, chosen, tally)) as frames,
        write_page(args.output, frames, packer, clip, workers=_workers(args)) as packed,
    ):
        for _ in packed:
            progress.advance(bar)
        replayed.require_results(tally)
    return tally


def write_drawn_sheet(
    args: argparse.Namespace, replayed: Replayed, indices: Sequence[int], progress: Progress
) -> Tally:
    """One picture of several frames: those that were named or found, or some at even distances."""
    from bevseg.replay.export import Tally, read_ahead, spread, tile_look, write_sheet
    from bevseg.replay.pictures import TilePainter

    chosen = args.find or args.frames
    tiles = indices if chosen else [indices[k] for k in spread(len(indices), SHEET_TILES)]
    bar = progress.add_task("drawing", total=len(tiles))
    tally, painter = Tally(), TilePainter(tile_look(replayed.look, len(tiles)), replayed.recording.scoring)
    args.sheet.parent.mkdir(parents=True, exist_ok=True)
    with (
        closing(read_ahead(replayed.recording, tiles, tally)) as frames,
        write_sheet(args.sheet, frames, painter, workers=_workers(args)) as drawn,
    ):
        for _ in drawn:
            progress.advance(bar)
        replayed.require_results(tally)
    return tally


def _workers(args: argparse.Namespace) -> int:
    from bevseg.processes import usable_cores

    named: int | None = args.workers
    return named or usable_cores()
