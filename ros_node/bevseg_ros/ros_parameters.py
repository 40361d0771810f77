"""Declares the node's parameters in rclpy and reads them back."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any, cast

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter

from bevseg_ros.parameters import PARAMETERS, ParameterSpec, Value


def declare_parameters(node: Node) -> None:
    """Declares `PARAMETERS` with their ranges and descriptions.

    Raises:
        rclpy.exceptions.InvalidParameterValueException: A value that the node was started with is out of range.
        rclpy.exceptions.InvalidParameterTypeException: The same, of another type.
    """
    node.declare_parameters(
        "",
        [
            (spec.name, list(spec.default) if isinstance(spec.default, tuple) else spec.default, _descriptor(spec))
            for spec in PARAMETERS
        ],
    )


def values_with(node: Node, changes: Sequence[Parameter] = ()) -> dict[str, Value]:
    """The values of all parameters, those in `changes` as they are to be."""
    values = {spec.name: _plain(node.get_parameter(spec.name).value) for spec in PARAMETERS}
    values.update({change.name: _plain(change.value) for change in changes if change.name in values})
    return values


def _plain(value: Any) -> Value:
    """Lists as tuples, whichever kind rclpy keeps them in."""
    return tuple(value) if isinstance(value, list | tuple | array) else cast(Value, value)


def _descriptor(spec: ParameterSpec) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(description=spec.description)
    if spec.choices:
        descriptor.additional_constraints = "one of: " + ", ".join(spec.choices)
    if spec.low is None or spec.high is None:
        return descriptor
    if isinstance(spec.default, int):
        descriptor.integer_range = [IntegerRange(from_value=int(spec.low), to_value=int(spec.high), step=0)]
    else:
        descriptor.floating_point_range = [FloatingPointRange(from_value=float(spec.low), to_value=float(spec.high))]
    return descriptor
