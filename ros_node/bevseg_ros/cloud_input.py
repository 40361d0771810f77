"""Takes clouds in, of one LiDAR or of several: what follows by its stamp goes to the worker, newest first."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from bevseg_ros.accounting import SUPERSEDED, Ledger
from bevseg_ros.diagnostics import InputState
from bevseg_ros.gathering import Gathering, GroupCounts
from bevseg_ros.jobs import Arrived, Job
from bevseg_ros.lidar_input import CloudTaker, LidarInput
from bevseg_ros.parameters import REFERENCE_TOPIC
from bevseg_ros.settings import ParameterError, Settings
from bevseg_ros.worker import NewestWorker

_NOT_YET_NS = 1_000_000_000


class CloudInput:
    """The subscriptions to clouds; for the executor's thread.

    `forget` is called when the clock jumps back: what is known of places belongs to another time.
    """

    def __init__(self, node: Node, settings: Settings, ledger: Ledger, forget: Callable[[], None]) -> None:
        """Subscribes to nothing yet.

        Raises:
            ParameterError: A topic has no valid name, or two LiDARs have the same, once names are resolved.
        """
        self._node, self._ledger, self._forget = node, ledger, forget
        self._stall_timeout_s = settings.live.stall_timeout_s
        topics = [REFERENCE_TOPIC, *(settings.merge.topics if settings.merge else ())]
        try:
            self._lidars = [LidarInput(node, settings, ledger, topic, number) for number, topic in enumerate(topics)]
        except RuntimeError as error:  # rclpy's, of a name that is none
            raise ParameterError(f"merge.topics must be names of topics, got {topics[1:]}: {error}") from error
        self.topics = tuple(lidar.topic for lidar in self._lidars)
        if len(set(self.topics)) < len(self.topics):
            raise ParameterError(f"merge.topics lead to the same topic twice: {', '.join(self.topics)}")
        self._gathering: Gathering | None = None
        if settings.merge is not None:
            self._gathering = Gathering(settings.merge, self.topics, settings.limits.back_s, ledger)
        self._worker: NewestWorker[Job] | None = None
        self._alarm: Any = None
        self._looked_for_s: float | None = None

    def start(self, worker: NewestWorker[Job]) -> None:
        """Subscribes; clouds go to the worker."""
        self._worker = worker
        if self._gathering is not None:
            # Groups wait in real time, whatever the time of a bag does.
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self._alarm = self._node.create_timer(_NOT_YET_NS / 1e9, self._end_waits, clock=steady)
            self._alarm.cancel()
        for lidar in self._lidars:
            lidar.start(CloudTaker(self._take, self._note_jump))

    def stop(self) -> None:
        """Unsubscribes; clouds that wait for others are dropped."""
        for lidar in self._lidars:
            lidar.stop()
        if self._alarm is not None:
            self._node.destroy_timer(self._alarm)
            self._alarm = None
        if self._gathering is not None:
            self._gathering.stop()

    def take_settings(self, settings: Settings) -> None:
        """Judges stalls by another limit from now on."""
        self._stall_timeout_s = settings.live.stall_timeout_s

    def states(self) -> list[InputState]:
        """How each LiDAR's stream stands, the reference first."""
        return [lidar.state(self._stall_timeout_s) for lidar in self._lidars]

    def groups(self) -> GroupCounts | None:
        """How clouds of several LiDARs come together; None where there is one."""
        return None if self._gathering is None else self._gathering.counts()

    def _take(self, cloud: Arrived, stamp_ns: int, now_s: float) -> None:
        worker = self._worker
        if worker is None:
            self._ledger.close(cloud.entry, "deactivated")
        elif self._gathering is None:
            superseded = worker.put(Job(cloud.message, cloud.entry, cloud.lidar, cloud.topic))
            if superseded is not None:
                self._ledger.close(superseded.entry, SUPERSEDED)
        else:
            self._gathering.take(cloud, stamp_ns, now_s, alive=self._alive(), worker=worker)
            self._set_alarm(self._gathering)

    def _end_waits(self) -> None:
        """Closes groups at the second alarm: in rclpy timers go before clouds, also those that came in time.

        Where the executor was held up, the partners of a group may be there by now, and are taken between the two.
        """
        if self._gathering is None or self._worker is None:
            return
        if self._gathering.next_due_s == self._looked_for_s:
            self._gathering.end_waits(time.monotonic(), self._worker)
            self._looked_for_s = None  # the next group has two alarms of its own
        else:
            self._looked_for_s = self._gathering.next_due_s
        self._set_alarm(self._gathering)

    def _set_alarm(self, gathering: Gathering) -> None:
        if self._alarm is None:
            return
        if gathering.next_due_s is None:
            self._alarm.cancel()
            return
        self._alarm.timer_period_ns = max(1, round((gathering.next_due_s - time.monotonic()) * 1e9))
        self._alarm.reset()

    def _note_jump(self, number: int) -> None:
        """Only the clock that rules tells that all that is known is of another time: others may be wrong."""
        if number == min(self._alive(), default=number):
            self._forget()

    def _alive(self) -> list[int]:
        """The LiDARs that were not silent for long when the last group began: after a pause of all, all are awaited."""
        last_s = 0.0 if self._gathering is None else self._gathering.last_opened_s
        return [lidar.number for lidar in self._lidars if last_s - lidar.heard_s <= self._stall_timeout_s]
