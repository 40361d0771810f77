"""Reads a YAML file into a frozen dataclass and writes it back; each mistake in the file is named by its place.

Configs are plain `@dataclass(frozen=True)` classes beside the code they configure. What makes them strict is here:
unknown keys are refused at every level, no value is converted (`"3"` is no number, `3.5` no integer), and the file is
read by the rules of YAML 1.2, where `1e-3` is a number while `on`, `no` and `1:30` are the text they look like.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

Config = TypeVar("Config")

_STRICT = ConfigDict(extra="forbid", strict=True, ser_json_inf_nan="constants")

_MESSAGES = {
    "missing": "is missing",
    "unexpected_keyword_argument": "is not a known key",
    "dataclass_type": "must be a mapping of keys to values",
}


class ConfigError(ValueError):
    """A config file does not say what its dataclass needs: which file, which key, what was expected, what came."""


def load_yaml_as(cls: type[Config], path: Path) -> Config:
    """Reads one complete YAML file into the dataclass `cls`.

    Raises:
        ConfigError: The file is no YAML, repeats a key, has a key or value that `cls` does not allow, or lacks one.
        OSError: The file cannot be read.
    """
    return parse_yaml_as(cls, path.read_text(encoding="utf-8"), origin=str(path))


def parse_yaml_as(cls: type[Config], text: str, *, origin: str) -> Config:
    """Reads YAML text into the dataclass `cls`; `origin` names the text in errors. Raises what `load_yaml_as` does."""
    try:
        data = yaml.load(text, Loader=_Yaml12Loader)
        as_json = json.dumps({"content": data})
    except (yaml.YAMLError, TypeError) as error:
        raise ConfigError(f"{origin} is not readable as YAML of text, numbers, lists and mappings: {error}") from error
    try:
        return _envelope(cls).model_validate_json(as_json).content  # type: ignore[attr-defined]
    except ValidationError as error:
        raise ConfigError(_describe(error, data, origin=origin)) from error


def dump_yaml(config: object) -> str:
    """The whole config as YAML text, defaults included, in the order of its fields; `parse_yaml_as` reads it back."""
    plain = _envelope(type(config))(content=config).model_dump(mode="json")["content"]
    return yaml.dump(plain, Dumper=_QuotingDumper, sort_keys=False)


def _envelope(cls: type[Any]) -> type[BaseModel]:
    """A strict model around `cls`: pydantic hands a model's settings down to the plain dataclasses inside it."""
    if not is_dataclass(cls):
        raise TypeError(f"a config must be a dataclass, got {cls.__name__}")
    return create_model("Envelope", __config__=_STRICT, content=(cls, ...))


def _describe(error: ValidationError, data: object, *, origin: str) -> str:
    lines: list[str] = []
    for mistake in error.errors(include_url=False):
        key = _dotted(mistake["loc"][1:], data) or "the file"
        value = mistake["input"]
        got = f", got {value!r}" if not isinstance(value, Mapping) else ""
        message = mistake["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
        lines.append(f"  {key}: {_MESSAGES.get(mistake['type']) or f'{message}{got}'}")
    return "\n".join([f"{origin} is not a valid config:", *dict.fromkeys(lines)])


def _dotted(location: Sequence[int | str], data: object) -> str:
    """Key path as the file has it: pydantic also names the classes of a union on the way, which are not in the file."""
    path, node = "", data
    for place, part in enumerate(location):
        if isinstance(node, list) and isinstance(part, int):
            path, node = f"{path}[{part}]", node[part] if part < len(node) else None
        elif isinstance(node, Mapping) and part in node:
            path, node = f"{path}.{part}", node[part]
        elif place == len(location) - 1:
            path = f"{path}.{part}"
    return path.removeprefix(".")


class _Yaml12Loader(yaml.SafeLoader):
    """Safe loader with the scalars of YAML 1.2's core schema; a key that stands twice in a mapping is an error."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - yaml's own name

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) < len(node.value):
            keys = [key.value for key, _ in node.value]
            repeated = sorted({str(key) for key in keys if keys.count(key) > 1})
            raise yaml.constructor.ConstructorError(None, None, f"{', '.join(repeated)} stands twice", node.start_mark)
        return mapping


class _QuotingDumper(yaml.SafeDumper):
    """Safe dumper that quotes text which either version of YAML would take for something else."""


_CORE_SCHEMA = {
    "tag:yaml.org,2002:null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "tag:yaml.org,2002:bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "tag:yaml.org,2002:int": (r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    "tag:yaml.org,2002:float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
}
for _tag, (_pattern, _first) in _CORE_SCHEMA.items():
    for _class in (_Yaml12Loader, _QuotingDumper):
        _class.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), _first)
