from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bevseg.replay.web.columns import Block, bytes_of, numbers_of, planes_of, read_block, runs_of, write_block


def test_a_block_is_read_as_it_was_written() -> None:
    columns = {
        "x": bytes_of(np.array([3, 0, 255])),
        "none": bytes_of(np.zeros(0, np.int64)),
        "y": planes_of(np.arange(5)),
    }
    block = read_block(write_block(Block({"name": "é <b>", "list": [1, None]}, columns)))
    assert block.header == {"name": "é <b>", "list": [1, None]}
    assert {name: column.tolist() for name, column in block.columns.items()} == {
        "x": [3, 0, 255], "none": [], "y": [0, 1, 2, 3, 4, 0, 0, 0, 0, 0],
    }  # fmt: skip


@given(st.lists(st.integers(0, 65535)))
def test_wide_numbers_are_two_planes(numbers: list[int]) -> None:
    planes = planes_of(np.array(numbers, np.int64))
    assert len(planes) == 2 * len(numbers)
    assert numbers_of(planes).tolist() == numbers


def test_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.\.255, got 3\.\.256"):
        bytes_of(np.array([3, 256]))
    with pytest.raises(ValueError, match=r"0\.\.65535, got -1"):
        planes_of(np.array([-1, 2]))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        ([4], [(4, 1)]),
        ([1, 1, 0, 2, 2, 2], [(1, 2), (0, 1), (2, 3)]),
        ([5] * 131_071 + [6], [(5, 65535), (5, 65535), (5, 1), (6, 1)]),
        ([5] * 65_535, [(5, 65535)]),
    ],
)
def test_runs(values: list[int], expected: list[tuple[int, int]]) -> None:
    states, lengths = runs_of(np.array(values, np.uint8))
    assert list(zip(states.tolist(), lengths.tolist(), strict=True)) == expected


def test_a_header_that_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_block(Block({"score": float("nan")}, {}))
