"""Starts the node with its parameter file; on demand also RViz and the playing of a bag."""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, NotEqualsSubstitution, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.substitutions import FindPackageShare

_IN_THE_FILE = ("checkpoint", "base_frame")
"""Parameters that keep the parameter file's value where the argument is empty."""


def generate_launch_description() -> LaunchDescription:
    """Arguments: see `ros2 launch bevseg_ros bevseg.launch.py --show-args`."""
    share = FindPackageShare("bevseg_ros")
    value = LaunchConfiguration
    arguments = {
        "name": ("bevseg", "name of the node"),
        "namespace": ("", "namespace of the node"),
        "pointcloud": ("/lidar/points", "topic of the clouds"),
        "params_file": (PathJoinSubstitution([share, "params", "bevseg.param.yaml"]), "parameter file"),
        "checkpoint": ("", "name of a checkpoint that ships, or path of a .safetensors file; empty: as in params_file"),
        "base_frame": ("", "frame of all results; empty: as in params_file"),
        "autostart": ("true", "configure and activate without being asked"),
        "use_sim_time": ("false", "take the time from /clock"),
        "rviz": ("false", "show the results in RViz"),
        "bag": ("", "a bag to be played; empty: none"),
    }
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        arguments=["-d", PathJoinSubstitution([share, "rviz", "bevseg.rviz"])],
        parameters=[{"use_sim_time": value("use_sim_time")}],
        condition=IfCondition(value("rviz")),
    )
    bag = ExecuteProcess(
        cmd=["ros2", "bag", "play", "--clock", value("bag")],
        output="screen",
        condition=IfCondition(NotEqualsSubstitution(value("bag"), "")),
    )
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in arguments.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=_node), rviz, bag])


def _node(context: LaunchContext) -> list[LifecycleNode]:
    value = LaunchConfiguration
    given = [name for name in _IN_THE_FILE if value(name).perform(context)]
    node = LifecycleNode(
        package="bevseg_ros",
        executable="bevseg_node",
        name=value("name"),
        namespace=value("namespace"),
        output="screen",
        parameters=[value("params_file"), {name: value(name) for name in (*given, "autostart", "use_sim_time")}],
        remappings=[("~/input/pointcloud", value("pointcloud"))],
    )
    return [node]
