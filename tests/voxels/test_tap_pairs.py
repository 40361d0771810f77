from __future__ import annotations

import torch

from bevseg.voxels.tap_pairs import implicit_pairs, tap_lists

INPUTS = torch.tensor([[0, 2, 1], [2, 1, 2], [2, 2, 2]], dtype=torch.int32)
"""Three outputs, three taps, two inputs (2 is none)."""


def test_implicit_pairs_carry_the_table_and_sorted_masks() -> None:
    pairs = implicit_pairs(INPUTS, 2)
    assert pairs.rows.tolist() == [[0, -1, -1], [-1, 1, -1], [1, -1, -1]]
    assert pairs.order.tolist() == [2, 1, 0]
    assert pairs.masks.tolist() == [[0], [0b010], [0b101]]


def test_implicit_pairs_of_more_taps_than_a_word_has_bits() -> None:
    inputs = torch.full((1, 40), 1, dtype=torch.int32)
    inputs[0, [31, 33]] = 0
    assert implicit_pairs(inputs, 1).masks.tolist() == [[-(2**31), 2]]


def test_tap_lists_hold_each_pair_once() -> None:
    lists = tap_lists(INPUTS, 2)
    assert lists.count.tolist() == [1, 1, 1]
    assert lists.pairs[:, :, 0].tolist() == [[0, 1, 1], [0, 1, 0]]
    assert (lists.pairs[:, :, 1:] == -1).all()


def test_empty_tables() -> None:
    empty = torch.zeros((0, 9), dtype=torch.int32)
    assert implicit_pairs(empty, 0).masks.shape == (0, 1)
    assert tap_lists(empty, 0).count.tolist() == [0] * 9
