"""The five pictures of a failure: input, target, prediction, both on each other, and the cells at its boundary."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Int, UInt8

from bevseg.datasets.sample import Annotations, Sample
from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.labels import Placer, Rect, short_name
from bevseg.drawing.layers import draw_ego, draw_points, draw_rings
from bevseg.drawing.object_layers import draw_boxes, draw_dashed_boxes, draw_masks
from bevseg.drawing.palette import Color
from bevseg.evaluation.frame_scores import Scoring, match_counted
from bevseg.evaluation.mask_scores import Comparison
from bevseg.evaluation.matching import FrameMasks, FrameMatches, PredictionStatus, TruthStatus
from bevseg.evaluation.report.cases import Case
from bevseg.geometry.boxes import footprint_corners
from bevseg.geometry.grid import BevGrid
from bevseg.results.instances import Instances
from bevseg.results.masks import footprint_masks

VIEWS = {
    "input": "the scan from above, bright where it is high",
    "target": "the true masks",
    "prediction": "what was said",
    "overlay": "found, invented, and truth dashed",
    "close-up": "the cells of both masks at the object",
}
"""Name of each picture, and what it shows."""

_SIZE_PX = 360
_UI = 0.82
_REACH_M = 15.0
"""From the object to the edges of the picture."""
_CLOSE_MARGIN_M = 1.4
_LEAST_CLOSE_M = 2.2
_BRIGHTER = 1.7
_QUIET_POINTS = 0.35
_CELL_OPACITY = 0.5


@dataclass(frozen=True, eq=False)
class Shown:
    """A frame with a failure in it.

    Attributes:
        sample: The scan and its truth.
        found: Predictions above the score thresholds.
        matches: How they were matched with the truth.
        masks: The masks that were matched.
        named: Index of the prediction that the failure names, in `found`; -1 for none.
    """

    sample: Sample
    found: Instances
    matches: FrameMatches
    masks: FrameMasks
    named: int

    @classmethod
    def of(cls, sample: Sample, instances: Instances, scoring: Scoring, case: Case) -> Shown:
        """Matches the frame again, as it was scored."""
        compared = Comparison.of(instances, sample.annotations, rule=scoring.rule)
        status = match_counted(compared.overlaps, scoring).prediction_status
        kept = np.flatnonzero(status != PredictionStatus.BELOW_SCORE)
        compared = Comparison.of(instances[kept], sample.annotations, rule=scoring.rule)
        named = np.flatnonzero(kept == case.prediction)
        matches = match_counted(compared.overlaps, scoring)
        return cls(sample, instances[kept], matches, compared.masks, int(named[0]) if len(named) else -1)


def draw_case(shown: Shown, case: Case) -> dict[str, UInt8[np.ndarray, "h w 3"]]:
    """Each of `VIEWS`, RGB, x (forward) up, y (left) left."""
    truth = shown.sample.annotations
    target = _as_instances(truth, shown.masks.true.grid)
    sure = np.flatnonzero(~truth.ignored)
    return {
        "input": _input(shown, case),
        "target": _objects(shown, case, target[sure], [short_name(int(k)) for k in truth.label[sure]]),
        "prediction": _objects(shown, case, shown.found, _scored_names(shown.found)),
        "overlay": _overlay(shown, case),
        "close-up": _close_up(shown, case),
    }


def encode_small(image: UInt8[np.ndarray, "h w 3"], *, max_bytes: int) -> bytes:
    """A JPEG of at most `max_bytes`, as good as fits, or the coarsest one if none does."""
    data = b""
    for quality in (88, 80, 70, 60, 50, 40, 30, 20, 12):
        encoded, coded = cv2.imencode(
            ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), (cv2.IMWRITE_JPEG_QUALITY, quality)
        )
        if not encoded:
            raise RuntimeError(f"OpenCV could not encode a picture of shape {image.shape} as JPEG")
        data = coded.tobytes()
        if len(data) <= max_bytes:
            break
    return data


def _input(shown: Shown, case: Case) -> UInt8[np.ndarray, "h w 3"]:
    canvas = _ground(shown.sample, case, point_share=1.0)
    _mark(canvas, case)
    return canvas.image


def _objects(shown: Shown, case: Case, objects: Instances, names: list[str]) -> UInt8[np.ndarray, "h w 3"]:
    canvas = _ground(shown.sample, case, point_share=_QUIET_POINTS)
    colors = [palette.class_color(int(label)) for label in objects.label]
    draw_masks(canvas, objects, colors)
    draw_boxes(canvas, objects.boxes, colors)
    _mark(canvas, case)
    _name(canvas, objects, names, colors)
    return canvas.image


def _overlay(shown: Shown, case: Case) -> UInt8[np.ndarray, "h w 3"]:
    canvas = _ground(shown.sample, case, point_share=_QUIET_POINTS)
    draw_masks(canvas, shown.found, _outcomes(shown.matches))
    boxes, status = shown.sample.annotations.boxes, shown.matches.truth_status
    missed, found = status == TruthStatus.MISSED, status == TruthStatus.FOUND
    draw_dashed_boxes(canvas, boxes[status == TruthStatus.IGNORED], color=palette.TEXT_QUIET)
    draw_dashed_boxes(canvas, boxes[found], color=palette.TRUTH)
    draw_dashed_boxes(canvas, boxes[missed], color=palette.MISSED)
    _mark(canvas, case)
    return canvas.image


def _close_up(shown: Shown, case: Case) -> UInt8[np.ndarray, "h w 3"]:
    """Cells of both masks, of the truth alone and of the prediction alone; outlines of the boxes above the points."""
    reach_m = _close_reach_m(shown, case)
    x, y = case.xy_m
    canvas = _empty(BevView(x - reach_m, x + reach_m, y))
    predicted, true = shown.masks.predicted, shown.masks.true
    said, is_there = np.zeros(true.grid.num_cells, bool), np.zeros(true.grid.num_cells, bool)
    said[predicted.cells], is_there[true.cells] = True, True
    for cells, color in (
        (said & is_there, palette.FOUND),
        (is_there & ~said, palette.MISSED),
        (said & ~is_there, palette.INVENTED),
    ):
        _paint_cells(canvas, cells, true.grid, palette.mix(palette.BACKGROUND, color, _CELL_OPACITY))
    colors = np.full((len(shown.sample.cloud), 3), 255, np.uint8)
    draw_points(canvas, shown.sample.cloud.xyz[:, :2], colors)
    draw_boxes(canvas, shown.sample.annotations.boxes, [palette.TRUTH] * len(shown.sample.annotations))
    draw_dashed_boxes(canvas, shown.found.boxes, color=palette.ARROW)
    canvas.text("1 m", left=12.0, baseline=canvas.height - 18.0, size=13.0, color=palette.TEXT)
    bar = np.array([[12.0, canvas.height - 10.0], [12.0 + canvas.pixels_per_m, canvas.height - 10.0]])
    canvas.lines([bar], palette.TEXT, width=2, closed=False)
    return canvas.image


def _close_reach_m(shown: Shown, case: Case) -> float:
    boxes = [shown.sample.annotations.boxes[case.truth]] if case.truth >= 0 else []
    boxes += [shown.found.boxes[shown.named]] if shown.named >= 0 else []
    corners = footprint_corners(np.array(boxes, np.float64).reshape(-1, 7)).reshape(-1, 2)
    farthest = np.abs(corners - np.array(case.xy_m)).max(initial=0.0)
    return float(np.clip(farthest + _CLOSE_MARGIN_M, _LEAST_CLOSE_M, _REACH_M))


def _empty(view: BevView) -> Canvas:
    return Canvas(np.full((_SIZE_PX, _SIZE_PX, 3), palette.BACKGROUND, np.uint8), view, _UI)


def _ground(sample: Sample, case: Case, *, point_share: float) -> Canvas:
    """Rings, points and the own vehicle around the failure; `point_share` is how bright the points are, 0 to 1."""
    x, y = case.xy_m
    canvas = _empty(BevView(x - _REACH_M, x + _REACH_M, y))
    draw_rings(canvas)
    height = palette.height_colors(sample.cloud.xyz[:, 2] - sample.cloud.sensor_origins_m[0, 2])
    colors = np.minimum(height * (_BRIGHTER * point_share), 255).astype(np.uint8)
    for shift_m in (0.0, 1 / canvas.pixels_per_m):  # each point covers two pixels, or small pictures would lose it
        draw_points(canvas, sample.cloud.xyz[:, :2] + np.float32(shift_m), colors)
    draw_ego(canvas)
    return canvas


def _mark(canvas: Canvas, case: Case) -> None:
    """Corners of a square around the object concerned."""
    middle = canvas.to_pixels(np.array([case.xy_m]))[0].astype(np.float64)
    for side in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        corner = middle + np.array(side) * 3.4 * canvas.pixels_per_m
        arms = [corner - np.array([side[0] * 12, 0]), corner, corner - np.array([0, side[1] * 12])]
        canvas.lines([np.array(arms)], palette.TEXT, width=1, closed=False)


def _name(canvas: Canvas, objects: Instances, names: list[str], colors: list[Color]) -> None:
    """Names beside the objects, the nearest to the middle first; those without room are left out."""
    pixels = canvas.to_pixels(footprint_corners(objects.boxes.astype(np.float64)))
    around = [Rect(*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist()) for corners in pixels]
    placer = Placer(avoid=around)
    middle = np.hypot(*(pixels.mean(axis=1) - _SIZE_PX / 2).T)
    for k in np.argsort(middle, kind="stable")[canvas.shows(objects.boxes[np.argsort(middle, kind="stable"), :2])]:
        color = palette.mix(colors[k], (255, 255, 255), 0.6)
        placer.write(canvas, [(names[k], color)], around=around[k], size=13.0)


def _scored_names(objects: Instances) -> list[str]:
    return [f"{short_name(int(k))} {s:.2f}" for k, s in zip(objects.label, objects.score.tolist(), strict=True)]


def _outcomes(matches: FrameMatches) -> list[Color]:
    color = {PredictionStatus.RIGHT: palette.FOUND, PredictionStatus.WRONG: palette.INVENTED}
    return [color.get(PredictionStatus(status), palette.TEXT_QUIET) for status in matches.prediction_status.tolist()]


def _as_instances(truth: Annotations, grid: BevGrid) -> Instances:
    """The truth as objects whose masks are drawn like those of predictions, all of them filled."""
    footprints = footprint_masks(truth.boxes, grid)
    objects = Instances.from_detections(
        label=truth.label,
        score=np.ones(len(truth), np.float32),
        boxes=truth.boxes,
        velocity_mps=np.zeros((len(truth), 2), np.float32),
        amodal=footprints,
    )
    return replace(objects, visible=footprints)


def _paint_cells(canvas: Canvas, cells: Bool[np.ndarray, "cells"], grid: BevGrid, color: Color) -> None:
    """Squares with a gap between them, so that cells can be counted."""
    centers = grid.centers_of(np.flatnonzero(cells))
    chosen: Int[np.ndarray, "m"] = np.flatnonzero(canvas.shows(centers, margin_m=grid.cell_m))
    half = grid.cell_m / 2
    low, high = canvas.to_pixels(centers[chosen] + half), canvas.to_pixels(centers[chosen] - half)
    for (left, top), (right, bottom) in zip(np.round(low).astype(int), np.round(high).astype(int), strict=True):
        cv2.rectangle(canvas.image, (left + 1, top + 1), (right - 1, bottom - 1), color, -1)
