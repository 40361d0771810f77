"""The picture while it is painted, and the one place that turns metres into its pixels.

Seen from above: x (forward) goes up the picture, y (left) goes to the left. A canvas is the one object of the package
that functions write to: each layer paints over those before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from bevseg.drawing.palette import Color
from bevseg.drawing.text import text_alpha
from bevseg.geometry.grid import BevGrid

_SHIFT = 4
"""OpenCV takes coordinates in sixteenths of a pixel."""

_FAR_PX = 1e6
"""Coordinates are held within this, so that sixteenths fit OpenCV's 32 bits."""


@dataclass(frozen=True)
class BevView:
    """The rectangle of ground that a picture shows.

    Attributes:
        x_min_m: Lower edge of the picture, metres (x forward is up).
        x_max_m: Upper edge of the picture, metres.
        y_center_m: Where the vertical middle line lies, metres (y left is left); the width follows from the picture's.
    """

    x_min_m: float
    x_max_m: float
    y_center_m: float = 0.0

    def __post_init__(self) -> None:
        if not self.x_max_m > self.x_min_m:
            raise ValueError(f"a view needs x_min_m < x_max_m, got {self.x_min_m} and {self.x_max_m}")

    @classmethod
    def of_grid(cls, grid: BevGrid, *, aspect: float) -> BevView:
        """All of `grid` in a picture that is `aspect` times as wide as high."""
        width_m, height_m = grid.y_max_m - grid.y_min_m, grid.x_max_m - grid.x_min_m
        middle = (grid.x_min_m + grid.x_max_m) / 2
        half = max(height_m, width_m / aspect) / 2
        return cls(middle - half, middle + half, (grid.y_min_m + grid.y_max_m) / 2)


