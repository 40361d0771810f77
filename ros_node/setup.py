"""Builds the ROS package with colcon, and installs it with pip."""

from pathlib import Path

from setuptools import find_packages, setup

NAME = "bevseg_ros"
FOLDERS = ("launch", "params", "schema", "rviz", "foxglove", "config", "systemd", "sros2")

setup(
    name=NAME,
    version="0.1.0",
    description="LiDAR bird's-eye-view instance segmentation with occlusion reasoning, as a ROS 2 lifecycle node",
    license="Apache-2.0",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        *((f"share/{NAME}/{folder}", sorted(map(str, Path(folder).iterdir()))) for folder in FOLDERS),
    ],
    install_requires=["setuptools", "bevseg"],
    zip_safe=True,
    entry_points={"console_scripts": [f"bevseg_node = {NAME}.main:main"]},
)
