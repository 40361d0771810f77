"""A neighbour table in the two forms that spconv's kernels read. Plain torch: spconv itself is not needed for it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int32
from torch import Tensor

_BITS = 32


@dataclass(frozen=True, eq=False)
class ImplicitPairs:
    """One side of an implicit GEMM.

    Attributes:
        rows: Input row of each output under each tap, -1 for none.
        masks: Which taps of an output meet a voxel, as bits in words of 32, in the order of `order`.
        order: Outputs with like masks stand together, so that a tile of them can skip the taps that none of them has.
    """

    rows: Int32[Tensor, "tap out"]
    masks: Int32[Tensor, "out word"]
    order: Int32[Tensor, "out"]


@dataclass(frozen=True, eq=False)
class TapLists:
    """The pairs of each tap, for kernels that run one product for each.

    Attributes:
        pairs: (input, output) rows, tap by tap, padded with -1.
        count: Pairs of each tap.
    """

    pairs: Int32[Tensor, "2 tap most"]
    count: Int32[Tensor, "tap"]


def implicit_pairs(inputs: Int32[Tensor, "out tap"], num_inputs: int) -> ImplicitPairs:
    """The form for CUDA."""
    met = inputs < num_inputs
    words = []
    for taps in torch.split(met, _BITS, dim=1):
        bits = torch.arange(taps.shape[1], device=inputs.device)
        words.append((taps.long() << bits).sum(1))
    masks = torch.stack(words, dim=1)
    order = torch.argsort(masks[:, 0], stable=True)
    masks = torch.where(masks >= 2 ** (_BITS - 1), masks - 2**_BITS, masks)[order].int()
    return ImplicitPairs(torch.where(met, inputs, -1).t().contiguous(), masks.contiguous(), order.int())


def tap_lists(inputs: Int32[Tensor, "out tap"], num_inputs: int) -> TapLists:
    """The form for the CPU."""
    met = inputs < num_inputs
    pairs = inputs.new_full((2, inputs.shape[1], max(num_inputs, len(inputs))), -1)
    for tap in range(inputs.shape[1]):
        outputs = torch.nonzero(met[:, tap]).squeeze(1)
        pairs[0, tap, : len(outputs)] = inputs[outputs, tap]
        pairs[1, tap, : len(outputs)] = outputs.int()
    return TapLists(pairs, met.sum(0).int())
