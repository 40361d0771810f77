"""Where sensors are on the vehicle, from /tf_static: the tree of its frames, and in which of them rays start.

Drivers publish clouds in the frame of their sensor, where rays start at the origin. A cloud may as well have been moved
into another frame, the vehicle's most often, and its message does not tell of which sensor it is. The rules:

1. The frame that whoever opens the bag names is the sensor's.
2. Else frames `bevseg_ray_origin_K` that hang on the cloud's frame are, which bevseg's own bags have.
3. Else the cloud's frame is the sensor's own, as drivers have it. Where it goes by a name of vehicles or of the world
   (base_link, odom, map, ...) it cannot be, and the bag is refused: the origin is never guessed.

A frame that /tf_static hangs in two places, or on itself through others, is an error where it lies between two frames
that are wanted, and of no account elsewhere: not below them, nor above the first frame that both hang on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32

from bevseg.datasets.labels import DatasetError
from bevseg.geometry.frames import Transform, angle_between_rad
from bevseg.messages.sensor_place import RAY_ORIGIN, is_vehicle_or_world, ray_origin_frame

_SAME = 1e-4
"""Metres, and parts of a unit vector, by which a transform that is sent again may differ: two publishers may have
rounded one calibration differently, and neither a tenth of a millimetre nor 0.006 degrees matter for rays."""
_NAMED = 12
"""Frames that an error lists."""


class StaticEdge(NamedTuple):
    """On which frame another one hangs, and where, as it was sent; compared to tell what is sent again."""

    parent: str
    place_m: tuple[float, float, float]
    quat_wxyz: tuple[float, float, float, float]


class _Chain(NamedTuple):
    """A frame, the one that it hangs on, and so on; `fault` is why it is not known on what the last one hangs."""

    frames: tuple[str, ...]
    fault: str | None = None


@dataclass(frozen=True, eq=False)
class StaticFrames:
    """What /tf_static says; frames go without the slash that ROS 1 put in front of them.

    Attributes:
        edges: Everything that was said of a frame, once each, by its name.
        where: The bag, which errors name.
    """

    edges: Mapping[str, tuple[StaticEdge, ...]]
    where: str

    @classmethod
    def of_messages(cls, messages: Iterable[Any], where: str) -> StaticFrames:
        """From tf2_msgs/TFMessages, those of several publishers together; however often one is sent, it is kept once.

        Args:
            messages: All that the bag has.
            where: The bag, which errors name.
        """
        found: dict[str, dict[StaticEdge, None]] = {}
        for message in messages:
            for stamped in message.transforms:
                found.setdefault(plain_name(stamped.child_frame_id), {})[_edge_of(stamped)] = None
        return cls({child: tuple(edges) for child, edges in found.items()}, where)

    def below(self, frame: str) -> list[str]:
        """The frames that hang on a frame, over however many others, by name."""
        below: set[str] = set()
        new = {frame}
        while new:
            new = {child for parent in new for child in self.on(parent)} - below - {frame}
            below |= new
        return sorted(below)

    def on(self, frame: str) -> list[str]:
        """The frames that hang on a frame itself."""
        return [child for child, edges in self.edges.items() if any(edge.parent == frame for edge in edges)]

    def transform(self, *, dst: str, src: str) -> Transform | None:
        """T_dst_from_src; None where nothing connects the two.

        Raises:
            DatasetError: What they hang on contradicts itself, or runs in a circle.
        """
        from_dst, from_src = self._chain(dst), self._chain(src)
        shared = next((frame for frame in from_src.frames if frame in from_dst.frames), None)
        if shared is not None:
            return self._up(from_dst, shared).inverse() @ self._up(from_src, shared)
        if fault := from_dst.fault or from_src.fault:
            raise DatasetError(f"{self.where}: {fault}")
        return None

    def disconnection(self, first: str, second: str) -> str:
        """Why there is no transform between two frames, in words."""
        if not self.edges:
            return "there is no message on /tf_static"
        roots = {frame: self._chain(frame).frames[-1] for frame in (first, second)}
        return ", ".join(
            f"'{frame}' hangs on nothing" if root == frame else f"the last that '{frame}' hangs on is '{root}'"
            for frame, root in roots.items()
        )

    def _chain(self, frame: str) -> _Chain:
        """From a frame to the root of its tree, or as far as it is clear; where a circle is entered it is not."""
        chain = [frame]
        while edges := self.edges.get(chain[-1]):
            parents = sorted({edge.parent for edge in edges})
            if len(parents) > 1:
                fault = f"/tf_static hangs '{chain[-1]}' on each of {_some(parents)}; it may have one parent"
                return _Chain(tuple(chain), fault)
            if parents[0] in chain:
                entry = chain.index(parents[0])
                fault = f"/tf_static: the frames {_some(chain[entry:])} hang on each other in a circle"
                return _Chain(tuple(chain[: entry + 1]), fault)
            chain.append(parents[0])
        return _Chain(tuple(chain))

    def _up(self, chain: _Chain, stop: str) -> Transform:
        """From the first frame of a chain to one that is in it."""
        path = Transform.identity(chain.frames[0])
        for frame in chain.frames[: chain.frames.index(stop)]:
            path = self._edge(frame) @ path
        return path

    def _edge(self, child: str) -> Transform:
        """T_parent_from_child, the one that all messages agree on."""
        first, *others = (self._transform_of(child, edge) for edge in self.edges[child])
        for other in others:
            if not np.allclose(other.matrix, first.matrix, rtol=0, atol=_SAME):
                raise DatasetError(
                    f"{self.where}: /tf_static puts '{child}' at {_words(first)} and at {_words(other)} on "
                    f"'{first.dst}', {_apart(first, other)}: two publishers contradict each other, or the bag holds "
                    "two recordings; cut it, or leave one out"
                )
        return first

    def _transform_of(self, child: str, edge: StaticEdge) -> Transform:
        place_m, quat_wxyz = np.array(edge.place_m, np.float64), np.array(edge.quat_wxyz, np.float64)
        try:
            if not np.isfinite(place_m).all():
                raise ValueError(f"a place needs finite numbers, got {place_m}")
            return Transform.from_quaternion(quat_wxyz, place_m, dst=edge.parent, src=child)
        except ValueError as error:
            raise DatasetError(
                f"{self.where}: /tf_static: the transform of '{child}' on '{edge.parent}' is none: {error}"
            ) from error


def plain_name(frame: str) -> str:
    """A frame's name as tf2 has it."""
    return frame.lstrip("/")


