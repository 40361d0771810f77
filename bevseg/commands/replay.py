"""Replay a recording: what is there, what the model saw, and where it failed, as a video, pictures, a sheet or a page.

SOURCE is anything that bevseg reads (see `bevseg check`): a dataset, a drive, a bag, a folder of point files. Results
come from --predictions (a folder of `bevseg segment` or `bevseg eval --output`; no model is loaded), from --checkpoint
(segmented as it is shown), or from the truth alone. Where there is truth, results are held against it: found, missed,
false, merged, split, wrong label, wrong shape, each with its colour and its word.

It needs no display, but for a window. --view web writes one page that plays up to 100 frames in any browser, from disk,
with layers to switch and every object to ask about; --view mcap a ROS 2 bag of all that the node would publish, for
Foxglove and RViz, --ros the same beside the messages of a bag that is given. --view rerun shows the scene in three
dimensions, as an .rrd file or live: in a window, or where there is no display as a page on this machine; --view open3d
as pictures, or without --output in a window: space plays, a click tells about an object, h tells all keys. Frames are
named by place (17), time (3.5s) or name (token); a frame that cannot be read is shown as a card that says why (a bag
lacks it), and the exit code is 1.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bevseg.commands.dataset_part import add_part_arguments, open_options
from bevseg.commands.models import add_model_arguments
from bevseg.commands.output import ExitCode, console, print_json
from bevseg.commands.replay_bag import add_bag_arguments, as_the_node, check_bag, write_bag_view
from bevseg.commands.replay_drawn import SHEET_TILES, write_drawn_sheet, write_drawn_view, write_page_view
from bevseg.commands.replay_scene import SCENE_VIEWS, check_scene_view, show_scene
from bevseg.commands.replayed import Replayed, open_replayed
from bevseg.interruption import with_consequence
from bevseg.whole_files import require_writable

if TYPE_CHECKING:
    from rich.console import Console

    from bevseg.replay.export import Tally
    from bevseg.replay.search import Find


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what is shown, how, and where it goes."""
    parser.add_argument("source", type=Path, metavar="SOURCE", help="dataset, drive, bag or folder of point files")
    shown = parser.add_argument_group("what is shown")
    shown.add_argument("--predictions", type=Path, metavar="FOLDER", help="stored results, shown without a model")
    shown.add_argument(
        "--compare",
        nargs=2,
        metavar=("A", "B"),
        help="two results side by side: folders, or checkpoints by name or file",
    )
    shown.add_argument("--truth", action="store_true", help="the truth alone (default where nothing else is named)")
    shown.add_argument("--no-truth", action="store_true", help="results alone, not held against the truth")
    no_tracking = "keep the ids of results; those of tracks count from the first frame that is shown"
    shown.add_argument("--no-tracking", action="store_true", help=no_tracking)
    _add_frame_arguments(parser)
    view = parser.add_argument_group("view")
    view.add_argument(
        "--view",
        choices=("video", "web", "mcap", *SCENE_VIEWS),
        default="video",
        help="web: one page, mcap: a ROS 2 bag, rerun and open3d: in three dimensions (default: video)",
    )
    view.add_argument(
        "--output",
        type=Path,
        metavar="FILE|FOLDER",
        help="a video, .mp4; a folder of PNG pictures; with web a page, .html; with mcap a bag, .mcap or a folder; "
        "with rerun a file, .rrd; rerun and open3d open a window without it",
    )
    view.add_argument(
        "--sheet", type=Path, metavar="FILE", help=f"a contact sheet, .png, of {SHEET_TILES} frames or of those chosen"
    )
    view.add_argument(
        "--layers",
        metavar="LIST",
        help="such as points,masks,boxes; all but some, with an equals sign: --layers=-arrows,-labels",
    )
    view.add_argument(
        "--points", choices=("object", "class", "height", "intensity"), default="object", help="what colours points"
    )
    view.add_argument("--size", default="1280x720", metavar="WxH", help="pixels (default: %(default)s)")
    view.add_argument("--speed", type=float, default=1.0, metavar="X", help="1 plays as it was recorded (default: 1)")
    view.add_argument("--rate", type=float, metavar="HZ", help="frames a second as recorded (default: by the stamps)")
    view.add_argument("--workers", type=int, metavar="N", help="processes that draw (default: one for each core)")
    add_bag_arguments(parser)
    add_part_arguments(parser)
    add_model_arguments(parser, checkpoint=None)


