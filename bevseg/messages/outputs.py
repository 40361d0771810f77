"""What is published of a scene: one line for each topic, with the type of its messages and how they are made.

The node publishes these below `~/output/`, and `bevseg replay` writes them into bags: the same code makes both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from bevseg.messages.clouds import labelled_points, objects_table
from bevseg.messages.fields import HeaderFields, MarkerArrayFields
from bevseg.messages.maps import class_map, instance_map, visibility_grid
from bevseg.messages.markers import markers
from bevseg.messages.objects import detected_objects, detections, instance_array
from bevseg.points.cloud import PointCloud
from bevseg.results.scene import Scene
from bevseg.results.track_labels import TrackLabels


@runtime_checkable
class MakeFields(Protocol):
    """The fields of a message, from a scene, the cloud that it was made of, a header, and tracks if there are any."""

    def __call__(
        self, scene: Scene, cloud: PointCloud, header: HeaderFields, tracks: TrackLabels | None = None, /
    ) -> Any: ...


@dataclass(frozen=True)
class OutputSpec:
    """One topic below `~/output/`.

    Attributes:
        name: Of the topic.
        type_name: Of its messages, such as "sensor_msgs/msg/Image".
        make: Makes the fields of a message.
    """

    name: str
    type_name: str
    make: MakeFields

    @property
    def package(self) -> str:
        """Which package has the messages."""
        return self.type_name.partition("/")[0]


OUTPUTS: tuple[OutputSpec, ...] = (
    OutputSpec(
        "objects",
        "bevseg_msgs/msg/InstanceArray",
        lambda scene, _, header, tracks=None: instance_array(scene, header, tracks),
    ),
    OutputSpec(
        "detections",
        "vision_msgs/msg/Detection3DArray",
        lambda scene, _, header, tracks=None: detections(scene, header, tracks),
    ),
    OutputSpec(
        "detected_objects",
        "autoware_perception_msgs/msg/DetectedObjects",
        lambda scene, _, header, __=None: detected_objects(scene, header),
    ),
    OutputSpec(
        "objects_table",
        "sensor_msgs/msg/PointCloud2",
        lambda scene, _, header, tracks=None: objects_table(scene, header, tracks),
    ),
    OutputSpec(
        "points",
        "sensor_msgs/msg/PointCloud2",
        lambda scene, cloud, header, _=None: labelled_points(scene, cloud, header),
    ),
    OutputSpec("instance_map", "sensor_msgs/msg/Image", lambda scene, _, header, __=None: instance_map(scene, header)),
    OutputSpec("class_map", "sensor_msgs/msg/Image", lambda scene, _, header, __=None: class_map(scene, header)),
    OutputSpec(
        "visibility", "nav_msgs/msg/OccupancyGrid", lambda scene, _, header, __=None: visibility_grid(scene, header)
    ),
    OutputSpec(
        "markers",
        "visualization_msgs/msg/MarkerArray",
        lambda scene, _, header, tracks=None: MarkerArrayFields(markers(scene, header, tracks)),
    ),
)
"""In the order in which they are published: what is smallest and most wanted first."""
