"""Runs the node until it is told to stop, and ends cleanly whatever it is doing then."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

import rclpy
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.signals import SignalHandlerOptions

from bevseg.allocator import keep_freed_memory
from bevseg_ros.model import LoadModel, load_model
from bevseg_ros.node import BevSegNode
from bevseg_ros.settings import ParameterError

DONE, NOT_STARTED, REFUSED = 0, 1, 2
_LOOK_EVERY_S = 0.1
"""How often it is looked whether the node is to end."""


def run(args: Sequence[str] | None = None, load_model: LoadModel = load_model) -> int:
    """Runs the node until SIGINT, SIGTERM or the end of ROS.

    rclpy's own handlers would end ROS first, under the feet of the cloud in work: here it is finished and published.

    Returns:
        The exit code: 0 done, 1 an automatic start failed, 2 a parameter was refused.
    """
    keep_freed_memory()  # the next cloud needs as large arrays as the one before
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    rclpy.init(args=None if args is None else list(args), signal_handler_options=SignalHandlerOptions.NO)
    try:
        return _run_node(ended, load_model)
    finally:
        rclpy.try_shutdown()


def _run_node(ended: threading.Event, load_model: LoadModel) -> int:
    try:
        node = BevSegNode(load_model=load_model)
    except (InvalidParameterTypeException, InvalidParameterValueException) as error:
        rclpy.logging.get_logger("bevseg").error(f"a parameter was refused: {error}")
        return REFUSED
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        if not _started(node):
            return NOT_STARTED
        while not ended.is_set() and rclpy.ok():
            executor.spin_once(timeout_sec=_LOOK_EVERY_S)
        return DONE
    finally:
        if node.state_label != "finalized":
            node.trigger_shutdown()
        node.get_logger().info(f"ended; clouds: {node.ledger.account().as_text()}")
        executor.shutdown(timeout_sec=1.0)
        node.destroy_node()


def _started(node: BevSegNode) -> bool:
    """Configures and activates the node where it is to start by itself; False where that fails."""
    try:
        autostart = node.settings.autostart
    except ParameterError as error:
        node.get_logger().error(f"the parameters contradict each other: {error}")
        autostart = bool(node.get_parameter("autostart").value)
    if not autostart:
        return True
    success = TransitionCallbackReturn.SUCCESS
    return bool(node.trigger_configure() == success and node.trigger_activate() == success)


def main() -> None:
    sys.exit(run())
