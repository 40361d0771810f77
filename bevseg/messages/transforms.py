"""Where frames lie, as the messages of /tf have it: tf2_msgs/TFMessage and what is in it. See `fields`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from scipy.spatial.transform import Rotation

from bevseg.geometry.frames import Transform
from bevseg.messages.fields import HeaderFields, QuaternionFields, TimeFields, VectorFields


@dataclass(frozen=True)
class TransformFields:
    """geometry_msgs/Transform."""

    TYPE: ClassVar[str] = "geometry_msgs/msg/Transform"
    translation: VectorFields
    rotation: QuaternionFields


@dataclass(frozen=True)
class TransformStampedFields:
    """geometry_msgs/TransformStamped: the pose of the child's frame in the header's."""

    TYPE: ClassVar[str] = "geometry_msgs/msg/TransformStamped"
    header: HeaderFields
    child_frame_id: str
    transform: TransformFields


@dataclass(frozen=True)
class TFMessageFields:
    """tf2_msgs/TFMessage."""

    TYPE: ClassVar[str] = "tf2_msgs/msg/TFMessage"
    transforms: tuple[TransformStampedFields, ...]


def transform_message(transforms: Sequence[Transform], stamp: TimeFields) -> TFMessageFields:
    """Transforms T_parent_from_child for /tf or /tf_static: the frames are theirs, the stamp is one."""
    return TFMessageFields(tuple(_stamped(transform, stamp) for transform in transforms))


def _stamped(T_parent_from_child: Transform, stamp: TimeFields) -> TransformStampedFields:
    x, y, z = T_parent_from_child.translation_m.tolist()
    quaternion = Rotation.from_matrix(T_parent_from_child.matrix[:3, :3]).as_quat(canonical=True).tolist()
    return TransformStampedFields(
        HeaderFields(stamp, T_parent_from_child.dst),
        T_parent_from_child.src,
        TransformFields(VectorFields(x, y, z), QuaternionFields(*quaternion)),
    )
