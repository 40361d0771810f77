"""The README's tables say what the code has, all of it and nothing else."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from bevseg.messages.outputs import OUTPUTS
from bevseg_ros import diagnostics, lidar_diagnostics
from bevseg_ros.parameter_files import readme_table
from bevseg_ros.parameters import REFERENCE_TOPIC
from bevseg_ros.policies import CONDITIONS, DROP_REASONS, REMARKS, Level
from bevseg_ros.timing import DEBUG_TOPICS

PACKAGE = Path(__file__).parents[2] / "ros_node"
README = (PACKAGE / "README.md").read_text(encoding="utf-8")


def table_below(heading: str) -> list[list[str]]:
    """The cells of each row of the first table below a heading, without its head."""
    lines = README.partition(f"\n{heading}\n")[2].splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("|"))
    end = next((k for k, line in enumerate(lines[start:], start) if not line.startswith("|")), len(lines))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start + 2 : end]]


def code_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_policies_with_their_levels_and_words() -> None:
    expected = [
        [f"`{name}`", Level(policy.level).name, policy.action]
        for policies in (DROP_REASONS, REMARKS, CONDITIONS)
        for name, policy in policies.items()
    ]
    assert table_below("## Policies") == expected


def test_parameters_with_defaults_ranges_and_words() -> None:
    told = README.partition("\n## Parameters\n")[2].partition("\n## ")[0]
    assert readme_table() in told, "run `python -m bevseg_ros.parameter_files ros_node`"


def test_outputs_with_their_types() -> None:
    rows = table_below("### Output")
    told = {topic: code_in(kind)[0] if code_in(kind) else "" for topics, kind, _ in rows for topic in code_in(topics)}
    expected = {f"~/output/{spec.name}": spec.type_name.replace("/msg/", "/") for spec in OUTPUTS}
    expected |= {f"~/debug/{name}": "std_msgs/Float64" for name in DEBUG_TOPICS}
    expected |= {"~/output/grid": "nav_msgs/MapMetaData", "/diagnostics": "diagnostic_msgs/DiagnosticArray"}
    assert told == expected
    kinds = {topics: kind for topics, kind, _ in rows}
    assert "transient local" in kinds["`~/output/grid`"]
    assert ("mono16" in kinds["`~/output/instance_map`"], "mono8" in kinds["`~/output/class_map`"]) == (True, True)


def created_in(call: str) -> dict[str, str]:
    """Topic and class of every `create_subscription` (or the like) in the sources, where both can be read off them."""
    found = {}
    for file in (PACKAGE / "bevseg_ros").glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == call):
                continue
            kind, topic = node.args[:2]
            if isinstance(topic, ast.Name) and isinstance(kind, ast.Name) and topic.id in names:
                found[str(names[topic.id])] = kind.id
    return found


def test_inputs_with_their_types() -> None:
    rows = [row for row in table_below("### Input") if row[0].startswith("`~/")]
    told = {code_in(topics)[0]: code_in(kind)[0].partition("/")[2] for topics, kind, _ in rows}
    assert told.pop(REFERENCE_TOPIC) == "PointCloud2"  # its topic is an argument, as those of further LiDARs are
    assert told == created_in("create_subscription")
    assert len(told) >= 2


def test_names_of_diagnostics() -> None:
    (described,) = (text for topic, _, text in table_below("### Output") if topic == "`/diagnostics`")
    made = [
        node.args[0].value
        for module in (diagnostics, lidar_diagnostics)
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Status"
        if isinstance(node.args[0], ast.Constant)
    ]
    assert set(code_in(described)) == set(made)


@pytest.mark.parametrize("name", sorted({*DROP_REASONS, *REMARKS, *CONDITIONS}))
def test_a_policy_says_what_becomes_of_the_cloud(name: str) -> None:
    first = {**DROP_REASONS, **REMARKS, **CONDITIONS}[name].action.partition(" ")[0]
    assert (first.startswith("Dropped")) == (name in DROP_REASONS)
