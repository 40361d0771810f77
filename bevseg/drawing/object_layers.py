"""What is drawn of the objects: masks, boxes, order arrows, labels and truth, each painted by one function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from bevseg.drawing import palette
from bevseg.drawing.canvas import Canvas, dashes_along, polygon_alpha
from bevseg.drawing.labels import Placer, Rect, short_name
from bevseg.drawing.layers import ego_rect, ring_label_rects
from bevseg.drawing.palette import Color
from bevseg.geometry.boxes import footprint_corners, footprint_edge_towards
from bevseg.results.instances import Instances
from bevseg.results.occlusion_graph import OcclusionGraph, chosen_edges
from bevseg.results.outlines import mask_outlines

_VISIBLE_OPACITY = 0.62
_HIDDEN_OPACITY = 0.12
_HATCH_OPACITY = 0.85
_HATCH_PERIOD_PX = 8.0
_HATCH_WIDTH_PX = 1.7

_ARROW_HEAD_PX = 8.0
_ARROW_MIN_PX = 12.0
_LABEL_MIN_PX = 14.0
"""Objects that are shorter than this in the picture get no label."""


@dataclass(frozen=True, eq=False)
class PaintedObject:
    """One mask turned into pixels of a tile whose corner is (`left`, `top`)."""

    left: int
    top: int
    visible: UInt8[np.ndarray, "th tw"]
    hidden: UInt8[np.ndarray, "th tw"]
    outlines: list[np.ndarray]


def draw_masks(canvas: Canvas, instances: Instances, colors: list[Color]) -> None:
    """Fills the visible part of each object, hatches the hidden part and draws the outline of the whole."""
    reach = np.hypot(instances.boxes[:, 3], instances.boxes[:, 4])
    for k in np.flatnonzero(canvas.shows(instances.boxes[:, :2], margin_m=float(reach.max(initial=0.0)))):
        painted = _painted(canvas, instances, int(k))
        if painted is None:
            continue
        left, top, color = painted.left, painted.top, colors[k]
        ink = _ink(painted.visible, painted.hidden, left=left, top=top, ui=canvas.ui)
        canvas.blend(ink, left=left, top=top, color=color)
        canvas.lines(painted.outlines, palette.mix(color, (255, 255, 255), 0.15), width=_line(canvas, 1.0), closed=True)


def _painted(canvas: Canvas, instances: Instances, k: int) -> PaintedObject | None:
    """None where the mask is empty or lies outside the picture."""
    grid = instances.grid
    amodal = [canvas.to_pixels(path) for path in mask_outlines(instances.amodal.cells_of(k), grid)]
    if not amodal:
        return None
    seen = amodal
    if len(instances.visible.cells_of(k)) != len(instances.amodal.cells_of(k)):  # most objects are seen whole
        seen = [canvas.to_pixels(path) for path in mask_outlines(instances.visible.cells_of(k), grid)]
    points = np.concatenate(amodal + seen)
    left, top = (int(v) - 2 for v in np.floor(points.min(axis=0)))
    right, bottom = (int(v) + 3 for v in np.ceil(points.max(axis=0)))
    if right <= 0 or bottom <= 0 or left >= canvas.width or top >= canvas.height:
        return None
    shape = (bottom - top, right - left)
    whole = polygon_alpha(amodal, left=left, top=top, shape=shape)
    visible = np.minimum(polygon_alpha(seen, left=left, top=top, shape=shape), whole)
    return PaintedObject(left, top, visible, whole - visible, amodal)


def draw_swatch(
    canvas: Canvas, *, left: float, top: float, width: float, height: float, color: Color, hidden_from: float
) -> None:
    """A bar as objects are painted: filled up to the share `hidden_from` of its width, hatched beyond.

    Sizes are in pixels of a 720-pixel picture.
    """
    x0, y0, x1, y1 = (round(v * canvas.ui) for v in (left, top, left + width, top + height))
    seen = np.zeros((y1 - y0, x1 - x0), np.uint8)
    seen[:, : round((x1 - x0) * hidden_from)] = 255
    canvas.blend(_ink(seen, 255 - seen, left=x0, top=y0, ui=canvas.ui), left=x0, top=y0, color=color)
    edge = np.array([[x0, y0], [x1 - 1, y0], [x1 - 1, y1 - 1], [x0, y1 - 1]], np.float32)
    canvas.lines([edge], palette.mix(color, (255, 255, 255), 0.15), closed=True)


def _ink(
    visible: UInt8[np.ndarray, "th tw"], hidden: UInt8[np.ndarray, "th tw"], *, left: int, top: int, ui: float
) -> UInt8[np.ndarray, "th tw"]:
    """Coverage by colour: even on the visible part, in diagonal lines on the hidden one.

    The lines of all objects run on one pattern, which the place of the tile picks.
    """
    lines = _hatch(ui)
    rows, columns = hidden.shape
    diagonal = np.arange(top + left, top + left + rows)[:, None] + np.arange(columns)
    striped = cv2.multiply(hidden, lines[diagonal % len(lines)], scale=1 / 255)
    return cv2.addWeighted(visible, _VISIBLE_OPACITY, striped, 1.0, 0)


@lru_cache(maxsize=8)
def _hatch(ui: float) -> UInt8[np.ndarray, "period"]:
    """One period of the diagonal lines along a row, smooth at the edges and faintly tinted between them."""
    period = max(4, round(_HATCH_PERIOD_PX * ui))
    distance = np.abs(np.arange(period) - period / 2) / np.sqrt(2)
    line = np.clip(_HATCH_WIDTH_PX * ui / 2 + 0.5 - distance, 0, 1) * _HATCH_OPACITY
    return np.round(np.maximum(line, _HIDDEN_OPACITY) * 255).astype(np.uint8)


def draw_boxes(canvas: Canvas, boxes: Float[np.ndarray, "k 7"], colors: list[Color]) -> None:
    """Oriented boxes with a tick from the middle of the front outwards."""
    corners = footprint_corners(boxes.astype(np.float64))
    for k in np.flatnonzero(canvas.shows(corners).any(axis=1)):
        front = (corners[k, 0] + corners[k, 3]) / 2
        ahead = np.array([np.cos(boxes[k, 6]), np.sin(boxes[k, 6])])
        tick = np.stack([front, front + ahead * max(0.4, 0.18 * float(boxes[k, 3]))])
        color = palette.mix(colors[k], (255, 255, 255), 0.45)
        canvas.lines([canvas.to_pixels(corners[k])], color, width=_line(canvas, 1.0), closed=True)
        canvas.lines([canvas.to_pixels(tick)], color, width=_line(canvas, 1.8), closed=False)


def draw_dashed_boxes(canvas: Canvas, boxes: Float[np.ndarray, "k 7"], *, color: Color) -> None:
    """Thin dashed outlines, for truth."""
    corners = footprint_corners(boxes.astype(np.float64))
    pixels = canvas.to_pixels(corners[canvas.shows(corners).any(axis=1)])
    ends = np.roll(pixels, -1, axis=1)
    dashes = dashes_along(pixels.reshape(-1, 2), ends.reshape(-1, 2), dash_px=3.5 * canvas.ui)
    canvas.lines(dashes, color, width=_line(canvas, 1.0), closed=False)


def draw_arrows(canvas: Canvas, boxes: Float[np.ndarray, "k 7"], graph: OcclusionGraph, *, at_least: float) -> None:
    """Arrows from the object in front to the object that it hides most of, each from edge to edge."""
    arrows = []
    for edge in chosen_edges(graph, at_least=at_least):
        near, far = boxes[graph.occluder[edge]].astype(np.float64), boxes[graph.occluded[edge]].astype(np.float64)
        if canvas.shows(np.stack([near[:2], far[:2]])).all():
            arrows.append(_arrow_between(canvas, near, far))
    for arrow in arrows:  # all shades before all arrows, or arrows side by side would darken each other
        shade = palette.mix(palette.BACKGROUND, palette.ARROW, 0.1)
        canvas.lines([arrow], shade, width=_line(canvas, 3.4), closed=False)
    for arrow in arrows:
        draw_arrow(canvas, arrow[0], arrow[1])


def draw_arrow(canvas: Canvas, start: Float32[np.ndarray, "2"], end: Float32[np.ndarray, "2"]) -> None:
    """An arrow between two different places in pixels, with a dot where it starts."""
    along = (end - start) / np.hypot(*(end - start))
    across = np.array([-along[1], along[0]])
    head = _ARROW_HEAD_PX * canvas.ui
    base = end - along * head
    tip = np.stack([end, base + across * head * 0.42, base - across * head * 0.42])
    canvas.lines([np.stack([start, base])], palette.ARROW, width=_line(canvas, 1.4), closed=False)
    canvas.fill(tip, palette.ARROW)
    canvas.disc(start, 2.6 * canvas.ui, palette.ARROW)


def _arrow_between(
    canvas: Canvas, near: Float[np.ndarray, "7"], far: Float[np.ndarray, "7"]
) -> Float32[np.ndarray, "2 2"]:
    """Start and end in pixels: the facing edges of two boxes, or farther apart where the gap is too small to see."""
    start, end = canvas.to_pixels(
        np.stack([footprint_edge_towards(near, far[:2]), footprint_edge_towards(far, near[:2])])
    )
    along = canvas.to_pixels(far[:2]) - canvas.to_pixels(near[:2])
    distance = float(np.hypot(*along))
    along = along / distance if distance > 0 else np.array([0.0, -1.0])
    missing = max(_ARROW_MIN_PX * canvas.ui - float(along @ (end - start)), 0.0)
    return np.stack([start - along * missing / 2, end + along * missing / 2]).astype(np.float32)


def draw_labels(
    canvas: Canvas,
    instances: Instances,
    colors: list[Color],
    *,
    hidden_from: float,
    taken: Sequence[Rect] = (),
    with_ids: bool = True,
) -> None:
    """Class and id beside the larger objects, the nearest first, and the hidden share where it is large.

    A label covers no other label, nothing that is `taken` and, where there is room, no object and not the own vehicle;
    else it is left out.
    """
    around = footprint_rects(canvas, instances.boxes)
    placer = Placer(avoid=[*around, ego_rect(canvas), *ring_label_rects(canvas)], taken=list(taken))
    for k in _by_range(instances, canvas.shows(instances.boxes[:, :2])):
        if max(around[k].width, around[k].height) < _LABEL_MIN_PX * canvas.ui:
            continue
        name = short_name(int(instances.label[k])) + (f" {instances.id[k]}" if with_ids else "")
        words = [(name, palette.mix(colors[k], (255, 255, 255), 0.6))]
        hidden = 1 - float(instances.visible_fraction[k])
        if hidden >= hidden_from:
            words.append((f"{100 * hidden:.0f}%", palette.ARROW))
        placer.write(canvas, words, around=around[k], size=11.5)


def footprint_rects(canvas: Canvas, boxes: Float[np.ndarray, "k 7"]) -> list[Rect]:
    """The pixels around the footprint of each box."""
    pixels = canvas.to_pixels(footprint_corners(boxes.astype(np.float64)))
    return [Rect(*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist()) for corners in pixels]


def _by_range(instances: Instances, shown: Bool[np.ndarray, "k"]) -> Int[np.ndarray, "s"]:
    near_to_far = np.argsort(np.hypot(instances.boxes[:, 0], instances.boxes[:, 1]), kind="stable")
    return near_to_far[shown[near_to_far]]


def _line(canvas: Canvas, width: float) -> int:
    return max(1, round(width * canvas.ui))