def _add_frame_arguments(parser: argparse.ArgumentParser) -> None:
    frames = parser.add_argument_group("which frames")
    frames.add_argument("--from", dest="first", metavar="FRAME", help="first frame: place, time as 3.5s, or name")
    frames.add_argument("--to", dest="last", metavar="FRAME", help="last frame, likewise")
    frames.add_argument("--step", type=int, default=1, metavar="N", help="every Nth frame (default: 1)")
    frames.add_argument("--frames", metavar="LIST", help="these alone: places with commas, -1 is the last")
    frames.add_argument(
        "--find",
        metavar="WHAT",
        help="those alone that show it: merged, split, missed, false, label, twice, shape, hidden[:SHARE] (from that "
        "share on; default: 0.6), low-score[:SCORE] (below that score; default: 0.5), order-cycle, broken; over-merge, "
        "over-split and false-alarm are understood as well; without --output and --sheet they are listed",
    )
    frames.add_argument("--watch", action="store_true", help="follow a folder that grows; Ctrl-C ends the video well")
    frames.add_argument("--idle", type=float, default=10.0, metavar="S", help="so long without a new frame ends it")


def run(args: argparse.Namespace) -> ExitCode:
    """Opens, chooses frames, and draws them."""
    screen = console(args)
    args = as_the_node(args)
    _check(args)
    replayed = open_replayed(args, open_options(args))
    if not args.json:
        screen.print(replayed.description, markup=False)
    finds: Sequence[Find] = ()
    indices: Iterable[int] = replayed.watched(args) if args.watch else replayed.chosen(args)
    if args.find:
        finds = _search(args.find, replayed, list(indices), screen)
        indices = [found.index for found in finds]
    tallies = [] if args.find and not indices else list(_exported(args, replayed, indices, screen))
    broken = [frame for tally in tallies for frame in tally.broken]
    if args.json:
        print_json(_summary(args, replayed, finds, tallies))
    else:
        _report(args, finds, tallies, screen)
    return ExitCode.PARTIAL if broken else ExitCode.OK


def _check(args: argparse.Namespace) -> None:
    """Refuses what does not go together.

    Raises:
        ValueError: It does not.
    """
    named = [name for name in ("predictions", "checkpoint", "compare", "truth") if getattr(args, name)]
    if len(named) > 1:
        raise ValueError(f"--{named[0]} and --{named[1]} do not go together: --compare A B shows two results")
    if args.view in SCENE_VIEWS:
        check_scene_view(args)
    elif not (args.output or args.sheet or args.find):
        raise ValueError(
            "nothing to write: name a video (--output FILE.mp4), a folder of pictures, or a --sheet FILE.png"
        )
    if args.watch and (args.find or args.sheet or args.frames or args.first or args.last):
        raise ValueError("--watch shows all frames as they come, as a video or a folder of pictures")
    if args.step < 1 or args.speed <= 0 or (args.rate is not None and args.rate <= 0) or args.idle <= 0:
        raise ValueError("--step must be 1 or more; --speed, --rate and --idle must be above 0")
    if args.workers is not None and args.workers < 1:
        raise ValueError(f"--workers must be 1 or more, got {args.workers}")
    if args.sheet is not None and args.sheet.suffix.lower() != ".png":
        raise ValueError(f"a contact sheet is written as .png, got '{args.sheet}'")
    for path in (args.output, args.sheet):
        in_the_way = next((folder for folder in path.parents if folder.is_file()), None) if path else None
        if in_the_way:
            raise ValueError(f"'{path}' cannot be written: '{in_the_way}' is a file, not a folder")
        if path:
            require_writable(path)
    if args.view == "web":
        _check_page(args)
    elif args.view == "mcap":
        check_bag(args)
    elif args.view == "video" and args.output is not None and args.output.suffix.lower() not in (".mp4", ""):
        raise ValueError(f"--output takes a video, .mp4, or the name of a folder for pictures, got '{args.output}'")


