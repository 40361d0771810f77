"""Colours that tell something lie far apart for colour-blind readers, too.

A CIEDE2000 of 10 is plain at a glance where two patches lie side by side, 2 is the least that is noticed. Tritanopia is
a hundred times rarer than the other two: there 6 must do, and the words beside each colour.
"""

from __future__ import annotations

import numpy as np
import pytest

from bevseg.drawing import palette
from bevseg.drawing.difference import Outcome
from bevseg.results.classes import THING_CLASSES
from tests.drawing.color_vision import VISIONS, ciede2000, lab_as_seen, least_distance

_LEAST = {"usual": 12.0, "protanopia": 12.0, "deuteranopia": 12.0, "tritanopia": 6.0}

_GROUPS = {
    "outcomes": [outcome.color for outcome in Outcome],
    "things": [palette.class_color(label) for label in THING_CLASSES],
    "comparison": [palette.FOUND, palette.INVENTED, palette.MISSED],
}


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
