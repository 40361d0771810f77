"""How objects move: where each has been, and where it will be in a second."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from bevseg.drawing import palette
from bevseg.drawing.canvas import Canvas
from bevseg.drawing.palette import Color
from bevseg.results.instances import Instances

_LEAST_MPS = 0.8
"""What moves more slowly stands: its arrow would show the jitter of its box."""
_HEAD_PX = 6.0
_FADED = 0.75
_PIECES = 3


def draw_trails(canvas: Canvas, trails: Sequence[Float[np.ndarray, "_ 2"]], colors: list[Color]) -> None:
    """A line through where each object was, fading into the past; `trails` are in metres, oldest place first."""
    for trail, color in zip(trails, colors, strict=True):
        if len(trail) < 2 or not canvas.shows(trail).any() or np.ptp(trail, axis=0).max() < _LEAST_MPS / 2:
            continue
        pixels = canvas.to_pixels(trail)
        cuts = np.linspace(0, len(pixels) - 1, _PIECES + 1).round().astype(int)
        for piece in range(_PIECES):
            part = pixels[cuts[piece] : cuts[piece + 1] + 1]
            faded = palette.mix(color, palette.BACKGROUND, _FADED * (1 - (piece + 1) / _PIECES))
            canvas.lines([part], faded, width=max(1, round(1.6 * canvas.ui)), closed=False)


def draw_velocities(canvas: Canvas, instances: Instances, colors: list[Color]) -> None:
    """An arrow from the middle of each object that moves to where it will be in a second."""
    velocity = instances.velocity_mps
    moves = np.hypot(velocity[:, 0], velocity[:, 1]) >= _LEAST_MPS  # no where it is unknown (NaN)
    for k in np.flatnonzero(moves & canvas.shows(instances.boxes[:, :2])):
        middle = instances.boxes[k, :2].astype(np.float64)
        start, end = canvas.to_pixels(np.stack([middle, middle + velocity[k]]))
        along = (end - start) / max(float(np.hypot(*(end - start))), 1e-6)
        across, head = np.array([-along[1], along[0]]), _HEAD_PX * canvas.ui
        base = end - along * head
        color = palette.mix(colors[k], (255, 255, 255), 0.55)
        canvas.lines([np.stack([start, base])], color, width=max(1, round(1.4 * canvas.ui)), closed=False)
        canvas.fill(np.stack([end, base + across * head * 0.5, base - across * head * 0.5]), color)
