"""A scan as the sensor sees it: azimuth to the right, elevation upwards, near points bright."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from bevseg.drawing import palette
from bevseg.points.cloud import PointCloud

_NEAR_M, _FAR_M = 2.0, 60.0
_WIDEST_DEG = (-32.0, 20.0)
_STEP_DEG = 4.0
_FEW = 100
"""Returns of which too little can be told about the sensor."""


@dataclass(frozen=True, eq=False)
class PaintedPoints:
    """Some points of a scan, and the colour of each."""

    index: Int[np.ndarray, "m"]
    colors: UInt8[np.ndarray, "m 3"]


def draw_range_image(
    cloud: PointCloud,
    *,
    width: int,
    height: int,
    elevation_deg: tuple[float, float] = (-32.0, 16.0),
    painted: PaintedPoints | None = None,
    fill_rows: int = 0,
) -> UInt8[np.ndarray, "h w 3"]:
    """Paints the nearest point in each direction; what returned nothing stays dark.

    Args:
        cloud: A scan of one sweep, seen from its sensor.
        width: Pixels for the full turn: from behind over the left, ahead in the middle, over the right to behind.
        height: Pixels.
        elevation_deg: Lower and upper edge; the same for two sensors makes their pictures comparable.
        painted: Points that have a colour of their own; the others are the brighter the nearer they are.
        fill_rows: Gaps of up to so many coarse rows between two rings are filled from above.
    """
    away: Float32[np.ndarray, "3 n"] = np.ascontiguousarray(cloud.xyz.T) - cloud.sensor_origins_m[0, :, None].astype(
        np.float32
    )
    range_m = np.sqrt((away * away).sum(axis=0))
    elevation = np.degrees(np.arcsin(np.clip(away[2] / np.maximum(range_m, 1e-6), -1, 1)))
    azimuth = np.arctan2(away[1], away[0])
    low, high = elevation_deg
    rows = _coarse_rows(height)
    row = np.floor((high - elevation) / (high - low) * rows).astype(np.int64)
    column = np.floor((np.pi - azimuth) / (2 * np.pi) * width).astype(np.int64).clip(0, width - 1)
    shown = np.flatnonzero((row >= 0) & (row < rows) & (range_m > _NEAR_M))
    shown = shown[far_first(range_m[shown])]  # of two in one place the nearer is painted last
    colors = _colors(range_m, painted)
    picture = np.full((rows, width, 3), palette.BACKGROUND, np.uint8)
    hit = row[shown] * width + column[shown]
    picture.reshape(-1, 3)[hit] = colors.take(shown, axis=0)
    if fill_rows:
        _fill_gaps(picture, hit, fill_rows)
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def far_first(range_m: Float[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
    """Indices from the farthest to the nearest, to a centimetre, and to all alike beyond 600 m."""
    steps = np.clip(range_m * 100, 0, 60_000).astype(np.uint16)
    return np.argsort(60_000 - steps, kind="stable")  # of two bytes it sorts by digits, ten times as fast


def elevation_span_deg(cloud: PointCloud) -> tuple[float, float]:
    """Lower and upper edge, degrees, of a picture that holds all rings of a sensor; steady from frame to frame.

    Whole steps about what the returns span: of almost every scan the lowest and the highest ring have some.
    """
    away = cloud.xyz - cloud.sensor_origins_m[0]
    across_m = np.hypot(away[:, 0], away[:, 1])
    slope = (away[:, 2] / np.maximum(across_m, _NEAR_M))[across_m > _NEAR_M]
    if len(slope) < _FEW:
        return _WIDEST_DEG
    rank = len(slope) // 1000  # a few stray returns do not count
    ends = np.partition(slope, [rank, len(slope) - 1 - rank])[[rank, len(slope) - 1 - rank]]
    low, high = np.degrees(np.arctan(ends))
    return (
        max(_STEP_DEG * float(np.floor(low / _STEP_DEG)), _WIDEST_DEG[0]),
        min(max(_STEP_DEG * float(np.ceil(high / _STEP_DEG)), _STEP_DEG), _WIDEST_DEG[1]),
    )


def _fill_gaps(picture: UInt8[np.ndarray, "rows w 3"], hit: Int[np.ndarray, "m"], most: int) -> None:
    """Only where a ring ends the gap: below the lowest one, and beside what returned nothing, it stays dark."""
    rows, width = picture.shape[:2]
    row = np.full(rows * width, -1)
    row[hit] = hit // width
    above = np.maximum.accumulate(row.reshape(rows, width), axis=0)
    row[row < 0] = 2 * rows
    below = np.minimum.accumulate(row.reshape(rows, width)[::-1], axis=0)[::-1]
    between, size = (row.reshape(rows, width) == 2 * rows) & (above >= 0), below - above - 1
    gap_row, gap_column = np.nonzero(between & (size <= most))
    picture[gap_row, gap_column] = picture[above[gap_row, gap_column], gap_column]


def _colors(range_m: Float[np.ndarray, "n"], painted: PaintedPoints | None) -> UInt8[np.ndarray, "n 3"]:
    if painted is not None and len(painted.index) == len(range_m):
        colors = np.empty((len(range_m), 3), np.uint8)
    else:
        colors = _brightness(range_m)
    if painted is not None:
        colors[painted.index] = painted.colors
    return colors


def _coarse_rows(height: int) -> int:
    """Fewer rows than pixels: rings are wider apart than pixels, and gaps between them hide the picture."""
    return max(height // 3, 1)


def _brightness(range_m: Float[np.ndarray, "n"]) -> UInt8[np.ndarray, "n 3"]:
    share = np.clip(np.log(np.maximum(range_m, _NEAR_M) / _NEAR_M) / np.log(_FAR_M / _NEAR_M), 0, 1)[:, None]
    near, far = np.array((255, 236, 190)), np.array((46, 66, 104))
    return (near * (1 - share) + far * share).astype(np.uint8)
