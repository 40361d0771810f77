"""What the node publishes: one line for each topic, with the type of its messages and how they are made of a scene."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

from bevseg.messages.clouds import labelled_points, objects_table
from bevseg.messages.fields import HeaderFields, MarkerArrayFields
from bevseg.messages.fill import make_message
from bevseg.messages.maps import class_map, instance_map, visibility_grid
from bevseg.messages.markers import markers
from bevseg.messages.objects import detected_objects, detections, instance_array
from bevseg.points.cloud import PointCloud
from bevseg.results.scene import Scene
from bevseg_ros.policies import RefusedError

MakeFields = Callable[[Scene, PointCloud, HeaderFields], Any]


@dataclass(frozen=True)
class OutputSpec:
    """One topic below `~/output/`.

    Attributes:
        name: Of the topic.
        type_name: Of its messages, such as "sensor_msgs/msg/Image".
        make: The fields of a message from a scene, the cloud that it was made of, and a header.
    """

    name: str
    type_name: str
    make: MakeFields

    @property
    def package(self) -> str:
        """Which package has the messages."""
        return self.type_name.partition("/")[0]


OUTPUTS: tuple[OutputSpec, ...] = (
    OutputSpec("objects", "bevseg_msgs/msg/InstanceArray", lambda scene, _, header: instance_array(scene, header)),
    OutputSpec("detections", "vision_msgs/msg/Detection3DArray", lambda scene, _, header: detections(scene, header)),
    OutputSpec(
        "detected_objects",
        "autoware_perception_msgs/msg/DetectedObjects",
        lambda scene, _, header: detected_objects(scene, header),
    ),
    OutputSpec("objects_table", "sensor_msgs/msg/PointCloud2", lambda scene, _, header: objects_table(scene, header)),
    OutputSpec("points", "sensor_msgs/msg/PointCloud2", labelled_points),
    OutputSpec("instance_map", "sensor_msgs/msg/Image", lambda scene, _, header: instance_map(scene, header)),
    OutputSpec("class_map", "sensor_msgs/msg/Image", lambda scene, _, header: class_map(scene, header)),
    OutputSpec("visibility", "nav_msgs/msg/OccupancyGrid", lambda scene, _, header: visibility_grid(scene, header)),
    OutputSpec(
        "markers",
        "visualization_msgs/msg/MarkerArray",
        lambda scene, _, header: MarkerArrayFields(markers(scene, header)),
    ),
)
"""In the order in which they are published: what is smallest and most wanted first."""


class Publisher(Protocol):
    """Of rclpy, or of anything that takes messages."""

    def publish(self, message: Any) -> None: ...
    def get_subscription_count(self) -> int: ...


@dataclass(frozen=True)
class Output:
    """A topic with its publisher."""

    spec: OutputSpec
    publisher: Publisher


class Outputs:
    """All topics that results go to."""

    def __init__(self, outputs: Sequence[Output]) -> None:
        self._outputs = tuple(outputs)
        self.enabled = True

    def wanted(self) -> list[Output]:
        """Those that somebody is subscribed to."""
        return [output for output in self._outputs if output.publisher.get_subscription_count()]

    def publish(self, wanted: Sequence[Output], scene: Scene, cloud: PointCloud, header: HeaderFields) -> None:
        """Makes and publishes a message for each output.

        Raises:
            RefusedError: The node was deactivated meanwhile.
        """
        for output in wanted:
            message = make_message(output.spec.make(scene, cloud, header))
            if not self.enabled:
                raise RefusedError("deactivated", "the node was deactivated while the cloud was in work")
            output.publisher.publish(message)


def found_packages() -> dict[str, bool]:
    """Which message packages and libraries that the node can use, but does not need, are installed."""
    packages = sorted({spec.package for spec in OUTPUTS} | {"tf2_ros"})
    specs = {package: find_spec(package) for package in packages}
    # Where the sources of bevseg_msgs are on the path, their folder looks like a package, but one without a file.
    return {package: spec is not None and spec.origin is not None for package, spec in specs.items()}
