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
from bevseg.drawing.text import text_alpha

_SIZE_PX = 11.5
_INK: palette.Color = (8, 10, 14)
_QUIET = 0.6
_TIP_PX, _CORNER_PX = 10.0, 14.0
_SHADE_OPACITY = 0.75


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

    What lies outside of the picture is pointed at from its rim, and counted in its corner.

    Args:
        canvas: The picture.
        boxes: Of the predictions.
        truth: The true objects.
        difference: Between the two.

    Returns:
        Where plates stand, which later words must not cover.
    """
    predicted, true = footprint_rects(canvas, boxes), footprint_rects(canvas, truth.boxes)
    taken = _draw_outside(canvas, difference)
    placer = Placer(avoid=[*predicted, *true, ego_rect(canvas), *ring_label_rects(canvas)], taken=taken)
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


def outside_words(canvas: Canvas, difference: Difference) -> str:
    """How many failures lie outside of the picture, and of which kinds; empty where none does."""
    outside = difference.mark[~canvas.shows(difference.mark_xy_m)]
    counts = [(outcome.word, int(np.count_nonzero(outside == outcome))) for outcome in Outcome if outcome.is_failure]
    kinds = ", ".join(f"{word} {count}" for word, count in counts if count)
    return f"outside this view: {kinds}" if kinds else ""


def _draw_outside(canvas: Canvas, difference: Difference) -> list[Rect]:
    """A small tip at the rim for each failure that lies outside, and words; where the words stand."""
    outside = np.flatnonzero(~canvas.shows(difference.mark_xy_m))
    if not len(outside):
        return []
    tips = _tips_at_rim(canvas, canvas.to_pixels(difference.mark_xy_m[outside]))
    for k in range(len(outside) - 1, -1, -1):  # the worst over the others
        canvas.fill(tips[k], Outcome(int(difference.mark[outside[k]])).color)
    words, ui = outside_words(canvas, difference), canvas.ui
    height, width = text_alpha(words, _SIZE_PX * ui).shape
    pad, margin = round(3 * ui), round(_CORNER_PX * ui)
    left, top = canvas.width - width - margin, canvas.height - height - margin  # words of rings stand at the left
    canvas.shade(
        left=left - pad, top=top, width=width + 2 * pad, height=height, color=palette.BACKGROUND, opacity=_SHADE_OPACITY
    )
    canvas.write(words, left=left, top=top, size=_SIZE_PX, color=palette.TEXT)
    return [Rect(float(left - pad), float(top), float(left + width + pad), float(top + height))]


def _tips_at_rim(canvas: Canvas, pixels: Float32[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n 3 2"]:
    """Triangles inside of the rim, each where the rim is nearest to a place outside and pointing at that."""
    long, half = _TIP_PX * canvas.ui, _TIP_PX * canvas.ui * 0.55
    inset = np.float32(1.5 * canvas.ui)
    rim = np.clip(pixels, inset, np.array([canvas.width, canvas.height], np.float32) - 1 - inset)
    along = pixels - rim
    along = along / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)[:, None]
    across = along[:, ::-1] * np.array([-1, 1], np.float32)
    base = rim - along * long
    return np.stack([rim, base + across * half, base - across * half], axis=1).astype(np.float32)
