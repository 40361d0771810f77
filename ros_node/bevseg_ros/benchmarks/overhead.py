"""What the node adds to the model's own time: from publishing a cloud until its objects are there, less the model."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Float64

from bevseg.messages.fill import generated_class
from bevseg.messages.outputs import OUTPUTS
from bevseg_ros.benchmarks.scans import RATE_HZ, Feed, simulated_clouds
from bevseg_ros.benchmarks.session import Session, session
from bevseg_ros.outputs import found_packages

_WARM_UP = 20


@dataclass(frozen=True)
class Overhead:
    """Milliseconds of each cloud.

    Attributes:
        whole_ms: From publishing the cloud until the objects have arrived.
        model_ms: The model's own time, as the node says.
    """

    whole_ms: tuple[float, ...]
    model_ms: tuple[float, ...]

    def as_json(self) -> dict[str, object]:
        """Percentiles, milliseconds."""
        added = np.subtract(self.whole_ms, self.model_ms)
        series = {"overhead_ms": added, "model_ms": np.array(self.model_ms), "whole_ms": np.array(self.whole_ms)}
        return {
            "clouds": len(added),
            **{
                name: {f"p{p}": round(float(np.percentile(values, p)), 2) for p in (50, 90, 99, 100)}
                for name, values in series.items()
            },
        }


def measure_overhead(clouds: int, *, sensor: str, all_outputs: bool) -> dict[str, object]:
    """Feeds a node at 10 Hz.

    Args:
        clouds: How many are measured.
        sensor: Of the simulation.
        all_outputs: Subscribe to every output that can be made, not to the objects alone.
    """
    feed = Feed(simulated_clouds(8, sensor=sensor))
    with session({"diagnostics_period_s": 1.0, "max_processing_time_ms": 10_000.0}) as running:
        if all_outputs:
            _subscribe_to_all(running)
        measured = _measured(running, feed, clouds)
        account = running.driver.account(clouds + _WARM_UP)
    points = int(np.median([len(records) for records in feed.records]))
    return {"sensor": sensor, "points": points, **measured.as_json(), "account": account.as_text()}


def _measured(running: Session, feed: Feed, clouds: int) -> Overhead:
    driver = running.driver
    tables = driver.subscribe("output/objects_table", PointCloud2)
    inference = driver.subscribe("debug/processing_time/inference_ms", Float64)
    whole_ms, model_ms = [], []
    due_s = time.perf_counter()
    for _ in range(_WARM_UP + clouds):
        message = feed.next()
        tables.clear()
        inference.clear()
        driver.spin(due_s - time.perf_counter())
        due_s = max(due_s + 1 / RATE_HZ, time.perf_counter())
        start_s = time.perf_counter()
        driver.clouds.publish(message)
        driver.wait_for(lambda: tables, "objects")
        whole_ms.append((time.perf_counter() - start_s) * 1e3)
        driver.wait_for(lambda: inference, "the time of the model")
        model_ms.append(inference[-1].data)
    return Overhead(tuple(whole_ms[_WARM_UP:]), tuple(model_ms[_WARM_UP:]))


def _subscribe_to_all(running: Session) -> None:
    found = {"sensor_msgs": True, "nav_msgs": True, "visualization_msgs": True} | found_packages()
    for spec in OUTPUTS:
        if found[spec.package] and spec.name != "objects_table":
            running.driver.subscribe(f"output/{spec.name}", generated_class(spec.type_name))
