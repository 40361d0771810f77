"""The heads-up table beside the views of a frame: what it is, how it went, and its nearest objects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Int, UInt8

from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.difference import Difference, Outcome
from bevseg.drawing.labels import short_name
from bevseg.drawing.legend import ENTRIES, draw_legend_line, truth_entry
from bevseg.drawing.object_layers import draw_swatch
from bevseg.drawing.palette import Color
from bevseg.drawing.shown import Shown
from bevseg.drawing.text import shortened, text_width
from bevseg.results.instances import Instances

_LEFT, _ROW_PX, _SIZE_PX, _SMALL_PX = 16.0, 19.5, 12.5, 11.0
_TALLY_PX, _TALLY_SWATCH_PX, _TALLY_GAP_PX = 12.5, 15.0, 15.0
_FOOT_PX = 30.0
"""Height of the legend at the lower edge."""
_BAR_PX = 44.0
_LEGEND = tuple(
    entry for entry in ENTRIES if entry[1] not in ("not observed", "occupied", "box, heading", "LiDAR points")
)
_TRUTH = truth_entry("truth")

_COLUMNS = {"range": 196.0, "hidden": 300.0, "by": 312.0, "speed": 476.0, "score": 528.0, "outcome": 548.0}
"""Right ends of the columns with figures, left ends of `by` and `outcome`, in pixels of a 720-pixel picture."""


@dataclass(frozen=True)
class Heading:
    """Words over the table.

    Attributes:
        title: Of the recording and the frame.
        place: Of the frame in the recording, at the right.
        note: What has to be said about the result; mostly empty.
        progress: Share of the recording that is behind, 0..1.
    """

    title: str
    place: str
    note: str = ""
    progress: float = 0.0


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
    _draw_table(canvas, shown, top=top, bottom=canvas.height / ui - _FOOT_PX - 6)
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
    """How many there are of each outcome, with its colour, in one line; in pixels of a 720-pixel picture."""
    ui, counts = canvas.ui, difference.counts()
    if ignored := difference.ignored_predictions():
        counts[Outcome.IGNORED] = ignored
    words = [f"{outcome.word} {count}" for outcome, count in counts.items()]
    widths = [_TALLY_SWATCH_PX + text_width(text, _TALLY_PX) for text in words]
    gap = min((canvas.width / ui - 2 * left - sum(widths)) / (len(words) - 1), _TALLY_GAP_PX)
    for (outcome, count), text, width in zip(counts.items(), words, widths, strict=True):
        color = outcome.color if count else palette.mix(palette.PANEL, outcome.color, 0.45)
        draw_swatch(canvas, left=left, top=baseline - 10, width=11.0, height=11.0, color=color, hidden_from=1.0)
        tone = palette.TEXT if count and outcome is not Outcome.IGNORED else palette.TEXT_QUIET
        canvas.text(text, left=(left + _TALLY_SWATCH_PX) * ui, baseline=baseline * ui, size=_TALLY_PX, color=tone)
        left += width + gap


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


def _draw_table(canvas: Canvas, shown: Shown, *, top: float, bottom: float) -> None:
    ui = canvas.ui
    quiet = palette.TEXT_QUIET
    canvas.text("NEAREST OBJECTS", left=_LEFT * ui, baseline=top * ui, size=10.0, color=quiet)
    moves = not np.isnan(shown.scene.instances.velocity_mps).all()  # nobody knows it where there are no poses
    for name in ("range", "hidden", "speed", "score") if moves else ("range", "hidden", "score"):
        canvas.text(name, left=_COLUMNS[name] * ui, baseline=top * ui, size=10.0, color=quiet, align_right=True)
    canvas.text("by", left=_COLUMNS["by"] * ui, baseline=top * ui, size=10.0, color=quiet)
    room = max(int((bottom - top - 4) // _ROW_PX), 0)
    for row, k in enumerate(_table_order(shown)[:room]):
        _draw_row(canvas, shown, int(k), baseline=top + 20 + row * _ROW_PX)


def _table_order(shown: Shown) -> Int[np.ndarray, "k"]:
    """The nearest first; those that are neither right nor wrong after all others."""
    boxes = shown.scene.instances.boxes
    range_m = np.hypot(boxes[:, 0], boxes[:, 1])
    ignored = np.zeros(len(boxes), bool) if shown.compared is None else shown.compared.prediction == Outcome.IGNORED
    return np.lexsort([range_m, ignored])


def _draw_row(canvas: Canvas, shown: Shown, k: int, *, baseline: float) -> None:
    ui, instances, color = canvas.ui, shown.scene.instances, shown.colors[k]
    draw_swatch(canvas, left=_LEFT, top=baseline - 10, width=11.0, height=11.0, color=color, hidden_from=1.0)
    cells = (
        (f"{instances.id[k]}", _LEFT + 40, palette.TEXT_QUIET),
        (f"{np.hypot(*instances.boxes[k, :2]):.0f} m", _COLUMNS["range"], palette.TEXT),
        (_speed(instances, k), _COLUMNS["speed"], palette.TEXT),
        (f"{instances.score[k]:.2f}", _COLUMNS["score"], palette.TEXT),
    )
    for text, x, tone in cells:
        canvas.text(text, left=x * ui, baseline=baseline * ui, size=_SIZE_PX, color=tone, align_right=True)
    name = short_name(int(instances.label[k]))
    canvas.text(name, left=(_LEFT + 47) * ui, baseline=baseline * ui, size=_SIZE_PX, color=palette.TEXT)
    _draw_hidden(canvas, float(instances.visible_fraction[k]), color, baseline=baseline)
    by = _hidden_by(shown, k)
    canvas.text(by, left=_COLUMNS["by"] * ui, baseline=baseline * ui, size=_SIZE_PX, color=palette.ARROW)
    if shown.compared is not None:
        outcome = Outcome(int(shown.compared.prediction[k]))
        x = _COLUMNS["outcome"] * ui
        tone = palette.TEXT_QUIET if outcome is Outcome.IGNORED else outcome.color
        canvas.text(outcome.word, left=x, baseline=baseline * ui, size=_SIZE_PX, color=tone)


def _draw_hidden(canvas: Canvas, visible_fraction: float, color: Color, *, baseline: float) -> None:
    """A bar, filled as far as the object is seen and hatched for the rest, and the hidden share in figures."""
    ui, right = canvas.ui, _COLUMNS["hidden"]
    if np.isnan(visible_fraction):
        text, tone = "?", palette.TEXT_QUIET
    else:
        left = right - 38 - _BAR_PX
        draw_swatch(
            canvas, left=left, top=baseline - 9, width=_BAR_PX, height=9.0, color=color, hidden_from=visible_fraction
        )
        text = f"{100 * (1 - visible_fraction):.0f}%"
        tone = palette.TEXT if visible_fraction < 0.95 else palette.TEXT_QUIET
    canvas.text(text, left=right * ui, baseline=baseline * ui, size=_SIZE_PX, color=tone, align_right=True)


def _hidden_by(shown: Shown, k: int) -> str:
    """The object that hides most of it."""
    occluders = shown.scene.occlusion.occluders_of(k)
    if not len(occluders):
        return ""
    instances, first = shown.scene.instances, int(occluders[0])
    return f"{short_name(int(instances.label[first]))} {instances.id[first]}"


def _speed(instances: Instances, k: int) -> str:
    speed_mps = float(np.hypot(*instances.velocity_mps[k]))
    return "" if np.isnan(speed_mps) else f"{speed_mps:.0f} m/s"


def _draw_progress(canvas: Canvas, share: float) -> None:
    """A line along the lower edge, bright as far as the recording has come."""
    high = max(2, round(3 * canvas.ui))
    canvas.image[-high:] = palette.PANEL_EDGE
    canvas.image[-high:, : round(canvas.width * share)] = palette.ARROW
