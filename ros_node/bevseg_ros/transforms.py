"""Where the sensor is on the vehicle: a fixed mount, or transforms that arrive with stamps. Never a silent identity."""

from __future__ import annotations

import bisect
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from jaxtyping import Int
from scipy.spatial.transform import Rotation, Slerp

from bevseg.geometry.frames import Transform
from bevseg_ros.policies import RefusedError

_KEPT_NS = 10_000_000_000
"""Transforms older than the newest by more than ten seconds are forgotten, as tf2 does."""


class TransformSource(Protocol):
    """Who knows where a sensor is."""

    def T_base_from_sensor(self, frame: str, stamp_ns: int, timeout_s: float) -> Transform:  # noqa: N802
        """The transform at a time; waits for it up to `timeout_s`.

        Raises:
            RefusedError: It is not known: `no_transform`, `late_transform` or `future_transform`.
        """
        ...

    def forget(self) -> None:
        """The clock has jumped: what is known belongs to another time."""
        ...


@dataclass(frozen=True)
class MountPose:
    """A sensor that is fixed to the vehicle.

    Attributes:
        base_frame: Frame of the vehicle.
        frame: Frame of the sensor; clouds of another frame have no transform.
        xyz_m: Where the sensor is in `base_frame`, metres.
        roll_pitch_yaw_rad: How it is turned, about fixed axes x, then y, then z (as in URDF).
    """

    base_frame: str
    frame: str
    xyz_m: tuple[float, float, float]
    roll_pitch_yaw_rad: tuple[float, float, float]

    def T_base_from_sensor(self, frame: str, stamp_ns: int, timeout_s: float) -> Transform:  # noqa: N802
        """The mount, whatever the time. See `TransformSource`."""
        if frame != self.frame:
            raise RefusedError(
                "no_transform",
                f"the mount pose is that of frame '{self.frame}' (mount.frame); the cloud is in frame '{frame}'",
            )
        rotation = Rotation.from_euler("xyz", self.roll_pitch_yaw_rad).as_matrix()
        return Transform.from_rotation_translation(rotation, np.array(self.xyz_m), dst=self.base_frame, src=frame)

    def forget(self) -> None:
        """A mount is the same at any time."""


@dataclass(frozen=True)
class MountPoses:
    """Several sensors that are fixed to the vehicle, each with a frame of its own."""

    poses: tuple[MountPose, ...]

    def T_base_from_sensor(self, frame: str, stamp_ns: int, timeout_s: float) -> Transform:  # noqa: N802
        """The mount of that frame, whatever the time. See `TransformSource`."""
        for pose in self.poses:
            if pose.frame == frame:
                return pose.T_base_from_sensor(frame, stamp_ns, timeout_s)
        known = ", ".join(f"'{pose.frame}'" for pose in self.poses)
        raise RefusedError(
            "no_transform",
            f"mount poses are those of the frames {known} (mount.frame, merge.frames); the cloud is in frame '{frame}'",
        )

    def forget(self) -> None:
        """Mounts are the same at any time."""


@dataclass(frozen=True)
class Arrivals:
    """What has arrived so far, also what was forgotten since.

    Attributes:
        taken: How many lead between the frames that are asked for.
        ignored: How many lead between others.
        last_ignored: From where to where the last of those leads, empty for none.
        newest_ns: Newest stamp of what is known; None where nothing is.
    """

    taken: int = 0
    ignored: int = 0
    last_ignored: str = ""
    newest_ns: int | None = None

    def values(self) -> dict[str, str]:
        """As a diagnostic tells it."""
        return {
            "arrived": str(self.taken),
            "newest_stamp_s": "none" if self.newest_ns is None else stamp_text(self.newest_ns),
            "ignored": str(self.ignored),
            "last_ignored": self.last_ignored,
        }


