"""A frame as ROS messages, serialized: all that the node would publish of it, its place, and its picture. Picklable.

| topic | type | holds |
|---|---|---|
| `/bevseg/output/...` | see `bevseg.messages.outputs` | what the node publishes under these names |
| `/bevseg/output/grid` | nav_msgs/MapMetaData | where the cells of the maps lie; latched, written when it changes |
| `/bevseg/output/picture/compressed` | sensor_msgs/CompressedImage | the frame as a video shows it, JPEG |
| `/tf_static` | tf2_msgs/TFMessage | where the sensor is (`bevseg.messages.sensor_place`); latched, written once |
| `/tf` | tf2_msgs/TFMessage | map -> base_link (or the sensor's frame), where it is known how the vehicle moved |

Outputs in vision_msgs and autoware_perception_msgs are left out: a bag holds the definitions of its messages, and those
are not ours to give.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from jaxtyping import Int, UInt8

from bevseg.geometry.frames import Transform
from bevseg.messages.definitions import bevseg_definitions
from bevseg.messages.fields import CompressedImageFields, HeaderFields
from bevseg.messages.fill import make_message
from bevseg.messages.maps import grid_metadata
from bevseg.messages.outputs import OUTPUTS
from bevseg.messages.transforms import TFMessageFields, transform_message
from bevseg.replay.frames import BrokenFrame, Frame
from bevseg.replay.pictures import FramePainter
from bevseg.results.scene import Scene

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

NODE = "/bevseg"
"""The node's usual name, below which its topics are."""

GRID_TOPIC, PICTURE_TOPIC = f"{NODE}/output/grid", f"{NODE}/output/picture/compressed"
TF_TOPIC, TF_STATIC_TOPIC = "/tf", "/tf_static"

LATCHED = (GRID_TOPIC, TF_STATIC_TOPIC)
"""Topics whose messages hold from when they were sent on: who subscribes later is given the last one."""

WRITTEN = tuple(
    spec for spec in OUTPUTS if spec.package in ("bevseg_msgs", "sensor_msgs", "nav_msgs", "visualization_msgs")
)
"""The node's outputs whose definitions are ROS's own or ours."""

TYPE_OF_TOPIC: dict[str, str] = {
    **{f"{NODE}/output/{spec.name}": spec.type_name for spec in WRITTEN},
    GRID_TOPIC: "nav_msgs/msg/MapMetaData",
    PICTURE_TOPIC: CompressedImageFields.TYPE,
    TF_TOPIC: TFMessageFields.TYPE,
    TF_STATIC_TOPIC: TFMessageFields.TYPE,
}
"""Every topic that may be written."""

_MOST_IDS = 65535
"""What an instance map of 16 bits holds."""

_JPEG_QUALITY = 85


@dataclass(frozen=True, eq=False)
class Stamped:
    """A frame on its way into a bag.

    Attributes:
        frame: With the result that is written, its first one.
        header: Of all messages but those of transforms, whose stamp it is as well.
        time_ns: When the bag has it recorded.
        moving: What goes on /tf.
        static: What goes on /tf_static.
    """

    frame: Frame | BrokenFrame
    header: HeaderFields
    time_ns: int
    moving: tuple[Transform, ...] = ()
    static: tuple[Transform, ...] = ()


@dataclass(frozen=True)
class Serialized:
    """A message in CDR; `type_name` is that of its topic."""

    topic: str
    time_ns: int
    data: bytes


@dataclass(frozen=True)
class FrameMessages:
    """Makes the messages of frames.

    Attributes:
        painter: Draws the pictures.
    """

    painter: FramePainter

    def __call__(self, stamped: Stamped) -> tuple[Serialized, ...]:
        """Nothing for a frame that cannot be read; one without a result has a place and a picture, and no outputs."""
        if isinstance(stamped.frame, BrokenFrame):
            return ()
        store = message_types()
        return tuple(
            Serialized(topic, stamped.time_ns, bytes(store.serialize_cdr(_message(fields, store), fields.TYPE)))
            for topic, fields in (*_places(stamped), *self._fields(stamped.frame, stamped.header))
        )

    def _fields(self, frame: Frame, header: HeaderFields) -> Iterator[tuple[str, Any]]:
        prediction = frame.predictions[0]
        if not prediction.note:
            scene = with_ids_of_16_bits(prediction.scene)
            yield GRID_TOPIC, grid_metadata(scene.grid)
            for spec in WRITTEN:
                yield f"{NODE}/output/{spec.name}", spec.make(scene, frame.cloud, header)
        yield PICTURE_TOPIC, CompressedImageFields(header, "jpeg", _jpeg(self.painter(frame)))


def _places(stamped: Stamped) -> Iterator[tuple[str, TFMessageFields]]:
    for topic, transforms in ((TF_STATIC_TOPIC, stamped.static), (TF_TOPIC, stamped.moving)):
        if transforms:
            yield topic, transform_message(transforms, stamped.header.stamp)


def with_ids_of_16_bits(scene: Scene) -> Scene:
    """The scene itself, or with other ids where those of a long drive have outgrown an instance map.

    They go on from 1 then; where two of the scan would meet, its objects are numbered anew.
    """
    ids = scene.instances.id
    if ids.max(initial=0) <= _MOST_IDS:
        return scene
    folded = ((ids.astype(np.int64) - 1) % _MOST_IDS + 1).astype(np.int32)
    if len(np.unique(folded)) < len(folded):
        folded = np.arange(1, len(ids) + 1, dtype=np.int32)
    labels = replace(scene.points, instance=_renamed(scene.points.instance.astype(np.int64), ids, folded))
    return replace(scene, instances=replace(scene.instances, id=folded), points=labels)


@lru_cache(maxsize=1)
def message_types() -> Typestore:
    """The messages of ROS 2 Jazzy, and ours.

    Raises:
        ModuleNotFoundError: The package `rosbags`, which is optional, is not installed.
    """
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    found: dict[str, Any] = {}
    for name, text in bevseg_definitions().items():
        found |= get_types_from_msg(text, name)
    store.register(found)
    return store


def _message(fields: Any, store: Typestore) -> Any:
    return make_message(fields, store.types.__getitem__)


def _renamed(
    values: Int[np.ndarray, "n"], old: Int[np.ndarray, "k"], new: Int[np.ndarray, "k"]
) -> Int[np.ndarray, "n"]:
    """Every old number replaced by its new one; 0, which is no object, stays."""
    order = np.argsort(old)
    place = np.clip(np.searchsorted(old[order], values), 0, len(old) - 1)
    return np.where(values > 0, new[order][place], 0).astype(np.int32)


def _jpeg(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "bytes"]:
    encoded, data = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    if not encoded:
        raise RuntimeError(f"OpenCV could not encode a picture of shape {picture.shape} as JPEG")
    return data.reshape(-1)
