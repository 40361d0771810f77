"""Objects in our own, vision_msgs' and Autoware's messages."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bevseg.messages.fields import HeaderFields
from bevseg.messages.mask_tiles import cells_of_tile
from bevseg.messages.objects import detected_objects, detections, instance_array
from bevseg.results.scene import Scene
from bevseg.results.track_labels import TrackLabels


def test_instances_carry_masks_order_and_occluders(scene: Scene, header: HeaderFields) -> None:
    message = instance_array(scene, header)
    car, truck, person, cone = message.instances
    assert [instance.id for instance in message.instances] == [7, 3, 12, 400]
    assert [instance.class_name for instance in message.instances] == ["car", "truck", "pedestrian", "traffic_cone"]
    assert (truck.occluders.tolist(), truck.hidden_fractions.tolist()) == ([7, 12], [0.625, 0.125])
    assert (person.occluders.tolist(), cone.occluders.tolist()) == ([7], [])
    assert [instance.rank for instance in message.instances] == [0, 2, 0, 1]
    assert [instance.cycle for instance in message.instances] == [1, 0, 1, 0]
    for k, instance in enumerate(message.instances):
        np.testing.assert_array_equal(cells_of_tile(instance.amodal, scene.grid), scene.instances.amodal.cells_of(k))
        np.testing.assert_array_equal(cells_of_tile(instance.visible, scene.grid), scene.instances.visible.cells_of(k))
    assert (truck.visible_fraction, truck.visible_fraction_source) == (0.25, 2)
    assert math.isnan(cone.visible_fraction)
    assert (car.track_id, car.state, car.class_id) == ("", 0, 4)
    assert car.pose.orientation.z == pytest.approx(math.sin(math.pi / 4))
    assert (truck.size.x, truck.size.z) == pytest.approx((8.0, 3.2))


def test_tracks_are_beside_the_ids_of_the_scan(scene: Scene, header: HeaderFields) -> None:
    tracks = TrackLabels(np.array([3, 7, 400]), np.array([91, 70_000, 5]), np.array([1, 2, 2], np.uint8))
    made = instance_array(scene, header, tracks).instances
    assert [instance.id for instance in made] == [7, 3, 12, 400]
    assert [instance.track_id for instance in made] == ["70000", "91", "", "5"]
    assert [instance.state for instance in made] == [2, 1, 0, 2]
    assert [detection.id for detection in detections(scene, header, tracks).detections] == ["70000", "91", "", "5"]


def test_velocity_is_zero_and_said_to_be_unknown(scene: Scene, header: HeaderFields) -> None:
    car, truck, _, cone = instance_array(scene, header).instances
    assert (car.has_velocity, car.velocity.x, car.velocity.y) == (True, 0.5, 2.0)
    assert truck.has_velocity
    assert (cone.has_velocity, cone.velocity.x) == (False, 0.0)


def test_detections_name_class_and_score(scene: Scene, header: HeaderFields) -> None:
    message = detections(scene, header)
    assert len(message.detections) == 4
    truck = message.detections[1]
    assert truck.results[0].hypothesis.class_id == "truck"
    assert truck.results[0].hypothesis.score == pytest.approx(0.55)
    assert truck.results[0].pose.pose == truck.bbox.center
    assert (truck.bbox.center.position.x, truck.bbox.size.y) == pytest.approx((21.0, 2.5))
    assert (truck.header, truck.id) == (header, "")


def test_autoware_has_velocity_along_the_objects_axes(scene: Scene, header: HeaderFields) -> None:
    car, truck, person, cone = detected_objects(scene, header).objects
    assert [o.classification[0].label for o in (car, truck, person, cone)] == [1, 2, 7, 0]
    twist = car.kinematics.twist_with_covariance.twist.linear
    assert (twist.x, twist.y) == pytest.approx((2.0, -0.5))  # the car heads along +y
    assert car.kinematics.has_twist
    assert not cone.kinematics.has_twist
    assert cone.kinematics.twist_with_covariance.twist.linear.x == 0.0
    assert car.existence_probability == pytest.approx(0.91)
    assert (truck.shape.type, truck.shape.dimensions.x) == (0, 8.0)


def test_no_object_is_an_empty_message(empty_scene: Scene, header: HeaderFields) -> None:
    assert instance_array(empty_scene, header).instances == ()
    assert detections(empty_scene, header).detections == ()
    assert detected_objects(empty_scene, header).objects == ()
    assert instance_array(empty_scene, header).grid.width == 100
