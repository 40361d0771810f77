"""Fields in messages of two kinds: rosbags', made with all fields at once, and such as rclpy's, which start empty."""

from __future__ import annotations

import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from rosbags.typesys.store import Typestore

from bevseg.messages.clouds import labelled_points, objects_table
from bevseg.messages.fields import (
    ColorFields,
    HeaderFields,
    MarkerArrayFields,
    MarkerFields,
    PointCloud2Fields,
    PositionFields,
    Rows,
    TimeFields,
)
from bevseg.messages.fill import fill, generated_class, make_message
from bevseg.messages.maps import class_map, grid_metadata, instance_map, visibility_grid
from bevseg.messages.markers import markers
from bevseg.messages.mask_tiles import cells_of_tile, mask_tiles
from bevseg.messages.objects import detected_objects, detections, instance_array
from bevseg.messages.pointcloud2 import decode_pointcloud2
from bevseg.points.cloud import PointCloud
from bevseg.results.scene import Scene


@pytest.mark.parametrize("of", ["scene", "empty_scene"])
def test_everything_published_survives_the_wire(
    of: str, store: Typestore, cloud: PointCloud, header: HeaderFields, request: pytest.FixtureRequest
) -> None:
    scene = request.getfixturevalue(of)
    points = cloud if len(scene.points.semantic) else PointCloud.empty()
    outputs: list[Any] = [
        labelled_points(scene, points, header),
        objects_table(scene, header),
        instance_map(scene, header),
        class_map(scene, header),
        grid_metadata(scene.grid),
        visibility_grid(scene, header),
        instance_array(scene, header),
        detections(scene, header),
        detected_objects(scene, header),
        MarkerArrayFields(markers(scene, header)),
    ]
    for fields in outputs:
        message = make_message(fields, store.types.__getitem__)
        wire = store.serialize_cdr(message, fields.TYPE)
        again = store.deserialize_cdr(wire, fields.TYPE)
        assert bytes(store.serialize_cdr(again, fields.TYPE)) == bytes(wire)
        assert len(wire) > 8


def test_instances_after_the_wire_are_those_of_the_scene(store: Typestore, scene: Scene, header: HeaderFields) -> None:
    fields = instance_array(scene, header)
    wire = store.serialize_cdr(make_message(fields, store.types.__getitem__), fields.TYPE)
    message: Any = store.deserialize_cdr(wire, fields.TYPE)
    assert (message.header.stamp.sec, message.header.frame_id) == (1_700_000_000, "base_link")
    assert (message.grid.origin.position.x, message.grid.origin.position.y) == (4.0, -16.0)
    for k, instance in enumerate(message.instances):
        assert instance.id == scene.instances.id[k]
        assert instance.score == pytest.approx(scene.instances.score[k])
        occluders = scene.instances.id[scene.occlusion.occluders_of(k)]
        assert instance.occluders.tolist() == occluders.tolist()
        for tile, masks in ((instance.amodal, scene.instances.amodal), (instance.visible, scene.instances.visible)):
            np.testing.assert_array_equal(cells_of_tile(tile, scene.grid), masks.cells_of(k))


def test_points_after_the_wire_are_the_cloud(
    store: Typestore, scene: Scene, cloud: PointCloud, header: HeaderFields
) -> None:
    fields = labelled_points(scene, cloud, header)
    wire = store.serialize_cdr(make_message(fields, store.types.__getitem__), fields.TYPE)
    decoded = decode_pointcloud2(store.deserialize_cdr(wire, fields.TYPE))  # type: ignore[arg-type]
    np.testing.assert_array_equal(decoded.xyz, cloud.xyz)


@dataclass
class Stamp:
    sec: int = 0
    nanosec: int = 0


@dataclass
class Header:
    stamp: Stamp = field(default_factory=Stamp)
    frame_id: str = ""


@dataclass
class PointField:
    name: str = ""
    offset: int = 0
    datatype: int = 0
    count: int = 0


@dataclass
class Cloud:
    """Starts empty, with an array of the standard library for its bytes, as a message of rclpy does."""

    header: Header = field(default_factory=Header)
    height: int = 0
    width: int = 0
    fields: list[PointField] = field(default_factory=list)
    is_bigendian: bool = False
    point_step: int = 0
    row_step: int = 0
    data: Any = field(default_factory=lambda: array.array("B"))
    is_dense: bool = False


_CLASSES: dict[str, type] = {
    "sensor_msgs/msg/PointCloud2": Cloud,
    "sensor_msgs/msg/PointField": PointField,
}


def test_messages_that_start_empty_are_filled_in_place(scene: Scene, cloud: PointCloud, header: HeaderFields) -> None:
    fields = labelled_points(scene, cloud, header)
    message = Cloud()
    stamp = message.header.stamp
    fill(message, fields, _CLASSES.__getitem__)
    assert message.header.stamp is stamp
    assert (stamp.sec, stamp.nanosec) == (1_700_000_000, 250_000_000)
    assert isinstance(message.data, array.array)
    assert bytes(message.data) == fields.data.tobytes()
    assert [entry.name for entry in message.fields][:3] == ["x", "y", "z"]
    assert make_message(fields, _CLASSES.__getitem__) == message
    np.testing.assert_array_equal(decode_pointcloud2(message).xyz, cloud.xyz)


@dataclass
class DdsTile:
    """Wants all fields at once and sequences that are true or false, as a type of cyclonedds does."""

    __idl__ = "of cyclonedds"
    row: int
    column: int
    width: int
    height: int
    bits: Any


def test_messages_of_a_dds_binding_get_plain_sequences(scene: Scene) -> None:
    fields = mask_tiles(scene.instances.amodal)[0]
    message = make_message(fields, {"bevseg_msgs/msg/MaskTile": DdsTile}.__getitem__)
    assert bool(message.bits)
    np.testing.assert_array_equal(cells_of_tile(message, scene.grid), scene.instances.amodal.cells_of(0))


def test_numbers_of_another_size_are_refused(header: HeaderFields) -> None:
    message = Cloud(data=array.array("d"))
    fields = PointCloud2Fields(header, 1, 0, (), False, 1, 0, np.zeros(3, np.uint8), True)
    with pytest.raises(TypeError, match="numbers of type 'd', the fields uint8"):
        fill(message, fields, _CLASSES.__getitem__)


def test_rows_become_messages_and_repeats_share_one(store: Typestore, header: HeaderFields) -> None:
    points = Rows(PositionFields, np.arange(9.0).reshape(3, 3))
    colors = Rows(ColorFields, np.array([[1.0, 0.5, 0.0, 1.0], [0.0] * 4]), repeats=np.array([2, 1]))
    message = make_message(MarkerFields(header, points=points, colors=colors), store.types.__getitem__)
    assert [(p.x, p.y, p.z) for p in message.points] == [(0, 1, 2), (3, 4, 5), (6, 7, 8)]
    assert [c.g for c in message.colors] == [0.5, 0.5, 0.0]
    assert message.colors[0] is message.colors[1]
    assert (len(points), len(colors)) == (3, 3)


def test_classes_are_found_by_their_package() -> None:
    with pytest.raises(ImportError, match="no_such_msgs"):
        generated_class("no_such_msgs/msg/Nothing")
    with pytest.raises(AttributeError, match="Nothing"):
        generated_class("bevseg/messages/Nothing")
    with pytest.raises(ImportError, match="no_such_msgs"):
        make_message(TimeFields(), lambda name: generated_class(f"no_such_msgs/msg/{name.split('/')[-1]}"))
