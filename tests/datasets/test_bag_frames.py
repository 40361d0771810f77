"""The tree of /tf_static, and in which of its frames rays start."""

from __future__ import annotations

from types import SimpleNamespace as Message
from typing import Any

import numpy as np
import pytest

from bevseg.datasets.bag_frames import StaticFrames, ray_origins
from bevseg.datasets.labels import DatasetError

HALF = float(np.sqrt(0.5))
LEFT = (0.0, 0.0, HALF, HALF)
"""A quarter turn to the left, x, y, z, w."""
NONE = (0.0, 0.0, 0.0, 0.0)
AHEAD = (0.0, 0.0, 0.0, 1.0)


def edge(
    parent: str, child: str, x: float, y: float = 0.0, *, turn: tuple[float, float, float, float] = AHEAD
) -> Message:
    """The child lies at (x, y, 0) on the parent."""
    rotation = Message(**dict(zip("xyzw", turn, strict=True)))
    transform = Message(translation=Message(x=x, y=y, z=0.0), rotation=rotation)
    return Message(child_frame_id=child, header=Message(frame_id=parent), transform=transform)


def frames_of(*edges: Any) -> StaticFrames:
    """One message for each, as of several publishers."""
    return StaticFrames.of_messages((Message(transforms=[stamped]) for stamped in edges), where="a bag")


def origin(frames: StaticFrames, frame: str, sensor: str | None = None) -> list[list[float]]:
    found: list[list[float]] = ray_origins(frames, frame, sensor, where="bag").round(6).tolist()
    return found


def test_over_several_frames_and_from_branch_to_branch() -> None:
    frames = frames_of(
        edge("base_link", "roof", 1.0, turn=LEFT),
        edge("/roof", "/lidar", 0.5, 0.25),
        edge("base_link", "imu", -2.0),
    )
    found = frames.transform(dst="base_link", src="lidar")
    assert found is not None
    np.testing.assert_allclose(found.translation_m, [0.75, 0.5, 0], atol=1e-12)
    assert np.degrees(found.yaw_rad) == pytest.approx(90)
    of_imu = frames.transform(dst="imu", src="lidar")
    assert of_imu is not None
    assert (of_imu.dst, of_imu.src) == ("imu", "lidar")
    np.testing.assert_allclose(of_imu.translation_m, [2.75, 0.5, 0], atol=1e-12)
    assert frames.below("base_link") == ["imu", "lidar", "roof"]
    assert frames.on("base_link") == ["roof", "imu"]


def test_a_frame_is_where_it_is_without_any_message() -> None:
    found = frames_of().transform(dst="lidar", src="lidar")
    assert found is not None
    np.testing.assert_array_equal(found.matrix, np.eye(4))
    assert frames_of().transform(dst="base_link", src="lidar") is None
    assert frames_of().disconnection("base_link", "lidar") == "there is no message on /tf_static"


def test_a_chain_that_is_broken_is_told() -> None:
    frames = frames_of(edge("roof", "lidar", 1.0))
    assert frames.transform(dst="base_link", src="lidar") is None
    assert (
        frames.disconnection("lidar", "base_link")
        == "the last that 'lidar' hangs on is 'roof', 'base_link' hangs on nothing"
    )


def test_what_is_sent_again_is_no_contradiction() -> None:
    again = frames_of(edge("base_link", "lidar", 1.0), edge("base_link", "/lidar", 1.0 + 1e-8))
    assert origin(again, "base_link", "lidar") == [[1, 0, 0]]
    many = StaticFrames.of_messages(
        (Message(transforms=[edge("base_link", "lidar", 1.0), edge("lidar", "imu", 0.5)]) for _ in range(50)), "a bag"
    )
    assert {child: len(edges) for child, edges in many.edges.items()} == {"lidar": 1, "imu": 1}


def test_one_calibration_rounded_twice_is_no_contradiction() -> None:
    rounded = (0.0, 0.0, float(np.sin(1.5708 / 2)), float(np.cos(1.5708 / 2)))
    frames = frames_of(edge("base_link", "lidar", 1.25, turn=rounded), edge("base_link", "lidar", 1.25004, turn=LEFT))
    assert origin(frames, "base_link", "lidar") == [[1.25, 0, 0]]


def test_how_far_two_publishers_differ_is_told() -> None:
    rolled = (float(np.sin(0.005)), 0.0, 0.0, float(np.cos(0.005)))
    pitched = (0.0, float(np.sin(0.005)), 0.0, float(np.cos(0.005)))
    upright = edge("base_link", "lidar", 1.0)
    for turn, words in ((rolled, "roll 0.573, pitch 0.000"), (pitched, "roll 0.000, pitch 0.573")):
        frames = frames_of(upright, edge("base_link", "lidar", 1.0002, turn=turn))
        with pytest.raises(DatasetError, match=rf"^a bag: .*{words}, yaw 0.000 .* 0.20 mm and 0.573 degrees apart"):
            frames.transform(dst="base_link", src="lidar")


def test_what_lies_above_the_first_shared_frame_is_of_no_account() -> None:
    lidar, camera = edge("roof", "lidar", 0.5), edge("base_link", "camera", 2.0)
    under = [edge("base_link", "roof", 1.0), lidar, camera]
    for above in (
        [edge("odom", "base_link", 7.0), edge("base_footprint", "base_link", 0.0)],
        [edge("odom", "base_link", 7.0), edge("odom", "base_link", 8.0)],
        [edge("odom", "base_link", 7.0), edge("base_link", "odom", 7.0)],
    ):
        frames = frames_of(*under, *above)
        assert origin(frames, "base_link", "lidar") == [[1.5, 0, 0]]
        assert origin(frames, "lidar", "base_link") == [[-1.5, 0, 0]]
        assert origin(frames, "camera", "lidar") == [[-0.5, 0, 0]]
        with pytest.raises(DatasetError, match=r"a bag: /tf_static.*'base_link'"):
            frames.transform(dst="odom", src="lidar")


