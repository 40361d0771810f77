"""`bevseg replay --view rerun` and `--view open3d`: recordings in three dimensions, as a file or live."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from bevseg.commands.replayed import Replayed

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from bevseg.replay.export import Tally

SCENE_VIEWS = ("rerun", "open3d")


def check_scene_view(args: argparse.Namespace) -> None:
    """Refuses what does not go together.

    Raises:
        ValueError: It does not.
    """
    suffix = args.output.suffix.lower() if args.output else None
    if args.view == "rerun" and suffix not in (None, ".rrd"):
        raise ValueError(f"--view rerun writes .rrd, got '{args.output}'; without --output its viewer is opened")
    if args.view == "open3d" and suffix != "":
        raise ValueError(f"--view open3d writes a folder of pictures, got --output {args.output}")
    if args.sheet:
        raise ValueError(f"--sheet is drawn by --view video, not by {args.view}")


def show_scene(args: argparse.Namespace, replayed: Replayed, indices: Iterable[int], screen: Console) -> Tally:
    """Writes or shows the frames, and tells what became of them."""
    if args.view == "open3d":
        return _show_open3d(args, replayed, indices, screen)
    return _show_rerun(args, replayed, indices, screen)


def _show_open3d(args: argparse.Namespace, replayed: Replayed, indices: Iterable[int], screen: Console) -> Tally:
    from bevseg.replay.export import Tally, read_ahead
    from bevseg.replay.open3d_pictures import write_open3d

    tally = Tally()
    with (
        closing(read_ahead(replayed.recording, indices, tally)) as frames,
        write_open3d(args.output, frames, replayed.look, replayed.recording.scoring) as written,
    ):
        _advance(written, indices, screen)
        replayed.require_results(tally)
    return tally


def _show_rerun(args: argparse.Namespace, replayed: Replayed, indices: Iterable[int], screen: Console) -> Tally:
    from bevseg.replay.export import Tally, read_ahead
    from bevseg.replay.rerun_server import has_display, open_viewer
    from bevseg.replay.rerun_view import RerunView, stream_rerun, write_rerun

    recording, tally = replayed.recording, Tally()
    view = RerunView(replayed.look, tuple(p.name for p in recording.predictors), recording.scoring)
    with closing(read_ahead(recording, indices, tally)) as frames:
        if args.output:
            with write_rerun(args.output, frames, view) as written:
                _advance(written, indices, screen)
                replayed.require_results(tally)
            return tally
        in_window = has_display()
        try:
            with open_viewer(in_window=in_window) as viewer:
                if not in_window:
                    screen.print(f"open {viewer.page_url} in a browser; Ctrl-C ends it", markup=False)
                _advance(stream_rerun(viewer, frames, view), indices, screen)
                replayed.require_results(tally)
                viewer.process.wait()  # until the window is closed
        except KeyboardInterrupt:  # the usual end of a viewer
            screen.print("the viewer is closed")
    return tally


def _advance(steps: Iterable[int], indices: Iterable[int], screen: Console) -> None:
    with progress_bar(screen) as progress:
        bar = progress.add_task("drawing", total=len(indices) if isinstance(indices, Sequence) else None)
        for _ in steps:
            progress.advance(bar)


def progress_bar(screen: Console) -> Progress:
    """How far an export is; it vanishes at the end."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("drawing", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=screen, transient=True)
