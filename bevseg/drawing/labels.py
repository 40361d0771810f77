"""Words in a picture that do not cover each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from bevseg.drawing import palette
from bevseg.drawing.canvas import Canvas
from bevseg.drawing.palette import Color
from bevseg.drawing.text import text_alpha
from bevseg.results.classes import SemanticClass

_SHORT_NAMES = {
    SemanticClass.CONSTRUCTION_VEHICLE: "construction",
    SemanticClass.TRAFFIC_CONE: "cone",
    SemanticClass.DRIVEABLE_SURFACE: "road",
}
_PAD_PX = 2.0
_GAP_PX = 3.0
_AWAY_PX = 3.0
_SHADE_OPACITY = 0.66

_DIRECTIONS = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1))
"""Where a label is tried around its object, (right, down); the sides first: rows of cars stand one behind the other."""


def short_name(label: int) -> str:
    """Name of a `SemanticClass` that fits a label."""
    known = SemanticClass(label)
    return _SHORT_NAMES.get(known, known.label.replace("_", " "))


@dataclass(frozen=True)
class Rect:
    """A rectangle of pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def meets(self, other: Rect) -> bool:
        """Whether the two share a place."""
        apart = self.right <= other.left or other.right <= self.left
        return not (apart or self.bottom <= other.top or other.bottom <= self.top)


@dataclass
class Placer:
    """Remembers where something was written and finds free places for more.

    Attributes:
        avoid: Rectangles that words cover only where nothing else is free, and then as little of them as can be.
        taken: Rectangles that words must not cover: what is written already.
    """

    avoid: list[Rect] = field(default_factory=list)
    taken: list[Rect] = field(default_factory=list)

    def write(
        self,
        canvas: Canvas,
        words: list[tuple[str, Color]],
        *,
        around: Rect,
        size: float,
        plate: Color | None = None,
    ) -> bool:
        """Writes coloured words in one line beside a rectangle, where nothing was written; False if all is taken.

        Args:
            canvas: The picture; a dark shade is laid under the words.
            words: Text and colour of each.
            around: What the words belong to, in pixels.
            size: Height of the font in pixels of a 720-pixel picture.
            plate: Colour of an opaque plate under the words in place of the shade.
        """
        masks = [text_alpha(text, size * canvas.ui) for text, _ in words]
        gap, pad = round(_GAP_PX * canvas.ui), round(_PAD_PX * canvas.ui)
        width = sum(mask.shape[1] for mask in masks) + gap * (len(masks) - 1) + 2 * pad
        place = self._free_place(canvas, around, width=width, height=masks[0].shape[0])
        if place is None:
            return False
        self.taken.append(place)
        left, top = round(place.left), round(place.top)
        shade = np.full((masks[0].shape[0], width), 255, np.uint8)
        opacity = _SHADE_OPACITY if plate is None else 1.0
        canvas.blend(shade, left=left, top=top, color=plate or palette.BACKGROUND, opacity=opacity)
        left += pad
        for mask, (_, color) in zip(masks, words, strict=True):
            canvas.blend(mask, left=left, top=top, color=color)
            left += mask.shape[1] + gap
        return True

    def _free_place(self, canvas: Canvas, around: Rect, *, width: int, height: int) -> Rect | None:
        places = _places(around, width=width, height=height, away=_AWAY_PX * canvas.ui)
        places = places[(places >= 0).all(axis=1) & (places[:, 2] <= canvas.width) & (places[:, 3] <= canvas.height)]
        taken = np.array([(r.left, r.top, r.right, r.bottom) for r in self.taken]).reshape(-1, 4)
        free = places[~_meet(places, taken).any(axis=1)]
        if not len(free):
            return None
        best = int(_covered(free, self._avoided).argmin())  # the first that covers nothing, or the least
        return Rect(*free[best].tolist())

    @cached_property
    def _avoided(self) -> Float[np.ndarray, "n 4"]:
        return np.array([(r.left, r.top, r.right, r.bottom) for r in self.avoid]).reshape(-1, 4)


def _places(around: Rect, *, width: int, height: int, away: float) -> Float[np.ndarray, "8 4"]:
    """Left, top, right, bottom where a label of this size can stand beside a rectangle, the best first."""
    column, row = (around.left + around.right) / 2, (around.top + around.bottom) / 2
    reach = np.array([(around.width + width) / 2 + away, (around.height + height) / 2 + away])
    corner = np.array([column - width / 2, row - height / 2]) + np.array(_DIRECTIONS) * reach
    return np.concatenate([corner, corner + np.array([width, height])], axis=1)


def _meet(places: Float[np.ndarray, "p 4"], others: Float[np.ndarray, "n 4"]) -> Bool[np.ndarray, "p n"]:
    """Whether two rectangles share a place."""
    low, high = places[:, None, :2] < others[:, 2:], others[:, :2] < places[:, None, 2:]
    meeting: np.ndarray = (low & high).all(axis=2)
    return meeting


def _covered(places: Float[np.ndarray, "p 4"], others: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "p"]:
    """How much of the others each rectangle covers, whole square pixels."""
    shared = np.minimum(places[:, None, 2:], others[:, 2:]) - np.maximum(places[:, None, :2], others[:, :2])
    area: np.ndarray = np.rint(shared.clip(0).prod(axis=2).sum(axis=1))
    return area
