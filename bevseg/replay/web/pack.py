"""A frame as a page holds it: one block of text, and the few figures that are told before the block is opened."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import UInt8

from bevseg.evaluation.frame_scores import Scoring
from bevseg.replay.difference import with_differences
from bevseg.replay.frames import BrokenFrame, Frame
from bevseg.replay.search import SIGHTS, Query, severities_in
from bevseg.replay.web.columns import Block, as_text, bytes_of, planes_of, runs_of, write_block
from bevseg.replay.web.packed_objects import Json, pack_prediction, pack_truth
from bevseg.replay.web.packed_points import STEP_M, PackedPoints, choose_points, pack_points
from bevseg.results.scene import VisibilityMap

PAGE_BYTES = 24_000_000
"""What all frames of a page may take, as text."""
_BYTES_OF_TEXT = 4 / 3
_SPARE = 0.97


@dataclass(frozen=True)
class PackedFrame:
    """A frame of a page.

    Attributes:
        text: The block; empty for a frame that cannot be read.
        summary: For the timeline: place, of how many, name, time, how many objects of each result show each sight, the
            names of the results, points shown and points there.
    """

    text: str
    summary: Json = field(default_factory=dict)


@dataclass(frozen=True)
class FramePacker:
    """Packs frames; picklable.

    Attributes:
        scoring: Which objects count; None where results are not compared with the truth.
        most_bytes: Of the text of one frame; points are left out until it fits.
    """

    scoring: Scoring | None = None
    most_bytes: int = PAGE_BYTES // 100

    def __call__(self, frame: Frame | BrokenFrame) -> PackedFrame:
        """One frame.

        Raises:
            ValueError: It does not fit even without points.
        """
        cv2.setNumThreads(1)  # one process a core packs already
        if isinstance(frame, BrokenFrame):
            told = {"index": frame.index, "total": frame.total, "name": frame.name, "broken": frame.reason}
            return PackedFrame("", {**told, "sights": {"broken": [1]}})
        frame = with_differences(frame, self.scoring)
        rest = _without_points(frame)
        scenes = tuple(prediction.scene for prediction in frame.predictions)
        share, room = 1.0, self.most_bytes / _BYTES_OF_TEXT
        while True:
            points = pack_points(frame.cloud, scenes, choose_points(frame.cloud, share))
            data = write_block(_with_points(rest, points))
            if len(data) <= room:
                return PackedFrame(as_text(data), _summary(frame, points))
            bare = len(write_block(rest))
            if bare > room or not len(points):
                raise ValueError(
                    f"frame {frame.index} takes {bare * _BYTES_OF_TEXT / 1e6:.2f} MB without its points, a page has "
                    f"{self.most_bytes / 1e6:.2f} MB for each frame: choose fewer frames"
                )
            share *= _SPARE * (room - bare) / (len(data) - bare)


def _without_points(frame: Frame) -> Block:
    header: Json = {
        "index": frame.index,
        "name": frame.name,
        "time": round(frame.time_s, 3),
        "truth": None if frame.truth is None else pack_truth(frame.truth),
    }
    results, columns = [], {}
    for r, prediction in enumerate(frame.predictions):
        packed = pack_prediction(prediction)
        visibility = prediction.scene.visibility
        packed["grid"] = _grid(visibility)
        results.append(packed)
        columns.update({f"{name}{r}": column for name, column in _map(visibility).items()})
    header["results"] = results
    return Block(header, columns)


def _with_points(rest: Block, points: PackedPoints) -> Block:
    told = {"origin": points.origin, "step": STEP_M, "shown": len(points), "total": points.total}
    return Block({**rest.header, "points": told}, {**rest.columns, **points.columns})


def _map(visibility: VisibilityMap) -> dict[str, UInt8[np.ndarray, "_"]]:
    """Row by row in run lengths."""
    states, lengths = runs_of(visibility.state.ravel())
    return {"states": bytes_of(states), "runs": planes_of(lengths)}


def _grid(visibility: VisibilityMap) -> Json:
    grid = visibility.grid
    return {"x": grid.x_min_m, "y": grid.y_min_m, "cell": grid.cell_m, "width": grid.width, "height": grid.height}


def _sights(frame: Frame) -> dict[str, list[int]]:
    """How many objects of each result show each of what can be looked for; what none shows is left out."""
    counts = {sight: [len(found) for found in severities_in(Query.parse(sight), frame)] for sight in SIGHTS}
    return {sight: of_each for sight, of_each in counts.items() if any(of_each)}


def _summary(frame: Frame, points: PackedPoints) -> Json:
    return {
        "index": frame.index,
        "total": frame.total,
        "name": frame.name,
        "time": round(frame.time_s, 3),
        "sights": _sights(frame),
        "results": [prediction.name for prediction in frame.predictions],
        "objects": [len(prediction.scene.instances) for prediction in frame.predictions],
        "points": [len(points), points.total],
    }
