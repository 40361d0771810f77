"""Publishes diagnostics, in every state of the node."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode

from bevseg_ros.accounting import Account, Ledger
from bevseg_ros.cloud_input import CloudInput
from bevseg_ros.diagnostics import (
    InputState,
    Status,
    accounting_status,
    input_status,
    latency_status,
    model_status,
    odometry_status,
    outputs_status,
    process_status,
    processing_time_status,
    tracking_status,
    transform_status,
)
from bevseg_ros.lidar_diagnostics import LidarReport, lidars_status, merge_status
from bevseg_ros.processing import Processor, Progress
from bevseg_ros.ros_topics import Topics
from bevseg_ros.ros_transforms import Places
from bevseg_ros.settings import Settings
from bevseg_ros.transforms import TransformHistory


@dataclass(frozen=True)
class Watched:
    """What is reported on while the node is configured."""

    processor: Processor
    clouds: CloudInput
    topics: Topics
    places: Places


class Reporter:
    """A timer that says how the node does."""

    def __init__(self, node: LifecycleNode, ledger: Ledger, state: Callable[[], str]) -> None:
        """`state` tells the label of the lifecycle's state."""
        self._node, self._ledger, self._state = node, ledger, state
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._before = ledger.account()
        self._lost_before: dict[str, int] = {}
        self._books_before: dict[str, Account] = {}
        self._settings: Settings | None = None
        self._watched: Watched | None = None
        self._model = ""
        self._name_was_taken = False
        self.model_error = ""
        # The time of a bag may stand still: the node is to report all the same.
        self._timer = node.create_timer(1.0, self.report, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def watch(self, settings: Settings, watched: Watched, model: str) -> None:
        """Reports on these from now on."""
        self._settings, self._watched, self._model = settings, watched, model
        self._timer.timer_period_ns = int(settings.diagnostics_period_s * 1e9)
        self._timer.reset()

    def watch_nothing(self) -> None:
        """The node is not configured any more."""
        self._settings = self._watched = None
        self._model = ""

    def take_settings(self, settings: Settings) -> None:
        """Judges by other limits from now on."""
        self._settings = settings

    def nodes_of_this_name(self) -> int:
        """How many nodes, this one included, have its name and namespace."""
        own = (self._node.get_name(), self._node.get_namespace())
        return self._node.get_node_names_and_namespaces().count(own)

    def report(self) -> None:
        """Publishes one array with all statuses."""
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        name = self._node.get_fully_qualified_name()
        for status in self._statuses():
            values = [KeyValue(key=key, value=value) for key, value in status.values.items()]
            message.status.append(
                DiagnosticStatus(
                    level=bytes([status.level]),
                    name=f"{name}: {status.name}",
                    message=status.message,
                    hardware_id=name,
                    values=values,
                )
            )
        self._publisher.publish(message)

    def _statuses(self) -> list[Status]:
        progress = Progress() if self._watched is None else self._watched.processor.progress()
        account, before = self._ledger.account(), self._before
        self._before = account
        return [
            *self._input_statuses(account.since(before), progress.left_out),
            accounting_status(account, before, points_clipped=progress.points_clipped, last_error=progress.last_error),
            *self._settings_statuses(progress),
            latency_status(progress.times),
            model_status(
                self._state(),
                self._model,
                errors_in_a_row=progress.model_errors_in_a_row,
                reloads=progress.reloads,
                error=progress.model_error or self.model_error,
            ),
            self._process_status(),
        ]

    def _input_statuses(self, new: Account, left_out: tuple[str, ...]) -> list[Status]:
        if self._watched is None or self._settings is None:
            return []
        clouds = self._watched.clouds
        timeout_s, active = self._settings.live.stall_timeout_s, self._state() == "active"
        reports = [self._report_on(stream) for stream in clouds.states()]
        groups = clouds.groups()
        if groups is None:
            (only,) = reports
            lost = only.lost_before
            return [input_status(only.stream, active=active, stall_timeout_s=timeout_s, lost_before=lost)]
        counts = {**new.dropped, **new.remarks}
        return [
            lidars_status(reports, groups, active=active, stall_timeout_s=timeout_s),
            merge_status(clouds.topics, groups, left_out=left_out, new=counts, active=active),
        ]

    def _report_on(self, stream: InputState) -> LidarReport:
        """How a LiDAR is now, and was at the report before."""
        topic, account = stream.topic, self._ledger.account_of(stream.topic)
        report = LidarReport(
            stream, self._lost_before.get(topic, 0), account, self._books_before.get(topic, Ledger().account())
        )
        self._lost_before[topic], self._books_before[topic] = stream.lost_by_middleware, account
        return report

    def _settings_statuses(self, progress: Progress) -> list[Status]:
        settings, watched = self._settings, self._watched
        if settings is None or watched is None:
            return []
        live, places = settings.live, watched.places
        return [
            processing_time_status(
                progress.times,
                now_s=time.monotonic(),
                max_processing_ms=live.max_processing_ms,
                max_delay_ms=live.max_delay_ms,
            ),
            transform_status(
                settings.base_frame,
                settings.transform_source,
                error=progress.transform_error,
                failing=progress.transform_failing,
                arrivals=places.transforms.arrivals() if isinstance(places.transforms, TransformHistory) else None,
            ),
            *([] if places.odometry is None else [odometry_status(places.odometry)]),
            tracking_status(settings.tracking, progress.following),
            outputs_status(watched.topics.subscribers()),
        ]

    def _process_status(self) -> Status:
        same_name = self.nodes_of_this_name()
        if same_name > 1 and not self._name_was_taken:
            self._node.get_logger().error(f"{same_name} nodes are called {self._node.get_fully_qualified_name()}")
        self._name_was_taken = same_name > 1
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        return process_status(memory_mb=memory_mb(), peak_memory_mb=peak_mb, same_name=same_name)


def memory_mb() -> float:
    """Resident memory of this process, MB; 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    if not statm.is_file():
        return 0.0
    return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
