"""Colours are steady, differ where they must, and stand out from the ground."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from bevseg.drawing import palette
from bevseg.results.classes import NUM_CLASSES, SemanticClass
from bevseg.results.scene import CellState


def _luminance(color: palette.Color) -> float:
    """Relative luminance, 0..1 (WCAG 2)."""
    linear = [(c / 255 / 12.92) if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(color: palette.Color, other: palette.Color) -> float:
    low, high = sorted((_luminance(color), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_each_id_keeps_its_colour_and_neighbours_differ() -> None:
    colors = [palette.object_color(k) for k in range(1, 25)]
    assert colors == [palette.object_color(k) for k in range(1, 25)]
    steps = [np.abs(np.subtract(a, b)).max() for a, b in pairwise(colors)]
    assert min(steps) > 60


def test_eight_ids_in_a_row_use_at_least_six_hues() -> None:
    assert len({palette.object_color(k) for k in range(1, 9)}) >= 6


def test_object_colours_of_an_array_are_those_of_its_ids() -> None:
    ids = np.array([5, 2, 5, 900_001], np.int64)
    np.testing.assert_array_equal(palette.object_colors(ids), [palette.object_color(int(k)) for k in ids])
    assert palette.object_colors(np.zeros(0, np.int32)).shape == (0, 3)


def test_every_object_stands_out_from_every_ground() -> None:
    for state in CellState:
        ratios = [_contrast(palette.object_color(k), palette.ground_color(state)) for k in range(1, 40)]
        assert min(ratios) > 2.2, state


def test_text_is_readable_on_the_panel() -> None:
    assert _contrast(palette.TEXT, palette.PANEL) > 12
    assert _contrast(palette.TEXT_QUIET, palette.PANEL) > 4.5
    assert _contrast(palette.ARROW, palette.BACKGROUND) > 7


def test_ground_tones_rise_from_unobserved_to_occupied() -> None:
    tones = [
        _luminance(palette.ground_color(state)) for state in (CellState(0), CellState(3), CellState(1), CellState(2))
    ]
    assert tones == sorted(tones)
    assert palette.ground_colors().shape == (len(CellState), 3)


def test_every_class_has_its_own_colour() -> None:
    table = palette.class_colors()
    assert len(np.unique(table, axis=0)) == NUM_CLASSES
    assert tuple(table[SemanticClass.CAR]) == palette.class_color(SemanticClass.CAR)


def test_a_class_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="99"):
        palette.class_color(99)


def test_higher_points_are_brighter() -> None:
    colors = palette.height_colors(np.array([-50.0, -1.8, 0.0, 3.0, 50.0], np.float32))
    assert (np.diff(colors.astype(int).sum(axis=1)) > 0).all()
    assert palette.height_colors(np.zeros(0, np.float32)).shape == (0, 3)


def test_mix_goes_from_one_colour_to_the_other() -> None:
    assert palette.mix((0, 100, 200), (255, 0, 100), 0.0) == (0, 100, 200)
    assert palette.mix((0, 100, 200), (255, 0, 100), 1.0) == (255, 0, 100)
    assert palette.mix((0, 100, 200), (100, 0, 100), 0.5) == (50, 50, 150)
