"""Segment point clouds: objects, occlusion and a label for every point, with a picture of each scan.

Takes files, folders and patterns; point files of every usual kind (.pcd.bin .bin .pcd .ply .npy .npz .las .laz). For
each scan it writes NAME.json (objects with their masks, and who hides whom), NAME.npz (labels of the points, visibility
of the ground) and NAME.png. A file that cannot be read does not stop the others; what failed is listed at the end.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bevseg.commands.batch_report import Batch, FrameDone, FrameFailed, print_batch, print_failures
from bevseg.commands.frame_files import add_reading_arguments, find_frames, output_names, require_apart
from bevseg.commands.models import add_model_arguments, load_segmenter, use_threads
from bevseg.commands.objects import object_rows
from bevseg.commands.output import ExitCode, console, print_json

if TYPE_CHECKING:
    from bevseg.points.cloud import PointCloud
    from bevseg.results.scene import Scene

logger = logging.getLogger(__name__)

_GROUPS = 4
"""Vehicle, pedestrian, two-wheeler, static: each has a threshold of its own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the inputs, how they are read, the model, and what is written."""
    parser.add_argument("inputs", nargs="+", metavar="PATH", help="file, folder, or pattern in quotes ('a/**/*.bin')")
    parser.add_argument(
        "--output", type=Path, default=Path("out/segment"), metavar="FOLDER", help="default: %(default)s"
    )
    parser.add_argument("--no-overlay", action="store_true", help="write no pictures")
    add_reading_arguments(parser)
    add_model_arguments(parser)
    objects = parser.add_argument_group("objects")
    objects.add_argument(
        "--head", choices=("network", "clusters"), default="network", help="clusters: geometry alone, no checkpoint"
    )
    objects.add_argument(
        "--min-score",
        type=_scores,
        metavar="S[,S,S,S]",
        help="drop objects below: one for all, or vehicle,pedestrian,two-wheeler,static (default: the checkpoint's)",
    )
    objects.add_argument(
        "--policy",
        choices=("instance-priority", "stuff-protected"),
        help="points in an object's mask that look like stuff go to the object, or stay (default: the checkpoint's)",
    )


def run(args: argparse.Namespace) -> ExitCode:
    """Segments every input and reports."""
    files = find_frames(args.inputs)
    require_apart(files, args.output)
    segment = _segment(args)
    args.output.mkdir(parents=True, exist_ok=True)
    batch = _segment_files(files, segment, args)
    if args.json:
        print_json({"output": str(args.output), "head": args.head, **batch.as_json()})
        print_failures(batch.failed)
    else:
        print_batch(batch, console(args), output=str(args.output))
    return batch.exit_code


def _segment(args: argparse.Namespace) -> Callable[[PointCloud], Scene]:
    """The way from a cloud to a scene that the options ask for."""
    if args.head == "network":
        return load_segmenter(args, policy=args.policy, min_score=args.min_score).segment
    from bevseg.baseline import ClusterSegmenter

    if args.policy:
        raise ValueError("--policy is for --head network: clusters tell objects alone, no stuff to protect from them")
    use_threads(args.threads)
    return ClusterSegmenter(min_score=args.min_score or (0.0,) * _GROUPS).segment


def _segment_files(files: Sequence[Path], segment: Callable[[PointCloud], Scene], args: argparse.Namespace) -> Batch:
    """All files, one after the other; a failure of one is noted, and the next is taken."""
    from rich.progress import track

    start = time.perf_counter()
    named = list(zip(files, output_names(files), strict=True))
    outcomes = [
        _attempt(file, args.output / name, segment, args)
        for file, name in track(named, description="segmenting", console=console(args), transient=True)
    ]
    return Batch(
        done=[outcome for outcome in outcomes if isinstance(outcome, FrameDone)],
        failed=[outcome for outcome in outcomes if isinstance(outcome, FrameFailed)],
        wall_s=time.perf_counter() - start,
    )


def _attempt(
    file: Path, results: Path, segment: Callable[[PointCloud], Scene], args: argparse.Namespace
) -> FrameDone | FrameFailed:
    try:
        return _segment_file(file, results, segment, args)
    except (ValueError, OSError, ImportError, MemoryError) as error:
        logger.debug("%s failed", file, exc_info=True)
        return FrameFailed(str(file), _explained(error))
    except Exception as error:
        # A defect must not cost the rest of a long batch; the exit code tells of it.
        logger.exception("%s met a defect of bevseg, please report it", file)
        return FrameFailed(str(file), f"{type(error).__name__}: {error}", is_defect=True)


def _segment_file(
    file: Path, results: Path, segment: Callable[[PointCloud], Scene], args: argparse.Namespace
) -> FrameDone:
    from bevseg.drawing.bev import draw_scene
    from bevseg.drawing.image_file import write_png
    from bevseg.points.formats import read_points
    from bevseg.results.scene_file import write_scene

    stored = read_points(
        file,
        columns=args.columns,
        input_frame=args.input_frame,
        intensity_full_scale=args.intensity_full_scale,
    )
    scene = replace(segment(stored.cloud), T_output_from_input=stored.T_output_from_input)
    write_scene(results, scene)
    if not args.no_overlay:
        write_png(f"{results}.png", draw_scene(stored.cloud, scene, title=results.name))
    return FrameDone(
        file=str(file),
        results=str(results),
        points=len(stored.cloud),
        dropped=stored.cloud.dropped_non_finite,
        objects=tuple(object_rows(scene)),
        model_ms=sum(scene.timings_ms.values()),
        note=_note(stored.cloud, scene),
    )


def _note(cloud: PointCloud, scene: Scene) -> str | None:
    """Why there can be no object in the scan, where that is plain from the points alone."""
    if not len(cloud):
        dropped = cloud.dropped_non_finite
        return f"all {dropped} points have coordinates that are no place (NaN, infinite)" if dropped else "no points"
    grid = scene.grid
    if not (grid.flat_cells_of(cloud.xyz[:, :2]) >= 0).any():
        return (
            f"none of its {len(cloud)} points lies on the model's grid, x {grid.x_min_m:g}..{grid.x_max_m:g} m, "
            f"y {grid.y_min_m:g}..{grid.y_max_m:g} m; are these the sensor's own coordinates, in metres?"
        )
    return None


def _explained(error: Exception) -> str:
    """The error in one line, with the remedy that it lacks."""
    if isinstance(error, MemoryError):
        return f"not enough memory for this file ({error}); thin it out, or use a machine with more"
    if isinstance(error, ImportError):
        from bevseg.extras import explain_import_error

        return explain_import_error(error)
    return str(error)


def _scores(text: str) -> tuple[float, ...]:
    """One threshold for each group of classes, from one number for all or from four."""
    try:
        scores = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected a number, or four with commas, got '{text}'") from error
    if len(scores) not in (1, _GROUPS) or not all(0 <= score <= 1 for score in scores):
        raise argparse.ArgumentTypeError(f"expected one score in 0..1, or four with commas, got '{text}'")
    return scores * (_GROUPS // len(scores))
