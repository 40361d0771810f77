"""Colours for a dark ground, told apart by every kind of colour vision; all are (red, green, blue), 0..255.

The hues are those of Okabe and Ito ("Color Universal Design", 2008) and Tol ("Colour Schemes", 2021), the dark ones
lightened until they stand out on the ground tones.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Integer, UInt8

from bevseg.results.classes import NUM_CLASSES, SemanticClass
from bevseg.results.scene import CellState

Color = tuple[int, int, int]

BACKGROUND: Color = (9, 12, 16)
PANEL: Color = (14, 18, 24)
PANEL_EDGE: Color = (38, 46, 57)
TEXT: Color = (232, 237, 243)
TEXT_QUIET: Color = (139, 151, 166)
RING: Color = (104, 122, 143)
EGO: Color = (236, 240, 245)
ARROW: Color = (255, 209, 102)
TRUTH: Color = (255, 255, 255)

FOUND: Color = (43, 196, 160)
INVENTED: Color = (238, 108, 42)
MISSED: Color = (226, 120, 196)
"""Outcomes of a comparison with truth: bluish green, vermillion and reddish purple differ in lightness as well."""

_GROUND: dict[CellState, Color] = {
    CellState.UNOBSERVED: (13, 17, 22),
    CellState.FREE: (36, 47, 59),
    CellState.OCCUPIED: (58, 73, 89),
    CellState.HIDDEN: (25, 23, 37),
}

_OBJECT_HUES: tuple[Color, ...] = (
    (86, 180, 233),  # sky blue
    (0, 188, 150),  # bluish green
    (240, 228, 66),  # yellow
    (240, 160, 30),  # orange
    (236, 106, 52),  # vermillion
    (232, 106, 148),  # rose
    (212, 140, 220),  # reddish purple
    (104, 134, 250),  # blue
)
_OBJECT_TINTS = (0.0, 0.32, 0.16)
"""Share of white mixed into the hues, one round of eight objects after the other."""

_GOLDEN_STEP = (5**0.5 - 1) / 2

_CLASS: dict[SemanticClass, Color] = {
    SemanticClass.NOISE: (96, 104, 114),
    SemanticClass.BARRIER: (196, 176, 132),
    SemanticClass.BICYCLE: (238, 136, 168),
    SemanticClass.BUS: (0, 204, 180),
    SemanticClass.CAR: (86, 180, 233),
    SemanticClass.CONSTRUCTION_VEHICLE: (226, 196, 40),
    SemanticClass.MOTORCYCLE: (204, 121, 200),
    SemanticClass.PEDESTRIAN: (240, 120, 50),
    SemanticClass.TRAFFIC_CONE: (255, 184, 108),
    SemanticClass.TRAILER: (150, 160, 240),
    SemanticClass.TRUCK: (84, 124, 240),
    SemanticClass.DRIVEABLE_SURFACE: (98, 110, 124),
    SemanticClass.OTHER_FLAT: (128, 110, 104),
    SemanticClass.SIDEWALK: (134, 118, 146),
    SemanticClass.TERRAIN: (138, 140, 84),
    SemanticClass.MANMADE: (176, 164, 150),
    SemanticClass.VEGETATION: (84, 150, 84),
}

_HEIGHT_STOPS_M = (-2.5, -1.4, 0.0, 2.5, 6.0)
_HEIGHT_COLORS = ((58, 74, 96), (74, 96, 122), (112, 140, 158), (168, 188, 188), (206, 214, 200))
_HEIGHT_TABLE = np.stack(
    [
        np.interp(np.linspace(_HEIGHT_STOPS_M[0], _HEIGHT_STOPS_M[-1], 256), _HEIGHT_STOPS_M, channel)
        for channel in zip(*_HEIGHT_COLORS, strict=True)
    ],
    axis=1,
).astype(np.uint8)


def object_color(object_id: int) -> Color:
    """The steady colour of an object or track; ids that follow each other get hues far apart."""
    slots = len(_OBJECT_HUES)
    hue = _OBJECT_HUES[int(slots * ((object_id * _GOLDEN_STEP) % 1.0))]
    return mix(hue, (255, 255, 255), _OBJECT_TINTS[(object_id // slots) % len(_OBJECT_TINTS)])


def class_color(label: int) -> Color:
    """The colour of a `SemanticClass`."""
    return _CLASS[SemanticClass(label)]


def ground_color(state: CellState) -> Color:
    """The tone of a cell of the visibility map."""
    return _GROUND[state]


def class_colors() -> UInt8[np.ndarray, "classes 3"]:
    """Row `label` is the colour of that `SemanticClass`."""
    return np.array([_CLASS[SemanticClass(label)] for label in range(NUM_CLASSES)], np.uint8)


def object_colors(object_ids: Integer[np.ndarray, "n"]) -> UInt8[np.ndarray, "n 3"]:
    """`object_color` of each id."""
    known, place = np.unique(object_ids, return_inverse=True)
    table = np.array([object_color(int(k)) for k in known], np.uint8).reshape(-1, 3)
    return table[place.reshape(-1)]


def ground_colors() -> UInt8[np.ndarray, "states 3"]:
    """Row `state` is the tone of that `CellState`."""
    return np.array([_GROUND[CellState(state)] for state in range(len(CellState))], np.uint8)


def height_colors(z_m: Float[np.ndarray, "n"]) -> UInt8[np.ndarray, "n 3"]:
    """Quiet slate for the road up to pale for roofs and trees; `z_m` is measured from the sensor, metres."""
    low, high = _HEIGHT_STOPS_M[0], _HEIGHT_STOPS_M[-1]
    step = np.clip((z_m - low) * (len(_HEIGHT_TABLE) / (high - low)), 0, len(_HEIGHT_TABLE) - 1)
    return _HEIGHT_TABLE.take(step.astype(np.intp), axis=0)


def intensity_colors(intensity: Float[np.ndarray, "n"]) -> UInt8[np.ndarray, "n 3"]:
    """The tones of `height_colors`, dark for what returns nothing and pale for reflectors; `intensity` is 0..1."""
    step = np.sqrt(np.clip(intensity, 0, 1)) * (len(_HEIGHT_TABLE) - 1)  # most surfaces return little
    return _HEIGHT_TABLE.take(step.astype(np.intp), axis=0)


def mix(color: Color, other: Color, share: float) -> Color:
    """`color` with `share` (0..1) of `other` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(color, other, strict=True))
    return red, green, blue