def test_two_frames_of_a_circle_have_no_way_between_them() -> None:
    frames = frames_of(
        edge("a", "camera", 1.0), edge("b", "lidar", 1.0), edge("a", "b", 1.0), edge("c", "a", 1.0), edge("b", "c", 1.0)
    )
    with pytest.raises(DatasetError, match="the frames 'a', 'c', 'b' hang on each other in a circle"):
        frames.transform(dst="camera", src="lidar")
    with pytest.raises(DatasetError, match="'b', 'a', 'c' hang"):
        frames.transform(dst="lidar", src="camera")


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        ([edge("base_link", "lidar", 1.0), edge("base_link", "lidar", 1.1)], r"'lidar' at \(1.000.* and at \(1.100"),
        (
            [edge("base_link", "lidar", 1.0), edge("base_link", "lidar", 1.0, turn=LEFT)],
            r"yaw 0.000 .* 90.000 .* 0.00 mm and 90.000 deg",
        ),
        ([edge("base_link", "lidar", 1.0), edge("roof", "lidar", 1.0)], "each of 'base_link', 'roof'; it may have one"),
        ([edge("base_link", "lidar", 1.0), edge("lidar", "base_link", 1.0)], "'base_link', 'lidar' hang on .* circle"),
        ([edge("lidar", "lidar", 1.0)], "in a circle"),
        ([edge("base_link", "lidar", 1.0, turn=NONE)], "'lidar' on 'base_link' is none: .* non-zero length"),
        ([edge("base_link", "lidar", np.nan)], "is none: a place needs finite numbers"),
    ],
)
def test_a_tree_that_is_none_is_refused_where_it_is_needed(edges: list[Message], words: str) -> None:
    frames = frames_of(*edges, edge("base_link", "front", 2.0))
    with pytest.raises(DatasetError, match=f"^a bag: .*{words}"):
        frames.transform(dst="base_link", src="lidar")
    with pytest.raises(DatasetError, match=words):
        ray_origins(frames, "base_link", "lidar", where="bag")
    if "circle" not in words:
        assert origin(frames, "base_link", "front") == [[2, 0, 0]]


def test_a_sensors_own_frame_needs_no_message() -> None:
    assert origin(frames_of(), "lidar_top") == [[0, 0, 0]]
    assert origin(frames_of(edge("base_link", "lidar_top", 1.0)), "lidar_top") == [[0, 0, 0]]
    assert origin(frames_of(), "") == [[0, 0, 0]]


@pytest.mark.parametrize("frame", ["base_link", "robot1/base_link", "map", "ego_vehicle"])
def test_a_vehicles_frame_is_no_sensors(frame: str) -> None:
    with pytest.raises(DatasetError, match=rf"bag: the points are in '{frame}'.*hangs nothing.*--sensor-frame"):
        ray_origins(frames_of(), frame, None, where="bag")


def test_a_frame_that_carries_others_is_a_sensors_own_unless_one_of_them_is_named() -> None:
    frames = frames_of(edge("rack", "left", 0.0, 1.0), edge("rack", "right", 0.0, -1.0), edge("base_link", "rack", 2.0))
    assert origin(frames, "rack") == origin(frames, "rack", "rack") == [[0, 0, 0]]
    assert origin(frames, "rack", "/right") == [[0, -1, 0]]
    with pytest.raises(DatasetError, match=r"hangs 'rack', 'left', 'right' on it|hangs 'left', 'rack', 'right' on it"):
        ray_origins(frames, "base_link", None, where="bag")
    assert origin(frames, "base_link", "left") == [[2, 1, 0]]


def test_a_named_sensor_that_is_not_connected() -> None:
    with pytest.raises(DatasetError, match=r"bag: /tf_static does not connect .* 'lidar' with 'base_link'.*no message"):
        ray_origins(frames_of(), "base_link", "lidar", where="bag")
    frames = frames_of(edge("roof", "lidar", 1.0))
    with pytest.raises(DatasetError, match="'lidar' hangs on is 'roof', 'base_link' hangs on nothing"):
        ray_origins(frames, "base_link", "lidar", where="bag")


def test_frames_of_our_own_are_found_by_their_names() -> None:
    second, first = (edge("base_link", f"bevseg_ray_origin_{k}", 1.0 + k) for k in (1, 0))
    assert origin(frames_of(second, first, edge("base_link", "camera", 3.0)), "base_link") == [[1, 0, 0], [2, 0, 0]]
    assert origin(frames_of(first, edge("base_link", "lidar", 7.0)), "base_link", "lidar") == [[7, 0, 0]]
    with pytest.raises(DatasetError, match=r"hangs \['bevseg_ray_origin_1'\], expected \['bevseg_ray_origin_0'\]"):
        ray_origins(frames_of(second), "base_link", None, where="bag")
    elsewhere = frames_of(edge("base_link", "roof", 1.0), edge("roof", "bevseg_ray_origin_0", 1.0))
    with pytest.raises(DatasetError, match="points are in 'base_link'"):
        ray_origins(elsewhere, "base_link", None, where="bag")
