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
from bevseg.drawing.text import text_alpha
from bevseg.geometry.boxes import footprint_corners, footprint_edges_towards
from bevseg.results.instances import Instances
from bevseg.results.occlusion_graph import OcclusionGraph, chosen_edges, thinned
from bevseg.results.outlines import outlines_of_masks

_VISIBLE_OPACITY = 0.62
_HIDDEN_OPACITY = 0.12
_HATCH_OPACITY = 0.85
_HATCH_PERIOD_PX = 8.0
_HATCH_WIDTH_PX = 1.7

_ARROW_HEAD_PX = 8.0
_ARROW_MIN_PX = 12.0
_MORE_PX, _MORE_SHADE = 11.5, 0.75
_LABEL_MIN_PX = 14.0
"""Objects that are shorter than this in the picture get no label."""

_Paths = list[Float32[np.ndarray, "_ 2"]]


@dataclass(frozen=True, eq=False)
class PaintedObject:
    """One mask as the coverage of a tile whose corner is (`left`, `top`), and its outlines in pixels."""

    left: int
    top: int
    ink: UInt8[np.ndarray, "th tw"]
    outlines: list[Float32[np.ndarray, "_ 2"]]


def draw_masks(canvas: Canvas, instances: Instances, colors: list[Color]) -> None:
    """Fills the visible part of each object, hatches the hidden part and draws the outline of the whole."""
    reach = np.hypot(instances.boxes[:, 3], instances.boxes[:, 4])
    shown = np.flatnonzero(canvas.shows(instances.boxes[:, :2], margin_m=float(reach.max(initial=0.0))))
    for k, (whole, seen) in zip(shown, _outlines(canvas, instances, shown), strict=True):
        painted = _painted(canvas, whole, seen)
        if painted is None:
            continue
        left, top, color = painted.left, painted.top, colors[k]
        canvas.blend(painted.ink, left=left, top=top, color=color)
        canvas.lines(painted.outlines, palette.mix(color, (255, 255, 255), 0.15), width=_line(canvas, 1.0), closed=True)


def _outlines(canvas: Canvas, instances: Instances, chosen: Int[np.ndarray, "s"]) -> list[tuple[_Paths, _Paths | None]]:
    """In pixels, of the whole of each object and of what is seen of it; None where it is seen whole, as most are."""
    amodal, visible = [[masks.cells_of(int(k)) for k in chosen] for masks in (instances.amodal, instances.visible)]
    partly = [place for place in range(len(chosen)) if len(visible[place]) != len(amodal[place])]
    outlines = outlines_of_masks(amodal + [visible[place] for place in partly], instances.grid)
    paths = [path for of_mask in outlines for path in of_mask]
    if not paths:
        return [([], None)] * len(chosen)
    ends = np.cumsum([len(path) for path in paths[:-1]])
    pixels = iter(np.split(canvas.to_pixels(np.concatenate(paths)), ends))
    in_pixels = [[next(pixels) for _ in of_mask] for of_mask in outlines]
    seen = dict(zip(partly, in_pixels[len(chosen) :], strict=True))
    return [(in_pixels[place], seen.get(place)) for place in range(len(chosen))]


def _painted(canvas: Canvas, whole: _Paths, seen: _Paths | None) -> PaintedObject | None:
    """None where the mask is empty or lies outside the picture."""
    if not whole:
        return None
    points = np.concatenate(whole + (seen or []))
    left, top = (int(v) - 2 for v in np.floor(points.min(axis=0)))
    right, bottom = (int(v) + 3 for v in np.ceil(points.max(axis=0)))
    if right <= 0 or bottom <= 0 or left >= canvas.width or top >= canvas.height:
        return None
    shape = (bottom - top, right - left)
    covered = polygon_alpha(whole, left=left, top=top, shape=shape)
    if seen is None:
        return PaintedObject(left, top, cv2.convertScaleAbs(covered, alpha=_VISIBLE_OPACITY), whole)
    visible = cv2.min(polygon_alpha(seen, left=left, top=top, shape=shape), covered)
    return PaintedObject(left, top, _ink(visible, covered - visible, left=left, top=top, ui=canvas.ui), whole)


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
    rows, columns = hidden.shape
    first = (top + left) % len(_hatch(ui))
    pattern = _hatched(ui, _round_up(rows), _round_up(columns))[first : first + rows, :columns]
    return cv2.addWeighted(visible, _VISIBLE_OPACITY, cv2.multiply(hidden, pattern, scale=1 / 255), 1.0, 0)


@lru_cache(maxsize=64)
def _hatched(ui: float, rows: int, columns: int) -> UInt8[np.ndarray, "_ columns"]:
    """The diagonal lines over so many rows, and over one more period for those that begin later."""
    lines = _hatch(ui)
    return lines[(np.arange(rows + len(lines))[:, None] + np.arange(columns)) % len(lines)]


