"""`bevseg replay --view rerun` and `--view open3d`: recordings in three dimensions, as a file or live."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from bevseg.commands.replayed import Replayed
from bevseg.interruption import StopRequest

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from bevseg.replay.export import Tally

SCENE_VIEWS = ("rerun", "open3d")
_LOOK_EVERY_S = 0.1
"""How often it is looked whether a viewer has ended."""


def check_scene_view(args: argparse.Namespace) -> None:
    """Refuses what does not go together.

    Raises:
        ValueError: It does not.
    """
    suffix = args.output.suffix.lower() if args.output else None
    if args.view == "rerun" and suffix not in (None, ".rrd"):
        raise ValueError(f"--view rerun writes .rrd, got '{args.output}'; without --output its viewer is opened")
    if args.view == "open3d" and suffix not in (None, ""):
        raise ValueError(
            f"--view open3d writes a folder of pictures, got --output {args.output}; without --output it opens a window"
        )
    if args.view == "open3d" and args.watch and not args.output:
        raise ValueError("--watch goes with --view rerun, or with --output: Open3D's window plays what has ended")
    if args.sheet:
        raise ValueError(f"--sheet is drawn by --view video, not by {args.view}")


def show_scene(args: argparse.Namespace, replayed: Replayed, indices: Iterable[int], screen: Console) -> Tally:
    """Writes or shows the frames, and tells what became of them."""
    if args.view == "open3d" and not args.output:
        return _play_open3d(args, replayed, list(indices), screen)
    if args.view == "open3d":
        return _write_open3d(args, replayed, indices, screen)
    return _show_rerun(args, replayed, indices, screen)


def _play_open3d(args: argparse.Namespace, replayed: Replayed, indices: Sequence[int], screen: Console) -> Tally:
    """Plays in a window until it is closed, by its user or by Ctrl-C."""
    from bevseg.replay.export import Tally
    from bevseg.replay.frames import BrokenFrame, Frame
    from bevseg.replay.open3d_window import open_window
    from bevseg.replay.player import Playback
    from bevseg.replay.prefetch import Prefetcher
    from bevseg.replay.scene_session import Session
    from bevseg.replay.scene_window import WindowState

    recording, look, tally = replayed.recording, replayed.look, Tally()
    period_s = args.speed / replayed.frames_per_s(args)
    playback = Playback(len(indices), playing=len(indices) > 1, speed=args.speed, period_s=period_s)
    state = WindowState(playback, look.layers, look.coloring, results=len(recording.predictors))

    def read(place: int) -> Frame | BrokenFrame:
        return recording.read(indices[place])

    with open_window(look.title, look.size) as window, Prefetcher(read) as frames:
        screen.print("h tells the keys, q or closing the window ends it", markup=False)
        try:
            Session(window, frames, look, state, tally).run()
        except KeyboardInterrupt:
            screen.print("the window is closed")
    return tally


def _write_open3d(args: argparse.Namespace, replayed: Replayed, indices: Iterable[int], screen: Console) -> Tally:
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
    from bevseg.replay.display import has_display
    from bevseg.replay.export import Tally, read_ahead
    from bevseg.replay.rerun_server import open_viewer
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
        # Ctrl-C is the usual end of a viewer, so it is no exception, which might come in the middle of anything.
        with StopRequest() as request, open_viewer(in_window=in_window) as viewer:
            if not in_window:
                screen.print(f"open {viewer.page_url} in a browser; Ctrl-C ends it", markup=False)
            _advance(stream_rerun(viewer, frames, view), indices, screen, stop=lambda: request.signal_name is not None)
            if request.signal_name is None:
                replayed.require_results(tally)
            while request.signal_name is None and viewer.process.poll() is None:  # until the window is closed
                time.sleep(_LOOK_EVERY_S)
        screen.print("the viewer is closed")
    return tally


def _advance(
    steps: Iterable[int], indices: Iterable[int], screen: Console, stop: Callable[[], bool] = lambda: False
) -> None:
    with progress_bar(screen) as progress:
        bar = progress.add_task("drawing", total=len(indices) if isinstance(indices, Sequence) else None)
        for _ in steps:
            progress.advance(bar)
            if stop():
                return


def progress_bar(screen: Console) -> Progress:
    """How far an export is; it vanishes at the end."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("drawing", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=screen, transient=True)