def ray_origins(
    frames: StaticFrames, cloud_frame: str, sensor_frame: str | None, *, where: str
) -> Float32[np.ndarray, "sensor 3"]:
    """Where rays start in the frame of the clouds, metres: one place a sensor, by the rules above.

    Args:
        frames: Of the bag.
        cloud_frame: Of the clouds.
        sensor_frame: The sensor's, where it is named.
        where: The bag and topic that errors name.

    Raises:
        DatasetError: It is not known.
    """
    if sensor_frame is not None:
        return _origins_of(frames, cloud_frame, [plain_name(sensor_frame)], where=where)
    marks = [frame for frame in frames.on(cloud_frame) if frame.startswith(RAY_ORIGIN)]
    if marks:
        expected = [ray_origin_frame(number) for number in range(len(marks))]
        if set(marks) != set(expected):
            raise DatasetError(f"{where}: on '{cloud_frame}' /tf_static hangs {marks}, expected {expected}")
        return _origins_of(frames, cloud_frame, expected, where=where)
    if not is_vehicle_or_world(cloud_frame):
        return np.zeros((1, 3), np.float32)
    below = frames.below(cloud_frame)
    hanging = f"hangs {_some(below)} on it" if below else "hangs nothing on it"
    raise DatasetError(
        f"{where}: the points are in '{cloud_frame}', which is no sensor's own frame (/tf_static {hanging}); "
        "where their rays start is not known: name the sensor's frame with --sensor-frame "
        f"({_some([cloud_frame, *below])})"
    )


def _origins_of(
    frames: StaticFrames, cloud_frame: str, sensors: list[str], *, where: str
) -> Float32[np.ndarray, "sensor 3"]:
    origins = []
    for sensor in sensors:
        found = frames.transform(dst=cloud_frame, src=sensor)
        if found is None:
            raise DatasetError(
                f"{where}: /tf_static does not connect the sensor's frame '{sensor}' with '{cloud_frame}', which the "
                f"points are in: {frames.disconnection(sensor, cloud_frame)}"
            )
        origins.append(found.translation_m)
    return np.array(origins, np.float32)


def _edge_of(stamped: Any) -> StaticEdge:
    place, turn = stamped.transform.translation, stamped.transform.rotation
    return StaticEdge(
        plain_name(stamped.header.frame_id), (place.x, place.y, place.z), (turn.w, turn.x, turn.y, turn.z)
    )


def _words(transform: Transform) -> str:
    place = ", ".join(f"{value:.4f}" for value in transform.translation_m)
    r = transform.matrix[:3, :3]
    roll, pitch = np.degrees([np.arctan2(r[2, 1], r[2, 2]), -np.arctan2(r[2, 0], np.hypot(r[2, 1], r[2, 2]))])
    yaw = np.degrees(transform.yaw_rad)
    return f"({place}) m, roll {roll:.3f}, pitch {pitch + 0.0:.3f}, yaw {yaw:.3f} deg"


def _apart(first: Transform, second: Transform) -> str:
    distance_mm = 1000 * np.linalg.norm(second.translation_m - first.translation_m)
    return f"{distance_mm:.2f} mm and {np.degrees(angle_between_rad(first, second)):.3f} degrees apart"


def _some(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_NAMED])
    return shown + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
