"""Colours that tell something lie far apart for colour-blind readers, too.

A CIEDE2000 of 10 is plain at a glance where two patches lie side by side, 2 is the least that is noticed. Tritanopia is
a hundred times rarer than the other two: there 6 must do, and the words beside each colour.
"""

from __future__ import annotations

import numpy as np
import pytest
from jaxtyping import Float

from bevseg.drawing import palette
from bevseg.drawing.difference import Outcome
from bevseg.results.classes import THING_CLASSES

VISIONS = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
"""On linear RGB, whole severity: Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of
color vision deficiency", IEEE TVCG 2009."""

_XYZ_FROM_RGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])

_LEAST = {"usual": 12.0, "protanopia": 12.0, "deuteranopia": 12.0, "tritanopia": 6.0}

_GROUPS = {
    "outcomes": [outcome.color for outcome in Outcome],
    "things": [palette.class_color(label) for label in THING_CLASSES],
    "comparison": [palette.FOUND, palette.INVENTED, palette.MISSED],
}


def lab_as_seen(colors: Float[np.ndarray, "n 3"], vision: str) -> Float[np.ndarray, "n 3"]:
    """CIELAB (D65) of sRGB colours, 0..255, as somebody of that colour vision sees them."""
    share = colors / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    xyz = (linear @ VISIONS[vision].T).clip(0, 1) @ _XYZ_FROM_RGB.T / _WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def ciede2000(one: Float[np.ndarray, "n 3"], other: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n"]:
    """Colour differences of CIELAB colours; the names are those of Sharma, Wu and Dalal, Color Res. Appl. 2005."""
    (L1, a1, b1), (L2, a2, b2) = one.T, other.T
    G = 0.5 * (1 - _seventh((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2))
    a1, a2 = (1 + G) * a1, (1 + G) * a2
    C1, C2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    turn = np.where(C1 * C2 == 0, 0.0, (h2 - h1 + 180) % 360 - 180)
    dH = 2 * np.sqrt(C1 * C2) * np.sin(np.radians(turn / 2))
    L, C = (L1 + L2) / 2, (C1 + C2) / 2
    h = np.where(C1 * C2 == 0, h1 + h2, (h1 + turn / 2) % 360)
    T = 1 - 0.17 * _cos(h - 30) + 0.24 * _cos(2 * h) + 0.32 * _cos(3 * h + 6) - 0.20 * _cos(4 * h - 63)
    R_T = -2 * _seventh(C) * np.sin(np.radians(60 * np.exp(-(((h - 275) / 25) ** 2))))
    lightness = (L2 - L1) / (1 + 0.015 * (L - 50) ** 2 / np.sqrt(20 + (L - 50) ** 2))
    chroma, hue = (C2 - C1) / (1 + 0.045 * C), dH / (1 + 0.015 * C * T)
    distance: np.ndarray = np.sqrt(lightness**2 + chroma**2 + hue**2 + R_T * chroma * hue)
    return distance


def least_distance(colors: list[tuple[int, int, int]], vision: str) -> float:
    """CIEDE2000 of the two that somebody of that colour vision could confuse most easily."""
    seen = lab_as_seen(np.array(colors, np.float64), vision)
    one, other = np.triu_indices(len(seen), 1)
    return float(ciede2000(seen[one], seen[other]).min())


def _seventh(chroma: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return np.sqrt(chroma**7 / (chroma**7 + 25.0**7))


def _cos(angle_deg: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return np.cos(np.radians(angle_deg))


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("group", _GROUPS)
def test_colours_of_a_group_stay_apart(group: str, vision: str) -> None:
    assert least_distance(_GROUPS[group], vision) >= _LEAST[vision]


@pytest.mark.parametrize("vision", VISIONS)
def test_hues_of_objects_stay_apart(vision: str) -> None:
    hues = list({palette.object_color(k) for k in range(1, 8)})  # those of the first round have no white in them
    assert len(hues) == 7
    assert least_distance(hues, vision) >= _LEAST[vision]


def test_a_plate_of_each_outcome_bears_dark_words() -> None:
    ink = lab_as_seen(np.array([[8.0, 10.0, 14.0]]), "usual")[0, 0]
    for outcome in (o for o in Outcome if o.is_failure):
        plate = lab_as_seen(np.array([outcome.color], np.float64), "usual")[0, 0]
        assert plate - ink > 40, outcome.word


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.5, 0.0), (61.0, -5.0, 29.0), 22.8977),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_ciede2000_agrees_with_the_published_pairs(one: tuple, other: tuple, distance: float) -> None:
    """Table 1 of Sharma, Wu and Dalal (2005), pairs 1, 7, 18 and 34."""
    assert ciede2000(np.array([one]), np.array([other]))[0] == pytest.approx(distance, abs=1e-4)


def test_red_and_green_of_one_lightness_are_one_to_a_deuteranope() -> None:
    red_and_green = [(190, 90, 60), (134, 120, 50)]
    assert least_distance(red_and_green, "usual") > 20
    assert least_distance(red_and_green, "deuteranopia") < 8
