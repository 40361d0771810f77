"""A scene that keeps its own ids, with the tracks of its objects beside them and velocities where tracks give one.

Ids of a scan stay small, so that maps of 16 bits hold them for ever; numbers of tracks grow all through a drive.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from bevseg.geometry.frames import Transform
from bevseg.results.instances import Instances
from bevseg.results.scene import Scene
from bevseg.results.track_labels import TrackLabels, TrackState
from bevseg.tracking.tracker import Tracker, Tracks

CONFIRMED_FROM_SCANS = 3
"""A track found in so many scans is relied upon (`min_hits` of SORT and AB3DMOT)."""


def follow_objects(tracker: Tracker, scene: Scene, T_fixed_from_scene: Transform) -> tuple[Scene, TrackLabels]:
    """Follows the objects of the next scan.

    Args:
        tracker: Knows those of the scans before.
        scene: The next scan.
        T_fixed_from_scene: From the scene's frame into one that does not move with the vehicle.

    Returns:
        The scene, in which objects whose velocity was not known have that of their track once it is confirmed; and
        their tracks.

    Raises:
        FrameError: The transform does not start at the scene's frame.
        ValueError: The scan is older than the one before.
    """
    tracker.follow(scene, T_fixed_from_scene)
    found = tracker.tracks[np.arange(len(scene.instances))]
    confirmed = found.scans >= CONFIRMED_FROM_SCANS
    over_ground = settled_velocity_mps(found, gain=tracker.config.velocity_gain)
    over_ground[~confirmed] = np.nan
    instances = _with_velocity(scene.instances, over_ground, T_fixed_from_scene)
    state = np.where(confirmed, TrackState.CONFIRMED, TrackState.TENTATIVE).astype(np.uint8)
    return replace(scene, instances=instances), TrackLabels(instances.id.astype(np.int64), found.id, state)


def settled_velocity_mps(tracks: Tracks, *, gain: float) -> Float[np.ndarray, "t 2"]:
    """Velocity of each track in the fixed frame, NaN for one that was found in a single scan.

    A track begins at rest, so that its velocity is a weighted mean of its displacements and of that rest: the weight
    of the rest, `(1 - gain) ** displacements`, is taken out (as Adam does, Kingma and Ba 2015, section 3).
    """
    weight = 1 - (1 - gain) ** (tracks.scans - 1.0)
    known = weight > 0
    velocity = np.full(tracks.velocity_mps.shape, np.nan)
    velocity[known] = tracks.velocity_mps[known] / weight[known, None]
    return velocity


def _with_velocity(
    instances: Instances, over_ground_mps: Float[np.ndarray, "k 2"], T_fixed_from_scene: Transform
) -> Instances:
    """Velocities turned into the scene's axes, where the instances know none of their own."""
    turned = np.pad(over_ground_mps, ((0, 0), (0, 1))) @ T_fixed_from_scene.matrix[:3, :3]
    known = instances.velocity_mps
    return replace(instances, velocity_mps=np.where(np.isnan(known), turned[:, :2], known).astype(np.float32))
