"""Frames as pictures: one result with all views, two side by side, or a tile of a contact sheet. Pure and picklable."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from jaxtyping import UInt8

from bevseg.drawing.canvas import BevView
from bevseg.drawing.frame_picture import PictureSize, draw_card, draw_frame, draw_pair, draw_tile
from bevseg.drawing.heads_up import Heading
from bevseg.drawing.layers import PointColoring
from bevseg.drawing.shown import LAYERS, Layer, Shown
from bevseg.evaluation.frame_scores import Scoring
from bevseg.replay.difference import with_differences
from bevseg.replay.frames import BrokenFrame, Frame, Prediction, place_words


@dataclass(frozen=True)
class Look:
    """How frames are drawn.

    Attributes:
        title: Of the recording.
        layers: Those that are painted.
        coloring: What the colour of a point tells.
        size: Of the pictures.
        view: The ground that is shown from above; the near part of the grid unless given.
        colors: What the colours of objects tell where results are not compared with truth.
    """

    title: str = ""
    layers: frozenset[Layer] = LAYERS
    coloring: PointColoring = "object"
    size: PictureSize = field(default_factory=PictureSize)
    view: BevView | None = None
    colors: str = "No truth to hold results against: colours are tracks, not verdicts"


@dataclass(frozen=True)
class FramePainter:
    """Draws frames for a video.

    Attributes:
        look: How.
        scoring: Which objects count; None where results are not compared with the truth.
    """

    look: Look
    scoring: Scoring | None = None

    def __call__(self, frame: Frame | BrokenFrame) -> UInt8[np.ndarray, "h w 3"]:
        """One picture; what cannot be read becomes a card that says why."""
        cv2.setNumThreads(1)  # one process a core draws already
        if isinstance(frame, BrokenFrame):
            return draw_card(frame.reason, size=self.look.size, title=f"Frame {frame.index} cannot be shown")
        frame = with_differences(frame, self.scoring)
        shown = [shown_of(frame, prediction, self.look) for prediction in frame.predictions]
        headings = [heading_of(frame, prediction, self.look) for prediction in frame.predictions]
        size, view = self.look.size, self.look.view
        if len(shown) == 1:
            return draw_frame(shown[0], headings[0], size=size, view=view)
        return draw_pair((shown[0], shown[1]), (headings[0], headings[1]), size=size, view=view)


@dataclass(frozen=True)
class TilePainter:
    """Draws frames for a contact sheet; of two results the first. The attributes are those of `FramePainter`."""

    look: Look
    scoring: Scoring | None = None

    def __call__(self, frame: Frame | BrokenFrame) -> UInt8[np.ndarray, "h w 3"]:
        """One picture."""
        cv2.setNumThreads(1)
        size = self.look.size
        if isinstance(frame, BrokenFrame):
            return draw_card(frame.reason, size=size, title=f"Frame {frame.index} cannot be shown")
        frame = with_differences(frame, self.scoring)
        first = frame.predictions[0]
        heading = heading_of(frame, first, self.look)
        shown = replace(shown_of(frame, first, self.look), with_ids=False)  # tiles lie apart in time: ids begin anew
        return draw_tile(shown, heading, width=size.width, height=size.height)


def shown_of(frame: Frame, prediction: Prediction, look: Look) -> Shown:
    """What the drawing layers take of a frame and one of its results."""
    return Shown(
        cloud=frame.cloud,
        scene=prediction.scene,
        trails=prediction.trails,
        truth=frame.truth,
        difference=prediction.difference,
        layers=look.layers,
        coloring=look.coloring,
    )


def heading_of(frame: Frame, prediction: Prediction, look: Look) -> Heading:
    """The words over the table."""
    title = f"{prediction.name}  ·  {frame.name}" if len(frame.predictions) > 1 else f"{look.title}  ·  {frame.name}"
    place, progress = f"{place_words(frame)}  ·  {frame.time_s:.1f} s", (frame.index + 1) / max(frame.total, 1)
    return Heading(title, place, prediction.note, progress=progress, colors=look.colors)
