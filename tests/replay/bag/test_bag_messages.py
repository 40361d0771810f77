"""What one frame becomes: every message holds what the scene says, and ids always fit."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.drawing.frame_picture import PictureSize
from bevseg.geometry.frames import Transform
from bevseg.messages.fields import HeaderFields, TimeFields
from bevseg.messages.outputs import OUTPUTS
from bevseg.replay.bag.messages import (
    PICTURE_TOPIC,
    TF_STATIC_TOPIC,
    TF_TOPIC,
    TYPE_OF_TOPIC,
    FrameMessages,
    Stamped,
    message_types,
    with_ids_of_16_bits,
)
from bevseg.replay.frames import BrokenFrame, Frame
from bevseg.replay.pictures import FramePainter, Look
from bevseg.replay.recording import Predictor, Recording
from bevseg.results.scene import Scene

PAINTER = FramePainter(Look("drive", size=PictureSize(640, 360)))
HEADER = HeaderFields(TimeFields(12, 345), "lidar_top")
MOUNT = Transform.from_yaw(0.2, np.array([0.9, 0.1, 1.8]), dst="base_link", src="lidar_top")


def stamped(frame: Frame | BrokenFrame, time_ns: int = 0) -> Stamped:
    """With all transforms that there may be."""
    if isinstance(frame, BrokenFrame):
        return Stamped(frame, HEADER, time_ns)
    moving = Transform(frame.T_fixed_from_cloud.matrix, "map", "lidar_top")
    return Stamped(frame, HEADER, time_ns, (moving,), (MOUNT,))


@pytest.fixture
def recording(drive: Source, right: Callable[[Sample], Scene]) -> Recording:
    return Recording(drive, (Predictor("right", right),))


def test_every_topic_of_the_node_that_has_our_definitions_is_made(recording: Recording) -> None:
    made = FrameMessages(PAINTER)(stamped(recording.read(2), 77))
    assert [message.topic for message in made] == [TF_STATIC_TOPIC, TF_TOPIC, *sorted_topics()]
    assert {message.time_ns for message in made} == {77}
    left_out = {f"/bevseg/output/{spec.name}" for spec in OUTPUTS} - set(TYPE_OF_TOPIC)
    assert left_out == {"/bevseg/output/detections", "/bevseg/output/detected_objects"}


def sorted_topics() -> list[str]:
    """In the order in which the node publishes, its grid in front and the picture behind."""
    own = [f"/bevseg/output/{spec.name}" for spec in OUTPUTS if f"/bevseg/output/{spec.name}" in TYPE_OF_TOPIC]
    return ["/bevseg/output/grid", *own, PICTURE_TOPIC]


def test_place_and_picture(recording: Recording) -> None:
    frame = recording.read(0)
    made = {m.topic: m.data for m in FrameMessages(PAINTER)(stamped(frame))}
    place = message_types().deserialize_cdr(made[TF_TOPIC], TYPE_OF_TOPIC[TF_TOPIC]).transforms[0]  # type: ignore[attr-defined]
    assert (place.header.frame_id, place.child_frame_id, place.header.stamp.sec) == ("map", "lidar_top", 12)
    turn = place.transform.rotation
    assert (place.transform.translation.x, 2 * np.arctan2(turn.z, turn.w)) == pytest.approx((5.0, 0.5))
    picture = message_types().deserialize_cdr(made[PICTURE_TOPIC], TYPE_OF_TOPIC[PICTURE_TOPIC])
    assert (picture.format, picture.header.frame_id) == ("jpeg", "lidar_top")  # type: ignore[attr-defined]
    drawn = cv2.cvtColor(cv2.imdecode(picture.data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)  # type: ignore[attr-defined]
    assert np.abs(drawn.astype(int) - PAINTER(frame)).mean() < 4


def test_frames_without_a_result_have_no_outputs_and_broken_ones_nothing(drive: Source) -> None:
    messages = FrameMessages(PAINTER)
    without = Recording(drive, (Predictor("none", lambda sample: None),)).read(0)
    assert [message.topic for message in messages(Stamped(without, HEADER, 0))] == [PICTURE_TOPIC]
    assert messages(Stamped(BrokenFrame(0, 6, "cut off"), HEADER, 0)) == ()


def test_they_travel_between_processes(recording: Recording) -> None:
    messages, item = pickle.loads(pickle.dumps((FrameMessages(PAINTER), stamped(recording.read(1)))))
    assert len(messages(item)) == len(TYPE_OF_TOPIC)


@pytest.mark.parametrize(
    ("ids", "folded"),
    [
        ([3, 1, 65535], [3, 1, 65535]),
        ([70000, 5, 65536], [4465, 5, 1]),
        ([65536, 1, 9], [1, 2, 3]),  # two of them would be 1
    ],
)
def test_ids_fit_an_instance_map(
    drive: Source, right: Callable[[Sample], Scene], ids: list[int], folded: list[int]
) -> None:
    scene = right(drive[0])
    owner = scene.points.instance
    numbers = np.array([0, *ids], np.int32)
    long_drive = replace(
        scene,
        instances=replace(scene.instances, id=np.array(ids, np.int32)),
        points=replace(scene.points, instance=numbers[owner]),
    )
    fitting = with_ids_of_16_bits(long_drive)
    assert fitting.instances.id.tolist() == folded
    np.testing.assert_array_equal(fitting.points.instance, np.array([0, *folded])[owner])


def test_no_object_needs_no_other_id(drive: Source, make: Callable[..., Scene]) -> None:
    empty = make(drive[0], np.zeros((0, 7), np.float32), np.zeros(0, np.uint8))
    assert with_ids_of_16_bits(empty) is empty
