"""A labelled scan as one picture: its points from above with the boxes that its set has, no model in between."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int, UInt8

from bevseg.datasets.sample import Annotations, Sample
from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.labels import Placer, Rect, short_name
from bevseg.drawing.layers import draw_ego, draw_points, draw_rings
from bevseg.drawing.object_layers import draw_boxes, draw_dashed_boxes
from bevseg.geometry.boxes import footprint_corners, points_in_box
from bevseg.points.cloud import PointCloud

DEFAULT_VIEW = BevView(-40.0, 60.0)
_TITLE_PX, _LABEL_PX = 17.0, 11.5
_MARGIN_PX = 16.0
_SMALLEST_LABELLED_PX = 8.0


def draw_annotations(
    sample: Sample, *, title: str = "", view: BevView | None = None, width: int = 1280, height: int = 960
) -> UInt8[np.ndarray, "h w 3"]:
    """Draws points and boxes.

    Points have the colour of their class where the set labels them, else by height, and bright in the colour of the
    class where they lie in a box. Boxes have the colour of their class and a tick ahead; ignored ones are dashed.

    Args:
        sample: The scan and its truth.
        title: Above the picture.
        view: The ground that is shown.
        width: Pixels.
        height: Pixels.

    Returns:
        RGB; x (forward) is up, y (left) is left.
    """
    truth = sample.annotations
    image = np.full((height, width, 3), palette.BACKGROUND, np.uint8)
    canvas = Canvas(image, view or DEFAULT_VIEW, height / 720)
    draw_rings(canvas)
    draw_points(canvas, sample.cloud.xyz[:, :2], _point_colors(sample.cloud, truth))
    sure = np.flatnonzero(~truth.ignored)
    draw_boxes(canvas, truth.boxes[sure], [palette.class_color(int(label)) for label in truth.label[sure]])
    draw_dashed_boxes(canvas, truth.boxes[truth.ignored], color=palette.TEXT_QUIET)
    draw_ego(canvas)
    _name_boxes(canvas, truth, sure)
    _write_title(canvas, title or sample.name, _summary(sample))
    return canvas.image


def _point_colors(cloud: PointCloud, truth: Annotations) -> UInt8[np.ndarray, "n 3"]:
    if truth.point_semantic is not None:
        return palette.class_colors()[truth.point_semantic]
    colors = palette.height_colors(cloud.xyz[:, 2] - cloud.sensor_origins_m[0, 2])
    for box, label in zip(truth.boxes, truth.label.tolist(), strict=True):
        colors[points_in_box(cloud.xyz, box)] = palette.mix(palette.class_color(label), (255, 255, 255), 0.3)
    return colors


def _name_boxes(canvas: Canvas, truth: Annotations, chosen: Int[np.ndarray, "m"]) -> None:
    """Class and number of points beside each box that is large enough in the picture, the nearest first."""
    pixels = canvas.to_pixels(footprint_corners(truth.boxes.astype(np.float64)))
    around = [Rect(*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist()) for corners in pixels]
    placer = Placer(avoid=around)
    near_to_far = chosen[np.argsort(np.hypot(truth.boxes[chosen, 0], truth.boxes[chosen, 1]), kind="stable")]
    for k in near_to_far[canvas.shows(truth.boxes[near_to_far, :2])]:
        if max(around[k].width, around[k].height) < _SMALLEST_LABELLED_PX * canvas.ui:
            continue
        color = palette.mix(palette.class_color(int(truth.label[k])), (255, 255, 255), 0.6)
        words = [(f"{short_name(int(truth.label[k]))} {truth.num_points[k]}", color)]
        placer.write(canvas, words, around=around[k], size=_LABEL_PX)


def _write_title(canvas: Canvas, title: str, summary: str) -> None:
    left = _MARGIN_PX * canvas.ui
    canvas.text(title, left=left, baseline=28 * canvas.ui, size=_TITLE_PX, color=palette.TEXT)
    canvas.text(summary, left=left, baseline=48 * canvas.ui, size=_LABEL_PX, color=palette.TEXT_QUIET)


def _summary(sample: Sample) -> str:
    truth = sample.annotations
    sweeps = f" in {sample.cloud.num_sweeps} sweeps" if sample.cloud.num_sweeps > 1 else ""
    boxes = f"{len(truth)} boxes, {np.count_nonzero(truth.ignored)} of them ignored" if len(truth) else "no boxes"
    return f"{len(sample.cloud):,} points{sweeps}  ·  {boxes}  ·  numbers are points on the object"
