"""Frames of a recording, by where its clouds and its sensors are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bevseg.geometry.frames import Transform
from bevseg.messages.sensor_place import is_vehicle_or_world, sensor_place
from bevseg.points.cloud import PointCloud

SAME = Transform(np.eye(4), "ego", "lidar")
MOUNT = Transform.from_yaw(0.3, np.array([0.9, -0.2, 1.8]), dst="ego", src="lidar")
POSE = Transform.from_yaw(-1.0, np.array([40.0, 5.0, 0.5]), dst="global", src="lidar")


def cloud_from(*origins_m: tuple[float, float, float], frame: str = "lidar") -> PointCloud:
    """An empty scan of sensors at these places."""
    together = np.zeros(len(origins_m), np.int64)
    origins = np.array(origins_m, np.float32)
    return replace(PointCloud.empty(frame), sensor_origins_m=origins, sweep_of_origin=together)


def names(transforms: tuple[Transform, ...]) -> list[tuple[str, str]]:
    return [(transform.dst, transform.src) for transform in transforms]


def test_a_cloud_in_the_sensors_frame_on_a_vehicle() -> None:
    place = sensor_place(cloud_from((0, 0, 0)), MOUNT)
    assert place.cloud_frame == "lidar"
    assert names(place.static) == [("base_link", "lidar")]
    moving = place.moving(POSE)
    assert (moving.dst, moving.src) == ("map", "base_link")
    np.testing.assert_allclose((moving @ place.static[0]).matrix, POSE.matrix, atol=1e-12)


def test_where_the_vehicle_is_not_known_the_sensor_stands_for_itself() -> None:
    place = sensor_place(cloud_from((0, 0, 0), frame=""), SAME)
    assert (place.cloud_frame, place.static) == ("lidar", ())
    moving = place.moving(POSE)
    assert (moving.dst, moving.src) == ("map", "lidar")
    np.testing.assert_array_equal(moving.matrix, POSE.matrix)


def test_a_cloud_in_the_vehicles_frame_has_its_ray_origins_hung_on_it() -> None:
    place = sensor_place(cloud_from((1.25, 0, 1.5), (1.25, -0.5, 1.0)), SAME)
    assert place.cloud_frame == "base_link"
    assert names(place.static) == [("base_link", "bevseg_ray_origin_0"), ("base_link", "bevseg_ray_origin_1")]
    assert [t.translation_m.tolist() for t in place.static] == [[1.25, 0, 1.5], [1.25, -0.5, 1.0]]
    assert place.moving(POSE).src == "base_link"


def test_a_frame_of_the_vehicle_is_marked_also_where_rays_start_at_its_origin() -> None:
    for mount in (SAME, MOUNT):  # base_link is mounted on nothing
        place = sensor_place(cloud_from((0, 0, 0), frame="base_link"), mount)
        assert names(place.static) == [("base_link", "bevseg_ray_origin_0")]


def test_a_cloud_of_a_frame_that_is_neither() -> None:
    place = sensor_place(cloud_from((0, 0.5, 0), frame="roof"), MOUNT)
    assert names(place.static) == [("base_link", "roof"), ("roof", "bevseg_ray_origin_0")]


@pytest.mark.parametrize(
    ("origins", "fits"), [([(1, 0, 2)], True), ([(1, 0.01, 2)], False), ([(1, 0, 2), (1, 0, 1)], False)]
)
def test_scans_from_elsewhere_do_not_fit(origins: list[tuple[float, float, float]], fits: bool) -> None:
    difference = sensor_place(cloud_from((1, 0, 2)), SAME).difference(cloud_from(*origins), SAME)
    assert (difference is None) is fits
    assert fits or (difference and "its rays start at [[1.0, " in difference)


def moved(x: float = 0.0, yaw_deg: float = 0.0) -> Transform:
    """The mount, moved and turned in its own axes."""
    by = Transform.from_yaw(float(np.radians(yaw_deg)), np.array([x, 0.0, 0.0]), dst="lidar", src="lidar")
    return MOUNT @ by


@pytest.mark.parametrize(
    ("mount", "words"),
    [
        (MOUNT, None),
        (moved(x=5e-5), None),
        (moved(yaw_deg=1.0), None),
        (moved(x=0.01), "lies at [0.9096, -0.197, 1.8] on the vehicle, that of the first at [0.9, -0.2, 1.8]"),
        (moved(yaw_deg=-3.5), "turned on the vehicle by 3.50 degrees"),
        (SAME, "lies at [0.0, 0.0, 0.0]"),
    ],
)
def test_scans_of_another_mount_do_not_fit(mount: Transform, words: str | None) -> None:
    for frame in ("lidar", "base_link"):  # also where the mount is not written
        place = sensor_place(cloud_from((0, 0, 0), frame=frame), MOUNT)
        difference = place.difference(cloud_from((0, 0, 0), frame=frame), mount)
        assert difference is None if words is None else difference and words in difference


@pytest.mark.parametrize("frame", ["base_link", "robot1/base_link", "vehicle", "ego", "map", "robot/odom"])
def test_names_of_vehicles_and_of_the_world(frame: str) -> None:
    assert is_vehicle_or_world(frame)
    (mark,) = sensor_place(cloud_from((0, 0, 0), frame=frame), SAME).static
    assert (mark.dst, mark.src) == (frame, "bevseg_ray_origin_0")


@pytest.mark.parametrize("frame", ["", "lidar", "vehicle_lidar", "base_link/lidar"])
def test_names_of_sensors(frame: str) -> None:
    assert not is_vehicle_or_world(frame)
    assert sensor_place(cloud_from((0, 0, 0), frame=frame), SAME).static == ()
