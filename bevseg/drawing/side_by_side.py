"""A real and a simulated scan side by side, above the distributions of many such scans."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from bevseg.drawing import palette
from bevseg.drawing.canvas import BevView, Canvas
from bevseg.drawing.curves import Curve, PlotPlace, draw_cumulated
from bevseg.drawing.layers import draw_points, draw_rings
from bevseg.drawing.range_image import draw_range_image
from bevseg.points.cloud import PointCloud

REAL, SIMULATED = palette.ARROW, (86, 180, 233)
"""Colours of the two sides."""

_WIDTH, _MARGIN, _TITLE = 1600, 24, 44
_BEV_HEIGHT, _RANGE_HEIGHT = 560, 150
_PLOT_COLUMNS, _PLOT_HEIGHT, _PLOT_STEP = 4, 130.0, 205
_VIEW = BevView(-36.0, 36.0)


@dataclass(frozen=True, eq=False)
class Distribution:
    """One figure of many scans.

    Attributes:
        title: What is distributed.
        unit: Of the values.
        note: Distance between the two sides, as text.
        real: Values of real scans.
        simulated: Values of simulated scans.
    """

    title: str
    unit: str
    note: str
    real: Float[np.ndarray, "r"]
    simulated: Float[np.ndarray, "s"]


def draw_side_by_side(
    real: PointCloud, simulated: PointCloud, distributions: list[Distribution], *, titles: tuple[str, str]
) -> UInt8[np.ndarray, "h w 3"]:
    """One picture: each scan from above and as its sensor sees it, then the cumulated shares of each distribution.

    Args:
        real: A real scan; both are painted at one scale.
        simulated: A simulated scan of the same kind of sensor.
        distributions: Of any number of scans.
        titles: Names of the two sides.
    """
    rows = -(-len(distributions) // _PLOT_COLUMNS)
    scans = _TITLE + _BEV_HEIGHT + _MARGIN + _RANGE_HEIGHT + _MARGIN
    canvas = Canvas(np.full((scans + rows * _PLOT_STEP + _MARGIN, _WIDTH, 3), palette.BACKGROUND, np.uint8), _VIEW, 1.0)
    half = (_WIDTH - 3 * _MARGIN) // 2
    for k, (cloud, color) in enumerate(((real, REAL), (simulated, SIMULATED))):
        left = _MARGIN + k * (half + _MARGIN)
        text = f"{titles[k]}  ·  {len(cloud):,} points"
        canvas.text(text, left=float(left), baseline=_TITLE - 14.0, size=17.0, color=color)
        canvas.image[_TITLE : _TITLE + _BEV_HEIGHT, left : left + half] = _from_above(cloud, half)
        top = _TITLE + _BEV_HEIGHT + _MARGIN
        strip = draw_range_image(cloud, width=half, height=_RANGE_HEIGHT)
        canvas.image[top : top + _RANGE_HEIGHT, left : left + half] = strip
    _draw_plots(canvas, distributions, top=scans + 30.0)
    return canvas.image


def _from_above(cloud: PointCloud, width: int) -> UInt8[np.ndarray, "h w 3"]:
    picture = np.empty((_BEV_HEIGHT, width, 3), np.uint8)
    cv2.rectangle(picture, (0, 0), (width, _BEV_HEIGHT), palette.PANEL, -1)
    canvas = Canvas(picture, _VIEW, 1.0)
    draw_rings(canvas)
    height = cloud.xyz[:, 2] - cloud.sensor_origins_m[0, 2]
    draw_points(canvas, cloud.xyz[:, :2], palette.height_colors(height))
    return picture


def _draw_plots(canvas: Canvas, distributions: list[Distribution], *, top: float) -> None:
    width = (_WIDTH - _MARGIN * (_PLOT_COLUMNS + 1)) / _PLOT_COLUMNS
    for k, shown in enumerate(distributions):
        row, column = divmod(k, _PLOT_COLUMNS)
        place = PlotPlace(_MARGIN + column * (width + _MARGIN), top + row * _PLOT_STEP, width, _PLOT_HEIGHT)
        curves = [Curve(shown.real, REAL), Curve(shown.simulated, SIMULATED)]
        draw_cumulated(canvas, place, curves, title=shown.title, note=shown.note, unit=shown.unit)