@dataclass(frozen=True, eq=False)
class Canvas:
    """An RGB picture with a metre scale.

    Attributes:
        image: Red, green, blue; row 0 is the far edge of the view. Painted in place.
        view: The ground that `image` shows.
        ui: Size of text and line widths: 1 for a picture 720 pixels high.
    """

    image: UInt8[np.ndarray, "h w 3"]
    view: BevView
    ui: float

    @property
    def width(self) -> int:
        return self.image.shape[1]

    @property
    def height(self) -> int:
        return self.image.shape[0]

    @property
    def pixels_per_m(self) -> float:
        return self.height / (self.view.x_max_m - self.view.x_min_m)

    @cached_property
    def T_pixels_from_metres(self) -> Float[np.ndarray, "2 3"]:  # noqa: N802
        """Affine map from (x, y) in metres to (column, row), whole numbers at the centres of pixels."""
        scale = self.pixels_per_m
        y_left_m = self.view.y_center_m + self.width / scale / 2
        return np.array([[0.0, -scale, scale * y_left_m - 0.5], [-scale, 0.0, scale * self.view.x_max_m - 0.5]])

    def to_pixels(self, xy_m: Float[np.ndarray, "*n 2"]) -> Float32[np.ndarray, "*n 2"]:
        """(column, row) of each (x, y) in metres; outside the view it is outside the picture."""
        T = self.T_pixels_from_metres
        if not xy_m.size:
            return np.zeros(xy_m.shape, np.float32)
        return cv2.transform(xy_m.reshape(1, -1, 2), T).reshape(xy_m.shape).astype(np.float32)

    def shows(self, xy_m: Float[np.ndarray, "*n 2"], *, margin_m: float = 0.0) -> np.ndarray:
        """Whether each (x, y) lies in the view, or at most `margin_m` outside, (n,) bool."""
        pixels, margin_px = self.to_pixels(xy_m), margin_m * self.pixels_per_m
        high = np.array([self.width, self.height]) + margin_px
        inside: np.ndarray = ((pixels >= -margin_px) & (pixels <= high)).all(axis=-1)
        return inside

    def blend(
        self, alpha: UInt8[np.ndarray, "th tw"], *, left: int, top: int, color: Color, opacity: float = 1.0
    ) -> None:
        """Mixes `color` into the picture where `alpha` covers it; what hangs over the edge is cut off."""
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + alpha.shape[1], self.width), min(top + alpha.shape[0], self.height)
        if x0 >= x1 or y0 >= y1:
            return
        part = alpha[y0 - top : y1 - top, x0 - left : x1 - left]
        weight = part if opacity == 1 else cv2.convertScaleAbs(part, alpha=opacity)
        tile = self.image[y0:y1, x0:x1]
        tile[...] = _Stamp.of(weight, color).over(tile)

    def shade(self, *, left: int, top: int, width: int, height: int, color: Color, opacity: float = 1.0) -> None:
        """Mixes `color` evenly into a rectangle; what hangs over the edge is cut off."""
        tile = self.image[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
        if tile.size:
            tile[...] = cv2.LUT(np.ascontiguousarray(tile), _shades(color, round(255 * opacity)))

    def lines(
        self,
        paths: list[Float[np.ndarray, "_ 2"]] | Float[np.ndarray, "n m 2"],
        color: Color,
        *,
        width: int = 1,
        closed: bool,
    ) -> None:
        """Draws paths given in pixels, smooth at the edges; those of one length may come as one array."""
        if isinstance(paths, np.ndarray):
            fixed = list(_fixed_point(paths))
        else:
            fixed = [_fixed_point(path) for path in paths if len(path) > 1]
        cv2.polylines(self.image, fixed, closed, color, width, cv2.LINE_AA, _SHIFT)

    def lines_each(
        self, paths: Float[np.ndarray, "n m 2"], colors: Sequence[Color], *, width: int = 1, closed: bool
    ) -> None:
        """Draws paths of one length given in pixels, each in its colour, one after the other."""
        for path, color in zip(_fixed_point(paths), colors, strict=True):
            cv2.polylines(self.image, [path], closed, color, width, cv2.LINE_AA, _SHIFT)

    def fill_each(self, polygons: Float[np.ndarray, "n m 2"], colors: Sequence[Color]) -> None:
        """Fills polygons of as many corners given in pixels, each with its colour, one after the other."""
        for polygon, color in zip(_fixed_point(polygons), colors, strict=True):
            cv2.fillPoly(self.image, [polygon], color, cv2.LINE_AA, _SHIFT)

    def fill(self, polygon: Float[np.ndarray, "n 2"], color: Color) -> None:
        """Fills one polygon given in pixels, smooth at the edges."""
        cv2.fillPoly(self.image, [_fixed_point(polygon)], color, cv2.LINE_AA, _SHIFT)

    def dashes(self, path: Float[np.ndarray, "n 2"], color: Color, *, dash_px: float, width: int = 1) -> None:
        """Draws a closed path given in pixels as dashes with gaps as long as they are."""
        pieces = dashes_along(path, np.roll(path, -1, axis=0), dash_px=dash_px)
        self.lines(pieces, color, width=width, closed=False)

    def disc(self, center: Float[np.ndarray, "2"], radius_px: float, color: Color, *, width: int = -1) -> None:
        """A filled disc, or a circle of the given line width, about a place in pixels."""
        middle = tuple(int(c) for c in _fixed_point(center[None])[0])
        cv2.circle(self.image, middle, round(radius_px * 2**_SHIFT), color, width, cv2.LINE_AA, _SHIFT)

    def text(
        self, text: str, *, left: float, baseline: float, size: float, color: Color, align_right: bool = False
    ) -> None:
        """Writes `text` with its left (or right) end at `left`; `size` is in pixels of a 720-pixel picture."""
        high, wide = text_alpha(text, size * self.ui).shape
        x = left - wide if align_right else left
        self.write(text, left=round(x), top=round(baseline - 0.78 * high), size=size, color=color)

    def write(self, text: str, *, left: int, top: int, size: float, color: Color) -> None:
        """Writes `text` into the rectangle of `text_alpha` whose left top corner is given."""
        alpha = text_alpha(text, size * self.ui)
        high, wide = alpha.shape
        if left < 0 or top < 0 or left + wide > self.width or top + high > self.height:
            self.blend(alpha, left=left, top=top, color=color)
            return
        tile = self.image[top : top + high, left : left + wide]
        tile[...] = _text_stamp(text, size * self.ui, color).over(tile)


@dataclass(frozen=True, eq=False)
class _Stamp:
    """What is mixed into a tile: of 255 how much of the tile passes, and the light that is added."""

    passing: UInt8[np.ndarray, "th tw 3"]
    ink: UInt8[np.ndarray, "th tw 3"]

    @classmethod
    def of(cls, weight: UInt8[np.ndarray, "th tw"], color: Color) -> _Stamp:
        """Of a colour that covers so much of each pixel."""
        three = cv2.cvtColor(weight, cv2.COLOR_GRAY2RGB)
        return cls(np.asarray(cv2.bitwise_not(three), np.uint8), np.asarray(cv2.LUT(three, _ink(color)), np.uint8))

    def over(self, tile: UInt8[np.ndarray, "th tw 3"]) -> UInt8[np.ndarray, "th tw 3"]:
        """The tile with the colour in it."""
        return np.asarray(cv2.add(cv2.multiply(tile, self.passing, scale=1 / 255), self.ink), np.uint8)


@lru_cache(maxsize=512)
def _text_stamp(text: str, size_px: float, color: Color) -> _Stamp:
    """Words come again from frame to frame; those of the last few are kept, 12 KB each."""
    return _Stamp.of(text_alpha(text, size_px), color)


@lru_cache(maxsize=64)
def _shades(color: Color, weight: int) -> UInt8[np.ndarray, "256 1 3"]:
    """What becomes of each level of a channel when so much of 255 of `color` is mixed into it."""
    levels = np.arange(256, dtype=np.uint8).reshape(1, 256, 1).repeat(3, axis=2)
    stamp = _Stamp.of(np.full((1, 256), weight, np.uint8), color)
    return stamp.over(levels).reshape(256, 1, 3)


def polygon_alpha(
    polygons: list[Float32[np.ndarray, "_ 2"]], *, left: int, top: int, shape: tuple[int, int]
) -> UInt8[np.ndarray, "th tw"]:
    """Coverage of a tile of pixels whose corner is (`left`, `top`) by polygons in pixels; nested ones are holes."""
    alpha = np.zeros(shape, np.uint8)
    corner = np.array([left, top], np.float32)
    cv2.fillPoly(alpha, [_fixed_point(p - corner) for p in polygons], (255,), cv2.LINE_AA, _SHIFT)
    return alpha


def dashes_along(
    start: Float[np.ndarray, "n 2"], end: Float[np.ndarray, "n 2"], *, dash_px: float
) -> Float[np.ndarray, "m 2 2"]:
    """Lines in pixels as dashes about so long, with gaps as long as they are: start and end of each dash."""
    away = end - start
    pieces = np.maximum(np.round(np.hypot(away[:, 0], away[:, 1]) / (2 * dash_px)), 1).astype(np.int64)
    line = np.repeat(np.arange(len(start)), pieces)
    place = np.arange(len(line)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    at = (place[:, None] + np.array([0.25, 0.75])) / pieces[line, None]
    dashes: np.ndarray = start[line, None] + at[..., None] * away[line, None]
    return dashes


@lru_cache(maxsize=256)
def _ink(color: Color) -> UInt8[np.ndarray, "256 1 3"]:
    """The light of `color` for each weight 0..255."""
    return np.round(np.arange(256)[:, None, None] * np.array(color) / 255).astype(np.uint8)


def _fixed_point(pixels: np.ndarray) -> np.ndarray:
    held = np.minimum(np.maximum(pixels, -_FAR_PX), _FAR_PX)  # `clip` takes three times as long for a few corners
    return np.rint(held * 2**_SHIFT).astype(np.int32)
