from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from bevseg.voxels.row_products import STEP, RowLinear, filled_up, with_row_linears


@pytest.mark.parametrize(("rows", "filled"), [(0, 0), (1, STEP), (STEP, STEP), (STEP + 1, 2 * STEP)])
def test_numbers_of_rows_come_again(rows: int, filled: int) -> None:
    assert filled_up(rows) == filled


@pytest.mark.parametrize("rows", [0, 1, STEP, 8 * STEP, 8 * STEP + 3, 20_001])
@pytest.mark.parametrize("bias", [True, False])
def test_rows_are_multiplied_as_by_the_layer_itself(rows: int, bias: bool) -> None:
    torch.manual_seed(rows)
    linear = nn.Linear(7, 5, bias=bias).to(torch.bfloat16)
    features = torch.randn(rows, 7, dtype=torch.bfloat16)
    with torch.inference_mode():
        torch.testing.assert_close(RowLinear.of(linear)(features), linear(features))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_are_those_of_the_layer(dtype: torch.dtype) -> None:
    linear = nn.Linear(3, 2).to(dtype)
    RowLinear.of(linear)(torch.ones(5, 3, dtype=dtype)).sum().backward()
    assert linear.bias.grad is not None
    assert linear.bias.grad.tolist() == [5.0, 5.0]


def test_all_linear_layers_of_a_module_are_changed() -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 2)))
    weights = [parameter.clone() for parameter in module.parameters()]
    features = torch.randn(6, 3)
    expected = module(features)
    assert with_row_linears(module) is module
    assert sum(isinstance(part, RowLinear) for part in module.modules()) == 2
    assert all(torch.equal(a, b) for a, b in zip(weights, module.parameters(), strict=True))
    assert torch.equal(module(features), expected)


def test_memory_does_not_grow_with_the_numbers_of_rows(own_memory_mb: Callable[[], float]) -> None:
    layer = RowLinear.of(nn.Linear(432, 48).to(torch.bfloat16))
    features = torch.zeros(20_000, 432, dtype=torch.bfloat16)

    def multiply(start: int) -> None:
        with torch.inference_mode():
            for rows in range(start, 20_000, 97):  # 200 shapes; a kernel for each would take about 0.6 MB
                layer(features[:rows])

    multiply(1)
    before_mb = own_memory_mb()
    multiply(50)
    assert own_memory_mb() - before_mb < 30
