"""Where results go: a publisher for each topic, and which of them anybody is subscribed to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

from bevseg.messages.fields import HeaderFields
from bevseg.messages.fill import make_message
from bevseg.messages.outputs import OUTPUTS, OutputSpec
from bevseg.points.cloud import PointCloud
from bevseg.results.scene import Scene
from bevseg.results.track_labels import TrackLabels
from bevseg_ros.policies import RefusedError


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

    def publish(
        self,
        wanted: Sequence[Output],
        scene: Scene,
        cloud: PointCloud,
        header: HeaderFields,
        tracks: TrackLabels | None = None,
    ) -> None:
        """Makes and publishes a message for each output.

        Raises:
            RefusedError: The node was deactivated meanwhile.
        """
        for output in wanted:
            message = make_message(output.spec.make(scene, cloud, header, tracks))
            if not self.enabled:
                raise RefusedError("deactivated", "the node was deactivated while the cloud was in work")
            output.publisher.publish(message)


def found_packages() -> dict[str, bool]:
    """Which message packages and libraries that the node can use, but does not need, are installed."""
    packages = sorted({spec.package for spec in OUTPUTS} | {"tf2_ros"})
    specs = {package: find_spec(package) for package in packages}
    # Where the sources of bevseg_msgs are on the path, their folder looks like a package, but one without a file.
    return {package: spec is not None and spec.origin is not None for package, spec in specs.items()}
