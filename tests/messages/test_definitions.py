"""The definitions in the package are those of the ROS package."""

from __future__ import annotations

from pathlib import Path

from rosbags.typesys import get_types_from_msg

from bevseg.messages.definitions import bevseg_definitions

ROS_PACKAGE = Path(__file__).parents[2] / "ros_node" / "bevseg_msgs" / "msg"


def test_they_are_those_of_the_ros_package() -> None:
    assert bevseg_definitions() == {
        f"bevseg_msgs/msg/{path.stem}": path.read_text(encoding="utf-8") for path in sorted(ROS_PACKAGE.glob("*.msg"))
    }


def test_they_can_be_parsed() -> None:
    for name, text in bevseg_definitions().items():
        assert name in get_types_from_msg(text, name)
