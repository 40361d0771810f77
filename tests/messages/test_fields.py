"""Our fields are those of the message definitions, name by name and type by type."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from rosbags.typesys import get_types_from_msg

from bevseg.messages import fields as standard
from bevseg.messages import object_fields
from bevseg.messages.fields import Rows
from bevseg.results.classes import THING_CLASSES
from bevseg.results.track_labels import TrackState

_DEFINITIONS = Path(__file__).parents[2] / "ros_node" / "bevseg_msgs" / "msg"


def _classes() -> list[Any]:
    modules = (standard, object_fields)
    found = {c for module in modules for _, c in inspect.getmembers(module, inspect.isclass) if hasattr(c, "TYPE")}
    return sorted(found, key=lambda c: c.TYPE)


@pytest.mark.parametrize("fields_class", _classes(), ids=lambda c: c.TYPE)
def test_fields_are_those_of_the_definition(fields_class: Any, store: Any) -> None:
    _, defined = store.fielddefs[fields_class.TYPE]
    assert [field.name for field in fields(fields_class)] == [name for name, _ in defined]
    hints = get_type_hints(fields_class, include_extras=True)
    defaults: dict[str, Any] = {field.name: field.default_factory for field in fields(fields_class)}
    rows = {name: make_default().element for name, make_default in defaults.items() if hints[name] is Rows}
    for name, definition in defined:
        kind = f"{rows[name].TYPE}[]" if name in rows else _kind_of_hint(hints[name])
        assert kind == _kind_of_definition(definition), f"{fields_class.TYPE}.{name}"


def _kind_of_definition(definition: Any) -> str:
    """ "int", "str", a message's type, or either with [] behind."""
    node, about = definition
    match node.name:
        case "NAME":
            return str(about)
        case "BASE":
            base = about[0]
            return {"string": "str", "bool": "bool"}.get(base, "float" if base.startswith("float") else "int")
        case _:
            element, _ = about
            return (str(element[1][0]) if element[0].name == "BASE" else _kind_of_definition(element)) + "[]"


def _kind_of_hint(hint: Any) -> str:
    if hasattr(hint, "TYPE"):
        return str(hint.TYPE)
    if get_args(hint):
        return _kind_of_hint(get_args(hint)[0]) + "[]"
    if hasattr(hint, "dtypes"):
        (dtype,) = hint.dtypes
        return f"{dtype}[]"
    return str(hint.__name__)


def test_the_definitions_number_classes_and_states_as_we_do() -> None:
    text = (_DEFINITIONS / "Instance.msg").read_text(encoding="utf-8")
    constants = get_types_from_msg(text, "bevseg_msgs/msg/Instance")["bevseg_msgs/msg/Instance"][0]
    values = {name: value for name, _, value in constants}
    for kind in THING_CLASSES:
        assert values[f"CLASS_{kind.name}"] == kind
    for name, number in object_fields.FRACTION_SOURCE.items():
        assert values[f"FRACTION_{name.upper()}"] == number
    assert {f"STATE_{state.name}": int(state) for state in TrackState}.items() <= values.items()


def test_the_package_builds_every_definition() -> None:
    listed = (_DEFINITIONS.parent / "CMakeLists.txt").read_text(encoding="utf-8")
    for definition in _DEFINITIONS.glob("*.msg"):
        assert f'"msg/{definition.name}"' in listed


def test_stamps_are_split_at_the_second() -> None:
    stamp = standard.TimeFields.from_ns(1_700_000_000_250_000_001)
    assert (stamp.sec, stamp.nanosec) == (1_700_000_000, 250_000_001)


def test_rows_count_their_repeats() -> None:
    assert len(standard.no_rows(standard.ColorFields)) == 0
    assert standard.no_rows(standard.ColorFields).values.shape == (0, 4)
