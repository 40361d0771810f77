"""What lies under the objects: ground, range rings, points and the own vehicle, each painted by one function."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8

from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.labels import Rect
from bevseg.drawing.text import text_alpha
from bevseg.points.cloud import PointCloud
from bevseg.results.scene import PointLabels, VisibilityMap

PointColoring = Literal["object", "class", "height", "intensity"]

RING_STEP_M = 10
_RING_LABELS_RAD = np.radians([-52.0, 128.0])
"""Bearings at which rings are labelled: off the lanes ahead, behind and across."""

_RING_TEXT_PX = 11.0
_POINT_OPACITY = 0.9
"""Of a point that falls on the middle of a pixel."""

_EGO_LENGTH_M = 4.4
_EGO_WIDTH_M = 1.85


def draw_ground(canvas: Canvas, visibility: VisibilityMap) -> None:
    """Paints the whole picture: what the sensor could tell about the ground, and the background around the map."""
    grid = visibility.grid
    tones = cv2.LUT(cv2.cvtColor(visibility.state, cv2.COLOR_GRAY2RGB), _ground_levels())
    T_cells = np.array([[grid.cell_m, 0.0, grid.x_min_m + grid.cell_m / 2], [0.0, grid.cell_m, grid.y_min_m]])
    T_cells[1, 2] += grid.cell_m / 2
    T_metres = canvas.T_pixels_from_metres
    T_pixels_from_cells = T_metres[:, :2] @ T_cells
    T_pixels_from_cells[:, 2] += T_metres[:, 2]
    cv2.warpAffine(
        tones,
        T_pixels_from_cells,
        (canvas.width, canvas.height),
        dst=canvas.image,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=palette.BACKGROUND,
    )


@lru_cache(maxsize=1)
def _ground_levels() -> UInt8[np.ndarray, "256 1 3"]:
    """The tone of each `CellState`, as `cv2.LUT` takes it."""
    levels = np.zeros((256, 1, 3), np.uint8)
    tones = palette.ground_colors()
    levels[: len(tones), 0] = tones
    return levels


def draw_rings(canvas: Canvas, *, with_labels: bool = True) -> None:
    """Adds rings each 10 m around the origin, labelled at two bearings unless `draw_ring_labels` does that later."""
    cv2.add(canvas.image, _rings(canvas.view, canvas.width, canvas.height, canvas.ui), dst=canvas.image)
    if with_labels:
        draw_ring_labels(canvas)


def draw_ring_labels(canvas: Canvas) -> None:
    """Writes the range of each ring beside it, where all of the words lie in the picture."""
    for words, place in _ring_labels(canvas.view, canvas.width, canvas.height, canvas.ui):
        alpha = text_alpha(words, _RING_TEXT_PX * canvas.ui)
        canvas.blend(alpha, left=round(place.left), top=round(place.top), color=palette.RING_TEXT)


def ring_label_rects(canvas: Canvas) -> list[Rect]:
    """The pixels that `draw_ring_labels` writes on."""
    return [place for _, place in _ring_labels(canvas.view, canvas.width, canvas.height, canvas.ui)]


@lru_cache(maxsize=8)
def _rings(view: BevView, width: int, height: int, ui: float) -> UInt8[np.ndarray, "h w 3"]:
    """The light that the rings add to the picture; the same for every frame of a drive."""
    canvas = Canvas(np.zeros((height, width, 3), np.uint8), view, ui)
    origin = canvas.to_pixels(np.zeros((1, 2)))[0]
    for range_m in _ring_ranges(canvas):
        canvas.disc(origin, range_m * canvas.pixels_per_m, palette.mix((0, 0, 0), palette.RING, 0.34), width=1)
    return canvas.image


@lru_cache(maxsize=8)
def _ring_labels(view: BevView, width: int, height: int, ui: float) -> list[tuple[str, Rect]]:
    """Words and where they stand, above the ring and to the right of its bearing."""
    canvas, labels = Canvas(np.zeros((height, width, 3), np.uint8), view, ui), []
    for range_m in _ring_ranges(canvas):
        words = f"{range_m} m"
        high, wide = text_alpha(words, _RING_TEXT_PX * ui).shape
        for bearing_rad in _RING_LABELS_RAD:
            column, row = canvas.to_pixels(range_m * np.array([np.cos(bearing_rad), np.sin(bearing_rad)])).tolist()
            left, top = column + 3 * ui, row - 3 * ui - 0.78 * high
            if min(left, top) >= 0 and left + wide <= width and top + high <= height:
                labels.append((words, Rect(left, top, left + wide, top + high)))
    return labels


def _ring_ranges(canvas: Canvas) -> range:
    """Of the rings that the picture shows a part of, metres."""
    origin = canvas.to_pixels(np.zeros((1, 2)))[0]
    corners = np.array([[0, 0], [canvas.width, 0], [0, canvas.height], [canvas.width, canvas.height]])
    farthest_m = float(np.hypot(*(corners - origin).T).max()) / canvas.pixels_per_m
    return range(RING_STEP_M, int(farthest_m) + 1, RING_STEP_M)


def point_colors(cloud: PointCloud, labels: PointLabels, coloring: PointColoring) -> UInt8[np.ndarray, "n 3"]:
    """The colour of each point: by height, class or intensity, or by height with those of objects in their colour.

    Points of a sensor that measures no intensity are coloured by height.
    """
    if coloring == "class":
        return palette.class_colors()[labels.semantic]
    if coloring == "intensity" and cloud.intensity is not None:
        return palette.intensity_colors(cloud.intensity)
    colors = palette.height_colors(cloud.xyz[:, 2] - cloud.sensor_origins_m[0, 2])
    if coloring == "object":
        on_object = np.flatnonzero(labels.instance > 0)
        bright = palette.object_colors(labels.instance[on_object]).astype(np.int16)
        colors[on_object] = bright + (255 - bright) // 3
    return colors


def draw_points(canvas: Canvas, xy_m: Float[np.ndarray, "n 2"], colors: UInt8[np.ndarray, "n 3"]) -> None:
    """Spreads each point over the four pixels around it, so that it moves smoothly from frame to frame."""
    column, row = np.ascontiguousarray(canvas.to_pixels(xy_m).T)
    seen = np.flatnonzero((column > -1) & (row > -1) & (column < canvas.width) & (row < canvas.height))
    if not len(seen):
        return
    column, row, colors = column[seen], row[seen], colors.take(seen, axis=0)
    left, top = np.floor(column), np.floor(row)
    across, along = column - left, row - top
    # a border of one pixel keeps the four neighbours inside
    width, height = canvas.width + 2, canvas.height + 2
    first = ((top + 1) * np.float32(width) + left + 1).astype(np.int64)
    weights = ((1 - across) * (1 - along), across * (1 - along), (1 - across) * along, across * along)
    places = [first + step for step in (0, 1, width, width + 1)]
    coverage = np.zeros(height * width, np.float32)
    for place, weight in zip(places, weights, strict=True):
        coverage[place] += weight  # of points that share a pixel one counts, which is far cheaper than the sum
    opacity = cv2.convertScaleAbs(coverage.reshape(height, width)[1:-1, 1:-1], alpha=255 * _POINT_OPACITY)
    weight = cv2.cvtColor(opacity, cv2.COLOR_GRAY2RGB)
    ink = cv2.multiply(_last_color(places, colors, shape=(height, width)), weight, scale=1 / 255)
    canvas.image[...] = cv2.add(cv2.multiply(canvas.image, cv2.bitwise_not(weight), scale=1 / 255), ink)


def _last_color(
    places: list[Int[np.ndarray, "n"]], colors: UInt8[np.ndarray, "n 3"], *, shape: tuple[int, int]
) -> UInt8[np.ndarray, "h w 3"]:
    """The colour that came last to each pixel of a picture with a border of one, which is taken off."""
    packed = cv2.cvtColor(colors[None], cv2.COLOR_RGB2RGBA).view(np.uint32)[0, :, 0]  # one store a point, not three
    buffer = np.zeros(shape, np.uint32)
    flat = buffer.reshape(-1)
    for place in places:
        flat[place] = packed
    four = buffer.view(np.uint8).reshape(*shape, 4)[1:-1, 1:-1]
    return np.asarray(cv2.cvtColor(four, cv2.COLOR_RGBA2RGB), np.uint8)


def draw_ego(canvas: Canvas) -> None:
    """The own vehicle about the origin, seen from above, its nose up the picture."""
    half_length, half_width = _EGO_LENGTH_M / 2, _EGO_WIDTH_M / 2
    body = _rounded(half_length, half_width, radius_m=0.6)
    pixels = canvas.to_pixels(body)
    canvas.fill(pixels, palette.mix(palette.BACKGROUND, palette.EGO, 0.22))
    canvas.lines([pixels], palette.EGO, width=max(1, round(1.4 * canvas.ui)), closed=True)
    nose = np.array([[1.5, 0.0], [0.1, 0.62], [0.5, 0.0], [0.1, -0.62]])
    canvas.fill(canvas.to_pixels(nose), palette.EGO)


def ego_rect(canvas: Canvas) -> Rect:
    """The part of the picture that `draw_ego` paints."""
    corner = np.array([_EGO_LENGTH_M, _EGO_WIDTH_M]) / 2
    left, top = canvas.to_pixels(corner).tolist()
    right, bottom = canvas.to_pixels(-corner).tolist()
    return Rect(left, top, right, bottom)


def _rounded(half_length_m: float, half_width_m: float, *, radius_m: float) -> Float[np.ndarray, "n 2"]:
    """Outline of a rectangle with round corners about the origin, counter-clockwise."""
    turn = np.linspace(0, np.pi / 2, 7)
    quarter = radius_m * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    corner = np.array([half_length_m - radius_m, half_width_m - radius_m])
    path = []
    for signs, quadrant in (((1, 1), quarter), ((-1, 1), quarter[::-1]), ((-1, -1), quarter), ((1, -1), quarter[::-1])):
        path.append((corner + quadrant) * np.array(signs))
    return np.concatenate(path)
