"""Steady ids: each object of a scan is given the id that it had in the scans before.

Objects are matched by where their tracks should be by now (constant velocity over the ground) against where they are,
one to one and within a group of classes, so that a car which the head calls a truck for one scan stays itself. A track
that is not found lives on for a while: what passes behind something comes out with its old id.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment

from bevseg.geometry.frames import FrameError, Transform
from bevseg.results.classes import GROUP_OF_CLASS
from bevseg.results.instances import Instances
from bevseg.results.scene import PointLabels, Scene

_FORBIDDEN_M = 1e6
"""Stands in the matrix of distances for a pair that must not be matched."""


@dataclass(frozen=True)
class TrackerConfig:
    """How far objects are followed.

    Attributes:
        reach_m: Largest distance between where a track should be and the object that continues it, metres.
        reach_mps: Grows that distance with the time since the track was last found, metres a second.
        memory_s: How long a track that is not found lives on, seconds.
        velocity_gain: Share of a new displacement in the velocity of a track, above 0 to 1.
    """

    reach_m: float = 1.5
    reach_mps: float = 3.0
    memory_s: float = 1.0
    velocity_gain: float = 0.3

    def __post_init__(self) -> None:
        if self.reach_m <= 0 or self.reach_mps < 0 or self.memory_s < 0 or not 0 < self.velocity_gain <= 1:
            raise ValueError(
                "a tracker needs reach_m above 0, reach_mps and memory_s of 0 or more and velocity_gain in (0, 1], got "
                f"{self.reach_m}, {self.reach_mps}, {self.memory_s} and {self.velocity_gain}"
            )


@dataclass(frozen=True, eq=False)
class Tracks:
    """What is known of each object that was seen lately; entry t of every array is the same track.

    Attributes:
        id: Of the object, from 1.
        group: Its `ClassGroup`.
        xy_m: Middle of its box on the ground when it was last found, in the fixed frame, metres.
        velocity_mps: Over the ground, in the fixed frame.
        seen_ns: Stamp of the scan in which it was last found.
        scans: In how many scans it was found.
    """

    id: Int[np.ndarray, "t"]
    group: Int[np.ndarray, "t"]
    xy_m: Float[np.ndarray, "t 2"]
    velocity_mps: Float[np.ndarray, "t 2"]
    seen_ns: Int[np.ndarray, "t"]
    scans: Int[np.ndarray, "t"]

    @classmethod
    def none(cls) -> Tracks:
        whole, real = np.zeros(0, np.int64), np.zeros((0, 2))
        return cls(whole, whole, real, real, whole, whole)

    def age_s(self, stamp_ns: int) -> Float[np.ndarray, "t"]:
        """Seconds since each was last found."""
        return (stamp_ns - self.seen_ns) / 1e9

    def followed_by(self, other: Tracks) -> Tracks:
        """These tracks, then those."""
        return Tracks(
            id=np.concatenate([self.id, other.id]),
            group=np.concatenate([self.group, other.group]),
            xy_m=np.concatenate([self.xy_m, other.xy_m]),
            velocity_mps=np.concatenate([self.velocity_mps, other.velocity_mps]),
            seen_ns=np.concatenate([self.seen_ns, other.seen_ns]),
            scans=np.concatenate([self.scans, other.scans]),
        )

    def __getitem__(self, index: np.ndarray) -> Tracks:
        return Tracks(
            id=self.id[index],
            group=self.group[index],
            xy_m=self.xy_m[index],
            velocity_mps=self.velocity_mps[index],
            seen_ns=self.seen_ns[index],
            scans=self.scans[index],
        )


@dataclass
class Tracker:
    """Follows the objects of one drive, scan by scan.

    Attributes:
        config: How far objects are followed.
        tracks: What was seen lately.
    """

    config: TrackerConfig = field(default_factory=TrackerConfig)
    tracks: Tracks = field(default_factory=Tracks.none)
    _next_id: int = field(default=1, init=False, repr=False)
    _stamp_ns: int | None = field(default=None, init=False, repr=False)

    def begin_anew(self) -> None:
        """Forgets all objects, as where the clock or the fixed frame jumps; ids count on, so that none comes twice."""
        self.tracks, self._stamp_ns = Tracks.none(), None

    def follow(self, scene: Scene, T_fixed_from_scene: Transform) -> Scene:
        """The scene with the ids of the drive, in the instances and in the point labels.

        Args:
            scene: The next scan.
            T_fixed_from_scene: From the scene's frame into one that does not move with the vehicle.

        Raises:
            FrameError: The transform does not start at the scene's frame.
            ValueError: The scan is older than the one before.
        """
        if T_fixed_from_scene.src != scene.frame:
            raise FrameError(f"expected a transform from '{scene.frame}', got one from '{T_fixed_from_scene.src}'")
        if self._stamp_ns is not None and scene.stamp_ns < self._stamp_ns:
            raise ValueError(f"scans must follow in time, got {scene.stamp_ns} ns after {self._stamp_ns} ns")
        self._stamp_ns = scene.stamp_ns
        known = self.tracks[self.tracks.age_s(scene.stamp_ns) <= self.config.memory_s]
        found = _as_tracks(scene.instances, T_fixed_from_scene, scene.stamp_ns)
        continued = match_tracks(known, found, stamp_ns=scene.stamp_ns, config=self.config)
        self.tracks = self._updated(known, found, continued)
        return _with_ids(scene, self.tracks.id[: len(found.id)])

    def _updated(self, known: Tracks, found: Tracks, continued: Int[np.ndarray, "k"]) -> Tracks:
        """The found objects as tracks, in their order, then those that were not found this time."""
        old = continued >= 0
        before = known[continued[old]]
        ids, velocity, scans = found.id.copy(), found.velocity_mps.copy(), found.scans.copy()
        ids[old] = before.id
        ids[~old] = np.arange(self._next_id, self._next_id + np.count_nonzero(~old))
        self._next_id += int(np.count_nonzero(~old))
        elapsed_s = np.maximum((found.seen_ns[old] - before.seen_ns) / 1e9, 1e-3)[:, None]
        measured = (found.xy_m[old] - before.xy_m) / elapsed_s
        scans[old] = before.scans + 1
        velocity[old] = before.velocity_mps + self.config.velocity_gain * (measured - before.velocity_mps)
        lost = np.setdiff1d(np.arange(len(known.id)), continued[old])
        return replace(found, id=ids, velocity_mps=velocity, scans=scans).followed_by(known[lost])


def match_tracks(known: Tracks, found: Tracks, *, stamp_ns: int, config: TrackerConfig) -> Int[np.ndarray, "k"]:
    """For each found object the position of the track that it continues, -1 for none."""
    continued = np.full(len(found.id), -1, np.int64)
    age_s = known.age_s(stamp_ns)
    expected = known.xy_m + known.velocity_mps * age_s[:, None]
    distance = np.hypot(*np.moveaxis(found.xy_m[:, None] - expected[None], -1, 0))
    allowed = (distance <= config.reach_m + config.reach_mps * age_s) & (found.group[:, None] == known.group)
    rows, columns = linear_sum_assignment(np.where(allowed, distance, _FORBIDDEN_M))
    kept = allowed[rows, columns]
    continued[rows[kept]] = columns[kept]
    return continued


def _as_tracks(instances: Instances, T_fixed_from_scene: Transform, stamp_ns: int) -> Tracks:
    """Objects as tracks without an id and at rest: that they stand still is the best guess until seen twice."""
    k = len(instances)
    return Tracks(
        id=np.zeros(k, np.int64),
        group=GROUP_OF_CLASS[instances.label],
        xy_m=T_fixed_from_scene.apply(instances.boxes[:, :3].astype(np.float64))[:, :2],
        velocity_mps=np.zeros((k, 2)),
        seen_ns=np.full(k, stamp_ns, np.int64),
        scans=np.ones(k, np.int64),
    )


def _with_ids(scene: Scene, ids: Int[np.ndarray, "k"]) -> Scene:
    instances = scene.instances
    largest = max(int(instances.id.max(initial=0)), int(scene.points.instance.max(initial=0)))
    new_id = np.zeros(largest + 1, np.int32)
    new_id[instances.id] = ids
    return replace(
        scene,
        instances=replace(instances, id=ids.astype(np.int32)),
        points=PointLabels(scene.points.semantic, new_id[scene.points.instance]),
    )
