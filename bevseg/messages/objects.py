"""The objects of a scene as messages: our own, vision_msgs' and Autoware's.

Metres, radians and metres a second in the frame of the header (x forward, y left, z up); boxes by their centre.
"""

from __future__ import annotations

import math

import numpy as np

from bevseg.messages.fields import HeaderFields, PoseFields, PositionFields, QuaternionFields, VectorFields
from bevseg.messages.maps import grid_metadata
from bevseg.messages.mask_tiles import mask_tiles
from bevseg.messages.object_fields import (
    FRACTION_SOURCE,
    BoundingBox3DFields,
    DetectedObjectFields,
    DetectedObjectKinematicsFields,
    DetectedObjectsFields,
    Detection3DArrayFields,
    Detection3DFields,
    InstanceArrayFields,
    InstanceFields,
    ObjectClassificationFields,
    ObjectHypothesisFields,
    ObjectHypothesisWithPoseFields,
    PolygonFields,
    PoseWithCovarianceFields,
    ShapeFields,
    TwistFields,
    TwistWithCovarianceFields,
)
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.scene import Scene
from bevseg.results.track_labels import TrackLabels

AUTOWARE_LABELS = {
    SemanticClass.CAR: 1,
    SemanticClass.TRUCK: 2,
    SemanticClass.CONSTRUCTION_VEHICLE: 2,
    SemanticClass.BUS: 3,
    SemanticClass.TRAILER: 4,
    SemanticClass.MOTORCYCLE: 5,
    SemanticClass.BICYCLE: 6,
    SemanticClass.PEDESTRIAN: 7,
}
"""autoware_perception_msgs/ObjectClassification; what has no label there (cones, barriers) is 0, unknown."""

_AUTOWARE_ORIENTATION_AVAILABLE = 2
_AUTOWARE_BOUNDING_BOX = 0


def instance_array(scene: Scene, header: HeaderFields, tracks: TrackLabels | None = None) -> InstanceArrayFields:
    """bevseg_msgs/InstanceArray: everything that is known of each object; no track id where it was not followed."""
    instances, graph = scene.instances, scene.occlusion
    track_ids, states = _track_ids_and_states(instances, tracks)
    amodal, visible = mask_tiles(instances.amodal), mask_tiles(instances.visible)
    cycle_of = {member: number for number, members in enumerate(graph.cycles, start=1) for member in members}
    by_share = np.lexsort((-graph.hidden_fraction, graph.occluded))
    ends = np.searchsorted(graph.occluded[by_share], np.arange(len(instances) + 1))
    occluders = instances.id[graph.occluder[by_share]].astype(np.uint32)
    hidden_fractions = graph.hidden_fraction[by_share].astype(np.float32)
    made = []
    parts = zip(_poses(instances), _sizes(instances), _velocities(instances), strict=True)
    for k, (pose, size, velocity) in enumerate(parts):
        edges = slice(int(ends[k]), int(ends[k + 1]))
        made.append(
            InstanceFields(
                id=int(instances.id[k]),
                track_id=track_ids[k],
                state=states[k],
                class_id=int(instances.label[k]),
                class_name=SemanticClass(instances.label[k]).label,
                score=float(instances.score[k]),
                pose=pose,
                size=size,
                has_velocity=velocity is not None,
                velocity=velocity or VectorFields(),
                amodal=amodal[k],
                visible=visible[k],
                visible_fraction=float(instances.visible_fraction[k]),
                visible_fraction_source=FRACTION_SOURCE[instances.visible_fraction_source],
                rank=int(graph.rank[k]),
                cycle=cycle_of.get(k, 0),
                occluders=occluders[edges],
                hidden_fractions=hidden_fractions[edges],
            )
        )
    return InstanceArrayFields(header, grid_metadata(scene.grid), tuple(made))


def detections(scene: Scene, header: HeaderFields, tracks: TrackLabels | None = None) -> Detection3DArrayFields:
    """vision_msgs/Detection3DArray: box, class by name and score; `id` is that of the track, or empty."""
    instances = scene.instances
    track_ids, _ = _track_ids_and_states(instances, tracks)
    made = []
    for track_id, label, score, pose, size in zip(
        track_ids, instances.label.tolist(), instances.score.tolist(), _poses(instances), _sizes(instances), strict=True
    ):
        hypothesis = ObjectHypothesisFields(SemanticClass(label).label, score)
        result = ObjectHypothesisWithPoseFields(hypothesis, PoseWithCovarianceFields(pose))
        made.append(Detection3DFields(header, (result,), BoundingBox3DFields(pose, size), id=track_id))
    return Detection3DArrayFields(header, tuple(made))


def detected_objects(scene: Scene, header: HeaderFields) -> DetectedObjectsFields:
    """autoware_perception_msgs/DetectedObjects; velocities are turned into each object's own axes, as it wants them."""
    instances = scene.instances
    made = []
    parts = zip(_poses(instances), _sizes(instances), _velocities(instances), strict=True)
    for k, (pose, size, velocity) in enumerate(parts):
        score, label = float(instances.score[k]), SemanticClass(instances.label[k])
        kinematics = DetectedObjectKinematicsFields(
            pose_with_covariance=PoseWithCovarianceFields(pose),
            has_position_covariance=False,
            orientation_availability=_AUTOWARE_ORIENTATION_AVAILABLE,
            twist_with_covariance=_twist_along(velocity, float(instances.boxes[k, 6])),
            has_twist=velocity is not None,
            has_twist_covariance=False,
        )
        classification = ObjectClassificationFields(AUTOWARE_LABELS.get(label, 0), score)
        shape = ShapeFields(_AUTOWARE_BOUNDING_BOX, PolygonFields(), size)
        made.append(DetectedObjectFields(score, (classification,), kinematics, shape))
    return DetectedObjectsFields(header, tuple(made))


def _track_ids_and_states(instances: Instances, tracks: TrackLabels | None) -> tuple[list[str], list[int]]:
    """Number of each object's track as text, empty for none, and `TrackState`."""
    labels = (tracks or TrackLabels.none()).of(instances.id)
    return [str(track or "") for track in labels.track.tolist()], labels.state.tolist()


def _poses(instances: Instances) -> list[PoseFields]:
    """Centre of each box, turned by its yaw."""
    boxes = instances.boxes.astype(np.float64)
    half_yaw = boxes[:, 6] / 2
    turns = zip(np.sin(half_yaw).tolist(), np.cos(half_yaw).tolist(), strict=True)
    return [
        PoseFields(PositionFields(*center), QuaternionFields(0.0, 0.0, z, w))
        for center, (z, w) in zip(boxes[:, :3].tolist(), turns, strict=True)
    ]


def _sizes(instances: Instances) -> list[VectorFields]:
    """Length, width and height of each box."""
    return [VectorFields(*size) for size in instances.boxes[:, 3:6].tolist()]


def _velocities(instances: Instances) -> list[VectorFields | None]:
    """Velocity of each object; None where it is not known."""
    return [
        None if math.isnan(vx) or math.isnan(vy) else VectorFields(vx, vy) for vx, vy in instances.velocity_mps.tolist()
    ]


def _twist_along(velocity: VectorFields | None, yaw_rad: float) -> TwistWithCovarianceFields:
    """The velocity in axes that are turned by a yaw; zero where it is not known."""
    if velocity is None:
        return TwistWithCovarianceFields()
    c, s = math.cos(yaw_rad), math.sin(yaw_rad)
    along = VectorFields(c * velocity.x + s * velocity.y, c * velocity.y - s * velocity.x)
    return TwistWithCovarianceFields(TwistFields(linear=along))