def _round_up(pixels: int) -> int:
    """To few different sizes."""
    return -(-pixels // 64) * 64


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
    shown = np.flatnonzero(canvas.shows(corners).any(axis=1))
    corners, length_m, yaw_rad = corners[shown], boxes[shown, 3, None], boxes[shown, 6]
    front = (corners[:, 0] + corners[:, 3]) / 2
    ahead = np.stack([np.cos(yaw_rad), np.sin(yaw_rad)], axis=1)
    ticks = np.stack([front, front + ahead * np.maximum(0.4, 0.18 * length_m)], axis=1)
    light = [palette.mix(colors[k], (255, 255, 255), 0.45) for k in shown]
    canvas.lines_each(canvas.to_pixels(corners), light, width=_line(canvas, 1.0), closed=True)
    canvas.lines_each(canvas.to_pixels(ticks), light, width=_line(canvas, 1.8), closed=False)


def draw_dashed_boxes(canvas: Canvas, boxes: Float[np.ndarray, "k 7"], *, color: Color) -> None:
    """Thin dashed outlines, for truth."""
    if not len(boxes):
        return
    corners = footprint_corners(boxes.astype(np.float64))
    pixels = canvas.to_pixels(corners[canvas.shows(corners).any(axis=1)])
    ends = np.roll(pixels, -1, axis=1)
    dashes = dashes_along(pixels.reshape(-1, 2), ends.reshape(-1, 2), dash_px=3.5 * canvas.ui)
    canvas.lines(dashes, color, width=_line(canvas, 1.0), closed=False)


def draw_arrows(canvas: Canvas, boxes: Float[np.ndarray, "k 7"], graph: OcclusionGraph, *, at_least: float) -> None:
    """Arrows from the object in front to the object that it hides most of, each from edge to edge.

    A few of one object alone, to the most hidden ones; it bears the number of the others, such as "+11".
    """
    edges, shown = chosen_edges(graph, at_least=at_least), canvas.shows(boxes[:, :2])
    few = thinned(graph, edges[shown[graph.occluder[edges]] & shown[graph.occluded[edges]]])
    near, far = (boxes[ends[few.edges]].astype(np.float64) for ends in (graph.occluder, graph.occluded))
    arrows = _arrows_between(canvas, near, far)
    shade = palette.mix(palette.BACKGROUND, palette.ARROW, 0.1)
    # all shades before all arrows, or arrows side by side would darken each other
    canvas.lines(arrows, shade, width=_line(canvas, 3.4), closed=False)
    draw_arrows_along(canvas, arrows)
    for place, more in zip(canvas.to_pixels(boxes[few.crowded, :2].astype(np.float64)), few.left_out, strict=True):
        _write_on(canvas, f"+{more}", place)


def _write_on(canvas: Canvas, words: str, place: Float32[np.ndarray, "2"]) -> None:
    """Words on a dark shade about a place in pixels."""
    height, width = text_alpha(words, _MORE_PX * canvas.ui).shape
    left, top, pad = round(place[0] - width / 2), round(place[1] - height / 2), round(2 * canvas.ui)
    shade, size = palette.BACKGROUND, (width + 2 * pad, height)
    canvas.shade(left=left - pad, top=top, width=size[0], height=size[1], color=shade, opacity=_MORE_SHADE)
    canvas.write(words, left=left, top=top, size=_MORE_PX, color=palette.ARROW)


def draw_arrows_along(canvas: Canvas, arrows: Float32[np.ndarray, "n 2 2"]) -> None:
    """Arrows from the first to the second of two different places in pixels, with a dot where each starts."""
    start, end = arrows[:, 0], arrows[:, 1]
    along = (end - start) / np.hypot(*(end - start).T)[:, None]
    across = along[:, ::-1] * np.array([-1, 1], np.float32)
    head = _ARROW_HEAD_PX * canvas.ui
    base = end - along * head
    tips = np.stack([end, base + across * head * 0.42, base - across * head * 0.42], axis=1)
    canvas.lines(np.stack([start, base], axis=1), palette.ARROW, width=_line(canvas, 1.4), closed=False)
    canvas.fill_each(tips, [palette.ARROW] * len(tips))
    for place in start:
        canvas.disc(place, 2.6 * canvas.ui, palette.ARROW)


def _arrows_between(
    canvas: Canvas, near: Float[np.ndarray, "n 7"], far: Float[np.ndarray, "n 7"]
) -> Float32[np.ndarray, "n 2 2"]:
    """Start and end in pixels: the facing edges of two boxes, or farther apart where the gap is too small to see."""
    start = canvas.to_pixels(footprint_edges_towards(near, far[:, :2]))
    end = canvas.to_pixels(footprint_edges_towards(far, near[:, :2]))
    along = canvas.to_pixels(far[:, :2]) - canvas.to_pixels(near[:, :2])
    distance = np.hypot(along[:, 0], along[:, 1])[:, None]
    along = np.where(distance > 0, along / np.maximum(distance, 1e-12), np.array([0.0, -1.0]))
    missing = np.maximum(_ARROW_MIN_PX * canvas.ui - (along * (end - start)).sum(axis=1, keepdims=True), 0.0)
    return np.stack([start - along * missing / 2, end + along * missing / 2], axis=1).astype(np.float32)


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
    return [Rect(*around) for around in np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1).tolist()]


def _by_range(instances: Instances, shown: Bool[np.ndarray, "k"]) -> Int[np.ndarray, "s"]:
    near_to_far = np.argsort(np.hypot(instances.boxes[:, 0], instances.boxes[:, 1]), kind="stable")
    return near_to_far[shown[near_to_far]]


def _line(canvas: Canvas, width: float) -> int:
    return max(1, round(width * canvas.ui))
