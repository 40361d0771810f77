"""The clouds of one LiDAR: a subscription whose every cloud gets an entry in the books and is judged by its stamp."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import PointCloud2

from bevseg.messages.pointcloud2 import PointCloud2Error, checked_stamp
from bevseg_ros.accounting import Ledger, LossEstimate
from bevseg_ros.diagnostics import InputState
from bevseg_ros.jobs import Arrived
from bevseg_ros.settings import Settings
from bevseg_ros.stream import Stream

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks


@dataclass(frozen=True)
class CloudTaker:
    """Who is told of clouds.

    Attributes:
        take: Gets every cloud whose stamp follows, with its stamp, nanoseconds, and its arrival on a steady clock.
        jumped_back: Is told, before `take`, that the LiDAR's clock has jumped back.
    """

    take: Callable[[Arrived, int, float], None]
    jumped_back: Callable[[int], None]


class LidarInput:
    """One subscription; all but `state` is for the executor's thread.

    Attributes:
        topic: Its name as it is resolved.
        number: Its place among the LiDARs; 0 is the reference.
    """

    def __init__(self, node: Node, settings: Settings, ledger: Ledger, topic: str, number: int) -> None:
        self.topic, self.number = node.resolve_topic_name(topic), number
        self._node, self._settings, self._ledger = node, settings, ledger
        self._lock = threading.Lock()
        self._stream = Stream(settings.limits)
        self._losses = LossEstimate()
        self._taker: CloudTaker | None = None
        self._subscription: Any = None
        self._frame = ""
        self._arrival_s: float | None = None
        self._waiting_since_s = 0.0
        self._stalls = 0
        self._is_stalled = False
        self._lost_by_middleware = 0
        self._incompatible_qos = 0

    def start(self, taker: CloudTaker) -> None:
        """Subscribes; clouds go to the taker."""
        self._taker, self._waiting_since_s = taker, time.monotonic()
        self._stream = Stream(self._settings.limits)
        self._losses.restart()
        reliability = ReliabilityPolicy.RELIABLE if self._settings.reliable_input else ReliabilityPolicy.BEST_EFFORT
        self._subscription = self._node.create_subscription(
            PointCloud2,
            self.topic,
            self._take,
            QoSProfile(
                history=HistoryPolicy.KEEP_LAST, depth=1, reliability=reliability, durability=DurabilityPolicy.VOLATILE
            ),
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=self._note_qos, message_lost=self._note_loss),
        )

    def stop(self) -> None:
        """Unsubscribes."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    @property
    def heard_s(self) -> float:
        """When its last cloud arrived, or the node was activated."""
        return max(self._arrival_s or 0.0, self._waiting_since_s)

    def state(self, stall_timeout_s: float) -> InputState:
        """How the stream stands; a stall is counted when it is first seen."""
        now_s = time.monotonic()
        with self._lock:
            waiting_s = now_s - self.heard_s
            stalled = self._subscription is not None and waiting_s > stall_timeout_s
            self._stalls += stalled and not self._is_stalled
            self._is_stalled = stalled
            return InputState(
                topic=self.topic,
                frame=self._frame,
                rate_hz=self._losses.rate_hz,
                age_s=None if self._arrival_s is None else now_s - self._arrival_s,
                waiting_s=waiting_s,
                stalls=self._stalls,
                lost_by_stamps=self._losses.lost,
                lost_by_middleware=self._lost_by_middleware,
                incompatible_qos=self._incompatible_qos,
            )

    def _take(self, message: PointCloud2) -> None:
        entry = self._ledger.open(self.topic)
        try:
            stamp_ns = checked_stamp(message.header)
        except PointCloud2Error as error:
            self._ledger.close(entry, error.reason)
            return
        frame, now_s = message.header.frame_id, time.monotonic()
        with self._lock:
            verdict = self._stream.judge(stamp_ns, frame, now_s)
            self._arrival_s, self._frame = now_s, frame
            if verdict.restart:
                self._losses.restart()
            self._losses.arrived(stamp_ns)
        for remark in verdict.remarks:
            self._ledger.remark(remark)
        if "clock_jump_back" in verdict.remarks and self._taker is not None:
            self._taker.jumped_back(self.number)
        if verdict.drop is not None or self._taker is None:
            self._ledger.close(entry, verdict.drop or "deactivated")
            return
        self._taker.take(Arrived(message, entry, self.number, self.topic), stamp_ns, now_s)

    def _note_qos(self, event: Any) -> None:
        self._incompatible_qos = event.total_count
        self._node.get_logger().error(
            f"a publisher on {self.topic} offers a QoS that this subscription cannot take "
            f"(reliable_input is {self._settings.reliable_input})"
        )

    def _note_loss(self, event: Any) -> None:
        self._lost_by_middleware = event.total_count
