"""A node and its driver for the time of a measurement."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bevseg_ros.driver import Driver
from bevseg_ros.loopback import NodeProcess, free_domain_id, loopback_environment


@dataclass
class Session:
    """An active node that hears its driver."""

    node: NodeProcess
    driver: Driver


@contextmanager
def session(parameters: Mapping[str, object]) -> Iterator[Session]:
    """Starts a node in a domain of its own on the loopback interface, and ends it.

    Raises:
        TimeoutError: It does not start, or does not end.
        RuntimeError: It refuses to be configured or activated.
    """
    domain_id = free_domain_id()
    os.environ.update(loopback_environment(domain_id))
    with tempfile.TemporaryDirectory() as folder, Driver(domain_id) as driver:
        node = NodeProcess.start(Path(folder) / "log", parameters=parameters)
        try:
            if not (driver.change_state("configure") and driver.change_state("activate")):
                raise RuntimeError(f"the node could not be started:\n{node.log}")
            driver.connect()
            yield Session(node, driver)
        finally:
            node.end()
