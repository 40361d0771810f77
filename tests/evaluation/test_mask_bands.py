from __future__ import annotations

import numpy as np

from bevseg.evaluation.mask_bands import BANDS, FrameBands, Traits
from bevseg.geometry.grid import BevGrid
from bevseg.results.masks import BevMasks

GRID = BevGrid(-1.0, -2.0, 0.2, 60, 40)
NAMES = [band.name for band in BANDS]


def _traits(cells: list[int], x_m: list[float], visible_fraction: list[float]) -> Traits:
    boxes = np.zeros((len(cells), 7), np.float32)
    boxes[:, 0] = x_m
    masks = BevMasks.from_cells(GRID, [np.arange(count) for count in cells])
    return Traits.of(boxes, masks, np.array(visible_fraction, np.float32))


def _names(member: np.ndarray) -> list[list[str]]:
    return [[name for name, inside in zip(NAMES, row, strict=True) if inside] for row in member]


def test_truth_is_sorted_by_what_is_known_of_it() -> None:
    truth = _traits([24, 26, 301], [3.0, 16.0, 60.0], [0.2, 0.7, np.nan])
    assert _names(FrameBands.of(truth, truth).truth) == [
        ["all", "under 1 m2", "0 to 15 m", "visible under 0.4"],
        ["all", "1 to 12 m2", "15 to 30 m", "visible 0.4 to 0.8"],
        ["all", "over 12 m2", "visible unknown"],
    ]


def test_both_ends_belong_to_a_band() -> None:
    truth = _traits([25, 300], [15.0, 30.0], [0.5, 0.5])
    assert _names(FrameBands.of(truth, truth).truth)[0][1:5] == ["under 1 m2", "1 to 12 m2", "0 to 15 m", "15 to 30 m"]
    assert _names(FrameBands.of(truth, truth).truth)[1][1:5] == ["1 to 12 m2", "over 12 m2", "15 to 30 m", "30 to 50 m"]


def test_what_a_prediction_does_not_say_excuses_nothing() -> None:
    predictions = _traits([30, 30], [3.0, -16.0], [np.nan, 0.9])
    silent, seen = _names(FrameBands.of(predictions, predictions).prediction)
    visible = [name for name in NAMES if name.startswith("visible")]
    assert [name for name in silent if name in visible] == visible
    assert [name for name in seen if name in visible] == ["visible over 0.8", "visible unknown"]


def test_nothing_to_sort() -> None:
    bands = FrameBands.of(_traits([], [], []), _traits([9], [1.0], [1.0]))
    assert (bands.prediction.shape, bands.truth.shape) == ((0, len(BANDS)), (1, len(BANDS)))
