"""The colours of objects and classes, in pictures and in messages; all are (red, green, blue), 0..255.

Told apart by every kind of colour vision on a dark ground: the hues come from Okabe and Ito ("Color Universal Design",
2008) and Tol ("Colour Schemes", 2021); their lightness was moved until those of things also lie far apart for
deuteranopes and protanopes, to whom many hues are one (tests/drawing/test_color_vision.py says how far).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Integer, UInt8

from bevseg.results.classes import NUM_CLASSES, SemanticClass

Color = tuple[int, int, int]

ARROW: Color = (255, 209, 102)
"""Of arrows from the object in front to the one that it hides, and of what is said about hidden parts."""

_OBJECT_HUES: tuple[Color, ...] = (
    (158, 200, 251),  # sky blue
    (29, 202, 173),  # bluish green
    (253, 249, 76),  # yellow
    (240, 153, 68),  # orange
    (234, 66, 26),  # vermillion
    (234, 99, 123),  # rose
    (168, 113, 160),  # reddish purple
    (87, 115, 244),  # blue
)
_OBJECT_TINTS = (0.0, 0.32, 0.16)
"""Share of white mixed into the hues, one round of eight objects after the other."""

_GOLDEN_STEP = (5**0.5 - 1) / 2

_CLASS: dict[SemanticClass, Color] = {
    SemanticClass.NOISE: (96, 104, 114),
    SemanticClass.BARRIER: (184, 178, 147),
    SemanticClass.BICYCLE: (173, 125, 134),
    SemanticClass.BUS: (110, 188, 184),
    SemanticClass.CAR: (151, 219, 251),
    SemanticClass.CONSTRUCTION_VEHICLE: (250, 225, 102),
    SemanticClass.MOTORCYCLE: (209, 50, 165),
    SemanticClass.PEDESTRIAN: (177, 108, 65),
    SemanticClass.TRAFFIC_CONE: (206, 160, 68),
    SemanticClass.TRAILER: (152, 160, 243),
    SemanticClass.TRUCK: (38, 111, 255),
    SemanticClass.DRIVEABLE_SURFACE: (98, 110, 124),
    SemanticClass.OTHER_FLAT: (128, 110, 104),
    SemanticClass.SIDEWALK: (134, 118, 146),
    SemanticClass.TERRAIN: (138, 140, 84),
    SemanticClass.MANMADE: (176, 164, 150),
    SemanticClass.VEGETATION: (84, 150, 84),
}


def object_color(object_id: int) -> Color:
    """The steady colour of an object or track; ids that follow each other get hues far apart."""
    slots = len(_OBJECT_HUES)
    hue = _OBJECT_HUES[int(slots * ((object_id * _GOLDEN_STEP) % 1.0))]
    return mix(hue, (255, 255, 255), _OBJECT_TINTS[(object_id // slots) % len(_OBJECT_TINTS)])


def class_color(label: int) -> Color:
    """The colour of a `SemanticClass`."""
    return _CLASS[SemanticClass(label)]


def class_colors() -> UInt8[np.ndarray, "classes 3"]:
    """Row `label` is the colour of that `SemanticClass`."""
    return np.array([_CLASS[SemanticClass(label)] for label in range(NUM_CLASSES)], np.uint8)


def object_colors(object_ids: Integer[np.ndarray, "n"]) -> UInt8[np.ndarray, "n 3"]:
    """`object_color` of each id."""
    known, place = np.unique(object_ids, return_inverse=True)
    table = np.array([object_color(int(k)) for k in known], np.uint8).reshape(-1, 3)
    return table[place.reshape(-1)]


def mix(color: Color, other: Color, share: float) -> Color:
    """`color` with `share` (0..1) of `other` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(color, other, strict=True))
    return red, green, blue
