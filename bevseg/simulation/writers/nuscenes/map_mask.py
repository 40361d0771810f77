"""The map of a scene as a mask: where the vehicle went, and where its scans saw road and sidewalk.

Source: nuscenes/utils/map_mask.py of nuscenes-devkit: 0.1 m a pixel, 255 where vehicles and people may go and 0
elsewhere, first row at the highest y.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Int32, UInt8

from bevseg.datasets.nuscenes import read_scan
from bevseg.datasets.sample import Sample
from bevseg.results.classes import SemanticClass
from bevseg.simulation.writers.nuscenes.scenes import ScanSpec, SceneSpec
from bevseg.simulation.writers.nuscenes.schema import CATEGORY_INDEX

_PIXEL_M = 0.1
_GAP_PIXELS = 21
"""Rings on the ground are this far apart where the vehicle has passed; what is further away stays striped."""
_WAY_PIXELS = 20
"""As wide as the vehicle, which hides the ground below it from its own sensor."""
_WALKABLE = CATEGORY_INDEX[[SemanticClass.DRIVEABLE_SURFACE, SemanticClass.SIDEWALK]]


def walkable_points(folder: Path, scan: ScanSpec, record: Sample) -> Float[np.ndarray, "m 2"]:
    """Where a written keyframe saw road or sidewalk, `(x, y)` in metres in the map's frame.

    Args:
        folder: Of the dataset.
        scan: The keyframe.
        record: Its poses.
    """
    T_map_from_lidar = scan.scene.sensor_pose(record)
    labels = np.fromfile(folder / scan.lidarseg_file, dtype=np.uint8)
    seen = read_scan(folder / scan.points_file).xyz[np.isin(labels, _WALKABLE)]
    return T_map_from_lidar.apply(seen)[:, :2].astype(np.float64)


def map_mask(
    scene: SceneSpec, way_m: Float[np.ndarray, "k 2"], seen_m: Iterable[Float[np.ndarray, "_ 2"]]
) -> UInt8[np.ndarray, "h w"]:
    """The mask of a scene.

    Args:
        scene: The scene; its map is a square with one corner at the origin.
        way_m: Where the vehicle was, in the order of time, in the map's frame.
        seen_m: Where road or sidewalk was seen, keyframe by keyframe, in the map's frame.
    """
    side = round(scene.map_size_m / _PIXEL_M)
    mask = np.zeros((side, side), np.uint8)
    for xy in seen_m:
        column, row = _pixels(xy, side).T
        inside = (column >= 0) & (column < side) & (row >= 0) & (row < side)
        mask[row[inside], column[inside]] = 255
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_GAP_PIXELS, _GAP_PIXELS))
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, disc)
    # The end comes twice: OpenCV draws no line of one point, which is what a single keyframe has.
    way = _pixels(np.concatenate([way_m, way_m[-1:]]), side)
    cv2.polylines(closed, [way], isClosed=False, color=(255,), thickness=_WAY_PIXELS)
    return np.asarray(closed, np.uint8)


def mask_as_png(mask: UInt8[np.ndarray, "h w"]) -> bytes:
    """The mask as a grey PNG."""
    encoded, data = cv2.imencode(".png", mask)
    if not encoded:
        raise RuntimeError(f"OpenCV could not encode a mask of shape {mask.shape} as PNG")
    return data.tobytes()


def _pixels(xy_m: Float[np.ndarray, "m 2"], side: int) -> Int32[np.ndarray, "m 2"]:
    """Column and row of each place, rounded as the devkit does."""
    return np.rint(np.stack([xy_m[:, 0] / _PIXEL_M, side - xy_m[:, 1] / _PIXEL_M], axis=1)).astype(np.int32)
