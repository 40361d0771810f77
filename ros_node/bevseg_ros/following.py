"""Objects followed from cloud to cloud, in a frame that stays where it is while the vehicle moves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bevseg.geometry.frames import Transform
from bevseg.results.scene import Scene
from bevseg.results.track_labels import TrackLabels
from bevseg.tracking.labelling import follow_objects
from bevseg.tracking.tracker import Tracker
from bevseg_ros.transforms import TransformSource


@dataclass(frozen=True)
class FollowingState:
    """What diagnostics want to know.

    Attributes:
        tracks: Objects that are remembered.
        begun_anew: How often all of them were forgotten.
        error: Why the last cloud that could not be followed was not, empty for none.
        failing: Whether that was the last cloud.
    """

    tracks: int = 0
    begun_anew: int = 0
    error: str = ""
    failing: bool = False


class StandingFrame:
    """For a sensor that does not move: the frame of the results itself. See `TransformSource`."""

    def T_base_from_sensor(self, frame: str, stamp_ns: int, timeout_s: float) -> Transform:  # noqa: N802
        """The same at any time."""
        return Transform.identity(frame)

    def forget(self) -> None:
        """It stands at any time."""


@dataclass
class Following:
    """Gives objects the ids of their tracks; for one thread, poses may come from another.

    Attributes:
        fixed: Into the frame that objects are followed in, from that of the results.
    """

    fixed: TransformSource
    _tracker: Tracker = field(default_factory=Tracker, repr=False)
    _frame: str = field(default="", repr=False)
    _stamp_ns: int | None = field(default=None, repr=False)
    _begun_anew: int = field(default=0, repr=False)

    def follow(self, scene: Scene, stamp_ns: int, timeout_s: float) -> tuple[Scene, TrackLabels]:
        """The scene with the velocities of its tracks, and the tracks.

        Args:
            scene: The next one.
            stamp_ns: Of its message. One that is older than the one before is a clock that jumped back.
            timeout_s: How long the pose at that time may be waited for.

        Raises:
            RefusedError: The pose is not known. Tracks are kept: the next cloud may go on with them.
        """
        T_fixed_from_scene = self.fixed.T_base_from_sensor(scene.frame, stamp_ns, timeout_s)
        if self._stamp_ns is not None and (stamp_ns < self._stamp_ns or scene.frame != self._frame):
            self.begin_anew()
        self._stamp_ns, self._frame = stamp_ns, scene.frame
        moving, labels = follow_objects(self._tracker, replace(scene, stamp_ns=stamp_ns), T_fixed_from_scene)
        return replace(moving, stamp_ns=scene.stamp_ns), labels

    def begin_anew(self) -> None:
        """Another stream: nothing of what was seen is in it. Ids count on, so that none comes twice."""
        if self._stamp_ns is not None:
            self._begun_anew += 1
        self._stamp_ns = None
        self._tracker.begin_anew()

    def state(self, *, error: str, failing: bool) -> FollowingState:
        """How it stands; the error is that of the last cloud that could not be followed."""
        return FollowingState(len(self._tracker.tracks.id), self._begun_anew, error, failing)
