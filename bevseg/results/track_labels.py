"""Which track each object of a scene belongs to, beside the ids that the scene's own masks and points refer to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Int, Integer, UInt8


class TrackState(IntEnum):
    """How far the identity of an object can be relied upon; the numbers are those of `bevseg_msgs/Instance`."""

    UNTRACKED = 0
    TENTATIVE = 1
    CONFIRMED = 2


@dataclass(frozen=True, eq=False)
class TrackLabels:
    """Entry k of every array is the same object.

    Attributes:
        instance: `Instances.id` of the object in its scan.
        track: Number that lasts over scans, from 1; 0 for none.
        state: `TrackState`.
    """

    instance: Int[np.ndarray, "k"]
    track: Int[np.ndarray, "k"]
    state: UInt8[np.ndarray, "k"]

    @classmethod
    def none(cls) -> TrackLabels:
        """No object was followed."""
        nothing = np.zeros(0, np.int64)
        return cls(nothing, nothing, np.zeros(0, np.uint8))

    def of(self, instance: Integer[np.ndarray, "j"]) -> TrackLabels:
        """The labels of these objects, in their order; those that are not known were not followed."""
        order = np.argsort(self.instance)
        place = np.searchsorted(self.instance, instance, sorter=order)
        place = order[np.minimum(place, len(order) - 1)] if len(order) else np.zeros(len(instance), np.int64)
        found = np.isin(instance, self.instance)
        track, state = np.zeros(len(instance), np.int64), np.zeros(len(instance), np.uint8)
        track[found], state[found] = self.track[place[found]], self.state[place[found]]
        return TrackLabels(instance.astype(np.int64), track, state)
