"""A small hand-made scene: a moving car that hides most of a truck, a person who overlaps it, and a cone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from bevseg.geometry.grid import BevGrid
from bevseg.messages.fields import HeaderFields, TimeFields
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances
from bevseg.results.masks import BevMasks, footprint_masks
from bevseg.results.occlusion_graph import OcclusionGraph
from bevseg.results.scene import CellState, PointLabels, Scene, VisibilityMap

GRID = BevGrid(x_min_m=4.0, y_min_m=-16.0, cell_m=0.4, width=100, height=60)
"""Not centred: x from 4 to 44, y from -16 to 8."""

BOXES = np.array(
    [
        [14.0, 0.0, -0.9, 4.6, 1.9, 1.6, np.pi / 2],
        [21.0, 0.4, -0.4, 8.0, 2.5, 3.2, 0.3],
        [14.2, 2.0, -0.8, 0.8, 0.8, 1.8, -0.5],
        [30.0, -12.0, -1.4, 0.4, 0.4, 0.7, 0.0],
    ],
    np.float32,
)
LABELS = (SemanticClass.CAR, SemanticClass.TRUCK, SemanticClass.PEDESTRIAN, SemanticClass.TRAFFIC_CONE)


@pytest.fixture
def header() -> HeaderFields:
    return HeaderFields(TimeFields.from_ns(1_700_000_000_250_000_000), "base_link")


@pytest.fixture
def cloud() -> PointCloud:
    """A point on the car, on the truck's seen side, on its hidden side, on free ground, over hidden ground, outside."""
    xyz = [[14.0, 0.2, -1], [17.5, -0.6, 0], [24.0, 1.4, 1], [8.0, 3.0, -1.8], [40.0, 0.0, 3.0], [400.0, 0.0, 0.0]]
    intensity = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], np.float32)
    return PointCloud.from_xyz(np.array(xyz, np.float32), stamp_ns=5, intensity=intensity)


@pytest.fixture
def scene() -> Scene:
    amodal = footprint_masks(BOXES, GRID)
    truck = amodal.cells_of(1)
    seen_of_truck = truck[GRID.centers_of(truck)[:, 0] < 19]
    seen = [amodal.cells_of(0), seen_of_truck, amodal.cells_of(2), np.zeros(0, np.int64)]
    fraction = np.array([1.0, 0.25, 0.75, np.nan], np.float32)
    instances = Instances(
        id=np.array([7, 3, 12, 400], np.int32),
        label=np.array(LABELS, np.uint8),
        score=np.array([0.91, 0.55, 0.7, 0.4], np.float32),
        boxes=BOXES,
        velocity_mps=np.array([[0.5, 2.0], [0.0, 0.0], [1.0, -1.0], [np.nan, np.nan]], np.float32),
        amodal=amodal,
        visible=BevMasks.from_cells(GRID, seen),
        visible_fraction=fraction,
        visible_fraction_source="estimated",
    )
    graph = OcclusionGraph(
        occluder=np.array([2, 0, 0, 2], np.int32),
        occluded=np.array([1, 1, 2, 0], np.int32),
        hidden_fraction=np.array([0.125, 0.625, 0.25, 0.1], np.float32),
        rank=np.array([0, 2, 0, 1], np.int32),
        visible_fraction=np.nan_to_num(fraction, nan=1.0),
        cycles=((0, 2),),
    )
    state = np.full(GRID.shape, CellState.UNOBSERVED, np.uint8)
    state[:, :30] = CellState.FREE
    state[:, 80:] = CellState.HIDDEN
    state.reshape(-1)[amodal.cells_of(0)] = CellState.OCCUPIED
    points = PointLabels(np.array([4, 10, 10, 11, 16, 0], np.uint8), np.array([7, 3, 3, 0, 0, 0], np.int32))
    return Scene(5, "base_link", instances, graph, VisibilityMap(GRID, state), points)


@pytest.fixture
def empty_scene() -> Scene:
    """No point, no object."""
    nothing = PointLabels(np.zeros(0, np.uint8), np.zeros(0, np.int32))
    state = np.full(GRID.shape, CellState.UNOBSERVED, np.uint8)
    return Scene(0, "base_link", Instances.empty(GRID), OcclusionGraph.empty(), VisibilityMap(GRID, state), nothing)


_OTHERS = {
    "vision_msgs/msg/ObjectHypothesis": "string class_id\nfloat64 score",
    "vision_msgs/msg/ObjectHypothesisWithPose": "ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose",
    "vision_msgs/msg/BoundingBox3D": "geometry_msgs/Pose center\ngeometry_msgs/Vector3 size",
    "vision_msgs/msg/Detection3D": (
        "std_msgs/Header header\nObjectHypothesisWithPose[] results\nBoundingBox3D bbox\nstring id"
    ),
    "vision_msgs/msg/Detection3DArray": "std_msgs/Header header\nDetection3D[] detections",
    "autoware_perception_msgs/msg/ObjectClassification": "uint8 label\nfloat32 probability",
    "autoware_perception_msgs/msg/Shape": (
        "uint8 type\ngeometry_msgs/Polygon footprint\ngeometry_msgs/Vector3 dimensions"
    ),
    "autoware_perception_msgs/msg/DetectedObjectKinematics": (
        "geometry_msgs/PoseWithCovariance pose_with_covariance\nbool has_position_covariance\n"
        "uint8 orientation_availability\ngeometry_msgs/TwistWithCovariance twist_with_covariance\n"
        "bool has_twist\nbool has_twist_covariance"
    ),
    "autoware_perception_msgs/msg/DetectedObject": (
        "float32 existence_probability\nObjectClassification[] classification\n"
        "DetectedObjectKinematics kinematics\nShape shape"
    ),
    "autoware_perception_msgs/msg/DetectedObjects": "std_msgs/Header header\nDetectedObject[] objects",
}
"""Field by field what vision_msgs 4.1.1 and autoware_msgs 1.x define."""


@pytest.fixture(scope="session")
def store() -> Typestore:
    """The messages of ROS 2 Jazzy, of this repository's `bevseg_msgs`, of vision_msgs and of Autoware."""
    store = get_typestore(Stores.ROS2_JAZZY)
    definitions = Path(__file__).parents[2] / "ros_node" / "bevseg_msgs" / "msg"
    own = {f"bevseg_msgs/msg/{path.stem}": path.read_text(encoding="utf-8") for path in definitions.glob("*.msg")}
    found: dict[str, Any] = {}
    for name, text in (own | _OTHERS).items():
        found |= get_types_from_msg(text, name)
    store.register(found)
    return store
