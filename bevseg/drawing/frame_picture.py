"""Pictures of a frame: from above, in perspective, as the sensor sees it, with a heads-up table; or two results."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from bevseg.drawing import palette
from bevseg.drawing.bev import default_view
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.heads_up import Heading, draw_heads_up, draw_tally
from bevseg.drawing.layers import draw_ego
from bevseg.drawing.perspective import draw_perspective
from bevseg.drawing.range_image import PaintedPoints, draw_range_image, elevation_span_deg
from bevseg.drawing.shown import Shown, paint_above, paint_ground

_BEV_SHARE = 0.47
"""Of the width of the picture, or of its height where the views stand one above the other."""
_PERSPECTIVE_SHARE, _RANGE_SHARE = 0.46, 0.125
"""Of the height that is left for them and the table."""
_UPRIGHT_FROM = 1.5
"""So much higher than wide there is more room for views one above the other than side by side."""
_UPRIGHT_WIDTH, _UPRIGHT_HEIGHT = 678, 1300
"""In which views one above the other have room for text of the size that it has in 1280 x 720."""
_GROUND_WIDER = 1.55
"""The ground in perspective reaches this much farther to the sides than the view from above."""
_BAND_PX = 17.0
_FILLED_ROWS = 5
"""The lowest rings of some sensors lie 6 degrees apart."""
_TILE_VIEW = BevView(-20.0, 34.0)


@dataclass(frozen=True)
class PictureSize:
    """Pixels of a picture; text and lines grow with it, as far as there is room for them both ways."""

    width: int = 1280
    height: int = 720

    def __post_init__(self) -> None:
        if self.width < 640 or self.height < 360:
            raise ValueError(f"a picture of a frame needs 640 x 360 pixels or more, got {self.width} x {self.height}")

    @property
    def ui(self) -> float:
        """Size of text and lines of views side by side, 1 for 1280 x 720."""
        return min(self.width / 1280, self.height / 720)


@dataclass(frozen=True)
class FramePlaces:
    """Where each view of a frame lies.

    Attributes:
        above: Width and height of the view from above, at the left or at the top.
        left: Where perspective, range image and table begin; 0 where they stand below.
        rows: Where each of the three begins, and where the last one ends.
        ui: Size of text and lines.
    """

    above: tuple[int, int]
    left: int
    rows: tuple[int, int, int, int]
    ui: float

    @classmethod
    def of(cls, size: PictureSize) -> FramePlaces:
        """Side by side, or one above the other in a picture that is much higher than wide."""
        if size.height > _UPRIGHT_FROM * size.width:
            top = round(size.height * _BEV_SHARE)
            ui = min(size.width / _UPRIGHT_WIDTH, size.height / _UPRIGHT_HEIGHT)
            return cls((size.width, top), 0, _rows(top, size.height), ui)
        left = round(size.width * _BEV_SHARE)
        return cls((left, size.height), left, _rows(0, size.height), size.ui)


def _rows(top: int, bottom: int) -> tuple[int, int, int, int]:
    perspective_high, range_high = (round((bottom - top) * share) for share in (_PERSPECTIVE_SHARE, _RANGE_SHARE))
    return top, top + perspective_high, top + perspective_high + range_high, bottom


def draw_frame(
    shown: Shown, heading: Heading, *, size: PictureSize | None = None, view: BevView | None = None
) -> UInt8[np.ndarray, "h w 3"]:
    """From above; in perspective, as the sensor sees it, and the table at its right, or below in an upright picture.

    Args:
        shown: What is drawn.
        heading: Words over the table.
        size: Of the picture, 1280 x 720 unless given.
        view: The ground that is shown from above; the near part of the result's grid unless given.

    Returns:
        RGB; x (forward) is up, y (left) is left.
    """
    size = size or PictureSize()
    places = FramePlaces.of(size)
    ui, (wide, high) = places.ui, places.above
    picture = np.empty((size.height, size.width, 3), np.uint8)
    above = picture[:high, :wide]
    ground = _ground(shown, view or default_view(shown.scene.grid), places)
    margin = (ground.width - wide) // 2
    above[...] = ground.image[:, margin : margin + wide]
    paint_above(Canvas(above, ground.view, ui), shown)

    draw_ego(ground)
    perspective, strip, table = (
        picture[top:bottom, places.left :] for top, bottom in zip(places.rows, places.rows[1:], strict=False)
    )
    draw_perspective(perspective, ground, shown, ui=ui)
    _draw_range_strip(strip, shown, ui=ui)
    draw_heads_up(Canvas(table, ground.view, ui), shown, heading)
    beside, line = picture[places.rows[0] :, places.left :], max(1, round(ui))
    (beside[:, :line] if places.left else beside[:line])[...] = palette.PANEL_EDGE
    return picture


def draw_pair(
    pair: tuple[Shown, Shown],
    headings: tuple[Heading, Heading],
    *,
    size: PictureSize | None = None,
    view: BevView | None = None,
) -> UInt8[np.ndarray, "h w 3"]:
    """Two results of one frame side by side from above, each with its tally or its table below.

    The arguments are those of `draw_frame`, once for each side.
    """
    size = size or PictureSize()
    picture = np.empty((size.height, size.width, 3), np.uint8)
    half, high = size.width // 2, round(size.height * 0.68)
    for k, (shown, heading) in enumerate(zip(pair, headings, strict=True)):
        side = picture[:, half * k : half * (k + 1) if k == 0 else size.width]
        above = Canvas(side[:high], view or default_view(shown.scene.grid), size.ui)
        paint_ground(above, shown)
        paint_above(above, shown)
        draw_heads_up(Canvas(side[high:], above.view, size.ui), shown, heading)
    picture[:, half : half + max(1, round(size.ui))] = palette.PANEL_EDGE
    return picture


def draw_tile(shown: Shown, heading: Heading, *, width: int, height: int) -> UInt8[np.ndarray, "h w 3"]:
    """A small picture for a contact sheet: from above, with its name and its tally under it."""
    ui = height / 480
    foot = round((52 if shown.compared is not None else 30) * ui)
    picture = np.empty((height, width, 3), np.uint8)
    above = Canvas(picture[: height - foot], _TILE_VIEW, ui * 0.9)
    paint_ground(above, shown)
    paint_above(above, shown)
    below = Canvas(picture[height - foot :], above.view, ui)
    below.image[...] = palette.PANEL
    words = heading.note or f"{heading.title}  ·  {heading.place}"
    color = palette.ARROW if heading.note else palette.TEXT
    below.text(words, left=10 * ui, baseline=20 * ui, size=13.0, color=color)
    if shown.compared is not None:
        draw_tally(below, shown.compared, left=10.0, baseline=41.0)
    return picture


def draw_card(words: str, *, size: PictureSize, title: str) -> UInt8[np.ndarray, "h w 3"]:
    """A picture that says why there is none."""
    canvas = Canvas(np.full((size.height, size.width, 3), palette.PANEL, np.uint8), BevView(0.0, 1.0), size.ui)
    left, middle, ui = 60 * size.ui, size.height / 2, size.ui
    canvas.text(title, left=left, baseline=middle - 40 * ui, size=24.0, color=palette.ARROW)
    for row, line in enumerate(_lines(words, int(size.width / ui / 8.6))):
        canvas.text(line, left=left, baseline=middle + row * 24 * ui, size=16.0, color=palette.TEXT)
    return canvas.image


def _lines(words: str, letters: int) -> list[str]:
    """Words in lines of at most so many letters, where no word is longer."""
    lines = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > letters:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _ground(shown: Shown, view: BevView, places: FramePlaces) -> Canvas:
    """The ground from above, wider than the view from above shows it."""
    wide, high = places.above
    margin = round(wide * (_GROUND_WIDER - 1) / 2)
    canvas = Canvas(np.empty((high, wide + 2 * margin, 3), np.uint8), view, places.ui)
    paint_ground(canvas, shown)
    return canvas


def _draw_range_strip(strip: UInt8[np.ndarray, "h w 3"], shown: Shown, *, ui: float) -> None:
    """As the sensor sees it, all around, each point in the colour that it has in the other views; words above."""
    painted = PaintedPoints(np.arange(len(shown.cloud)), shown.point_colors)
    band = round(_BAND_PX * ui)
    strip[:band] = palette.PANEL
    strip[band:] = draw_range_image(
        shown.cloud,
        width=strip.shape[1],
        height=strip.shape[0] - band,
        elevation_deg=elevation_span_deg(shown.cloud),
        painted=painted,
        fill_rows=_FILLED_ROWS,
    )
    canvas = Canvas(strip, BevView(0.0, 1.0), ui)
    strip[: max(1, round(ui))] = palette.PANEL_EDGE
    for share, name in ((0.0, "behind"), (0.25, "left"), (0.5, "ahead"), (0.75, "right")):
        x = share * canvas.width
        canvas.lines([np.array([[x, 0], [x, 6 * ui]], np.float32)], palette.TEXT_QUIET, closed=False)
        canvas.text(name, left=x + 4 * ui, baseline=13 * ui, size=10.5, color=palette.TEXT_QUIET)
