"""Whether the node lasts: many clouds as fast as it takes them, its memory, and its books."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sensor_msgs.msg import PointCloud2

from bevseg_ros.accounting import Account
from bevseg_ros.benchmarks.scans import Feed, real_clouds, simulated_clouds, taken_in_turn
from bevseg_ros.benchmarks.session import Session, session

_WARM_UP_SHARE = 0.1
_SAMPLES = 200


@dataclass(frozen=True)
class Soak:
    """What a soak showed.

    Attributes:
        sent: Clouds that were published.
        elapsed_s: For all of them.
        memory_mb: Resident memory of the node, taken at even distances.
        account: Of the node at the end.
        lost_by_stamps: Clouds that the node believes were lost before they arrived.
    """

    sent: int
    elapsed_s: float
    memory_mb: Sequence[float]
    account: Account
    lost_by_stamps: int

    @property
    def growth(self) -> float:
        """Of memory after warm-up: the median of the last tenth over that of the tenth after warm-up, less 1."""
        memory = np.array(self.memory_mb)
        tenth = max(1, len(memory) // 10)
        start = round(len(memory) * _WARM_UP_SHARE)
        return float(np.median(memory[-tenth:]) / np.median(memory[start : start + tenth]) - 1)

    def as_json(self) -> dict[str, object]:
        """Plain values; memory in MB."""
        return {
            "sent": self.sent,
            "rate_hz": round(self.sent / self.elapsed_s, 2),
            "memory_mb": [round(value, 1) for value in self.memory_mb[:: max(1, len(self.memory_mb) // 20)]],
            "memory_growth_after_warm_up": round(self.growth, 5),
            "lost_before_arrival_by_stamps": self.lost_by_stamps,
            "counters_add_up": self.account.is_balanced and self.account.received == self.sent,
            "account": self.account.as_text(),
        }


def soak(clouds: int, real_folder: Path | None) -> dict[str, object]:
    """Sends each cloud as soon as the objects of the one before have arrived."""
    real = [] if real_folder is None else real_clouds(real_folder)
    feed = Feed(taken_in_turn(simulated_clouds(12), real))
    with session({"diagnostics_period_s": 0.5, "stall_timeout_s": 600.0, "reliable_input": True}) as running:
        result = _soaked(running, feed, clouds)
    return {"simulated": 12, "real": len(real), **result.as_json()}


def _soaked(running: Session, feed: Feed, clouds: int) -> Soak:
    driver = running.driver
    tables = driver.subscribe("output/objects_table", PointCloud2)
    memory_mb, start_s = [], time.perf_counter()
    for sent in range(clouds):
        tables.clear()
        driver.clouds.publish(feed.next())
        try:
            driver.wait_for(lambda: tables, f"the objects of cloud {sent}", 30.0)
        except TimeoutError as error:
            books = driver.account().as_text()
            raise TimeoutError(f"{error}; the node's account is {books}; it said:\n{running.node.log}") from error
        if sent % max(1, clouds // _SAMPLES) == 0:
            memory_mb.append(running.node.memory_mb())
    elapsed_s = time.perf_counter() - start_s
    account = driver.account(clouds)
    lost = int(driver.last("input")[2]["lost_before_arrival_by_stamps"])
    return Soak(clouds, elapsed_s, memory_mb, account, lost)
