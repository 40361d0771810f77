"""A result against the truth, from above: true objects as dashed outlines, and a plate with words at each failure."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32

from bevseg.datasets.sample import Annotations
from bevseg.drawing import palette
from bevseg.drawing.canvas import Canvas
from bevseg.drawing.difference import Difference, Outcome
from bevseg.drawing.labels import Placer, Rect
from bevseg.drawing.layers import ego_rect, ring_label_rects
from bevseg.drawing.object_layers import draw_dashed_boxes, footprint_rects

_SIZE_PX = 11.5
_INK: palette.Color = (8, 10, 14)
_QUIET = 0.6


def draw_true_outlines(canvas: Canvas, truth: Annotations, difference: Difference) -> None:
    """Dashed outlines of true objects in the colour of what became of them; found and ignored ones are quiet."""
    for outcome in sorted(Outcome, key=lambda o: o.is_failure):
        boxes = truth.boxes[difference.truth == outcome]
        color = outcome.color
        if not outcome.is_failure:
            color = palette.mix(color, palette.BACKGROUND, _QUIET)
        draw_dashed_boxes(canvas, boxes, color=color)


def draw_marks(
    canvas: Canvas, boxes: Float[np.ndarray, "k 7"], truth: Annotations, difference: Difference
) -> list[Rect]:
    """A plate with the kind of failure beside what it is about, the worst first; those without room are left out.

    Args:
        canvas: The picture.
        boxes: Of the predictions.
        truth: The true objects.
        difference: Between the two.

    Returns:
        Where plates stand, which later words must not cover.
    """
    predicted, true = footprint_rects(canvas, boxes), footprint_rects(canvas, truth.boxes)
    placer = Placer(avoid=[*predicted, *true, ego_rect(canvas), *ring_label_rects(canvas)])
    for k in np.flatnonzero(canvas.shows(difference.mark_xy_m)):
        of_prediction = difference.mark_prediction[k] >= 0
        around = predicted[difference.mark_prediction[k]] if of_prediction else true[difference.mark_truth[k]]
        color = Outcome(int(difference.mark[k])).color
        if placer.write(canvas, [(difference.mark_text[k], _INK)], around=around, size=_SIZE_PX, plate=color):
            _draw_leader(canvas, placer.taken[-1], canvas.to_pixels(difference.mark_xy_m[k]), color)
    return placer.taken


def _draw_leader(canvas: Canvas, plate: Rect, place: Float32[np.ndarray, "2"], color: palette.Color) -> None:
    """A line from the nearest edge of a plate to what it is about: in a crowd it could be about others."""
    edge = np.clip(place, (plate.left, plate.top), (plate.right, plate.bottom)).astype(np.float32)
    canvas.lines([np.stack([edge, place])], color, width=max(1, round(canvas.ui)), closed=False)
    canvas.disc(place, 1.8 * canvas.ui, color)
