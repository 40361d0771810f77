"""The definitions of `bevseg_msgs`, for those who write its messages where the ROS package is not installed.

The files in `bevseg_msgs/` are those of `ros_node/bevseg_msgs/msg`, which no wheel of ours holds; a test keeps both the
same. Those who write bags put them in, so that a bag can be read by who never heard of the package.
"""

from __future__ import annotations

from importlib.resources import files


def bevseg_definitions() -> dict[str, str]:
    """The text of each definition by the full name of its type, such as "bevseg_msgs/msg/Instance"."""
    folder = files("bevseg.messages") / "bevseg_msgs"
    texts = {file.name.removesuffix(".msg"): file.read_text(encoding="utf-8") for file in folder.iterdir()}
    return {f"bevseg_msgs/msg/{name}": texts[name] for name in sorted(texts)}
