"""The subscriptions of several LiDARs in a process of ours, where the executor can be held up at will."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from bevseg.messages.fill import generated_class
from bevseg_ros.accounting import Ledger
from bevseg_ros.jobs import Job
from bevseg_ros.parameters import PARAMETERS, Value
from bevseg_ros.settings import settings_from
from bevseg_ros.worker import NewestWorker

pytestmark = pytest.mark.ros

TIMEOUT_S = 2.0
FRAMES = {"/held_up/input/pointcloud": "top", "/left": "left", "/right": "right"}
TOPICS = tuple(FRAMES)
MERGED: dict[str, Value] = {
    "base_frame": "base_link",
    "mount.frame": "top",
    "merge.topics": TOPICS[1:],
    "merge.frames": ("left", "right"),
    "merge.mounts": (0.0,) * 12,
    "merge.timeout_s": TIMEOUT_S,
}


@dataclass
class Inputs:
    """The subscriptions, their executor, which works only when asked to, and publishers of clouds."""

    executor: Any
    publishers: dict[str, Any]
    ledger: Ledger = field(default_factory=Ledger)
    jobs: list[Job] = field(default_factory=list)

    def spin_until(self, look: Callable[[], object]) -> None:
        end_s = time.monotonic() + 20
        while not look():
            assert time.monotonic() < end_s
            self.executor.spin_once(timeout_sec=0.02)


@pytest.fixture
def inputs(domain_id: int) -> Iterator[Inputs]:
    import rclpy
    from rclpy.context import Context
    from rclpy.executors import SingleThreadedExecutor

    from bevseg_ros.cloud_input import CloudInput

    context, kind = Context(), generated_class("sensor_msgs/msg/PointCloud2")
    rclpy.init(context=context, domain_id=domain_id)
    node = rclpy.create_node("held_up", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    made = Inputs(executor, {topic: node.create_publisher(kind, topic, 1) for topic in TOPICS})
    settings = settings_from({**{spec.name: spec.default for spec in PARAMETERS}, **MERGED})
    worker = NewestWorker(made.jobs.append, name="of the test")
    cloud_input = CloudInput(node, settings, made.ledger, lambda: None)
    cloud_input.start(worker)
    made.spin_until(lambda: all(publisher.get_subscription_count() for publisher in made.publishers.values()))
    yield made
    cloud_input.stop()
    worker.stop(5.0)
    executor.shutdown()
    node.destroy_node()
    rclpy.try_shutdown(context=context)


def test_partners_that_came_while_the_executor_was_held_up_are_not_too_late(inputs: Inputs, scans: Any) -> None:
    stamp_ns = scans.next_stamp_ns()
    for topic in TOPICS:
        inputs.publishers[topic].publish(scans.message(stamp_ns=stamp_ns, frame=FRAMES[topic]))
        if topic == TOPICS[0]:
            inputs.spin_until(lambda: inputs.ledger.account().received)
    time.sleep(TIMEOUT_S + 0.1)
    inputs.spin_until(lambda: inputs.jobs)
    assert [[cloud.topic for cloud in job.clouds] for job in inputs.jobs] == [list(TOPICS)]


def test_so_they_are_not_where_a_group_before_them_was_incomplete(inputs: Inputs, scans: Any) -> None:
    inputs.publishers[TOPICS[0]].publish(scans.message(frame="top"))
    inputs.spin_until(lambda: inputs.ledger.account().received == 1)
    end_s = time.monotonic() + TIMEOUT_S / 2
    inputs.spin_until(lambda: time.monotonic() > end_s)
    stamp_ns = scans.next_stamp_ns(1.0)
    inputs.publishers[TOPICS[0]].publish(scans.message(stamp_ns=stamp_ns, frame="top"))
    inputs.spin_until(lambda: inputs.jobs)  # the first alone, while the second waits
    assert inputs.ledger.account().received == 2
    for topic in TOPICS[1:]:
        inputs.publishers[topic].publish(scans.message(stamp_ns=stamp_ns, frame=FRAMES[topic]))
    time.sleep(TIMEOUT_S + 0.1)
    inputs.spin_until(lambda: len(inputs.jobs) == 2)
    assert [[cloud.topic for cloud in job.clouds] for job in inputs.jobs] == [[TOPICS[0]], list(TOPICS)]


def test_partners_that_do_not_come_are_waited_for_no_longer_than_the_timeout(inputs: Inputs, scans: Any) -> None:
    for _ in range(2):
        inputs.jobs.clear()
        start_s = time.monotonic()
        inputs.publishers[TOPICS[0]].publish(scans.message(frame="top"))
        inputs.spin_until(lambda: inputs.jobs)
        assert time.monotonic() - start_s >= TIMEOUT_S
        assert inputs.jobs[0].missing == TOPICS[1:]
