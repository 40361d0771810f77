from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bevseg.datasets.labels import (
    DatasetError,
    class_array,
    is_not_a_thing,
    lookup_table,
    map_points,
    sorted_files,
)
from bevseg.results.classes import SemanticClass

HERE = Path("labels.txt")
TABLE = {"car": SemanticClass.CAR, "misc": SemanticClass.NOISE}


def test_names_become_classes() -> None:
    assert class_array(["misc", "car"], TABLE, where=HERE).tolist() == [SemanticClass.NOISE, SemanticClass.CAR]
    assert class_array([], TABLE, where=HERE).shape == (0,)


def test_unknown_names_are_named() -> None:
    with pytest.raises(DatasetError, match=r"labels.txt.*\['bus', 'tank'\]"):
        class_array(["tank", "car", "bus", "tank"], TABLE, where=HERE)


def test_points_are_looked_up() -> None:
    table = lookup_table({2: SemanticClass.CAR}, size=4)
    mapped = map_points(np.array([2, 3, 0]), table, num_points=3, where=HERE)
    assert mapped.tolist() == [SemanticClass.CAR, SemanticClass.NOISE, SemanticClass.NOISE]
    assert map_points(np.zeros(0, np.int64), table, num_points=0, where=HERE).shape == (0,)


@pytest.mark.parametrize(
    ("indices", "message"), [([1, 1], "each of 3 points, got 2"), ([1, 1, 4], "label 4 is outside")]
)
def test_rejects_points(indices: list[int], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        map_points(np.array(indices), np.zeros(4, np.uint8), num_points=3, where=HERE)


def test_things_are_the_ten_classes() -> None:
    things = ~is_not_a_thing(np.arange(17, dtype=np.uint8))
    assert things.tolist() == [c.is_thing for c in SemanticClass]


def test_files_are_sorted_and_must_be_there(tmp_path: Path) -> None:
    for name in ("b.bin", "a.bin", "c.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in sorted_files(tmp_path, "*.bin")] == ["a.bin", "b.bin"]
    with pytest.raises(DatasetError, match=r"expected files '\*.npz'"):
        sorted_files(tmp_path, "*.npz")
