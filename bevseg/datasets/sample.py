"""One labelled scan, as every dataset reader and the simulator give it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int, Integer, UInt8

from bevseg.datasets.ground_cells import GroundCells
from bevseg.datasets.scan_origin import ScanOrigin
from bevseg.geometry.boxes import count_points_in_boxes
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud
from bevseg.results.occlusion_graph import OcclusionGraph


@dataclass(frozen=True)
class LabelledView:
    """Where the labels are complete: a sector around +x and a range, seen from the origin of the cloud's frame."""

    half_angle_rad: float = np.pi
    max_range_m: float = np.inf

    def contains(self, xy_m: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, "n"]:
        """Whether each point lies in the labelled sector, (n,) bool."""
        inside: np.ndarray = (np.abs(np.arctan2(xy_m[:, 1], xy_m[:, 0])) <= self.half_angle_rad) & (
            np.hypot(xy_m[:, 0], xy_m[:, 1]) <= self.max_range_m
        )
        return inside


_PER_OBJECT = (
    "label", "track_id", "velocity_mps", "visible_fraction", "num_points", "ignored", "truncation", "visibility_level",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Annotations:
    """Truth for one scan, in the cloud's frame; entry k of every per-object array is the same object.

    Attributes:
        boxes: `(x, y, z, l, w, h, yaw)`, metres and radians.
        label: `SemanticClass` of each object.
        track_id: Identity over a drive, -1 where the set has none.
        velocity_mps: `(vx, vy)`, NaN where the set has none.
        visible_fraction: Points that hit over points that would hit with the occluders removed; NaN where unknown.
        num_points: Points of the scan on the object (truth per point where there is one, else points in the box).
        ignored: Objects that are neither right nor wrong to find (don't-care).
        point_semantic: `SemanticClass` of each point, or None where the set has none.
        point_instance: 1 + index of the object each point lies on, 0 for none; or None.
        occlusion: Who hides whom, where the set knows (simulation).
        view: Where the boxes are complete.
        truncation: Share of each object outside of what the set's sensor covers, 0..1, NaN where unknown; or None where
            the set does not know. Simulation measures the footprint against sector and range of the lidar, KITTI the
            object against its picture.
        ground: Free, occupied and hidden ground, where the set knows (simulation, where it is asked for).
        visibility_level: The set's own grade of how much is seen of each object, 1 (least) to 4 (most), 0 where it is
            not graded, or None where the set has no grades. nuScenes': under 40 %, to 60 %, to 80 %, more, of the
            object's pixels in all cameras.
    """

    boxes: Float[np.ndarray, "k 7"]
    label: Integer[np.ndarray, "k"]
    track_id: Integer[np.ndarray, "k"]
    velocity_mps: Float[np.ndarray, "k 2"]
    visible_fraction: Float[np.ndarray, "k"]
    num_points: Int[np.ndarray, "k"]
    ignored: Bool[np.ndarray, "k"]
    point_semantic: UInt8[np.ndarray, "n"] | None = None
    point_instance: Integer[np.ndarray, "n"] | None = None
    occlusion: OcclusionGraph | None = None
    view: LabelledView = field(default_factory=LabelledView)
    truncation: Float[np.ndarray, "k"] | None = None
    ground: GroundCells | None = None
    visibility_level: UInt8[np.ndarray, "k"] | None = None

    def __post_init__(self) -> None:
        k = len(self.boxes)
        for name in _PER_OBJECT:
            values = getattr(self, name)
            if values is not None and len(values) != k:
                raise ValueError(f"{name} must have {k} entries as boxes has, got {len(values)}")

    @classmethod
    def from_boxes(
        cls,
        cloud: PointCloud,
        boxes: Float[np.ndarray, "k 7"],
        label: Integer[np.ndarray, "k"],
        *,
        track_id: Integer[np.ndarray, "k"] | None = None,
        ignored: Bool[np.ndarray, "k"] | None = None,
        truncation: Float[np.ndarray, "k"] | None = None,
        point_semantic: UInt8[np.ndarray, "n"] | None = None,
        view: LabelledView | None = None,
    ) -> Annotations:
        """What a set with boxes alone gives: the points in each box are counted, the rest stays unknown."""
        k = len(boxes)
        return cls(
            boxes=boxes.astype(np.float32),
            label=label.astype(np.uint8),
            track_id=np.full(k, -1, np.int64) if track_id is None else track_id,
            velocity_mps=np.full((k, 2), np.nan, np.float32),
            visible_fraction=np.full(k, np.nan, np.float32),
            num_points=count_points_in_boxes(cloud.xyz, boxes),
            ignored=np.zeros(k, bool) if ignored is None else ignored,
            point_semantic=point_semantic,
            view=view or LabelledView(),
            truncation=truncation,
        )

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True, eq=False)
class Sample:
    """One scan with its truth and its place in the world.

    Attributes:
        name: Unique within its source, fit for a file name.
        cloud: The scan, in the x-forward frame of the lidar.
        annotations: Truth in the cloud's frame.
        T_ego_from_lidar: Mounting pose of the sensor.
        T_global_from_ego: Pose of the vehicle at the stamp.
        origin: The file that the scan was read from, for sets that take results; None for others, and where points were
            taken away or moved since.
    """

    name: str
    cloud: PointCloud
    annotations: Annotations
    T_ego_from_lidar: Transform
    T_global_from_ego: Transform
    origin: ScanOrigin | None = field(default=None, kw_only=True)
