"""Whether the node survives: messages that are wrong in every way that the wire allows, each accounted for."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from builtin_interfaces.msg import Time
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from bevseg_ros.benchmarks.scans import Feed, simulated_clouds
from bevseg_ros.benchmarks.session import session

_TOOL = Path(__file__).resolve().parents[3] / "tools" / "fuzz_pointcloud2.py"
_FIRST_STAMP_S = 1_500_000_000
_OWN_STAMP_SHARE = 0.1
"""How many messages keep the stamp that they were given; the others follow each other, so that they are looked at."""

MutatedMessage = Callable[..., Any]


def live_fuzz(count: int, seed: int) -> dict[str, object]:
    """Sends mutated messages one by one, then a good one.

    Returns:
        How many there were, what became of them, and whether the node still works.

    Raises:
        TimeoutError: A message was not accounted for, or the node gave no more results.
        FileNotFoundError: This is not a checkout: there is no tool that makes the messages.
    """
    mutated = _mutated_message()
    with session({"diagnostics_period_s": 0.05, "stall_timeout_s": 600.0, "reliable_input": True}) as running:
        driver, start_s, unsendable = running.driver, time.perf_counter(), 0
        tables = driver.subscribe("output/objects_table", PointCloud2)
        for index in range(count):
            rng = random.Random(f"{seed}/{index}")
            message = _real_message(mutated(rng, wire=True), index, rng)
            if message is None:
                unsendable += 1
                continue
            driver.clouds.publish(message)
            driver.account(index + 1 - unsendable)
        tables.clear()
        good = Feed(simulated_clouds(1)).next()
        good.header.stamp.sec += 100_000_000
        driver.clouds.publish(good)
        account = driver.account(count + 1 - unsendable)
        driver.wait_for(lambda: tables and tables[-1].header.stamp == good.header.stamp, "objects of the good cloud")
        log = running.node.log
    return {
        "sent": count - unsendable,
        "unsendable": unsendable,
        "elapsed_s": round(time.perf_counter() - start_s, 1),
        "counters_add_up": account.is_balanced and account.received == count + 1 - unsendable,
        "tracebacks": log.count("Traceback"),
        "account": account.as_text(),
    }


def _mutated_message() -> MutatedMessage:
    """What the campaign against the decoder is made with, which is a tool of the repository."""
    spec = spec_from_file_location("fuzz_pointcloud2", _TOOL)
    if spec is None or spec.loader is None or not _TOOL.is_file():
        raise FileNotFoundError(f"{_TOOL}: the live campaign runs in a checkout of the repository")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    mutated: MutatedMessage = module.mutated_message
    return mutated


def _real_message(made: Any, index: int, rng: random.Random) -> PointCloud2 | None:
    """The message as rclpy has it; None where its classes hold no such value."""
    stamp = made.header.stamp
    if rng.random() > _OWN_STAMP_SHARE:
        stamp.sec, stamp.nanosec = _FIRST_STAMP_S + index, 0
    try:
        return PointCloud2(
            header=Header(stamp=Time(sec=stamp.sec, nanosec=stamp.nanosec), frame_id=made.header.frame_id),
            height=made.height,
            width=made.width,
            fields=[PointField(**vars(field)) for field in made.fields],
            is_bigendian=bool(made.is_bigendian),
            point_step=made.point_step,
            row_step=made.row_step,
            data=made.data,
            is_dense=bool(made.is_dense),
        )
    except (AssertionError, OverflowError):
        return None
