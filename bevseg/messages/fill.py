"""Puts fields into messages of any kind: rclpy's, those of rosbags, a DDS binding's.

Where a message can be made empty, as rclpy's can, its nested messages are filled in place; where its class wants all
fields at once, as those of rosbags and cyclonedds do, it is made with all of them. Bulk data go in by one copy: rclpy
takes an `array.array` as it is, but looks at every number of anything else (ros2/common_interfaces#177).
"""

from __future__ import annotations

import array
from collections.abc import Callable
from dataclasses import fields as fields_of
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from bevseg.messages.fields import Rows

ClassOf = Callable[[str], type]
"""From a type's full name, "sensor_msgs/msg/PointField", to the class of such messages."""


@cache
def generated_class(type_name: str) -> type:
    """The class that ROS generated for a message type, from the package of that name.

    Raises:
        ImportError: The package is not installed.
        AttributeError: It has no such message.
    """
    package, folder, name = type_name.split("/")
    found: type = getattr(import_module(f"{package}.{folder}"), name)
    return found


def fill(message: Any, fields: Any, class_of: ClassOf = generated_class) -> None:
    """Sets every field of a message, those of nested messages in place.

    Args:
        message: Has an attribute for each field, nested messages included.
        fields: One of the classes in `fields` and `object_fields`.
        class_of: Where the classes of the elements of sequences come from.
    """
    for name in _names(fields.__class__):
        value, current = getattr(fields, name), getattr(message, name)
        if hasattr(value, "TYPE"):
            fill(current, value, class_of)
        elif isinstance(value, np.ndarray) and isinstance(current, array.array):
            setattr(message, name, _as_array(value, current.typecode))
        else:
            setattr(message, name, _plain(value, class_of))


def make_message(fields: Any, class_of: ClassOf = generated_class) -> Any:
    """A new message of the type that `fields` names, filled; see `fill`."""
    message_class = class_of(fields.TYPE)
    if _starts_empty(message_class):
        message = message_class()
        fill(message, fields, class_of)
        return message
    values = {name: _plain(getattr(fields, name), class_of) for name in _names(fields.__class__)}
    if hasattr(message_class, "__idl__"):  # cyclonedds asks for the truth of a sequence, which NumPy's arrays refuse
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                values[name] = _as_array(value, value.dtype.char)
    return message_class(**values)


def _plain(value: Any, class_of: ClassOf) -> Any:
    """What a message holds for a field."""
    if isinstance(value, tuple):
        return [make_message(element, class_of) for element in value]
    if isinstance(value, Rows):
        return _messages_of_rows(value, class_of(value.element.TYPE))
    return make_message(value, class_of) if hasattr(value, "TYPE") else value


def _messages_of_rows(rows: Rows, message_class: type) -> list[Any]:
    """A message for each row; where a row is repeated, its message stands in the list as often."""
    names = _names(rows.element)  # type: ignore[arg-type]  # a class is hashable
    if names == ("x", "y", "z"):  # the common case, half as fast by a dictionary for each
        made = [message_class(x=x, y=y, z=z) for x, y, z in rows.values.tolist()]
    else:
        made = [message_class(**dict(zip(names, row, strict=True))) for row in rows.values.tolist()]
    if rows.repeats is None:
        return made
    return [message for message, count in zip(made, rows.repeats.tolist(), strict=True) for _ in range(count)]


def _as_array(values: np.ndarray, typecode: str) -> array.array[Any]:
    """The same numbers as an array of the standard library."""
    made = array.array(typecode)
    if made.itemsize != values.itemsize:
        raise TypeError(f"the message holds numbers of type '{typecode}', the fields {values.dtype.name}")
    made.frombytes(np.ascontiguousarray(values).view(np.uint8))  # type: ignore[arg-type]
    return made


@cache
def _names(fields_class: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields_of(fields_class))


@cache
def _starts_empty(message_class: type) -> bool:
    """Whether messages of a class can be made without their fields."""
    try:
        message_class()
    except TypeError:
        return False
    return True
