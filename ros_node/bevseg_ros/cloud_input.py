"""Takes clouds in: every one gets an entry in the books, and goes to the worker unless its stamp says otherwise."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import PointCloud2

from bevseg.messages.pointcloud2 import PointCloud2Error, checked_stamp
from bevseg_ros.accounting import SUPERSEDED, Ledger, LossEstimate
from bevseg_ros.diagnostics import InputState
from bevseg_ros.processing import Job
from bevseg_ros.settings import Settings
from bevseg_ros.stream import Stream
from bevseg_ros.worker import NewestWorker

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

TOPIC = "~/input/pointcloud"


class CloudInput:
    """The subscription to clouds; all but `state` is for the executor's thread.

    `forget` is called when the clock jumps back: what is known of places belongs to another time.
    """

    def __init__(self, node: Node, settings: Settings, ledger: Ledger, forget: Callable[[], None]) -> None:
        self._node, self._settings, self._ledger, self._forget = node, settings, ledger, forget
        self._lock = threading.Lock()
        self._stream = Stream(settings.limits)
        self._losses = LossEstimate()
        self._worker: NewestWorker[Job] | None = None
        self._subscription: Any = None
        self._frame = ""
        self._arrival_s: float | None = None
        self._waiting_since_s = 0.0
        self._stalls = 0
        self._is_stalled = False
        self._lost_by_middleware = 0
        self._incompatible_qos = 0

    def start(self, worker: NewestWorker[Job]) -> None:
        """Subscribes; clouds go to the worker."""
        self._worker, self._waiting_since_s = worker, time.monotonic()
        self._stream = Stream(self._settings.limits)
        self._losses.restart()
        reliability = ReliabilityPolicy.RELIABLE if self._settings.reliable_input else ReliabilityPolicy.BEST_EFFORT
        self._subscription = self._node.create_subscription(
            PointCloud2,
            TOPIC,
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

    def state(self, stall_timeout_s: float) -> InputState:
        """How the stream stands; a stall is counted when it is first seen."""
        now_s = time.monotonic()
        with self._lock:
            waiting_s = now_s - max(self._arrival_s or 0.0, self._waiting_since_s)
            stalled = self._subscription is not None and waiting_s > stall_timeout_s
            self._stalls += stalled and not self._is_stalled
            self._is_stalled = stalled
            return InputState(
                topic=self._node.resolve_topic_name(TOPIC),
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
        entry = self._ledger.open()
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
        if "clock_jump_back" in verdict.remarks:
            self._forget()
        if verdict.drop is not None or self._worker is None:
            self._ledger.close(entry, verdict.drop or "deactivated")
            return
        superseded = self._worker.put(Job(message, entry))
        if superseded is not None:
            self._ledger.close(superseded.entry, SUPERSEDED)

    def _note_qos(self, event: Any) -> None:
        self._incompatible_qos = event.total_count
        self._node.get_logger().error(
            f"a publisher on {self._node.resolve_topic_name(TOPIC)} offers a QoS that this subscription cannot take "
            f"(reliable_input is {self._settings.reliable_input})"
        )

    def _note_loss(self, event: Any) -> None:
        self._lost_by_middleware = event.total_count
