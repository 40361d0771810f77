"""Recordings as videos, folders of pictures and contact sheets: drawn on all cores, whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.frame_picture import PictureSize
from bevseg.drawing.image_file import write_png
from bevseg.drawing.video import VideoWriter
from bevseg.processes import in_order
from bevseg.replay.frames import BrokenFrame, Frame
from bevseg.replay.pictures import FramePainter, Look, TilePainter
from bevseg.replay.prefetch import Prefetcher
from bevseg.replay.recording import Recording
from bevseg.whole_files import remove_abandoned

_AHEAD = 3
_MOST_TILES = 64


@dataclass
class Tally:
    """What became of the frames of an export.

    Attributes:
        frames: Drawn.
        broken: Those of them that could not be read.
        without_result: Names of those of them for which there was no result.
    """

    frames: int = 0
    broken: list[BrokenFrame] = field(default_factory=list)
    without_result: list[str] = field(default_factory=list)

    def add(self, frame: Frame | BrokenFrame) -> None:
        """Counts one."""
        self.frames += 1
        if isinstance(frame, BrokenFrame):
            self.broken.append(frame)
        elif any(prediction.note for prediction in frame.predictions):
            self.without_result.append(frame.name)


def read_ahead(
    recording: Recording, indices: Iterable[int], tally: Tally
) -> Generator[Frame | BrokenFrame, None, None]:
    """Frames in the order of the indices, a few of them read ahead; `indices` may be told while they come."""
    with Prefetcher(partial(recording.read, with_difference=False), ahead=_AHEAD) as prefetcher:
        if not isinstance(indices, Sequence):
            upcoming: Iterator[tuple[int, Sequence[int]]] = ((index, ()) for index in indices)
        else:
            upcoming = ((k, indices[place + 1 : place + 1 + _AHEAD]) for place, k in enumerate(indices))
        for index, then in upcoming:
            frame = prefetcher.get(index, then)
            tally.add(frame)
            yield frame


@contextmanager
def write_video(
    path: Path, frames: Iterable[Frame | BrokenFrame], painter: FramePainter, *, frames_per_s: float, workers: int
) -> Iterator[Iterator[int]]:
    """An MP4 file of all frames, which appears when the `with` block ends well, or not at all.

    Args:
        path: Ends in .mp4.
        frames: In order.
        painter: Draws them, on `workers` processes.
        frames_per_s: Speed at which the video plays.
        workers: Processes.

    Yields:
        An iterator to be run to its end, which writes one frame a step and counts them.
    """
    with VideoWriter(path, frames_per_s=frames_per_s) as video:

        def write() -> Iterator[int]:
            for count, picture in enumerate(in_order(painter, frames, workers), 1):
                video.write(picture)
                yield count

        yield write()


@contextmanager
def write_pictures(
    folder: Path, frames: Iterable[Frame | BrokenFrame], painter: FramePainter, *, workers: int
) -> Iterator[Iterator[int]]:
    """A folder of PNG files, 000000.png and so on, by the places of the frames; else as `write_video`.

    Raises:
        FileExistsError: There is such a folder already.
    """
    with unfinished_folder(folder) as unfinished:
        numbered = ((unfinished / f"{frame.index:06d}.png", frame) for frame in frames)
        with closing(in_order(partial(_write_picture, painter), numbered, workers)) as written:
            yield (count for count, _ in enumerate(written, 1))  # no process writes on when the folder is removed


@contextmanager
def write_sheet(
    path: Path, frames: Iterable[Frame | BrokenFrame], painter: TilePainter, *, workers: int
) -> Iterator[Iterator[int]]:
    """One PNG file with a tile a frame; else as `write_video`.

    Raises:
        ValueError: There is no frame, or there are more than a sheet holds.
    """
    tiles: list[UInt8[np.ndarray, "h w 3"]] = []

    def draw() -> Iterator[int]:
        for tile in in_order(painter, islice(frames, _MOST_TILES + 1), workers):
            tiles.append(tile)
            yield len(tiles)

    yield draw()
    if not 1 <= len(tiles) <= _MOST_TILES:
        raise ValueError(f"a contact sheet takes 1 to {_MOST_TILES} frames, got {'none' if not tiles else 'more'}")
    write_png(path, _sheet(tiles, painter.look))


def tile_look(look: Look, tiles: int) -> Look:
    """The look of one tile: the fewer there are, the larger; labels only where there is room for them."""
    width = 640 if tiles <= 9 else 480
    return replace(look, size=PictureSize(max(width, 640), 480), layers=look.layers - {"velocity"})


def spread(total: int, tiles: int) -> tuple[int, ...]:
    """So many frames of a recording, evenly spread."""
    count = min(total, tiles)
    return tuple(((2 * k + 1) * total) // (2 * count) for k in range(count))


def _sheet(tiles: list[UInt8[np.ndarray, "h w 3"]], look: Look) -> UInt8[np.ndarray, "sh sw 3"]:
    columns = max(1, min(round(np.sqrt(len(tiles) * 1.2)), 4))
    rows = -(-len(tiles) // columns)
    high, wide = tiles[0].shape[:2]
    gap, top = 6, 44
    shape = (top + rows * (high + gap), gap + columns * (wide + gap), 3)
    sheet = np.full(shape, palette.PANEL_EDGE, np.uint8)
    sheet[:top] = palette.PANEL
    canvas = Canvas(sheet, BevView(0.0, 1.0), 1.0)
    canvas.text(look.title, left=16.0, baseline=29.0, size=18.0, color=palette.TEXT)
    for k, tile in enumerate(tiles):
        row, column = divmod(k, columns)
        y, x = top + row * (high + gap), gap + column * (wide + gap)
        sheet[y : y + high, x : x + wide] = tile
    return sheet


def _write_picture(painter: FramePainter, numbered: tuple[Path, Frame | BrokenFrame]) -> None:
    path, frame = numbered
    write_png(path, painter(frame))


@contextmanager
def unfinished_folder(folder: Path) -> Iterator[Path]:
    """A folder beside the one that is meant, which it becomes at the end; it is removed if the writing fails."""
    if folder.exists():
        raise FileExistsError(f"{folder} exists already: name another folder, or remove it")
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    remove_abandoned(folder)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        unfinished.replace(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
