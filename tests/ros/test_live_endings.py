"""A node that is ended while it works, whose model fails, that must not start, and two of one name."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bevseg_ros.policies import MODEL_ERRORS_BEFORE_RELOAD

if TYPE_CHECKING:
    from bevseg_ros.driver import Driver
    from bevseg_ros.loopback import NodeProcess

pytestmark = pytest.mark.ros

FAULTS = Path(__file__).parent / "node_with_faults.py"
FINE, FAILS, SLOW = 0, 1, 2


@contextmanager
def faulty_node(start_node: Any, domain_id: int, trap: Path, name: str) -> Iterator[tuple[NodeProcess, Driver]]:
    """A node whose model does what the stamps say, and its driver."""
    from bevseg_ros.driver import Driver

    node = start_node(command=(str(FAULTS), str(trap)), name=name, parameters={"stall_timeout_s": 600.0})
    with Driver(domain_id, name) as driver:
        yield node, driver


def started(driver: Driver) -> list[Any]:
    from sensor_msgs.msg import PointCloud2

    assert driver.change_state("configure")
    assert driver.change_state("activate")
    driver.connect()
    return driver.subscribe("output/objects_table", PointCloud2)


class Stamps:
    """Stamps that rise, each with the fault that is asked for."""

    def __init__(self) -> None:
        self._tens = 170_000_000

    def of(self, fault: int) -> int:
        self._tens += 1
        return (self._tens * 10 + fault) * 1_000_000_000


def test_errors_of_the_model_and_an_error_at_configure(
    start_node: Any, domain_id: int, scans: Any, tmp_path: Path
) -> None:
    trap, stamps = tmp_path / "trap", Stamps()
    trap.touch()
    with faulty_node(start_node, domain_id, trap, "failing") as (node, driver):
        assert not driver.change_state("configure")
        node.wait_for_log("recovered: the node is unconfigured", 10)
        assert "a defect of the test" in driver.diagnostics("model", after=2)[1]
        assert driver.state() == "unconfigured"
        tables = started(driver)
        for count in range(1, MODEL_ERRORS_BEFORE_RELOAD + 1):
            driver.clouds.publish(scans.message(stamp_ns=stamps.of(FAILS)))
            account = driver.account(count)
            assert dict(account.dropped) == {"model_error": count}
            level, message, values = driver.last("model")
            assert (level, values["errors_in_a_row"]) == (2, str(count))
            assert "FloatingPointError: a fault of the test" in message
        assert driver.last("model")[2]["reloads"] == "1"
        driver.clouds.publish(scans.message(stamp_ns=stamps.of(FINE)))
        assert driver.account(MODEL_ERRORS_BEFORE_RELOAD + 1).published == 1
        driver.wait_for(lambda: tables, "objects after the errors")
        level, _, values = driver.diagnostics("model", after=2)
        assert (level, values["errors_in_a_row"], values["lifecycle_state"]) == (0, "0", "active")
        assert node.end() == 0
    assert node.last_account().is_balanced


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_in_the_middle_of_a_cloud(
    start_node: Any, domain_id: int, scans: Any, tmp_path: Path, number: signal.Signals
) -> None:
    stamps = Stamps()
    with faulty_node(start_node, domain_id, tmp_path / "trap", f"ended_by_{number.name.lower()}") as (node, driver):
        tables = started(driver)
        driver.clouds.publish(scans.message(stamp_ns=stamps.of(SLOW)))
        node.wait_for_log("slow cloud begun", 20)
        driver.clouds.publish(scans.message(stamp_ns=stamps.of(FINE)))
        driver.account_pending(2)
        node.process.send_signal(number)
        (tmp_path / "gate").touch()
        driver.wait_for(lambda: tables, "the cloud that was in work")
        assert node.wait(20) == 0
    account = node.last_account()
    assert account.is_balanced
    assert (account.received, account.published, account.pending) == (2, 1, 0)
    assert dict(account.dropped) == {"deactivated": 1}
    assert "Traceback" not in node.log


def test_two_nodes_of_one_name(start_node: Any, domain_id: int) -> None:
    from bevseg_ros.driver import Driver

    with Driver(domain_id, "twin") as driver:
        first = start_node(name="twin", parameters={"autostart": True})
        first.wait_for_log("configured: ", 60)
        second = start_node(name="twin", parameters={"autostart": True})
        driver.wait_for(lambda: driver.diagnostics("process")[0] == 2, "the report of the node that runs", 60)
        assert "2 nodes have this name" in driver.last("process")[1] or second.process.poll() is not None
        # It refuses to start if it has discovered the other by then; else it runs and reports the same error.
        driver.wait_for(
            lambda: second.process.poll() is not None or "configured: " in second.log, "a start or its end", 60
        )
        if "configured: " in second.log:
            second.wait_for_log("2 nodes are called /twin", 60)
            assert second.end() == 0
        else:
            assert second.wait(60) == 1
            assert "2 nodes are called /twin: end the other" in second.log
        driver.wait_for(lambda: driver.diagnostics("process")[0] == 0, "the name to be free again", 60)
        assert first.process.poll() is None
        assert first.end() == 0


@pytest.mark.parametrize(
    ("parameters", "code", "reason"),
    [
        ({"autostart": True, "checkpoint": "no_such_model"}, 1, "no checkpoint called 'no_such_model'"),
        ({"autostart": True, "base_frame": "base_link"}, 1, "mount.frame must name the frame"),
        ({"max_points": 0}, 2, "max_points"),
        ({"checkpoint": 7}, 2, "checkpoint"),
    ],
)
def test_a_node_that_cannot_start_by_itself_says_why_and_ends(
    start_node: Any, parameters: dict[str, Any], code: int, reason: str
) -> None:
    node = start_node(name="hopeless", parameters=parameters)
    assert node.wait(60) == code
    assert reason in node.log