@dataclass
class TransformHistory:
    """Transforms into one frame, as they arrive with their stamps; between two of them it is interpolated.

    Attributes:
        base_frame: Where all of them lead.
        what: "transform" or "odometry": by which name a refusal goes.
        src: Where all of them lead from; empty where they may come from several frames.
    """

    base_frame: str
    what: str = "transform"
    src: str = ""
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)
    _known: dict[str, list[tuple[int, Transform]]] = field(default_factory=dict, repr=False)
    _arrivals: Arrivals = field(default_factory=Arrivals, repr=False)

    def add(self, stamp_ns: int, T_base_from_sensor: Transform) -> None:
        """Takes a transform; those between other frames are none of ours."""
        if T_base_from_sensor.dst != self.base_frame or self.src not in ("", T_base_from_sensor.src):
            path = f"'{T_base_from_sensor.src}' to '{T_base_from_sensor.dst}'"
            with self._changed:
                ignored = self._arrivals.ignored + 1
                self._arrivals = replace(self._arrivals, ignored=ignored, last_ignored=path)
            return
        with self._changed:
            known = self._known.setdefault(T_base_from_sensor.src, [])
            place = bisect.bisect_left(known, stamp_ns, key=_stamp)
            is_there = place < len(known) and known[place][0] == stamp_ns
            known[place : place + is_there] = [(stamp_ns, T_base_from_sensor)]
            del known[: bisect.bisect_left(known, known[-1][0] - _KEPT_NS, key=_stamp)]
            self._arrivals = replace(self._arrivals, taken=self._arrivals.taken + 1)
            self._changed.notify_all()

    def arrivals(self) -> Arrivals:
        """What has arrived so far."""
        with self._changed:
            newest = [known[-1][0] for known in self._known.values()]
            return replace(self._arrivals, newest_ns=max(newest, default=None))

    def T_base_from_sensor(self, frame: str, stamp_ns: int, timeout_s: float) -> Transform:  # noqa: N802
        """See `TransformSource`."""
        return self.at(frame, np.array([stamp_ns]), timeout_s)[0]

    def at(self, frame: str, stamps_ns: Int[np.ndarray, "n"], timeout_s: float) -> list[Transform]:
        """The transforms at several times, at least one; waits up to `timeout_s` for those that are still to come.

        Raises:
            RefusedError: Not all of them are known.
        """
        first_ns, last_ns = int(stamps_ns.min()), int(stamps_ns.max())
        with self._changed:
            self._changed.wait_for(lambda: self._newest_ns(frame) >= last_ns, timeout_s)
            known = list(self._known.get(frame, []))
        path = f"{self.what} from '{frame}' to '{self.base_frame}'"
        if not known:
            raise RefusedError(f"no_{self.what}", f"no {path} has arrived{self._others()}")
        if last_ns > known[-1][0]:
            behind_ms = (last_ns - known[-1][0]) / 1e6
            raise RefusedError(
                f"late_{self.what}",
                f"the newest {path} is {behind_ms:.0f} ms older than the cloud, also after waiting {timeout_s:g} s",
            )
        if first_ns < known[0][0]:
            ahead_ms = (known[0][0] - first_ns) / 1e6
            raise RefusedError(f"future_{self.what}", f"the oldest {path} is {ahead_ms:.0f} ms newer than the cloud")
        return _interpolated(known, stamps_ns)

    def forget(self) -> None:
        """Drops all that is known."""
        with self._changed:
            self._known.clear()

    def _others(self) -> str:
        """What has arrived instead: wrong names of frames are the usual reason why nothing fits."""
        with self._changed:
            paths = [f"'{frame}' to '{self.base_frame}'" for frame in self._known]
            paths += [self._arrivals.last_ignored] if self._arrivals.last_ignored else []
        return f"; what has arrived leads from {', '.join(paths)}" if paths else ""

    def _newest_ns(self, frame: str) -> int:
        known = self._known.get(frame)
        return known[-1][0] if known else -1


@dataclass(frozen=True)
class Tf2Transforms:
    """A buffer of tf2_ros, asked in the same words.

    Attributes:
        base_frame: Frame of the vehicle.
        lookup: Asks tf2 for (base_frame, frame, stamp_ns, timeout_s) and gives a geometry_msgs/Transform.
        extrapolation: tf2's error for times outside of what it knows; all others mean that there is no transform.
        errors: tf2's base error.
    """

    base_frame: str
    lookup: Callable[[str, str, int, float], object]
    clear: Callable[[], None]
    extrapolation: type[Exception]
    errors: type[Exception]

    def T_base_from_sensor(self, frame: str, stamp_ns: int, timeout_s: float) -> Transform:  # noqa: N802
        """See `TransformSource`."""
        try:
            return transform_of(self.lookup(self.base_frame, frame, stamp_ns, timeout_s), self.base_frame, frame)
        except self.extrapolation as error:
            reason = "future_transform" if "past" in str(error) else "late_transform"
            raise RefusedError(reason, str(error)) from error
        except self.errors as error:
            raise RefusedError("no_transform", str(error)) from error

    def forget(self) -> None:
        """Empties the buffer."""
        self.clear()


def transform_of(message: object, dst: str, src: str) -> Transform:
    """geometry_msgs/Transform as one of ours.

    Raises:
        ValueError: Its quaternion has no length.
    """
    return rigid_transform(message.rotation, message.translation, dst, src)  # type: ignore[attr-defined]


def rigid_transform(rotation: Any, translation: Any, dst: str, src: str) -> Transform:
    """A turn and a place of geometry_msgs as one of ours.

    Raises:
        ValueError: The quaternion has no length.
    """
    q, t = rotation, translation
    return Transform.from_quaternion(
        np.array([q.w, q.x, q.y, q.z], np.float64), np.array([t.x, t.y, t.z], np.float64), dst=dst, src=src
    )


def stamp_text(stamp_ns: int) -> str:
    """A stamp in seconds, to the nanosecond."""
    seconds, nanoseconds = divmod(stamp_ns, 1_000_000_000)
    return f"{seconds}.{nanoseconds:09d}"


def _stamp(entry: tuple[int, Transform]) -> int:
    return entry[0]


def _interpolated(known: list[tuple[int, Transform]], stamps_ns: Int[np.ndarray, "n"]) -> list[Transform]:
    """The transforms at times that lie within what is known, turned and moved evenly between two that are."""
    if len(known) == 1:
        return [known[0][1]] * len(stamps_ns)
    start_ns, dst, src = known[0][0], known[0][1].dst, known[0][1].src
    times = np.array([stamp_ns - start_ns for stamp_ns, _ in known], np.float64)
    wanted = (stamps_ns - start_ns).astype(np.float64)
    places = np.stack([transform.translation_m for _, transform in known])
    turns = Rotation.from_matrix(np.stack([transform.matrix[:3, :3] for _, transform in known]))
    rotations = Slerp(times, turns)(wanted).as_matrix()
    moved = np.stack([np.interp(wanted, times, places[:, axis]) for axis in range(3)], axis=1)
    return [
        Transform.from_rotation_translation(rotation, place, dst=dst, src=src)
        for rotation, place in zip(rotations, moved, strict=True)
    ]
