"""The heads-up table beside the views of a frame: what it is, how it went, and its objects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import UInt8

from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.difference import Difference, Outcome
from bevseg.drawing.legend import ENTRIES, draw_legend_line, truth_entry
from bevseg.drawing.object_layers import draw_swatch
from bevseg.drawing.object_table import draw_object_table
from bevseg.drawing.shown import Shown
from bevseg.drawing.text import shortened, text_width

_LEFT, _SIZE_PX, _SMALL_PX = 16.0, 12.5, 11.0
_TALLY_PX, _TALLY_SWATCH_PX, _TALLY_GAP_PX, _LEAST_TALLY_GAP_PX = 12.5, 15.0, 15.0, 6.0
_FOOT_PX = 30.0
"""Height of the legend at the lower edge."""
_LEGEND = tuple(
    entry for entry in ENTRIES if entry[1] not in ("not observed", "occupied", "box, heading", "LiDAR points")
)
_TRUTH = truth_entry("truth")


@dataclass(frozen=True)
class Heading:
    """Words over the table.

    Attributes:
        title: Of the recording and the frame.
        place: Of the frame in the recording, at the right.
        note: What has to be said about the result; mostly empty.
        progress: Share of the recording that is behind, 0..1.
        colors: What the colours of objects tell where results are not compared with truth.
    """

    title: str
    place: str
    note: str = ""
    progress: float = 0.0
    colors: str = ""


def draw_heads_up(canvas: Canvas, shown: Shown, heading: Heading) -> None:
    """Paints the whole table, from its upper edge down as many objects as there is room for."""
    ui, width = canvas.ui, canvas.width / canvas.ui
    canvas.image[...] = _empty_table(canvas.width, canvas.height, ui, with_truth=shown.truth is not None)
    place_px = text_width(heading.place, _SIZE_PX)
    title = shortened(heading.title, 16.0, width - 3 * _LEFT - place_px)
    canvas.text(title, left=_LEFT * ui, baseline=26 * ui, size=16.0, color=palette.TEXT)
    right = (width - _LEFT) * ui
    canvas.text(heading.place, left=right, baseline=26 * ui, size=_SIZE_PX, color=palette.TEXT, align_right=True)
    words, color = (heading.note, palette.ARROW) if heading.note else (_summary(shown), palette.TEXT_QUIET)
    canvas.text(words, left=_LEFT * ui, baseline=45 * ui, size=_SMALL_PX + 0.5, color=color)
    top = 64.0
    if shown.compared is not None:
        draw_tally(canvas, shown.compared, left=_LEFT, baseline=68.0)
        top = 92.0
    elif heading.colors:  # a red car would be taken for a false one
        canvas.text(heading.colors, left=_LEFT * ui, baseline=68 * ui, size=_SIZE_PX, color=palette.TEXT)
        top = 92.0
    draw_object_table(canvas, shown, left=_LEFT, top=top, bottom=canvas.height / ui - _FOOT_PX - 6)
    _draw_progress(canvas, heading.progress)


@lru_cache(maxsize=4)
def _empty_table(width: int, height: int, ui: float, *, with_truth: bool) -> UInt8[np.ndarray, "h w 3"]:
    """What is the same in every frame: the ground and the legend; the array is shared and cannot be written to."""
    canvas = Canvas(np.full((height, width, 3), palette.PANEL, np.uint8), BevView(0.0, 1.0), ui)
    canvas.image[: max(1, round(ui))] = palette.PANEL_EDGE
    entries = (*_LEGEND[:-1], _TRUTH, _LEGEND[-1]) if with_truth else _LEGEND
    draw_legend_line(canvas, entries, left=_LEFT, top=height / ui - _FOOT_PX)
    canvas.image.flags.writeable = False
    return canvas.image


def draw_tally(canvas: Canvas, difference: Difference, *, left: float, baseline: float) -> None:
    """How many there are of each outcome, with its colour, in one line; in pixels of a 720-pixel picture.

    Those that there are none of are left out where all would have no room.
    """
    ui, counts = canvas.ui, difference.counts()
    if ignored := difference.ignored_predictions():
        counts[Outcome.IGNORED] = ignored
    room = canvas.width / ui - 2 * left
    if _tally_gap(counts, room) < _LEAST_TALLY_GAP_PX:
        counts = {outcome: count for outcome, count in counts.items() if count or outcome is Outcome.FOUND}
    gap = _tally_gap(counts, room)
    for outcome, count in counts.items():
        text = _tally_words(outcome, count)
        color = outcome.color if count else palette.mix(palette.PANEL, outcome.color, 0.45)
        draw_swatch(canvas, left=left, top=baseline - 10, width=11.0, height=11.0, color=color, hidden_from=1.0)
        tone = palette.TEXT if count and outcome is not Outcome.IGNORED else palette.TEXT_QUIET
        canvas.text(text, left=(left + _TALLY_SWATCH_PX) * ui, baseline=baseline * ui, size=_TALLY_PX, color=tone)
        left += _TALLY_SWATCH_PX + text_width(text, _TALLY_PX) + gap


def _tally_words(outcome: Outcome, count: int) -> str:
    return f"{outcome.word} {count}"


def _tally_gap(counts: dict[Outcome, int], room: float) -> float:
    """Between two entries, where all share the room; below 0 where they would cover each other."""
    taken = sum(_TALLY_SWATCH_PX + text_width(_tally_words(*entry), _TALLY_PX) for entry in counts.items())
    return min((room - taken) / max(len(counts) - 1, 1), _TALLY_GAP_PX)


def _summary(shown: Shown) -> str:
    instances = shown.scene.instances
    hidden = int(np.count_nonzero(instances.visible_fraction < 0.5))
    words = [
        f"{len(shown.cloud):,} points",
        f"{len(instances)} object{'' if len(instances) == 1 else 's'}",
        f"{hidden} more than half hidden",
    ]
    if shown.scene.occlusion.cycles:
        words.append(f"{len(shown.scene.occlusion.cycles)} in a circle of hiding")
    return "  ·  ".join(words)


def _draw_progress(canvas: Canvas, share: float) -> None:
    """A line along the lower edge, bright as far as the recording has come."""
    high = max(2, round(3 * canvas.ui))
    canvas.image[-high:] = palette.PANEL_EDGE
    canvas.image[-high:, : round(canvas.width * share)] = palette.ARROW
