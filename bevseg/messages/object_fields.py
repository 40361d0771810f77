"""The fields of messages about objects: `bevseg_msgs`, vision_msgs and autoware_perception_msgs. See `fields`.

Sources: `ros_node/bevseg_msgs/msg`; vision_msgs 4.1.1; autoware_perception_msgs of autoware_msgs 1.x.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Float32, Float64, UInt8, UInt32

from bevseg.messages.fields import HeaderFields, MapMetaDataFields, PoseFields, VectorFields

FRACTION_SOURCE = {"unknown": 0, "counted": 1, "estimated": 2}
"""Numbers of `Instances.visible_fraction_source` in messages."""

_NO_POSE, _NO_VECTOR = PoseFields(), VectorFields()


def unknown_covariance() -> Float64[np.ndarray, "36"]:
    """Zeros, as ROS marks a covariance that is not known."""
    return np.zeros(36)


@dataclass(frozen=True, eq=False)
class MaskTileFields:
    """bevseg_msgs/MaskTile: a mask cropped to the cells that it covers."""

    TYPE: ClassVar[str] = "bevseg_msgs/msg/MaskTile"
    row: int
    column: int
    width: int
    height: int
    bits: UInt8[np.ndarray, "bytes"]


@dataclass(frozen=True, eq=False)
class InstanceFields:
    """bevseg_msgs/Instance."""

    TYPE: ClassVar[str] = "bevseg_msgs/msg/Instance"
    id: int
    track_id: str
    state: int
    class_id: int
    class_name: str
    score: float
    pose: PoseFields
    size: VectorFields
    has_velocity: bool
    velocity: VectorFields
    amodal: MaskTileFields
    visible: MaskTileFields
    visible_fraction: float
    visible_fraction_source: int
    rank: int
    cycle: int
    occluders: UInt32[np.ndarray, "occluder"]
    hidden_fractions: Float32[np.ndarray, "occluder"]


@dataclass(frozen=True, eq=False)
class InstanceArrayFields:
    """bevseg_msgs/InstanceArray."""

    TYPE: ClassVar[str] = "bevseg_msgs/msg/InstanceArray"
    header: HeaderFields
    grid: MapMetaDataFields
    instances: tuple[InstanceFields, ...]


@dataclass(frozen=True, eq=False)
class PoseWithCovarianceFields:
    """geometry_msgs/PoseWithCovariance."""

    TYPE: ClassVar[str] = "geometry_msgs/msg/PoseWithCovariance"
    pose: PoseFields = _NO_POSE
    covariance: Float64[np.ndarray, "36"] = field(default_factory=unknown_covariance)


@dataclass(frozen=True)
class TwistFields:
    """geometry_msgs/Twist: m/s and rad/s."""

    TYPE: ClassVar[str] = "geometry_msgs/msg/Twist"
    linear: VectorFields = _NO_VECTOR
    angular: VectorFields = _NO_VECTOR


@dataclass(frozen=True, eq=False)
class TwistWithCovarianceFields:
    """geometry_msgs/TwistWithCovariance."""

    TYPE: ClassVar[str] = "geometry_msgs/msg/TwistWithCovariance"
    twist: TwistFields = TwistFields()
    covariance: Float64[np.ndarray, "36"] = field(default_factory=unknown_covariance)


@dataclass(frozen=True)
class ObjectHypothesisFields:
    """vision_msgs/ObjectHypothesis."""

    TYPE: ClassVar[str] = "vision_msgs/msg/ObjectHypothesis"
    class_id: str
    score: float


@dataclass(frozen=True, eq=False)
class ObjectHypothesisWithPoseFields:
    """vision_msgs/ObjectHypothesisWithPose."""

    TYPE: ClassVar[str] = "vision_msgs/msg/ObjectHypothesisWithPose"
    hypothesis: ObjectHypothesisFields
    pose: PoseWithCovarianceFields


@dataclass(frozen=True)
class BoundingBox3DFields:
    """vision_msgs/BoundingBox3D: metres, from the centre."""

    TYPE: ClassVar[str] = "vision_msgs/msg/BoundingBox3D"
    center: PoseFields
    size: VectorFields


@dataclass(frozen=True, eq=False)
class Detection3DFields:
    """vision_msgs/Detection3D."""

    TYPE: ClassVar[str] = "vision_msgs/msg/Detection3D"
    header: HeaderFields
    results: tuple[ObjectHypothesisWithPoseFields, ...]
    bbox: BoundingBox3DFields
    id: str


@dataclass(frozen=True, eq=False)
class Detection3DArrayFields:
    """vision_msgs/Detection3DArray."""

    TYPE: ClassVar[str] = "vision_msgs/msg/Detection3DArray"
    header: HeaderFields
    detections: tuple[Detection3DFields, ...]


@dataclass(frozen=True)
class ObjectClassificationFields:
    """autoware_perception_msgs/ObjectClassification."""

    TYPE: ClassVar[str] = "autoware_perception_msgs/msg/ObjectClassification"
    label: int
    probability: float


@dataclass(frozen=True, eq=False)
class DetectedObjectKinematicsFields:
    """autoware_perception_msgs/DetectedObjectKinematics; the twist is along the object's own axes."""

    TYPE: ClassVar[str] = "autoware_perception_msgs/msg/DetectedObjectKinematics"
    pose_with_covariance: PoseWithCovarianceFields
    has_position_covariance: bool
    orientation_availability: int
    twist_with_covariance: TwistWithCovarianceFields
    has_twist: bool
    has_twist_covariance: bool


@dataclass(frozen=True)
class Point32Fields:
    """geometry_msgs/Point32, metres."""

    TYPE: ClassVar[str] = "geometry_msgs/msg/Point32"
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0


@dataclass(frozen=True)
class PolygonFields:
    """geometry_msgs/Polygon."""

    TYPE: ClassVar[str] = "geometry_msgs/msg/Polygon"
    points: tuple[Point32Fields, ...] = ()


@dataclass(frozen=True)
class ShapeFields:
    """autoware_perception_msgs/Shape."""

    TYPE: ClassVar[str] = "autoware_perception_msgs/msg/Shape"
    type: int
    footprint: PolygonFields
    dimensions: VectorFields


@dataclass(frozen=True, eq=False)
class DetectedObjectFields:
    """autoware_perception_msgs/DetectedObject."""

    TYPE: ClassVar[str] = "autoware_perception_msgs/msg/DetectedObject"
    existence_probability: float
    classification: tuple[ObjectClassificationFields, ...]
    kinematics: DetectedObjectKinematicsFields
    shape: ShapeFields


@dataclass(frozen=True, eq=False)
class DetectedObjectsFields:
    """autoware_perception_msgs/DetectedObjects."""

    TYPE: ClassVar[str] = "autoware_perception_msgs/msg/DetectedObjects"
    header: HeaderFields
    objects: tuple[DetectedObjectFields, ...]
