"""Colours for a dark ground, told apart by every kind of colour vision; all are (red, green, blue), 0..255.

Those of objects and classes are in `results.colors`, as messages bear them too. The hues are those of Okabe and Ito
("Color Universal Design", 2008) and Tol ("Colour Schemes", 2021), the dark ones lightened until they stand out on the
ground tones.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from bevseg.results.colors import ARROW as ARROW
from bevseg.results.colors import Color as Color
from bevseg.results.colors import class_color as class_color
from bevseg.results.colors import class_colors as class_colors
from bevseg.results.colors import mix as mix
from bevseg.results.colors import object_color as object_color
from bevseg.results.colors import object_colors as object_colors
from bevseg.results.scene import CellState

BACKGROUND: Color = (9, 12, 16)
PANEL: Color = (14, 18, 24)
PANEL_EDGE: Color = (38, 46, 57)
TEXT: Color = (232, 237, 243)
TEXT_QUIET: Color = (139, 151, 166)
RING: Color = (104, 122, 143)
RING_TEXT: Color = (139, 155, 176)
EGO: Color = (236, 240, 245)
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

_HEIGHT_STOPS_M = (-2.5, -1.4, 0.0, 2.5, 6.0)
_HEIGHT_COLORS = ((58, 74, 96), (74, 96, 122), (112, 140, 158), (168, 188, 188), (206, 214, 200))
_HEIGHT_TABLE = np.stack(
    [
        np.interp(np.linspace(_HEIGHT_STOPS_M[0], _HEIGHT_STOPS_M[-1], 256), _HEIGHT_STOPS_M, channel)
        for channel in zip(*_HEIGHT_COLORS, strict=True)
    ],
    axis=1,
).astype(np.uint8)


def ground_color(state: CellState) -> Color:
    """The tone of a cell of the visibility map."""
    return _GROUND[state]


def ground_colors() -> UInt8[np.ndarray, "states 3"]:
    """Row `state` is the tone of that `CellState`."""
    return np.array([_GROUND[CellState(state)] for state in range(len(CellState))], np.uint8)


def height_steps(z_m: Float[np.ndarray, "n"]) -> UInt8[np.ndarray, "n"]:
    """The row of `tones` for each height; `z_m` is measured from the sensor, metres."""
    low, high = _HEIGHT_STOPS_M[0], _HEIGHT_STOPS_M[-1]
    return np.clip((z_m - low) * (len(_HEIGHT_TABLE) / (high - low)), 0, len(_HEIGHT_TABLE) - 1).astype(np.uint8)


def intensity_steps(intensity: Float[np.ndarray, "n"]) -> UInt8[np.ndarray, "n"]:
    """The row of `tones` for each intensity of 0..1."""
    step = np.sqrt(np.clip(intensity, 0, 1)) * (len(_HEIGHT_TABLE) - 1)  # most surfaces return little
    return step.astype(np.uint8)


def tones() -> UInt8[np.ndarray, "256 3"]:
    """From slate to pale; they show height and intensity."""
    return _HEIGHT_TABLE.copy()


def height_colors(z_m: Float[np.ndarray, "n"]) -> UInt8[np.ndarray, "n 3"]:
    """Quiet slate for the road up to pale for roofs and trees; `z_m` is measured from the sensor, metres."""
    return _HEIGHT_TABLE.take(height_steps(z_m), axis=0)


def intensity_colors(intensity: Float[np.ndarray, "n"]) -> UInt8[np.ndarray, "n 3"]:
    """The tones of `height_colors`, dark for what returns nothing and pale for reflectors; `intensity` is 0..1."""
    return _HEIGHT_TABLE.take(intensity_steps(intensity), axis=0)
