"""Words in a picture that do not cover each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float

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
        widths = [text_alpha(text, size * canvas.ui).shape[1] for text, _ in words]
        height = text_alpha(words[0][0], size * canvas.ui).shape[0]
        gap, pad = round(_GAP_PX * canvas.ui), round(_PAD_PX * canvas.ui)
        width = sum(widths) + gap * (len(widths) - 1) + 2 * pad
        place = self._free_place(canvas, around, width=width, height=height)
        if place is None:
            return False
        self.taken.append(place)
        left, top = round(place.left), round(place.top)
        under, opacity = (palette.BACKGROUND, _SHADE_OPACITY) if plate is None else (plate, 1.0)
        canvas.shade(left=left, top=top, width=width, height=height, color=under, opacity=opacity)
        left += pad
        for wide, (text, color) in zip(widths, words, strict=True):
            canvas.write(text, left=left, top=top, size=size, color=color)
            left += wide + gap
        return True

    def _free_place(self, canvas: Canvas, around: Rect, *, width: int, height: int) -> Rect | None:
        """The first that covers nothing, or the one that covers least, of those that are not taken."""
        best, least = None, np.inf
        for place in _places(around, width=width, height=height, away=_AWAY_PX * canvas.ui):
            if place.left < 0 or place.top < 0 or place.right > canvas.width or place.bottom > canvas.height:
                continue
            if any(place.meets(other) for other in self.taken):
                continue
            covered = self._covered(place)
            if not covered:
                return place
            if covered < least:
                best, least = place, covered
        return best

    def _covered(self, place: Rect) -> float:
        """How much of what is to be avoided it covers, whole square pixels."""
        left, top, right, bottom = self._avoided
        across = np.minimum(place.right, right) - np.maximum(place.left, left)
        down = np.minimum(place.bottom, bottom) - np.maximum(place.top, top)
        return float(np.rint((across.clip(0) * down.clip(0)).sum()))

    @cached_property
    def _avoided(self) -> Float[np.ndarray, "4 n"]:
        rects = np.array([(r.left, r.top, r.right, r.bottom) for r in self.avoid]).reshape(-1, 4)
        return np.ascontiguousarray(rects.T)


def _places(around: Rect, *, width: int, height: int, away: float) -> Iterator[Rect]:
    """Where a label of this size can stand beside a rectangle, the best first."""
    column, row = (around.left + around.right) / 2, (around.top + around.bottom) / 2
    reach = (around.width + width) / 2 + away, (around.height + height) / 2 + away
    for right, down in _DIRECTIONS:
        left, top = column - width / 2 + right * reach[0], row - height / 2 + down * reach[1]
        yield Rect(left, top, left + width, top + height)
