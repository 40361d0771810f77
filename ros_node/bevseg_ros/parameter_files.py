"""The parameter file, its JSON schema and the README's table: `python -m bevseg_ros.parameter_files FOLDER`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from bevseg_ros.parameters import PARAMETERS, ParameterSpec

SCHEMA_FILE, PARAMETER_FILE = Path("schema/bevseg.schema.json"), Path("params/bevseg.param.yaml")
README_FILE = Path("README.md")

_TABLE_HEAD = "| name | default | range | live | meaning |\n|---|---|---|---|---|\n"


def schema_text() -> str:
    """The schema of the parameter file, in the shape that Autoware's packages have it."""
    definition = _empty_object()
    for spec in PARAMETERS:
        *groups, name = spec.name.split(".")
        node = definition
        for group in groups:
            node = _member(node, group)
        node["properties"][name] = _property(spec)
        node["required"].append(name)
    document = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Parameters of the bevseg node",
        "type": "object",
        "definitions": {"bevseg": definition},
        "properties": {
            "/**": {
                "type": "object",
                "properties": {"ros__parameters": {"$ref": "#/definitions/bevseg"}},
                "required": ["ros__parameters"],
                "additionalProperties": False,
            }
        },
        "required": ["/**"],
        "additionalProperties": False,
    }
    return json.dumps(document, indent=2) + "\n"


def parameters_text() -> str:
    """The parameter file with all defaults, each under its description."""
    lines = ["# Written by `python -m bevseg_ros.parameter_files`; the schema beside it has types and ranges.", "/**:"]
    lines.append("  ros__parameters:")
    open_group = ""
    for spec in PARAMETERS:
        group, _, name = spec.name.rpartition(".")
        if group and group != open_group:
            lines.append(f"    {group}:")
        open_group = group
        indent = "      " if group else "    "
        lines += [f"{indent}# {spec.description}", f"{indent}{name}: {_yaml(spec)}"]
    return "\n".join(lines) + "\n"


def readme_table() -> str:
    """All parameters as a table in Markdown."""
    rows = [
        f"| `{spec.name}` | {_in_words(spec)} | {_range(spec)} | {'yes' if spec.live else ''} | {spec.description} |\n"
        for spec in PARAMETERS
    ]
    return _TABLE_HEAD + "".join(rows)


def with_table(readme: str) -> str:
    """The README with the table in the place of the one that it has.

    Raises:
        ValueError: It has none, or several.
    """
    pattern = re.escape(_TABLE_HEAD) + r"(?:\|.*\n)*"
    written, count = re.subn(pattern, lambda _: readme_table(), readme)
    if count != 1:
        raise ValueError(f"expected one table of parameters in the README, below {_TABLE_HEAD!r}; got {count}")
    return written


def main(folder: Path) -> None:
    """Writes both files below a folder, and the table in its README."""
    readme = with_table((folder / README_FILE).read_text(encoding="utf-8"))
    for name, text in ((SCHEMA_FILE, schema_text()), (PARAMETER_FILE, parameters_text()), (README_FILE, readme)):
        (folder / name).write_text(text, encoding="utf-8")


def _in_words(spec: ParameterSpec) -> str:
    """The default as the parameter file has it; texts and lists that say nothing by a word."""
    if spec.default == "":
        return "empty"
    if spec.choices and spec.default == spec.choices:
        return "all"
    return _yaml(spec).strip("[]")


def _range(spec: ParameterSpec) -> str:
    if spec.low is not None and spec.high is not None:
        return f"{spec.low:g} to {spec.high:g}"
    return ", ".join(spec.choices)


def _yaml(spec: ParameterSpec) -> str:
    default = list(spec.default) if isinstance(spec.default, tuple) else spec.default
    text: str = yaml.safe_dump(default, default_flow_style=True, width=1000)
    return text.removesuffix("...\n").strip()


def _property(spec: ParameterSpec) -> dict[str, Any]:
    default = list(spec.default) if isinstance(spec.default, tuple) else spec.default
    described: dict[str, Any] = {"description": spec.description, "default": default}
    if isinstance(default, list):
        items: dict[str, Any] = {"type": _type(default[0])}
        if spec.choices:
            items["enum"] = list(spec.choices)
        return {"type": "array", "items": items, **described}
    limits = {"minimum": spec.low, "maximum": spec.high, "enum": list(spec.choices) or None}
    return {"type": _type(default), **described, **{name: limit for name, limit in limits.items() if limit is not None}}


def _type(value: object) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case _:
            return "string"


def _empty_object() -> dict[str, Any]:
    return {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def _member(node: dict[str, Any], name: str) -> dict[str, Any]:
    if name not in node["properties"]:
        node["properties"][name] = _empty_object()
        node["required"].append(name)
    member: dict[str, Any] = node["properties"][name]
    return member


if __name__ == "__main__":
    main(Path(sys.argv[1]))
