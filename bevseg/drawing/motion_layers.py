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
    for k in _moved(trails):
        if not canvas.shows(trails[k]).any():
            continue
        pixels = canvas.to_pixels(trails[k])
        cuts = np.linspace(0, len(pixels) - 1, _PIECES + 1).round().astype(int)
        for piece in range(_PIECES):
            part = pixels[cuts[piece] : cuts[piece + 1] + 1]
            faded = palette.mix(colors[k], palette.BACKGROUND, _FADED * (1 - (piece + 1) / _PIECES))
            canvas.lines([part], faded, width=max(1, round(1.6 * canvas.ui)), closed=False)


def _moved(trails: Sequence[Float[np.ndarray, "_ 2"]]) -> list[int]:
    """Which trails lead anywhere; most objects stand."""
    several = [k for k, trail in enumerate(trails) if len(trail) > 1]
    if not several:
        return []
    first = np.cumsum([0] + [len(trails[k]) for k in several[:-1]])
    places = np.concatenate([trails[k] for k in several])
    reach = np.maximum.reduceat(places, first) - np.minimum.reduceat(places, first)
    return [several[k] for k in np.flatnonzero(reach.max(axis=1) >= _LEAST_MPS / 2)]


def draw_velocities(canvas: Canvas, instances: Instances, colors: list[Color]) -> None:
    """An arrow from the middle of each object that moves to where it will be in a second."""
    velocity = instances.velocity_mps
    moves = np.hypot(velocity[:, 0], velocity[:, 1]) >= _LEAST_MPS  # no where it is unknown (NaN)
    moving = np.flatnonzero(moves & canvas.shows(instances.boxes[:, :2]))
    middle = instances.boxes[moving, :2].astype(np.float64)
    start, end = canvas.to_pixels(middle), canvas.to_pixels(middle + velocity[moving])
    along = (end - start) / np.maximum(np.hypot(*(end - start).T), 1e-6)[:, None]
    across, head = along[:, ::-1] * np.array([-1, 1], np.float32), _HEAD_PX * canvas.ui
    base = end - along * head
    light = [palette.mix(colors[k], (255, 255, 255), 0.55) for k in moving]
    width = max(1, round(1.4 * canvas.ui))
    canvas.lines_each(np.stack([start, base], axis=1), light, width=width, closed=False)
    canvas.fill_each(np.stack([end, base + across * head * 0.5, base - across * head * 0.5], axis=1), light)
