"""A scan in perspective, from behind and above the own vehicle: the ground with its masks, points and boxes on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8

from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas, dashes_along
from bevseg.drawing.difference import Outcome
from bevseg.drawing.labels import Placer, Rect, short_name
from bevseg.drawing.object_layers import draw_arrows_along
from bevseg.drawing.palette import Color
from bevseg.drawing.range_image import far_first
from bevseg.drawing.shown import HIDDEN_FROM, Shown
from bevseg.geometry.boxes import footprint_corners
from bevseg.points.cloud import PointCloud
from bevseg.results.occlusion_graph import chosen_edges, thinned

_NEAR_M = 0.8
_SKY: tuple[Color, Color] = ((6, 8, 12), (22, 29, 38))
_HAZE_PX = 46.0
_WIDEST = 2.1
"""Width over height from which on a picture shows more at the sides and not less of the height."""
_FACE_OPACITY = 0.3
_LABELS_WITHIN_M = 32.0
_LARGE_POINTS_WITHIN_M = 22.0
_EDGES = np.array([(k, (k + 1) % 4) for k in range(4)] * 2 + [(k, k + 4) for k in range(4)])
_EDGES[4:8] += 4


@dataclass(frozen=True)
class ChaseCamera:
    """A camera that looks ahead from behind the vehicle.

    Attributes:
        behind_m: How far behind the origin it is.
        above_m: How high above the ground.
        down_rad: How far it looks down.
        view_rad: Its horizontal angle of view; a picture that is wider than usual shows more, at the sides.
    """

    behind_m: float = 13.5
    above_m: float = 9.0
    down_rad: float = 0.36
    view_rad: float = 1.25

    def projection(self, width: int, height: int, ground_z_m: float) -> Float[np.ndarray, "3 4"]:
        """From homogeneous metres to pixels times depth, of a picture of that size."""
        c, s = np.cos(self.down_rad), np.sin(self.down_rad)
        axes = np.array([[0.0, -1.0, 0.0], [-s, 0.0, -c], [c, 0.0, -s]])  # right, down, ahead
        focal = self._focal(width, height)
        K = np.array([[focal, 0, width / 2], [0, focal, height * 0.5], [0, 0, 1.0]])
        place = np.array([-self.behind_m, 0.0, ground_z_m + self.above_m])
        return K @ np.concatenate([axes, -(axes @ place)[:, None]], axis=1)

    def horizon_row(self, width: int, height: int) -> int:
        """The row of the picture in which the ground ends."""
        focal = self._focal(width, height)
        return int(height * 0.5 - focal * np.tan(self.down_rad))

    def _focal(self, width: int, height: int) -> float:
        return float(min(width, _WIDEST * height) / 2 / np.tan(self.view_rad / 2))


def draw_perspective(picture: UInt8[np.ndarray, "h w 3"], ground: Canvas, shown: Shown, *, ui: float) -> None:
    """Paints a frame over a picture.

    Args:
        picture: What is painted over.
        ground: The ground seen from above, painted already.
        shown: What is drawn.
        ui: Size of text and lines.
    """
    height, width = picture.shape[:2]
    camera = ChaseCamera()
    ground_z_m = ground_height_m(shown.cloud)
    projection = camera.projection(width, height, ground_z_m)
    _lay_ground(picture, ground, projection, ground_z_m=ground_z_m)
    _paint_sky(picture, camera.horizon_row(width, height))
    canvas = Canvas(picture, BevView(0.0, 1.0), ui)
    if "points" in shown.layers:
        _splat(picture, shown, projection)
    boxes = _Boxes.of(shown.scene.instances.boxes, projection, width, height)
    if "boxes" in shown.layers:
        _draw_boxes(canvas, shown, boxes)
    if shown.truth is not None:
        _draw_truth(canvas, shown, _Boxes.of(shown.truth.boxes, projection, width, height))
    if "arrows" in shown.layers:
        _draw_arrows(canvas, shown, boxes)
    if "labels" in shown.layers:
        _draw_labels(canvas, shown, boxes)


def ground_height_m(cloud: PointCloud) -> float:
    """z of the ground about the vehicle: that of the lowest tenth of the returns around it, metres."""
    near = np.hypot(cloud.xyz[:, 0], cloud.xyz[:, 1]) < 18.0
    heights = cloud.xyz[near, 2]
    return float(np.partition(heights, len(heights) // 10)[len(heights) // 10]) if len(heights) else -1.8


def _lay_ground(
    picture: UInt8[np.ndarray, "h w 3"], ground: Canvas, projection: Float[np.ndarray, "3 4"], *, ground_z_m: float
) -> None:
    on_ground = np.stack([projection[:, 0], projection[:, 1], projection[:, 2] * ground_z_m + projection[:, 3]], axis=1)
    T_pixels_from_metres = np.concatenate([ground.T_pixels_from_metres, [[0.0, 0.0, 1.0]]])
    size = (picture.shape[1], picture.shape[0])
    cv2.warpPerspective(
        ground.image,
        on_ground @ np.linalg.inv(T_pixels_from_metres),
        size,
        dst=picture,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=palette.BACKGROUND,
    )


def _paint_sky(picture: UInt8[np.ndarray, "h w 3"], horizon: int) -> None:
    """Covers what a plane shows above its horizon, and lets the ground end in haze."""
    sky = _sky(*picture.shape[:2], horizon)
    part = picture[: len(sky.light)]
    if not len(part):  # the horizon lies far above the picture
        return
    part[...] = cv2.add(cv2.multiply(part, sky.passing, scale=1 / 255), sky.light)


@dataclass(frozen=True, eq=False)
class _Sky:
    """What is added to the upper rows of the picture, and of 255 how much of them passes."""

    light: UInt8[np.ndarray, "rows w 3"]
    passing: UInt8[np.ndarray, "rows w 3"]


@lru_cache(maxsize=8)
def _sky(height: int, width: int, horizon: int) -> _Sky:
    rows = np.arange(min(max(horizon + int(_HAZE_PX) + 1, 0), height))[:, None]
    haze = np.clip(1 - (rows - horizon) / _HAZE_PX, 0, 1)
    share = np.clip(rows / max(horizon, 1), 0, 1)
    light = (np.array(_SKY[0]) * (1 - share) + np.array(_SKY[1]) * share) * haze
    shape = (len(rows), width, 3)
    passing = np.broadcast_to(np.rint(255 * (1 - haze))[:, None], shape).astype(np.uint8)
    return _Sky(np.broadcast_to(light[:, None], shape).astype(np.uint8), passing)


def _splat(picture: UInt8[np.ndarray, "h w 3"], shown: Shown, projection: Float[np.ndarray, "3 4"]) -> None:
    """Points, the nearer over the farther; near ones are two pixels wide."""
    height, width = picture.shape[:2]
    right, down, depth = projection[:, :3].astype(np.float32) @ shown.cloud.xyz.T + projection[:, 3:].astype(np.float32)
    held = np.maximum(depth, _NEAR_M)
    column, row = (right / held).astype(np.int32), (down / held).astype(np.int32)
    inside = (depth > _NEAR_M) & (column >= 0) & (row >= 0) & (column < width - 1) & (row < height - 1)
    ahead = np.flatnonzero(inside)
    ahead = ahead[far_first(depth[ahead])]
    place, away = row[ahead] * width + column[ahead], depth[ahead]
    near = np.flatnonzero(away < _LARGE_POINTS_WITHIN_M)
    owner = np.full(height * width, -1, np.int32)
    owner[place] = np.arange(len(ahead))
    for step in (1, width, width + 1):
        owner[place[near] + step] = near
    painted = np.flatnonzero(owner >= 0)
    light = np.clip(1.15 - away / 110, 0.45, 1.0)[:, None]
    colors = (shown.point_colors.take(ahead, axis=0) * light).astype(np.uint8)
    picture[painted // width, painted % width] = colors.take(owner[painted], axis=0)


@dataclass(frozen=True, eq=False)
class _Boxes:
    """Boxes in the picture: the far ones first in `order`; corners 0..3 at the bottom, 4..7 above them."""

    corners: Float[np.ndarray, "k 8 2"]
    top: Float[np.ndarray, "k 2"]
    depth_m: Float[np.ndarray, "k"]
    order: Int[np.ndarray, "j"]

    @classmethod
    def of(
        cls, boxes: Float[np.ndarray, "k 7"], projection: Float[np.ndarray, "3 4"], width: int, height: int
    ) -> _Boxes:
        boxes = boxes.astype(np.float64)
        low, high = boxes[:, 2] - boxes[:, 5] / 2, boxes[:, 2] + boxes[:, 5] / 2
        flat = footprint_corners(boxes)
        z = np.repeat(np.stack([low, high], axis=1), 4, axis=1)[..., None]
        corners = np.concatenate([np.concatenate([flat, flat], axis=1), z], axis=2)
        top = np.concatenate([boxes[:, :2], high[:, None]], axis=1)[:, None]
        projected = np.concatenate([corners, top], axis=1) @ projection[:, :3].T + projection[:, 3]
        pixels = projected[..., :2] / np.maximum(projected[..., 2:], 1e-6)
        depth = projected[:, 8, 2]
        margin = 40
        inside = ((pixels[:, 8] > -margin) & (pixels[:, 8] < np.array([width, height]) + margin)).all(axis=1)
        shown_boxes = np.flatnonzero((projected[..., 2] > _NEAR_M).all(axis=1) & inside)
        return cls(pixels[:, :8], pixels[:, 8], depth, shown_boxes[np.argsort(-depth[shown_boxes])])


def _draw_boxes(canvas: Canvas, shown: Shown, boxes: _Boxes) -> None:
    """Faintly filled where an object is seen; the edges of what is more than half hidden are dashed."""
    seen = np.nan_to_num(shown.scene.instances.visible_fraction, nan=1.0)
    faces = Canvas(canvas.image.copy(), canvas.view, canvas.ui)
    corners = boxes.corners.astype(np.float32)
    for k in boxes.order:
        hull = cv2.convexHull(corners[k])[:, 0]
        faces.fill(hull, palette.mix(palette.BACKGROUND, shown.colors[k], 0.35 + 0.65 * float(seen[k])))
    cv2.addWeighted(faces.image, _FACE_OPACITY, canvas.image, 1 - _FACE_OPACITY, 0, dst=canvas.image)
    for k in boxes.order:
        color = palette.mix(shown.colors[k], (255, 255, 255), 0.25)
        start, end = boxes.corners[k, _EDGES[:, 0]], boxes.corners[k, _EDGES[:, 1]]
        is_hidden = seen[k] < 0.5
        edges = dashes_along(start, end, dash_px=5.0 * canvas.ui) if is_hidden else np.stack([start, end], axis=1)
        canvas.lines(edges, color, closed=False)


def _draw_truth(canvas: Canvas, shown: Shown, boxes: _Boxes) -> None:
    """Dashed edges: of what was not found where results are compared with truth, else of all true objects."""
    truth, compared = shown.truth, shown.compared
    if truth is None or (compared is None and "truth" not in shown.layers):
        return
    for k in boxes.order:
        color = palette.TRUTH
        if compared is not None:
            outcome = Outcome(int(compared.truth[k]))
            if not outcome.is_failure:
                continue
            color = outcome.color
        start, end = boxes.corners[k, _EDGES[:, 0]], boxes.corners[k, _EDGES[:, 1]]
        canvas.lines(dashes_along(start, end, dash_px=4.0 * canvas.ui), color, closed=False)


def _draw_arrows(canvas: Canvas, shown: Shown, boxes: _Boxes) -> None:
    """From the top of what hides to the top of what it hides most of; a few of one object alone."""
    graph = shown.scene.occlusion
    edges = thinned(graph, chosen_edges(graph, at_least=HIDDEN_FROM)).edges
    near, far = graph.occluder[edges], graph.occluded[edges]
    away = boxes.top[far] - boxes.top[near]
    chosen = np.isin(near, boxes.order) & np.isin(far, boxes.order) & (np.hypot(*away.T) > 12 * canvas.ui)
    draw_arrows_along(canvas, np.stack([boxes.top[near[chosen]], boxes.top[far[chosen]]], axis=1).astype(np.float32))


def _draw_labels(canvas: Canvas, shown: Shown, boxes: _Boxes) -> None:
    """Class and id over the near objects that count, and the share that is hidden."""
    instances, placer = shown.scene.instances, Placer()
    for k in boxes.order[::-1]:
        if boxes.depth_m[k] > _LABELS_WITHIN_M:
            break
        if shown.compared is not None and shown.compared.prediction[k] == Outcome.IGNORED:
            continue
        name = f"{short_name(int(instances.label[k]))} {instances.id[k]}"
        words = [(name, palette.mix(shown.colors[k], (255, 255, 255), 0.6))]
        hidden = 1 - float(instances.visible_fraction[k])
        if hidden >= HIDDEN_FROM:
            words.append((f"{100 * hidden:.0f}%", palette.ARROW))
        low, high = boxes.corners[k].min(axis=0), boxes.corners[k].max(axis=0)
        place = Rect(float(low[0]), float(low[1]), float(high[0]), float(low[1]) + 4.0)
        placer.write(canvas, words, around=place, size=10.5)
