"""The files around the node say what the node does: topics, parameters, names. Their tools do not come from pip."""

from __future__ import annotations

import ast
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from bevseg.messages.outputs import OUTPUTS
from bevseg_ros.parameters import PARAMETERS
from bevseg_ros.timing import DEBUG_TOPICS

PACKAGE = Path(__file__).parents[2] / "ros_node"
PUBLISHED = {*(f"output/{spec.name}" for spec in OUTPUTS), "output/grid", *(f"debug/{name}" for name in DEBUG_TOPICS)}


@pytest.mark.parametrize("file", ["README.md", "sros2/policy.xml"])
def test_every_topic_is_told_of(file: str) -> None:
    text = (PACKAGE / file).read_text(encoding="utf-8")
    assert {topic for topic in PUBLISHED if f"~/{topic}" not in text} == set()
    assert "~/input/pointcloud" in text


def test_the_policy_allows_no_topic_that_there_is_not() -> None:
    allowed = ET.parse(PACKAGE / "sros2" / "policy.xml").getroot().findall(".//topics[@publish]/topic")
    own = {topic.text.removeprefix("~/") for topic in allowed if topic.text and topic.text.startswith("~/")}
    assert own - {"transition_event"} == PUBLISHED


@pytest.mark.parametrize("file", ["rviz/bevseg.rviz", "foxglove/bevseg.json"])
def test_views_show_topics_that_there_are(file: str) -> None:
    text = (PACKAGE / file).read_text(encoding="utf-8")
    assert yaml.safe_load(text)  # JSON is YAML
    shown = set(re.findall(r"/bevseg/((?:output|debug)/[\w/]+)", text))
    assert shown
    assert shown <= PUBLISHED


def test_the_launch_file_sets_parameters_and_topics_that_there_are() -> None:
    tree = ast.parse((PACKAGE / "launch" / "bevseg.launch.py").read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert {"checkpoint", "base_frame", "autostart", "~/input/pointcloud", "bevseg.param.yaml", "bevseg.rviz"} <= texts
    assert {"checkpoint", "base_frame", "autostart"} <= {spec.name for spec in PARAMETERS}


def test_names_and_versions_agree() -> None:
    manifest = ET.parse(PACKAGE / "package.xml").getroot()
    setup = (PACKAGE / "setup.py").read_text(encoding="utf-8")
    assert (manifest.findtext("name"), manifest.findtext("version")) == ("bevseg_ros", "0.1.0")
    assert 'NAME = "bevseg_ros"' in setup
    assert 'version="0.1.0"' in setup
    assert (PACKAGE / "resource" / "bevseg_ros").is_file()
    folders = re.search(r"FOLDERS = \((.*)\)", setup)
    assert folders is not None
    named = set(re.findall(r'"(\w+)"', folders.group(1)))
    there = {
        path.name for path in PACKAGE.iterdir() if path.is_dir() and not path.name.startswith((".", "bevseg", "build"))
    }
    assert named == there - {"resource", "__pycache__"} - {path for path in there if path.endswith("egg-info")}


def test_the_profile_stays_on_this_machine() -> None:
    profile = (PACKAGE / "config" / "fastdds_loopback.xml").read_text(encoding="utf-8")
    assert set(re.findall(r"<address>(.*?)</address>", profile)) == {"127.0.0.1"}
    assert "<useBuiltinTransports>false</useBuiltinTransports>" in profile


def test_the_schema_is_json() -> None:
    assert json.loads((PACKAGE / "schema" / "bevseg.schema.json").read_text(encoding="utf-8"))["definitions"]
