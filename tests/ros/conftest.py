"""A live node: a process of its own, driven through real DDS on the loopback interface, and clouds to feed it with."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from bevseg.messages.fields import HeaderFields, PointCloud2Fields, TimeFields
from bevseg.messages.fill import make_message
from bevseg.messages.point_records import cloud_of_records
from bevseg.pipeline import BevSegmenter
from bevseg.points.cloud import PointCloud
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.source import SimulatedSource
from bevseg_ros.accounting import Account
from bevseg_ros.loopback import NodeProcess, free_domain_id, loopback_environment
from bevseg_ros.parameters import SPECS
from bevseg_ros.policies import CONDITIONS, DROP_REASONS, REMARKS, Level

if TYPE_CHECKING:
    from bevseg_ros.driver import Driver

POINT = np.dtype(
    {
        "names": ["x", "y", "z", "intensity", "ring"],
        "formats": ["<f4", "<f4", "<f4", "<f4", "<u2"],
        "offsets": [0, 4, 8, 12, 16],
        "itemsize": 20,
    }
)

FAST = {"diagnostics_period_s": 0.1, "threads": 1, "warm_up_scans": 1}
"""Parameters of every node under test: quick reports, and arithmetic that does not depend on the number of cores."""


@dataclass
class Scans:
    """Simulated scans as messages, each with a later stamp than the one before."""

    clouds: list[PointCloud]
    _stamp_ns: int = 1_700_000_000_000_000_000

    def next_stamp_ns(self, step_s: float = 0.1) -> int:
        self._stamp_ns += round(step_s * 1e9)
        return self._stamp_ns

    def fields(self, index: int = 0, *, frame: str = "lidar", stamp_ns: int | None = None) -> PointCloud2Fields:
        cloud = self.clouds[index % len(self.clouds)]
        records = np.zeros(len(cloud), POINT)
        for column, axis in enumerate("xyz"):
            records[axis] = cloud.xyz[:, column]
        assert cloud.intensity is not None
        assert cloud.ring is not None
        records["intensity"], records["ring"] = cloud.intensity * 255, cloud.ring
        stamp_ns = self.next_stamp_ns() if stamp_ns is None else stamp_ns
        return cloud_of_records(records, HeaderFields(TimeFields.from_ns(stamp_ns), frame), is_dense=True)

    def message(self, index: int = 0, *, frame: str = "lidar", stamp_ns: int | None = None) -> Any:
        return make_message(self.fields(index, frame=frame, stamp_ns=stamp_ns))


@pytest.fixture(scope="session")
def simulated_clouds() -> list[PointCloud]:
    source = SimulatedSource(
        SimulationConfig(seed=7, frames=2, sensors=("hdl-32e",), density=(0.6, 0.6), occlusion=False)
    )
    return [source[index].cloud for index in range(2)]


@pytest.fixture(scope="session")
def scans(simulated_clouds: list[PointCloud]) -> Scans:
    return Scans(simulated_clouds)


@pytest.fixture(scope="session")
def direct() -> Iterator[BevSegmenter]:
    """The pipeline in this process, computing as the node's does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield BevSegmenter.from_checkpoint("bevseg-s")
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def domain_id() -> Iterator[int]:
    """A domain on the loopback interface, for this process and those that it starts."""
    domain = free_domain_id()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in loopback_environment(domain).items():
            patch.setenv(name, value)
        with warnings.catch_warnings():  # a parser that ROS brings along warns of itself
            warnings.simplefilter("ignore")
            importlib.import_module("rosidl_generator_py")
        yield domain


StartNode = Callable[..., NodeProcess]


@pytest.fixture(scope="session")
def start_node(domain_id: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartNode]:
    """Starts nodes; those that still run at the end are ended."""
    started: list[NodeProcess] = []

    def start(**options: Any) -> NodeProcess:
        options["parameters"] = FAST | options.get("parameters", {})
        node = NodeProcess.start(tmp_path_factory.mktemp("node") / "log", **options)
        started.append(node)
        return node

    yield start
    for node in started:
        if node.process.poll() is None:
            node.end()
        print(node.log)


@dataclass
class Live:
    """A node that runs, and the other side of its topics."""

    driver: Driver
    node: NodeProcess
    scans: Scans
    _changed: dict[str, Any] = field(default_factory=dict)
    _before: Account | None = None
    _levels: dict[str, int] = field(default_factory=dict)

    def use(self, parameters: Mapping[str, Any]) -> None:
        """Makes the node active with these parameters, all others as at the start."""
        if self._changed == parameters and self.driver.state() == "active":
            return
        self.release()
        back = {name: (FAST | {name: SPECS[name].default})[name] for name in self._changed}
        values = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in (back | dict(parameters)).items()
        }
        refusals = [refusal for refusal in self.driver.set_parameters(values) if refusal]
        assert refusals == []
        self._changed = dict(parameters)
        assert self.driver.change_state("configure"), self.node.log[-3000:]
        assert self.driver.change_state("activate"), self.node.log[-3000:]
        self.driver.connect()

    def release(self) -> None:
        """Makes the node unconfigured."""
        state = self.driver.state()
        if state == "active":
            assert self.driver.change_state("deactivate")
            state = "inactive"
        if state == "inactive":
            assert self.driver.change_state("cleanup")

    def table(self) -> list[Any]:
        """Collects the objects from now on."""
        from sensor_msgs.msg import PointCloud2

        return self.driver.subscribe("output/objects_table", PointCloud2)

    def begin(self) -> None:
        """From here on `outcome` counts; the stream goes on after a scan that follows whatever came before."""
        self._before = self.driver.account()
        self._levels = self.driver.worst_levels()

    def outcome(self, received: int) -> Account:
        """What became of the clouds since `begin`, once so many have come; the level must be that of the policies."""
        assert self._before is not None
        account = self.driver.account(self._before.received + received)
        assert account.is_balanced
        outcome = account.since(self._before)
        assert self._levels["accounting"] == level_of(outcome)
        return outcome

    def feed(self, *messages: Any) -> Account:
        """Publishes messages one after the other, each once the one before is done."""
        self.begin()
        for count, message in enumerate(messages, start=1):
            self.driver.clouds.publish(message)
            outcome = self.outcome(count)
        return outcome


def level_of(outcome: Account) -> Level:
    """The level that the diagnostic `accounting` is to have for this."""
    policies = [DROP_REASONS[reason] for reason in outcome.dropped] + [REMARKS[name] for name in outcome.remarks]
    policies += [CONDITIONS["overload"]] if outcome.superseded else []
    return max((policy.level for policy in policies), default=Level.OK)


@pytest.fixture(scope="session")
def running(start_node: StartNode, domain_id: int, scans: Scans) -> Iterator[Live]:
    from bevseg_ros.driver import Driver

    node = start_node()
    with Driver(domain_id) as driver:
        yield Live(driver, node, scans)
    assert node.end() == 0
    assert node.last_account().is_balanced


@pytest.fixture
def live(running: Live) -> Iterator[Live]:
    """The node as it starts, active, with nobody subscribed."""
    running.use({})
    yield running
    running.driver.unsubscribe()
