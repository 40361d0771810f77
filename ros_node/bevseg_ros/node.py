"""The lifecycle node: topics, transitions and diagnostics around `Processor`, which does the work.

The executor's thread only takes clouds in and answers services; a thread of its own works on the newest cloud.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter

from bevseg.messages.fill import make_message
from bevseg.messages.maps import grid_metadata
from bevseg_ros.accounting import Ledger
from bevseg_ros.cloud_input import CloudInput
from bevseg_ros.jobs import Job
from bevseg_ros.model import LoadModel, Model, load_model
from bevseg_ros.outputs import found_packages
from bevseg_ros.parameters import refusal_of_change
from bevseg_ros.processing import Processor, Tools
from bevseg_ros.reporting import Reporter, Watched
from bevseg_ros.ros_parameters import declare_parameters, values_with
from bevseg_ros.ros_topics import Topics
from bevseg_ros.ros_transforms import find_places
from bevseg_ros.settings import ContradictionError, ParameterError, Settings, settings_from
from bevseg_ros.worker import NewestWorker

NODE_NAME = "bevseg"
STOP_TIMEOUT_S = 10.0
"""How long the cloud in work is waited for when the node stops."""
DELIVERY_TIMEOUT_S = 1.0
"""How long its results are then waited for to be taken by all who are subscribed."""

Transition = Callable[[LifecycleState], TransitionCallbackReturn]


class ConfigureError(RuntimeError):
    """The node cannot be configured as it is."""


class BevSegNode(LifecycleNode):
    """See the README of this package for topics, parameters and policies."""

    def __init__(self, *, load_model: LoadModel = load_model, **options: Any) -> None:
        """`options` go to rclpy's node (parameter_overrides, namespace, context)."""
        super().__init__(NODE_NAME, **options)
        declare_parameters(self)
        self.ledger = Ledger()
        self._load_model = load_model
        self._model: Model | None = None
        self._settings: Settings | None = None
        self._topics: Topics | None = None
        self._input: CloudInput | None = None
        self._processor: Processor | None = None
        self._worker: NewestWorker[Job] | None = None
        self._release_places: Callable[[], None] = lambda: None
        self._reporter = Reporter(self, self.ledger, lambda: self.state_label)
        self.add_on_set_parameters_callback(self._judge_parameters)
        self._answer_wrong_transitions()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Loads the model and makes the topics; where that fails, says why and stays unconfigured."""
        try:
            self._configure()
        except (ParameterError, ConfigureError, ValueError, OSError, RuntimeError, ImportError) as error:
            self._release()
            self._reporter.model_error = f"configure failed: {error}"
            self.get_logger().error(self._reporter.model_error)
            return TransitionCallbackReturn.FAILURE
        except Exception as error:
            return self._error("configure", error)
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Starts to take clouds."""
        try:
            super().on_activate(state)
            self._start()
        except Exception as error:
            return self._error("activate", error)
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Takes no more clouds, and lets the one in work be published."""
        try:
            self._stop()
            return super().on_deactivate(state)
        except Exception as error:
            return self._error("deactivate", error)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Gives the model and the topics back."""
        try:
            self._release()
        except Exception as error:
            return self._error("cleanup", error)
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """The same from any state, for good."""
        try:
            self._stop()
            self._release()
        except Exception as error:
            return self._error("shutdown", error)
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Recovers: everything is given back, and the node can be configured again."""
        self._stop()
        self._release()
        self.get_logger().error("recovered: the node is unconfigured, and can be configured again")
        return TransitionCallbackReturn.SUCCESS

    @property
    def settings(self) -> Settings:
        """The parameters as they are.

        Raises:
            ParameterError: They contradict each other.
        """
        return settings_from(values_with(self))

    @property
    def state_label(self) -> str:
        """The lifecycle's state."""
        label: str = self._state_machine.current_state[1]
        return label

    def _configure(self) -> None:
        self._settings = settings = self.settings
        self._reporter.model_error = ""
        self.get_logger().info(
            "optional packages: "
            + ", ".join(f"{name} {'found' if there else 'not found'}" for name, there in found_packages().items())
        )
        self._model = self._load_model(settings)
        same_name = self._reporter.nodes_of_this_name()
        if same_name > 1:
            raise ConfigureError(
                f"{same_name} nodes are called {self.get_fully_qualified_name()}: end the other, or start this one "
                "with `--ros-args -r __node:=another_name`"
            )
        places = find_places(self, settings)
        self._release_places = places.release
        self._topics = Topics(self)
        self._input = CloudInput(self, settings, self.ledger, places.forget)
        tools = Tools(
            ledger=self.ledger,
            outputs=self._topics.outputs,
            transforms=places.transforms,
            motion=places.motion,
            load_model=self._load_model,
            report_times=self._topics.publish_times,
            now_ns=lambda: int(self.get_clock().now().nanoseconds),
            log=self.get_logger(),
            following=places.following,
            topics=self._input.topics,
        )
        self._processor = Processor(settings, self._model, tools)
        self._reporter.watch(
            settings, Watched(self._processor, self._input, self._topics, places), self._model.description
        )
        self.get_logger().info(f"configured: {self._model.description}")

    def _start(self) -> None:
        topics, cloud_input, processor, model = self._topics, self._input, self._processor, self._model
        if topics is None or cloud_input is None or processor is None or model is None:
            raise ConfigureError("activated without having been configured")
        processor.begin()
        topics.outputs.enabled = True
        topics.publish_grid(make_message(grid_metadata(model.grid)))
        self._worker = NewestWorker(processor.work, name="bevseg")
        cloud_input.start(self._worker)

    def _stop(self) -> None:
        """Ends the work on clouds; does nothing where there is none."""
        if self._input is not None:
            self._input.stop()
        if self._worker is None:
            return
        waiting, ended = self._worker.stop(STOP_TIMEOUT_S)
        if waiting is not None:
            self.ledger.close(waiting.entry, "deactivated")
        if self._topics is not None:
            self._topics.outputs.enabled = False
            if not self._topics.wait_until_taken(DELIVERY_TIMEOUT_S):
                self.get_logger().warning(f"a subscriber did not take the last results within {DELIVERY_TIMEOUT_S:g} s")
        if not ended:
            self.get_logger().error(
                f"the cloud in work was not finished within {STOP_TIMEOUT_S:g} s; it will not be published"
            )
        self._worker = None

    def _release(self) -> None:
        """Gives back what configure made; does nothing where there is nothing."""
        self._release_places()
        self._release_places = lambda: None
        if self._topics is not None:
            self._topics.destroy()
        self._reporter.watch_nothing()
        self._model = self._topics = self._input = self._processor = self._settings = None

    def _error(self, transition: str, error: Exception) -> TransitionCallbackReturn:
        self._reporter.model_error = f"{transition} failed with a defect: {type(error).__name__}: {error}"
        self.get_logger().error(f"{self._reporter.model_error}\n{traceback.format_exc()}")
        return TransitionCallbackReturn.ERROR

    def _judge_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        """Refuses, with the reason, what contradicts itself or cannot change while the node is configured."""
        configured = self._processor is not None
        refusals = [refusal_of_change(change.name, configured=configured) for change in changes]
        if any(refusals):
            return SetParametersResult(successful=False, reason="; ".join(filter(None, refusals)))
        try:
            settings = settings_from(values_with(self, changes))
        except ParameterError as error:
            # Two values that fit each other may be set one after the other: at configure they must fit.
            waits = len(changes) == 1 and not configured and isinstance(error, ContradictionError)
            return SetParametersResult(successful=waits, reason=str(error))
        if self._processor is not None:
            self._processor.take_settings(settings)
            self._reporter.take_settings(settings)
            if self._input is not None:
                self._input.take_settings(settings)
        return SetParametersResult(successful=True)

    def _answer_wrong_transitions(self) -> None:
        """Makes a transition that does not fit the state an answer "no": in rclpy 7.1 it ends the executor."""
        service = self._service_change_state
        change_state = service.callback

        def answer(request: Any, response: Any) -> Any:
            start_s = time.monotonic()
            try:
                response = change_state(request, response)
            except Exception as error:
                self.get_logger().error(
                    f"transition {request.transition.id} is not possible from '{self.state_label}': {error}"
                )
                response.success = False
            self.get_logger().info(f"now {self.state_label}, after {time.monotonic() - start_s:.2f} s")
            return response

        service.callback = answer
