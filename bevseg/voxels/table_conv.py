"""A sparse convolution in plain torch: gather the rows under the kernel, then one matrix product.

A neighbour table makes each pass, forward and backward, a gather and a GEMM without any scatter-add. So it is
deterministic, runs wherever torch runs, and in bfloat16 is several times faster on a CPU than a product for each tap.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from bevseg.voxels.neighbour_table import KernelTable
from bevseg.voxels.row_products import filled_up, needs_filling

_BLOCK_BYTES = {"cpu": 4 * 2**20, "cuda": 256 * 2**20}
"""How much is gathered at once. On a CPU it should still be in the cache when it is multiplied."""


def table_conv(
    features: Float[Tensor, "in channel"],
    weight: Float[Tensor, "out_channel tap channel"],
    bias: Float[Tensor, "out_channel"] | None,
    table: KernelTable,
) -> Float[Tensor, "out out_channel"]:
    """Convolves; all tensors have one dtype, which is that of the products and of the result."""
    outputs: Tensor = _TableConv.apply(features, weight, bias, table)  # type: ignore[no-untyped-call]
    return outputs


class _TableConv(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, bias: Tensor | None, table: KernelTable) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.table = table
        for_inference = not any(ctx.needs_input_grad)
        return _convolve(features, weight, bias, table.inputs, fill=for_inference and needs_filling(features))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        features, weight = ctx.saved_tensors
        grad_features = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_features = _convolve(grad.contiguous(), weight.permute(2, 1, 0), None, ctx.table.outputs)
        if ctx.needs_input_grad[1]:
            grad_weight = _weight_gradient(features, grad, ctx.table.inputs).to(weight.dtype).view(weight.shape)
        if ctx.needs_input_grad[2]:
            grad_bias = grad.sum(0)
        return grad_features, grad_weight, grad_bias, None


def _convolve(
    rows: Float[Tensor, "in channel"],
    weight: Float[Tensor, "out_channel tap channel"],
    bias: Float[Tensor, "out_channel"] | None,
    index: Int32[Tensor, "out tap"],
    *,
    fill: bool = False,
) -> Float[Tensor, "out out_channel"]:
    matrix = weight.flatten(1)
    outputs = rows.new_empty(filled_up(len(index)) if fill else len(index), len(weight))
    for block, gathered in _gathered_blocks(rows, index, fill=fill):
        if bias is None:
            torch.mm(gathered, matrix.t(), out=outputs[block])
        else:
            torch.addmm(bias, gathered, matrix.t(), out=outputs[block])
    return outputs[: len(index)] if fill else outputs


def _weight_gradient(
    rows: Float[Tensor, "in channel"], grad: Float[Tensor, "out out_channel"], index: Int32[Tensor, "out tap"]
) -> Float[Tensor, "out_channel taps"]:
    """Summed over blocks in float32. The rows are gathered again: kept, they would be 9 or 27 times the features."""
    total = torch.zeros(grad.shape[1], index.shape[1] * rows.shape[1], device=rows.device)
    for block, gathered in _gathered_blocks(rows, index):
        total += grad[block].t() @ gathered
    return total


def _gathered_blocks(
    rows: Float[Tensor, "n channel"], index: Int32[Tensor, "m tap"], *, fill: bool = False
) -> Iterator[tuple[slice, Float[Tensor, "block taps"]]]:
    """The rows under each tap side by side, some outputs at a time, in one buffer; index n gives zeros.

    With `fill` a block has as many rows as come again in other scans; those beyond the last output are zeros.
    """
    with_zeros = torch.cat([rows, rows.new_zeros(1, rows.shape[1])])
    taps, channels = index.shape[1], rows.shape[1]
    size = max(1, _BLOCK_BYTES[rows.device.type] // (taps * channels * rows.element_size()))
    size = min(filled_up(len(index)), filled_up(size)) if fill else min(len(index), size)
    buffer = rows.new_empty(size * taps, channels)
    for start in range(0, len(index), max(size, 1)):
        block = index[start : start + size]
        torch.index_select(with_zeros, 0, block.flatten(), out=buffer[: block.numel()])
        count = filled_up(len(block)) if fill else len(block)
        buffer[block.numel() : count * taps].zero_()
        yield slice(start, start + count), buffer[: count * taps].view(count, taps * channels)
