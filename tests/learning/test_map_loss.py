"""Tests of `bevseg.learning.map_loss`; that it gives right losses and gradients is seen in test_losses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bevseg.learning.map_loss import Cells, attach, filled_cells, map_loss


@pytest.mark.parametrize("dtype", [torch.int8, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("first", [0, 3])
def test_filled_cells_are_found_wherever_the_map_begins(dtype: torch.dtype, first: int) -> None:
    whole = torch.zeros(64 + first, dtype=dtype)
    whole[torch.tensor([0, 9, 63]) + first] = torch.tensor([1, -1, 2], dtype=dtype)
    filled = filled_cells(whole[first:].view(4, 16))
    assert filled.at.tolist() == [0, 9, 63]
    assert filled.truth.tolist() == [1.0, -1.0, 2.0]


@pytest.mark.parametrize("shape", [(3, 5), (0, 4), (4, 16)])
def test_a_map_may_hold_nothing(shape: tuple[int, ...]) -> None:
    filled = filled_cells(torch.zeros(shape, dtype=torch.int8))
    assert (len(filled.at), len(filled.truth)) == (0, 0)


def test_filled_cells_of_a_transposed_map_count_in_its_own_order() -> None:
    target = torch.zeros(4, 8, dtype=torch.int8)
    target[1, 2] = 1
    assert filled_cells(target.t()).at.tolist() == [2 * 4 + 1]


def square(x: Tensor) -> Cells:
    return Cells(x * x, 2 * x)


def line(x: Tensor, truth: Tensor) -> Cells:
    return Cells(truth * x, truth.clone())


@pytest.mark.parametrize("size", [7, 1 << 17, (1 << 17) + 5])
def test_each_cell_counts_once_around_the_borders_of_blocks(size: int) -> None:
    x = torch.linspace(-1, 1, size).requires_grad_()
    target = torch.zeros(size)
    target[[0, size // 2, size - 1]] = 3.0
    value = map_loss(x, filled_cells(target), square, line, scale=torch.tensor([0.5]))
    exact = x.detach().double()
    expected = 0.5 * torch.where(target > 0, 3 * exact, exact**2).sum()
    torch.testing.assert_close(value.detach().double(), expected, rtol=1e-5, atol=0)
    (slope,) = torch.autograd.grad(value, x)
    torch.testing.assert_close(slope, 0.5 * torch.where(target > 0, torch.tensor(3.0), 2 * x.detach()))


def test_an_attached_slope_is_scaled_by_what_comes_after() -> None:
    x = torch.zeros(3, requires_grad=True)
    value = 4 * attach(x, torch.tensor(2.0), torch.tensor([1.0, 0.0, -1.0]))
    assert value.item() == 8.0
    assert torch.autograd.grad(value, x)[0].tolist() == [4.0, 0.0, -4.0]