def _check_page(args: argparse.Namespace) -> None:
    if args.output is None or args.output.suffix.lower() != ".html":
        raise ValueError(f"--view web writes one page: --output FILE.html, got '{args.output or 'none'}'")
    if args.watch:
        raise ValueError("--watch does not go with --view web: a page holds a clip that has ended")


def _search(what: str, replayed: Replayed, indices: Sequence[int], screen: Console) -> Sequence[Find]:
    from rich.progress import track

    from bevseg.replay.search import Query, find

    query = Query.parse(what)
    if query.needs_truth and replayed.recording.scoring is None:
        raise ValueError(f"--find {what} holds results against the truth: name results, and a source that has labels")
    bar = track(indices, description="searching", console=screen, transient=True)
    return list(find(query, (replayed.recording.read(index) for index in bar)))


def _exported(args: argparse.Namespace, replayed: Replayed, indices: Iterable[int], screen: Console) -> Iterable[Tally]:
    """Writes what was asked for, one after the other."""
    if args.view in SCENE_VIEWS:
        with _told_what_is_missing(args.output):
            tally = show_scene(args, replayed, indices, screen)
        yield tally
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("drawing", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as progress:
        if args.output:
            write = {"mcap": write_bag_view, "web": write_page_view}.get(args.view, write_drawn_view)
            with _told_what_is_missing(args.output):
                tally = write(args, replayed, indices, progress)
            yield tally
        if args.sheet:
            with _told_what_is_missing(args.sheet):
                tally = write_drawn_sheet(args, replayed, list(indices), progress)
            yield tally


@contextmanager
def _told_what_is_missing(path: Path | None) -> Iterator[None]:
    """Names what an interruption leaves unwritten, where it was to be written."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if path is None:
            raise
        raise with_consequence(stop, f": '{path}' was not written") from stop


def _summary(
    args: argparse.Namespace, replayed: Replayed, finds: Sequence[Find], tallies: Sequence[Tally]
) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "source": str(args.source),
        "kind": replayed.kind,
        "frames": len(replayed.recording),
        "output": args.output and str(args.output),
        "sheet": args.sheet and str(args.sheet),
        "drawn": [tally.frames for tally in tallies],
        "found": [_told(found) for found in finds],
        "broken": [asdict(frame) for tally in tallies for frame in tally.broken],
        "without_result": [name for tally in tallies for name in tally.without_result],
    }


def _report(args: argparse.Namespace, finds: Sequence[Find], tallies: Sequence[Tally], screen: Console) -> None:
    if args.find:
        for found in finds:
            screen.print("  ".join(filter(None, (f"frame {found.index:>6}", found.name, _words(found)))), markup=False)
        screen.print(_found(args.find, finds), markup=False)
    for path, tally in zip([p for p in (args.output, args.sheet) if p], tallies, strict=False):
        screen.print(f"{tally.frames} frames in {path}", markup=False)
        for frame in tally.broken[:10]:
            screen.print(f"[red]frame {frame.index}[/]", end=" ")
            screen.print(f"cannot be shown: {frame.reason}", markup=False)
        if tally.without_result:
            screen.print(
                f"{len(tally.without_result)} frames have no result, such as {tally.without_result[0]}", markup=False
            )


def _told(found: Find) -> dict[str, object]:
    """As JSON has it: the counts of all results together, and by name."""
    from dataclasses import asdict

    counts = dict(zip(found.results, found.counts, strict=True))
    return {**asdict(found), "count": sum(found.counts) or 1, "counts": counts, "results": list(found.results)}


def _words(found: Find) -> str:
    """How many show it, in each result by its name, and how bad the worst is."""
    if found.reason:
        return found.reason
    of_each = ", ".join(f"{name} {count}" for name, count in zip(found.results, found.counts, strict=True))
    if len(found.results) > 1:
        return f"{of_each}, the worst in {found.worst_in}: {found.worst}"
    return f"{found.counts[0]} of them, the worst: {found.worst}"


def _found(what: str, finds: Sequence[Find]) -> str:
    """How many frames show it, and in a comparison in which result."""
    total = f"{len(finds)} frames show {what}"
    results = next((found.results for found in finds if len(found.results) > 1), ())
    frames = [sum(1 for found in finds if found.counts and found.counts[k]) for k in range(len(results))]
    return total + "".join(f", {name} in {count}" for name, count in zip(results, frames, strict=True))
