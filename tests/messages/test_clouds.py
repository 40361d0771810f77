"""Labelled points and the table of objects, read back by our own decoder and column by column."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bevseg.messages.clouds import labelled_points, objects_table
from bevseg.messages.fields import HeaderFields, PointCloud2Fields
from bevseg.messages.pointcloud2 import decode_pointcloud2, ray_origins_of
from bevseg.points.cloud import PointCloud
from bevseg.results.classes import SemanticClass
from bevseg.results.scene import Scene
from bevseg.results.track_labels import TrackLabels

_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}


def columns_of(message: PointCloud2Fields) -> dict[str, Any]:
    """Every column as a list, by nothing but what the fields say."""
    points = message.data.reshape(message.width, message.point_step)
    columns = {}
    for field in message.fields:
        kind = np.dtype("<" + _TYPES[field.datatype])
        raw = np.ascontiguousarray(points[:, field.offset : field.offset + kind.itemsize])
        columns[field.name] = raw.view(kind)[:, 0].tolist()
    return columns


def test_labelled_points_decode_to_the_cloud(scene: Scene, cloud: PointCloud, header: HeaderFields) -> None:
    message = labelled_points(scene, cloud, header)
    decoded = decode_pointcloud2(message)
    np.testing.assert_array_equal(decoded.xyz, cloud.xyz)
    np.testing.assert_allclose(decoded.intensity, cloud.intensity, atol=1e-6)  # type: ignore[arg-type]
    assert decoded.stamp_ns == 1_700_000_000_250_000_000
    assert decoded.frame == "base_link"
    assert (message.height, message.width, message.row_step) == (1, 6, 6 * message.point_step)
    assert message.is_dense


def test_labels_of_points(scene: Scene, cloud: PointCloud, header: HeaderFields) -> None:
    columns = columns_of(labelled_points(scene, cloud, header))
    assert columns["class"] == [4, 10, 10, 11, 16, 0]
    assert columns["instance"] == [7, 3, 3, 0, 0, 0]
    assert columns["visible"] == [1, 1, 0, 1, 0, 0]


def test_points_tell_which_sensor_saw_them(scene: Scene, cloud: PointCloud, header: HeaderFields) -> None:
    assert columns_of(labelled_points(scene, cloud, header))["ray_origin"] == [0] * 6
    two_and_an_earlier_scan = replace(
        cloud,
        sensor_origins_m=np.zeros((3, 3), np.float32),
        sweep=np.array([1, 0, 2, 1, 0, 2], np.int32),
        sweep_of_origin=np.array([0, 0, 1]),
    )
    message = labelled_points(scene, two_and_an_earlier_scan, header)
    assert columns_of(message)["ray_origin"] == [1, 0, 255, 1, 0, 255]
    found = ray_origins_of(message)
    assert found is not None
    assert found.tolist() == [1, 0, 255, 1, 0, 255]
    assert ray_origins_of(objects_table(scene, header)) is None


def test_points_without_intensity_and_points_that_the_scene_does_not_know(
    scene: Scene, cloud: PointCloud, header: HeaderFields
) -> None:
    dark = columns_of(labelled_points(scene, replace(cloud, intensity=None), header))
    assert dark["intensity"] == [0.0] * 6
    with pytest.raises(ValueError, match="labels 6 points, the cloud has 2"):
        labelled_points(scene, cloud[:2], header)


def test_the_table_has_all_numbers_of_each_object(scene: Scene, header: HeaderFields) -> None:
    message = objects_table(scene, header)
    columns = columns_of(message)
    boxes = [columns[name] for name in ("x", "y", "z", "length", "width", "height", "yaw")]
    np.testing.assert_array_equal(np.array(boxes, np.float32).T, scene.instances.boxes)
    assert columns["id"] == [7, 3, 12, 400]
    assert columns["class"] == [SemanticClass.CAR, SemanticClass.TRUCK, SemanticClass.PEDESTRIAN, 8]
    assert columns["rank"] == [0, 2, 0, 1]
    assert columns["occluders"] == [1, 2, 1, 0]
    assert columns["occluder"] == [12, 7, 7, 0]
    assert columns["hidden_fraction"] == pytest.approx([0.1, 0.625, 0.25, 0.0])
    assert columns["vy"][:3] == [2.0, 0.0, -1.0]
    assert np.isnan([columns["vx"][3], columns["vy"][3], columns["visible_fraction"][3]]).all()
    assert columns["visible_fraction_source"] == [2] * 4
    assert columns["track"] == columns["track_state"] == [0] * 4
    assert columns["area"] == pytest.approx(scene.instances.statistics().area_m2.tolist())
    assert columns["score"] == pytest.approx(scene.instances.score.tolist())
    assert not message.is_dense


def test_the_table_has_tracks(scene: Scene, header: HeaderFields) -> None:
    tracks = TrackLabels(np.array([12, 7]), np.array([70_000, 3]), np.array([1, 2], np.uint8))
    columns = columns_of(objects_table(scene, header, tracks))
    assert (columns["track"], columns["track_state"]) == ([3, 0, 70_000, 0], [2, 0, 1, 0])


def test_nothing_is_an_empty_cloud(empty_scene: Scene, header: HeaderFields) -> None:
    for message in (
        labelled_points(empty_scene, PointCloud.empty("base_link"), header),
        objects_table(empty_scene, header),
    ):
        assert len(decode_pointcloud2(message)) == 0
        assert (message.width, message.row_step, len(message.data)) == (0, 0, 0)
        assert len(message.fields) >= 7
