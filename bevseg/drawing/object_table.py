"""The table of objects in the heads-up: failures first, then the nearest, with a word of how many there are in all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from bevseg.drawing import palette
from bevseg.drawing.canvas import Canvas
from bevseg.drawing.difference import Outcome
from bevseg.drawing.labels import short_name
from bevseg.drawing.object_layers import draw_swatch
from bevseg.drawing.palette import Color
from bevseg.drawing.shown import Shown

_ROW_PX, _SIZE_PX, _HEAD_PX = 19.5, 12.5, 10.0
_BAR_PX = 44.0
_COLUMNS = {"range": 196.0, "hidden": 300.0, "by": 312.0, "speed": 476.0, "score": 528.0, "outcome": 548.0}
"""Right ends of the columns with figures, left ends of `by` and `outcome`, in pixels of a 720-pixel picture."""


@dataclass(frozen=True)
class ObjectRow:
    """One object of the table: a result, or a true object that was missed.

    Attributes:
        name: Of its class.
        range_m: From the origin, metres.
        visible_fraction: Share that is seen, 0..1; NaN where unknown.
        color: Its colour in the views.
        outcome: What became of it; None where results are not compared with truth.
        speed_mps: Metres a second; NaN where unknown.
        id: Of a result; empty for a missed object.
        score: Of a result; NaN for a missed object.
        by: What hides most of it.
    """

    name: str
    range_m: float
    visible_fraction: float
    color: Color
    outcome: Outcome | None
    speed_mps: float
    id: str = ""
    score: float = float("nan")
    by: str = ""


def table_rows(shown: Shown, most: int) -> tuple[list[ObjectRow], int]:
    """The first `most` objects, and how many there are.

    Failures come first, the nearest of them at the top, then all others, the nearest first; those that are neither
    right nor wrong come last. Missed objects are failures, too, though no result stands for them.
    """
    boxes, compared, truth = shown.scene.instances.boxes, shown.compared, shown.truth
    if compared is None or truth is None:
        order = np.argsort(_ranges_m(boxes), kind="stable")
        return [_result(shown, int(k)) for k in order[:most]], len(order)
    missed = np.flatnonzero(compared.truth == Outcome.MISSED)
    range_m = np.concatenate([_ranges_m(boxes), _ranges_m(truth.boxes[missed])])
    outcome = np.concatenate([compared.prediction, compared.truth[missed]])
    order = np.lexsort([range_m, _turn(outcome)])
    rows = [
        _result(shown, int(k)) if k < len(boxes) else _missed(shown, int(missed[k - len(boxes)])) for k in order[:most]
    ]
    return rows, len(order)


def _ranges_m(boxes: Float[np.ndarray, "k 7"]) -> Float[np.ndarray, "k"]:
    return np.hypot(boxes[:, 0], boxes[:, 1])


def _turn(outcome: Int[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
    """Failures 0, found 1, ignored 2."""
    return np.where(outcome == Outcome.IGNORED, 2, np.where(outcome == Outcome.FOUND, 1, 0))


def _result(shown: Shown, k: int) -> ObjectRow:
    instances, compared = shown.scene.instances, shown.compared
    return ObjectRow(
        name=short_name(int(instances.label[k])),
        range_m=float(np.hypot(*instances.boxes[k, :2])),
        visible_fraction=float(instances.visible_fraction[k]),
        color=shown.colors[k],
        outcome=None if compared is None else Outcome(int(compared.prediction[k])),
        speed_mps=float(np.hypot(*instances.velocity_mps[k])),
        id=str(instances.id[k]),
        score=float(instances.score[k]),
        by=_hidden_by(shown, k),
    )


def _missed(shown: Shown, k: int) -> ObjectRow:
    truth = shown.truth
    if truth is None:
        raise ValueError("a missed object is one of the truth, got a frame without truth")
    return ObjectRow(
        name=short_name(int(truth.label[k])),
        range_m=float(np.hypot(*truth.boxes[k, :2])),
        visible_fraction=float(truth.visible_fraction[k]),
        color=Outcome.MISSED.color,
        outcome=Outcome.MISSED,
        speed_mps=float(np.hypot(*truth.velocity_mps[k])),
    )


def _hidden_by(shown: Shown, k: int) -> str:
    """The object that hides most of it."""
    occluders = shown.scene.occlusion.occluders_of(k)
    if not len(occluders):
        return ""
    instances, first = shown.scene.instances, int(occluders[0])
    return f"{short_name(int(instances.label[first]))} {instances.id[first]}"


def draw_object_table(canvas: Canvas, shown: Shown, *, left: float, top: float, bottom: float) -> None:
    """As many objects as there is room for, below headings; in pixels of a 720-pixel picture."""
    ui, quiet = canvas.ui, palette.TEXT_QUIET
    rows, total = table_rows(shown, max(int((bottom - top - 4) // _ROW_PX), 0))
    words = table_heading(rows, total)
    canvas.text(words, left=left * ui, baseline=top * ui, size=_HEAD_PX, color=quiet)
    moves = not np.isnan(shown.scene.instances.velocity_mps).all()  # nobody knows it where there are no poses
    for name in ("range", "hidden", "speed", "score") if moves else ("range", "hidden", "score"):
        canvas.text(name, left=_COLUMNS[name] * ui, baseline=top * ui, size=_HEAD_PX, color=quiet, align_right=True)
    canvas.text("by", left=_COLUMNS["by"] * ui, baseline=top * ui, size=_HEAD_PX, color=quiet)
    for place, row in enumerate(rows):
        _draw_row(canvas, row, left=left, baseline=top + 20 + place * _ROW_PX, with_speed=moves)


def table_heading(rows: list[ObjectRow], total: int) -> str:
    """What the table lists first, and of how many objects it lists how many, where it does not list all."""
    failures_first = bool(rows) and rows[0].outcome is not None and rows[0].outcome.is_failure
    if len(rows) == total:
        return "FAILURES, THEN NEAREST" if failures_first else "NEAREST OBJECTS"
    return f"{len(rows)} OF {total}, FAILURES FIRST" if failures_first else f"{len(rows)} NEAREST OF {total}"


def _draw_row(canvas: Canvas, row: ObjectRow, *, left: float, baseline: float, with_speed: bool) -> None:
    ui = canvas.ui
    draw_swatch(canvas, left=left, top=baseline - 10, width=11.0, height=11.0, color=row.color, hidden_from=1.0)
    cells = (
        (row.id, left + 40, palette.TEXT_QUIET),
        (f"{row.range_m:.0f} m", _COLUMNS["range"], palette.TEXT),
        (
            f"{row.speed_mps:.0f} m/s" if with_speed and not np.isnan(row.speed_mps) else "",
            _COLUMNS["speed"],
            palette.TEXT,
        ),
        ("" if np.isnan(row.score) else f"{row.score:.2f}", _COLUMNS["score"], palette.TEXT),
    )
    for text, x, tone in cells:
        canvas.text(text, left=x * ui, baseline=baseline * ui, size=_SIZE_PX, color=tone, align_right=True)
    canvas.text(row.name, left=(left + 47) * ui, baseline=baseline * ui, size=_SIZE_PX, color=palette.TEXT)
    _draw_hidden(canvas, row.visible_fraction, row.color, baseline=baseline)
    canvas.text(row.by, left=_COLUMNS["by"] * ui, baseline=baseline * ui, size=_SIZE_PX, color=palette.ARROW)
    if row.outcome is not None:
        x = _COLUMNS["outcome"] * ui
        tone = palette.TEXT_QUIET if row.outcome is Outcome.IGNORED else row.outcome.color
        canvas.text(row.outcome.word, left=x, baseline=baseline * ui, size=_SIZE_PX, color=tone)


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
