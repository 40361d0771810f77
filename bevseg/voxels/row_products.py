"""Products of rows with a matrix, in numbers of rows that come again from scan to scan.

oneDNN, which multiplies bfloat16 on a CPU, makes a kernel for each shape that it meets and keeps a thousand of them. No
two scans have as many voxels, so each scan cost some fifteen kernels of 0.3 to 1.6 ms, and memory grew by 9 MB with it,
to 1.6 GB in the end (2026-11-21, Zen 4). Here the last rows are filled up to a multiple of `STEP`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

STEP = 512
"""Numbers of rows are multiples of this: few enough shapes, and little that is multiplied for nothing."""

_BLOCK = 8 * STEP


def filled_up(num_rows: int) -> int:
    """The next number of rows that comes again."""
    return -(-num_rows // STEP) * STEP


class RowLinear(nn.Linear):
    """A linear layer for inference whose rows are voxels, points or cells, of which each scan has another number."""

    @classmethod
    def of(cls, linear: nn.Linear) -> RowLinear:
        """The same layer; it shares its parameters."""
        layer = cls(linear.in_features, linear.out_features, bias=linear.bias is not None, device="meta")
        layer.weight, layer.bias = linear.weight, linear.bias
        return layer

    def forward(self, input: Float[Tensor, "row channel"]) -> Float[Tensor, "row out_channel"]:
        """The product of each row."""
        if torch.is_grad_enabled() or not needs_filling(input):
            return super().forward(input)
        outputs = input.new_empty(filled_up(len(input)), self.out_features)
        for start in range(0, len(input), _BLOCK):
            rows = input[start : start + _BLOCK]
            missing = filled_up(len(rows)) - len(rows)
            rows = torch.cat([rows, rows.new_zeros(missing, rows.shape[1])]) if missing else rows
            into = outputs[start : start + len(rows)]
            if self.bias is None:
                torch.mm(rows, self.weight.t(), out=into)
            else:
                torch.addmm(self.bias, rows, self.weight.t(), out=into)
        return outputs[: len(input)]


def needs_filling(rows: Tensor) -> bool:
    """Whether kernels are made for each number of rows: in bfloat16 on a CPU."""
    return rows.dtype == torch.bfloat16 and rows.device.type == "cpu"


def with_row_linears(module: nn.Module) -> nn.Module:
    """Changes every linear layer within into a `RowLinear`, in place; gives the module."""
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear):
                setattr(parent, name, RowLinear.of(child))
    return module
