"""The classes: the ten things and six stuffs of nuScenes panoptic, with nuScenes' own indices."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class SemanticClass(IntEnum):
    """Index in point labels and in `Instances.label`; 0 is unlabelled and ignored in training and metrics."""

    NOISE = 0
    BARRIER = 1
    BICYCLE = 2
    BUS = 3
    CAR = 4
    CONSTRUCTION_VEHICLE = 5
    MOTORCYCLE = 6
    PEDESTRIAN = 7
    TRAFFIC_CONE = 8
    TRAILER = 9
    TRUCK = 10
    DRIVEABLE_SURFACE = 11
    OTHER_FLAT = 12
    SIDEWALK = 13
    TERRAIN = 14
    MANMADE = 15
    VEGETATION = 16

    @property
    def label(self) -> str:
        """Name as nuScenes writes it: lower case with underscores."""
        return self.name.lower()

    @property
    def is_thing(self) -> bool:
        return SemanticClass.BARRIER <= self <= SemanticClass.TRUCK


class ClassGroup(IntEnum):
    """Things that are confused with each other more than with the rest; objects are matched within a group."""

    VEHICLE = 0
    PEDESTRIAN = 1
    TWO_WHEELER = 2
    STATIC = 3

    @property
    def label(self) -> str:
        return self.name.lower()


NUM_CLASSES = len(SemanticClass)
"""With index 0, so that arrays over classes are indexed by the class itself."""

THING_CLASSES = tuple(c for c in SemanticClass if c.is_thing)
STUFF_CLASSES = tuple(c for c in SemanticClass if c and not c.is_thing)

_GROUP_MEMBERS = {
    ClassGroup.VEHICLE: ("CAR", "TRUCK", "BUS", "TRAILER", "CONSTRUCTION_VEHICLE"),
    ClassGroup.PEDESTRIAN: ("PEDESTRIAN",),
    ClassGroup.TWO_WHEELER: ("MOTORCYCLE", "BICYCLE"),
    ClassGroup.STATIC: ("TRAFFIC_CONE", "BARRIER"),
}

GROUP_OF_CLASS = np.full(NUM_CLASSES, -1, dtype=np.int64)
"""(NUM_CLASSES,): the `ClassGroup` of each thing class, -1 for noise and stuff."""
for _group, _members in _GROUP_MEMBERS.items():
    for _member in _members:
        GROUP_OF_CLASS[SemanticClass[_member]] = _group


def classes_of(group: ClassGroup) -> tuple[SemanticClass, ...]:
    """The thing classes of a group, in the order of their indices."""
    return tuple(c for c in THING_CLASSES if GROUP_OF_CLASS[c] == group)
