"""The baseline that any learned head must beat: objects by geometry alone, without a network.

Points that stand on the ground are joined into clusters on a grid; the shape of a cluster says what it is or that it
is nothing; a rectangle is fitted to its visible sides and completed to a usual size away from the sensor.

The numbers of `ClusterConfig` were chosen as a network's thresholds are, on simulated frames alone: plain values,
changed where F1 of vehicles clearly gained (`tools/tune_clusters.py`, 30 frames of version 4 of the simulator, .438 to
.555, 2026-11-20). On real frames they gave .758 (PandaSet), .683 (KITTI) and .514 (Argoverse) when measured once. An
earlier variant scored .80, .78 and .72 there; it was picked among about 45 by those very frames, so it was no fair
baseline, and is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

from bevseg.geometry.boxes import footprint_cells, footprints_hold
from bevseg.geometry.grid import BevGrid
from bevseg.instances.rectangles import Rectangle, complete, fit_rectangle
from bevseg.points.cloud import PointCloud
from bevseg.points.ground import GroundModel, estimate_ground
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks

_OWN_VEHICLE_M = 1.5
_CEILING_M = 6.0
"""What hangs higher above the ground tells nothing about what stands below."""

_OVERHEAD_CELLS = 3
_SPACING_M = 0.1
"""Points are thinned to one in this square before the fit, so that near sides do not outweigh far ones."""

_POINTS_OF_FULL_SCORE = 100

_LONGEST_PEDESTRIAN_M = 1.1
_PEDESTRIAN_SIZE_M = (0.7, 0.7)
_BICYCLE_SIZE_M = (1.7, 0.6)
"""About the mean sizes of nuScenes."""

_BOTH_WAYS = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class ClusterConfig:
    """How points become clusters, and clusters objects. Lengths in metres, heights above the local ground.

    Attributes:
        cell_m: Cell of the grid on which points are joined; neighbours count across corners.
        far_m: From here on, cells are also joined across two empty ones, as beams lie farther apart.
        low_m: Points below are ground.
        tall_m: Points above belong to no car, cyclist or pedestrian; they speak against what is below them.
        min_points: Points of a cluster.
        max_tall_share: Share of a cluster's points with something tall over or beside them, for it to be an object.
        car_size_m: Length and width that a car is completed to.
        car_height_m: Least height of a car's top.
        car_side_m: Least and largest length of its longer visible side.
        car_width_m: Largest length of its shorter visible side; if the longer one is no longer, that is a front or rear
            and the car's length is hidden behind.
        shared_iou: Of two objects that overlap more than this, the one of lower score goes.
    """

    cell_m: float = 0.25
    far_m: float = 25.0
    low_m: float = 0.3
    tall_m: float = 2.0
    min_points: int = 15
    max_tall_share: float = 0.3
    car_size_m: tuple[float, float] = (4.6, 1.9)
    car_height_m: float = 0.8
    car_side_m: tuple[float, float] = (1.5, 6.0)
    car_width_m: float = 2.2
    shared_iou: float = 0.1

    def __post_init__(self) -> None:
        if not self.cell_m > 0 or self.min_points < 1:
            raise ValueError(
                f"clusters need cell_m above 0 and min_points of 1 or more, got {self.cell_m} and {self.min_points}"
            )
        if not 0 <= self.low_m < self.tall_m:
            raise ValueError(f"expected 0 <= low_m < tall_m, got low_m={self.low_m} and tall_m={self.tall_m}")


def segment_clusters(cloud: PointCloud, grid: BevGrid, config: ClusterConfig) -> Instances:
    """Finds cars, pedestrians and two-wheelers (labelled as bicycles) in one scan.

    Args:
        cloud: The scan, x forward; the first sweep's origin is taken for the sensor.
        grid: Where objects are sought, and the grid of their masks.
        config: How.
    """
    ground = estimate_ground(cloud)
    sensor_xy_m = cloud.sensor_origins_m[0, :2].astype(np.float64)
    points = _raised_points(cloud, ground, config)
    boxes, labels, scores = [], [], []
    for cluster in _clusters(points, grid, sensor_xy_m, config):
        shape = _describe(cluster)
        label = _recognise(shape, config)
        if label is None:
            continue
        box = _box(shape, label, sensor_xy_m, ground, config)
        if footprints_hold(box[None], sensor_xy_m)[0]:
            continue  # the vehicle that carries the sensor
        boxes.append(box)
        labels.append(int(label))
        scores.append(min(1.0, shape.num_points / _POINTS_OF_FULL_SCORE))
    instances = Instances.from_detections(
        label=np.array(labels, dtype=np.int64),
        score=np.array(scores, dtype=np.float64),
        boxes=np.array(boxes, dtype=np.float64).reshape(-1, 7),
        velocity_mps=np.full((len(boxes), 2), np.nan),
        amodal=BevMasks.from_cells(grid, [footprint_cells(box, grid) for box in boxes]),
    )
    return instances[_strongest(instances, config.shared_iou)]


@dataclass(frozen=True, eq=False)
class _Points:
    """Points above the ground: place, height above the ground, and whether something tall is over or beside them."""

    xy_m: Float[np.ndarray, "n 2"]
    height_m: Float[np.ndarray, "n"]
    under_tall: Bool[np.ndarray, "n"]

    def __getitem__(self, index: Bool[np.ndarray, "n"] | Int[np.ndarray, "m"]) -> _Points:
        return _Points(self.xy_m[index], self.height_m[index], self.under_tall[index])


@dataclass(frozen=True, eq=False)
class _Shape:
    """What the class of a cluster is read from."""

    rectangle: Rectangle
    top_m: float
    num_points: int
    tall_share: float


def _raised_points(cloud: PointCloud, ground: GroundModel, config: ClusterConfig) -> _Points:
    """All that stands between the ground and the ceiling; `under_tall` is still open."""
    xy_m = cloud.xyz[:, :2].astype(np.float64)
    height_m = cloud.xyz[:, 2] - ground.height_at(cloud.xyz[:, :2])
    from_sensor_m = np.hypot(*(xy_m - cloud.ray_starts_m()[:, :2]).T)
    kept = (height_m > config.low_m) & (height_m < _CEILING_M) & (from_sensor_m > _OWN_VEHICLE_M)
    return _Points(xy_m[kept], height_m[kept], np.zeros(np.count_nonzero(kept), dtype=bool))


def _clusters(
    points: _Points, grid: BevGrid, sensor_xy_m: Float[np.ndarray, "2"], config: ClusterConfig
) -> Iterator[_Points]:
    """The points of each connected patch of cells, tall ones left out."""
    cells = BevGrid(
        grid.x_min_m,
        grid.y_min_m,
        config.cell_m,
        int(np.ceil(grid.width * grid.cell_m / config.cell_m)),
        int(np.ceil(grid.height * grid.cell_m / config.cell_m)),
    )
    cell = cells.flat_cells_of(points.xy_m)
    points, cell = points[cell >= 0], cell[cell >= 0]
    tall = points.height_m >= config.tall_m
    near_tall = ndimage.maximum_filter(_occupied(cell[tall], cells), size=_OVERHEAD_CELLS).ravel()
    occupied = _occupied(cell[~tall], cells)
    center_m = cells.centers_of(np.arange(cells.num_cells)) - sensor_xy_m
    far = (np.hypot(center_m[:, 0], center_m[:, 1]) > config.far_m).reshape(cells.shape)
    patches, _ = ndimage.label(occupied | ndimage.binary_dilation(occupied & far, _BOTH_WAYS), _BOTH_WAYS)

    low = _Points(points.xy_m[~tall], points.height_m[~tall], near_tall[cell[~tall]])
    patch = patches.ravel()[cell[~tall]]
    order = np.argsort(patch, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(patch[order])) + 1):
        if len(members) >= config.min_points:
            yield low[members]


def _occupied(cell: Int[np.ndarray, "n"], cells: BevGrid) -> Bool[np.ndarray, "height width"]:
    occupied = np.zeros(cells.num_cells, dtype=bool)
    occupied[cell] = True
    return occupied.reshape(cells.shape)


def _describe(cluster: _Points) -> _Shape:
    thinned = np.unique(np.round(cluster.xy_m / _SPACING_M), axis=0) * _SPACING_M
    return _Shape(
        rectangle=fit_rectangle(thinned),
        top_m=float(np.quantile(cluster.height_m, 0.98)),
        num_points=len(cluster.height_m),
        tall_share=float(cluster.under_tall.mean()),
    )


def _recognise(shape: _Shape, config: ClusterConfig) -> SemanticClass | None:
    """The class that fits size and height; None for walls, bushes, poles and fragments."""
    short_m, long_m = np.sort(shape.rectangle.size_m)
    if shape.tall_share > config.max_tall_share:
        return None
    least_m, largest_m = config.car_side_m
    if shape.top_m >= config.car_height_m and least_m <= long_m <= largest_m and short_m <= config.car_width_m:
        return SemanticClass.CAR
    if shape.top_m >= 1.2 and long_m <= _LONGEST_PEDESTRIAN_M:
        return SemanticClass.PEDESTRIAN
    if shape.top_m >= 0.9 and _LONGEST_PEDESTRIAN_M < long_m <= 2.2 and short_m <= 0.9:
        return SemanticClass.BICYCLE
    return None


def _box(
    shape: _Shape, label: SemanticClass, sensor_xy_m: Float[np.ndarray, "2"], ground: GroundModel, config: ClusterConfig
) -> Float[np.ndarray, "7"]:
    """The rectangle completed to the usual size of the class, standing on the ground."""
    longer = int(shape.rectangle.size_m.argmax())
    match label:
        case SemanticClass.CAR:
            length_m, width_m = config.car_size_m
            seen_from_end = shape.rectangle.size_m[longer] <= config.car_width_m
            along = 1 - longer if seen_from_end else longer
        case SemanticClass.BICYCLE:
            (length_m, width_m), along = _BICYCLE_SIZE_M, longer
        case _:
            (length_m, width_m), along = _PEDESTRIAN_SIZE_M, longer
    size_m = np.array([length_m, width_m] if along == 0 else [width_m, length_m])
    center_m, size_m = complete(shape.rectangle, size_m=size_m, sensor_xy_m=sensor_xy_m)
    z_m = ground.height_at(center_m[None])[0] + shape.top_m / 2
    yaw_rad = shape.rectangle.yaw_rad + along * np.pi / 2
    return np.array([*center_m, z_m, size_m[along], size_m[1 - along], shape.top_m, yaw_rad])


def _strongest(instances: Instances, shared_iou: float) -> Int[np.ndarray, "kept"]:
    """Objects on the grid that share their ground with none of a higher score, strongest first."""
    shares = instances.amodal.iou(instances.amodal) > shared_iou
    kept: list[int] = []
    for k in np.argsort(-instances.score, kind="stable"):
        if instances.amodal.area_cells[k] and not shares[k, kept].any():
            kept.append(int(k))
    return np.array(kept, dtype=np.int64)
