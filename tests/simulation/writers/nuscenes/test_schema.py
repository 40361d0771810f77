"""What is the same in every dataset agrees with the devkit and with the project's own reader."""

from __future__ import annotations

import numpy as np
import pytest
from nuscenes.eval.detection.constants import ATTRIBUTE_NAMES
from nuscenes.eval.detection.utils import category_to_detection_name
from nuscenes.utils.color_map import get_colormap

from bevseg.datasets.nuscenes import LIDARSEG_CLASSES
from bevseg.results.classes import THING_CLASSES, SemanticClass
from bevseg.simulation.writers.nuscenes.schema import (
    CATEGORIES,
    CATEGORY_INDEX,
    CATEGORY_OF_CLASS,
    links,
    shared_rows,
    token,
    visibility_token,
)


def test_categories_are_those_of_the_devkit_in_its_order() -> None:
    assert list(CATEGORIES) == list(get_colormap())
    assert [row["index"] for row in shared_rows().category] == list(range(32))


def test_every_class_comes_back_through_the_reader_of_the_project() -> None:
    assert {SemanticClass(c): LIDARSEG_CLASSES[int(CATEGORY_INDEX[c])] for c in range(1, 17)} == {
        c: c for c in SemanticClass if c
    }
    assert CATEGORY_INDEX[SemanticClass.NOISE] not in LIDARSEG_CLASSES


def test_every_thing_is_scored_as_itself() -> None:
    assert {c.label: category_to_detection_name(CATEGORY_OF_CLASS[c]) for c in THING_CLASSES} == {
        c.label: c.label for c in THING_CLASSES
    }


def test_attributes_are_those_of_the_devkit() -> None:
    assert sorted(row["name"] for row in shared_rows().attribute) == sorted(ATTRIBUTE_NAMES)


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.0, "1"), (0.39, "1"), (0.4, "2"), (0.6, "3"), (0.79, "3"), (0.8, "4"), (1.0, "4"), (np.nan, "1")],
)
def test_visibility_has_four_bins(fraction: float, expected: str) -> None:
    assert visibility_token(fraction) == expected
    assert [row["token"] for row in shared_rows().visibility] == ["1", "2", "3", "4"]


def test_tokens_depend_on_names_alone() -> None:
    assert token("sample", "drive", 3) == token("sample", "drive", 3) == "566d1beef78abf23fde9cfef5a34df95"
    assert len({token("sample", "drive", 3), token("sample_data", "drive", 3), token("sample", "drive", 4)}) == 3


def test_links_end_where_the_chain_ends() -> None:
    assert links(["a", "b", "c"], 1) == {"prev": "a", "next": "c"}
    assert links(["a"], 0) == {"prev": "", "next": ""}
