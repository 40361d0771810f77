"""The points of a scan in two to four bytes each: sorted along strips of ground, told by steps from one to the next.

What is lost: places are those of a raster of 2 cm, the height is one of the 256 tones that show it, the intensity one
of 64, and points farther than 250 m off are left out. The order of the points is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Integer, UInt8

from bevseg.drawing.palette import height_steps, intensity_steps
from bevseg.points.cloud import PointCloud
from bevseg.replay.web.columns import bytes_of, numbers_of, planes_of
from bevseg.results.scene import Scene

STEP_M = 0.02
_STRIP_STEPS = 32
_FARTHEST_M = 250.0
_COARSER = 4
"""Of the 256 tones of intensity every fourth is told."""


@dataclass(frozen=True, eq=False)
class PackedPoints:
    """A scan, fit for a page.

    Attributes:
        origin: `(column, row)` of the raster that places are counted from.
        total: Points of the scan.
        columns: `strips` tells how many points lie in each strip of 0.64 m along x, `x` the steps from one point to the
            next (from `origin` for the first of a strip), `y` the steps within the strip, `height` and `intensity` the
            tones; then for each result r `class{r}` and `owner{r}`, which is 1 + the place of the object, 0 for none.
    """

    origin: tuple[int, int]
    total: int
    columns: dict[str, UInt8[np.ndarray, "_"]]

    def __len__(self) -> int:
        return len(self.columns["y"])


def pack_points(cloud: PointCloud, scenes: tuple[Scene, ...], kept: Int[np.ndarray, "m"]) -> PackedPoints:
    """Packs the kept points.

    Args:
        cloud: The scan.
        scenes: What was found in it, which says the class and the object of each point.
        kept: Indices of points, as of `choose_points`.
    """
    raster = np.floor(cloud.xyz[kept, :2].astype(np.float64) / STEP_M).astype(np.int64)
    left, low = (int(v) for v in raster.min(axis=0)) if len(kept) else (0, 0)
    x, (strip, y) = raster[:, 0] - left, np.divmod(raster[:, 1] - low, _STRIP_STEPS)
    order = np.lexsort((x, strip))
    x, y, strip, kept = x[order], y[order], strip[order], kept[order]
    counts = np.bincount(strip) if len(kept) else np.zeros(0, np.int64)
    begins = np.concatenate([[0], np.cumsum(counts)[:-1]])[counts > 0] if len(kept) else np.zeros(0, np.int64)
    steps = np.diff(x, prepend=0)
    steps[begins] = x[begins]
    columns = {"strips": planes_of(counts), "x": planes_of(steps), "y": bytes_of(y)}
    columns["height"] = height_steps(cloud.xyz[kept, 2] - cloud.sensor_origins_m[0, 2])
    if cloud.intensity is not None:
        columns["intensity"] = intensity_steps(cloud.intensity[kept]) // _COARSER * _COARSER
    for r, scene in enumerate(scenes):
        columns[f"class{r}"] = bytes_of(scene.points.semantic[kept])
        columns[f"owner{r}"] = planes_of(_owners(scene, kept))
    return PackedPoints((left, low), len(cloud), columns)


def choose_points(cloud: PointCloud, share: float) -> Int[np.ndarray, "m"]:
    """Indices of the points that a page tells, evenly spread over the scan.

    Args:
        cloud: The scan.
        share: Of those that lie near enough, above 0 to 1.
    """
    near = np.flatnonzero(np.abs(cloud.xyz[:, :2]).max(axis=1, initial=0.0) < _FARTHEST_M)
    if share >= 1:
        return near
    return near[np.floor(np.arange(int(len(near) * share)) / share).astype(np.int64)]


def unpack_places(packed: PackedPoints) -> Float[np.ndarray, "m 2"]:
    """Where the points are, metres: the middles of the raster's cells."""
    counts, steps = numbers_of(packed.columns["strips"]), numbers_of(packed.columns["x"])
    strip = np.repeat(np.arange(len(counts)), counts)
    before = np.concatenate([[0], np.cumsum(steps)])
    begins = np.cumsum(counts) - counts
    x = before[1:] - before[begins[strip]]
    y = strip * _STRIP_STEPS + packed.columns["y"]
    return (np.stack([x, y], axis=1) + np.array(packed.origin) + 0.5) * STEP_M


def _owners(scene: Scene, kept: Int[np.ndarray, "m"]) -> Integer[np.ndarray, "m"]:
    """1 + the place of the object of each point, 0 for none."""
    ids = scene.instances.id.astype(np.int64)
    if not len(ids):
        return np.zeros(len(kept), np.int64)
    order = np.argsort(ids)
    of_point = scene.points.instance[kept].astype(np.int64)
    place = order[np.searchsorted(ids[order], of_point).clip(max=len(ids) - 1)]
    return np.where(ids[place] == of_point, place + 1, 0)
