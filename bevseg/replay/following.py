"""Objects followed from frame to frame: steady ids, where each object was, and how fast it moves over the ground."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float, Int

from bevseg.geometry.frames import Transform
from bevseg.results.scene import Scene
from bevseg.tracking.tracker import Tracker, TrackerConfig

_TRAIL_FRAMES = 24
"""Frames that a trail reaches back."""
_LONGEST_GAP_S = 0.75
"""Frames farther apart are not taken to follow each other: in a second things come farther than they lie apart."""
_VELOCITY_FRAMES = 3
"""An object's velocity is that over so many frames: one alone shows the jitter of its box."""


@dataclass(frozen=True, eq=False)
class FollowedScene:
    """A scene with steady ids, and the trail of each of its objects in its frame, oldest place first, or none."""

    scene: Scene
    trails: tuple[Float[np.ndarray, "_ 2"], ...]


@dataclass(frozen=True, eq=False)
class _Seen:
    """Where objects were in one frame, in the fixed frame."""

    stamp_ns: int
    id: Int[np.ndarray, "k"]
    xyz_m: Float[np.ndarray, "k 3"]


@dataclass
class Follower:
    """Follows the objects of one method through a recording; frames that do not follow each other begin anew.

    Attributes:
        config: How far objects are followed.
    """

    config: TrackerConfig = field(default_factory=TrackerConfig)
    _tracker: Tracker | None = field(default=None, init=False)
    _past: deque[_Seen] = field(default_factory=lambda: deque(maxlen=_TRAIL_FRAMES), init=False)
    _last_index: int = field(default=-1, init=False)

    def follow(
        self,
        index: int,
        scene: Scene,
        T_fixed_from_cloud: Transform,
        *,
        renumber: bool = True,
        is_fixed: bool = True,
    ) -> FollowedScene:
        """The scene of a frame with the ids, trails and velocities that follow from those before it.

        Args:
            index: Place of the frame in the recording.
            scene: What was found in it.
            T_fixed_from_cloud: From the scene's frame into one that does not move with the vehicle.
            renumber: Whether objects get the ids of their tracks; without it their own ids are taken to be steady.
            is_fixed: Whether that frame truly stands still; where nobody knows how the vehicle moved, an object's way
                over the ground is not known either, and there are no trails and no measured velocities.
        """
        if not self._continues(index, scene.stamp_ns):
            self._past.clear()
            self._tracker = None
        self._last_index = index
        if renumber:
            self._tracker = self._tracker or Tracker(self.config)
            scene = self._tracker.follow(scene, T_fixed_from_cloud)
        if not is_fixed:
            self._past.append(_Seen(scene.stamp_ns, np.zeros(0, np.int64), np.zeros((0, 3))))
            return FollowedScene(scene, ())
        ids = scene.instances.id.astype(np.int64)
        self._past.append(_Seen(scene.stamp_ns, ids, T_fixed_from_cloud.apply(_centers(scene))))
        moving = replace(scene.instances, velocity_mps=self._velocities(scene, T_fixed_from_cloud))
        return FollowedScene(replace(scene, instances=moving), self._trails(ids, T_fixed_from_cloud))

    def _continues(self, index: int, stamp_ns: int) -> bool:
        """Whether the frame is the next one in time; independent scenes share a stamp or lie far apart."""
        if not self._past or index != self._last_index + 1:
            return False
        elapsed_s = (stamp_ns - self._past[-1].stamp_ns) / 1e9
        return 0 < elapsed_s <= min(_LONGEST_GAP_S, self.config.memory_s)

    def _trails(self, ids: Int[np.ndarray, "k"], T_fixed_from_cloud: Transform) -> tuple[Float[np.ndarray, "_ 2"], ...]:
        owner = np.concatenate([seen.id for seen in self._past])
        xy_m = T_fixed_from_cloud.inverse().apply(np.concatenate([seen.xyz_m for seen in self._past]))[:, :2]
        return tuple(xy_m[owner == k] for k in ids)

    def _velocities(self, scene: Scene, T_fixed_from_cloud: Transform) -> Float[np.ndarray, "k 2"]:
        """What the result says, and where it says nothing how far the object came in the last frames."""
        velocity = scene.instances.velocity_mps.astype(np.float32)
        if len(self._past) <= _VELOCITY_FRAMES:
            return velocity
        now, before = self._past[-1], self._past[-1 - _VELOCITY_FRAMES]
        _, here, there = np.intersect1d(now.id, before.id, return_indices=True)
        moved = (now.xyz_m[here] - before.xyz_m[there]) @ T_fixed_from_cloud.matrix[:3, :3]
        measured = np.full(velocity.shape, np.nan, np.float32)
        measured[here] = moved[:, :2] / ((now.stamp_ns - before.stamp_ns) / 1e9)
        return np.where(np.isnan(velocity), measured, velocity).astype(np.float32)


def _centers(scene: Scene) -> Float[np.ndarray, "k 3"]:
    return scene.instances.boxes[:, :3].astype(np.float64)
