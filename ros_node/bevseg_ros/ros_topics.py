"""The node's publishers."""

from __future__ import annotations

import time
from typing import Any

from nav_msgs.msg import MapMetaData
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Float64

from bevseg.messages.fill import generated_class
from bevseg.messages.outputs import OUTPUTS
from bevseg_ros.outputs import Output, Outputs, found_packages
from bevseg_ros.timing import DEBUG_TOPICS, CloudTimes

RESULT_QOS = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.RELIABLE)
LATCHED_QOS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


class Topics:
    """All topics below `~/output` and `~/debug`."""

    def __init__(self, node: LifecycleNode) -> None:
        """Makes a publisher for each output whose messages are installed."""
        self._node = node
        found = {"sensor_msgs": True, "nav_msgs": True, "visualization_msgs": True} | found_packages()
        publishers = {
            spec: node.create_lifecycle_publisher(generated_class(spec.type_name), f"~/output/{spec.name}", RESULT_QOS)
            for spec in OUTPUTS
            if found[spec.package]
        }
        self.outputs = Outputs([Output(spec, publisher) for spec, publisher in publishers.items()])
        self._grid = node.create_lifecycle_publisher(MapMetaData, "~/output/grid", LATCHED_QOS)
        self._debug = {
            name: node.create_lifecycle_publisher(Float64, f"~/debug/{name}", RESULT_QOS) for name in DEBUG_TOPICS
        }
        self._all: dict[str, Any] = {
            **{f"output/{spec.name}": publisher for spec, publisher in publishers.items()},
            "output/grid": self._grid,
            **{f"debug/{name}": publisher for name, publisher in self._debug.items()},
        }

    def subscribers(self) -> dict[str, int]:
        """How many are subscribed to each topic, by its name below the node's."""
        return {topic: publisher.get_subscription_count() for topic, publisher in self._all.items()}

    def publish_grid(self, metadata: MapMetaData) -> None:
        """Where the cells of all maps lie; kept for those who subscribe later."""
        metadata.map_load_time = self._node.get_clock().now().to_msg()
        self._grid.publish(metadata)

    def publish_times(self, times: CloudTimes) -> None:
        """What a cloud took, to those who want to know."""
        for name, value in times.by_name().items():
            if self._debug[name].get_subscription_count():
                self._debug[name].publish(Float64(data=value))

    def wait_until_taken(self, timeout_s: float) -> bool:
        """Waits until everybody who is subscribed has the last results; whether all have in time.

        What a publisher that is taken away has not delivered yet is lost.
        """
        until_s = time.monotonic() + timeout_s
        return all(
            publisher.wait_for_all_acked(Duration(seconds=max(0.0, until_s - time.monotonic())))
            for publisher in self._all.values()
        )

    def destroy(self) -> None:
        """Takes all publishers away."""
        for publisher in self._all.values():
            self._node.destroy_lifecycle_publisher(publisher)
