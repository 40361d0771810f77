"""Drives a node from outside, as a vehicle's stack does: lifecycle, parameters, clouds in, results out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import PointCloud2

from bevseg_ros.accounting import Account
from bevseg_ros.transforms import stamp_text

TRANSITIONS = {
    "configure": Transition.TRANSITION_CONFIGURE,
    "activate": Transition.TRANSITION_ACTIVATE,
    "deactivate": Transition.TRANSITION_DEACTIVATE,
    "cleanup": Transition.TRANSITION_CLEANUP,
}

_COUNTERS = ("received", "published", "superseded", "unsubscribed", "pending")
_BY_NAME = ("dropped.", "remark.")

Found = TypeVar("Found")


class Driver:
    """The other side of a node's topics and services. Every wait has an end."""

    def __init__(self, domain_id: int, node: str = "bevseg") -> None:
        """Looks at the node of that name in a domain; it need not be there yet."""
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain_id)
        self.node = rclpy.create_node(f"driver_of_{node}", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._name = node
        self._messages: dict[str, list[Any]] = {}
        self._subscriptions: dict[str, Any] = {}
        self._diagnostics: dict[str, tuple[int, str, dict[str, str]]] = {}
        self._worst: dict[str, int] = {}
        self._change = self.node.create_client(ChangeState, f"/{node}/change_state")
        self._parameters = self.node.create_client(SetParameters, f"/{node}/set_parameters")
        self._state = self.node.create_client(GetState, f"/{node}/get_state")  # the last: see `_meet`
        self._has_met = False
        qos = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=10, reliability=ReliabilityPolicy.RELIABLE)
        self.clouds = self.node.create_publisher(PointCloud2, f"/{node}/input/pointcloud", qos)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._note, 10)

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._executor.shutdown(timeout_sec=1.0)
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def wait_for(self, look: Callable[[], Found | None], what: str, timeout_s: float = 30.0) -> Found:
        """Spins until `look` finds something.

        Raises:
            TimeoutError: It did not.
        """
        end_s = time.monotonic() + timeout_s
        while True:
            found = look()
            if found:
                return found
            if time.monotonic() > end_s:
                raise TimeoutError(f"waited {timeout_s:g} s for {what}")
            self._executor.spin_once(timeout_sec=0.02)

    def spin(self, duration_s: float) -> None:
        """Takes in what comes, for a while."""
        end_s = time.monotonic() + duration_s
        while time.monotonic() < end_s:
            self._executor.spin_once(timeout_sec=max(0.0, min(0.02, end_s - time.monotonic())))

    def change_state(self, transition: str, timeout_s: float = 60.0) -> bool:
        """Asks for a transition by name; False where the node refuses it or fails."""
        request = ChangeState.Request()
        request.transition.id = TRANSITIONS[transition]
        return bool(self._call(self._change, request, transition, timeout_s).success)

    def state(self) -> str:
        """The lifecycle's state."""
        return str(self._call(self._state, GetState.Request(), "the state", 15.0).current_state.label)

    def set_parameters(self, values: Mapping[str, Any]) -> list[str]:
        """Sets parameters one by one.

        Returns:
            For each the reason why it was refused, empty where it was taken.
        """
        request = SetParameters.Request()
        request.parameters = [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
        results = self._call(self._parameters, request, "parameters", 15.0).results
        return ["" if result.successful else result.reason or "no reason" for result in results]

    def subscribe(self, topic: str, message_class: type, *, latched: bool = False) -> list[Any]:
        """Collects the messages of a topic below the node's name from now on, in the list that is returned."""
        messages = self._messages.setdefault(topic, [])
        messages.clear()
        if topic not in self._subscriptions:
            before = self._subscribers()[topic]
            qos = QoSProfile(
                history=HistoryPolicy.KEEP_LAST,
                depth=10,
                reliability=ReliabilityPolicy.RELIABLE,
                durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
            )
            name = f"/{self._name}/{topic}"
            self._subscriptions[topic] = self.node.create_subscription(message_class, name, messages.append, qos)
            self.wait_for(lambda: self._subscribers()[topic] > before, f"the node to see a subscriber of {name}")
        return messages

    def unsubscribe(self) -> None:
        """From all results."""
        before = Counter({topic: count for topic, count in self._subscribers().items() if topic in self._subscriptions})
        for subscription in self._subscriptions.values():
            self.node.destroy_subscription(subscription)
        self._subscriptions.clear()
        left = before - Counter(before.keys())
        self.wait_for(lambda: (self._subscribers() & before) <= left, "the node to see that nobody listens any more")

    def connect(self) -> None:
        """Waits until the node hears clouds, and sees all that this side is subscribed to."""
        self.wait_for(self.clouds.get_subscription_count, "the node to subscribe to clouds")
        self.wait_for(
            lambda: self._subscribers() >= Counter(self._subscriptions.keys()), "the node to see all listeners"
        )

    def diagnostics(self, status: str, after: int = 1) -> tuple[int, str, dict[str, str]]:
        """Level, message and values of a status of the node, from the report after next or so (`after` of them)."""
        for _ in range(after):
            self._diagnostics.clear()
            self.wait_for(lambda: self._diagnostics, "diagnostics")
        return self.last(status)

    def last(self, status: str) -> tuple[int, str, dict[str, str]]:
        """Level, message and values of a status, from the report that came last.

        Raises:
            KeyError: It was not in it.
        """
        found = self._diagnostics.get(status)
        if found is None:
            raise KeyError(f"no status '{status}' among {sorted(self._diagnostics)}")
        return found

    def worst_levels(self) -> dict[str, int]:
        """The highest level of each status in the reports that come from now on; it grows as they come."""
        self._worst = {}
        return self._worst

    def account(self, received: int | None = None, timeout_s: float = 30.0) -> Account:
        """The node's counters, once no cloud is pending and, where that is given, so many have been received."""

        def settled() -> Account | None:
            status = self._diagnostics.get("accounting")
            if status is None:
                return None
            account = account_of(status[2])
            is_there = account.pending == 0 and (received is None or account.received >= received)
            return account if is_there else None

        self._diagnostics.clear()
        return self.wait_for(settled, f"an account of {received} clouds", timeout_s)

    def account_pending(self, pending: int) -> None:
        """Waits until so many clouds are in the node's hands."""
        self.wait_for(lambda: int(self.diagnostics("accounting")[2]["pending"]) == pending, f"{pending} clouds pending")

    def wait_for_stamp(self, status: str, stamp_ns: int) -> None:
        """Waits until the newest pose or transform that the node knows has this stamp."""
        wanted = stamp_text(stamp_ns)
        self.wait_for(
            lambda: self.diagnostics(status)[2]["newest_stamp_s"] == wanted, f"the node to take {status} of {wanted}"
        )

    def _subscribers(self) -> Counter[str]:
        """How many subscribers of its topics the node sees, by its next report; of none while it is not configured."""
        self._diagnostics.clear()
        self.wait_for(lambda: self._diagnostics, "diagnostics")
        _, _, values = self._diagnostics.get("outputs", (0, "", {}))
        return Counter({topic: int(count) for topic, count in values.items()})

    def _meet(self) -> None:
        """Asks for the state until an answer comes: a node that is seen may not see this side yet, and answers nobody.

        The client that asks was made last, so that the node sees the others, too.
        """
        end_s = time.monotonic() + 30.0
        while not self._has_met:
            self.wait_for(self._state.service_is_ready, "the node's services")
            future = self._state.call_async(GetState.Request())
            try:
                self.wait_for(future.done, "an answer of the node", 1.0)
                self._has_met = True
            except TimeoutError:
                self._state.remove_pending_request(future)
                if time.monotonic() > end_s:
                    raise

    def _call(self, client: Any, request: Any, what: str, timeout_s: float) -> Any:
        self._meet()
        self.wait_for(client.service_is_ready, f"the service for {what}")
        future = client.call_async(request)
        self.wait_for(future.done, f"an answer about {what}", timeout_s)
        return future.result()

    def _note(self, message: DiagnosticArray) -> None:
        prefix = f"/{self._name}: "
        for status in message.status:
            if status.name.startswith(prefix):
                values = {pair.key: pair.value for pair in status.values}
                name, level = status.name.removeprefix(prefix), status.level[0]
                self._diagnostics[name] = (level, status.message, values)
                self._worst[name] = max(level, self._worst.get(name, 0))


def account_of(values: Mapping[str, str]) -> Account:
    """The account in the values of the diagnostic of that name."""
    counts = {name: int(count) for name, count in values.items() if name in _COUNTERS or name.startswith(_BY_NAME)}
    return Account.parsed(" ".join(f"{name}={count}" for name, count in counts.items() if count or name in _COUNTERS))
