"""A loss over large, almost empty maps in one pass, with its gradient written down on the way.

Millions of cells hold nothing and a few thousand hold something. So every cell is taken for empty, block by block, and
the few that are not are then put right; autograd keeps no intermediate maps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

_BLOCK = 1 << 17
"""Cells worked on at once on the CPU: a handful of float32 temporaries of this length stay in the cache."""


class Cells(NamedTuple):
    """Loss of each cell and its derivative by the logit."""

    loss: Tensor
    slope: Tensor


class Filled(NamedTuple):
    """Flat indices of the cells whose truth is not 0, ascending, and the truth there in float32."""

    at: Tensor
    truth: Tensor


def filled_cells(target: Tensor) -> Filled:
    """The cells that are not 0. Eight bytes are looked at together: most maps are empty almost everywhere."""
    flat = target.contiguous().view(-1)
    wide = 8 // flat.element_size()
    if wide == 1 or flat.numel() % wide or flat.storage_offset() % wide:
        at = flat.nonzero().squeeze(1)
        return Filled(at, flat[at].float())
    groups = flat.view(torch.int64).nonzero()
    at = (groups * wide + torch.arange(wide, device=flat.device)).view(-1)
    truth = flat[at].float()
    return Filled(at[truth != 0], truth[truth != 0])


def map_loss(
    logits: Float[Tensor, "*maps"],
    filled: Filled,
    empty: Callable[[Tensor], Cells],
    special: Callable[[Tensor, Tensor], Cells],
    *,
    scale: Float[Tensor, "map"],
) -> Float[Tensor, ""]:
    """Sum over all cells, each times its map's `scale`: `empty` where the truth is 0, `special` elsewhere."""
    with torch.no_grad():
        flat = logits.reshape(-1)
        slope = torch.empty_like(flat)
        cells_a_map = max(len(flat) // max(len(scale), 1), 1)
        exact = special(flat[filled.at].float(), filled.truth)
        scale_at = scale[filled.at // cells_a_map]
        total = (exact.loss * scale_at).sum(dtype=torch.float64)
        block = min(_BLOCK, cells_a_map) if logits.device.type == "cpu" else cells_a_map
        starts = [m * cells_a_map + at for m in range(len(scale)) for at in range(0, cells_a_map, block)]
        ends = [*starts[1:], len(flat)][: len(starts)]  # no map has no end
        filled_before = torch.searchsorted(filled.at, torch.tensor([0, *ends], device=flat.device)).tolist()
        for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
            cells, factor = empty(flat[start:end].float()), scale[start // cells_a_map]
            cells.loss[filled.at[filled_before[i] : filled_before[i + 1]] - start] = 0
            total += cells.loss.sum() * factor
            torch.mul(cells.slope, factor, out=slope[start:end])
        slope[filled.at] = (exact.slope * scale_at).to(slope.dtype)
    return attach(logits, total.float(), slope.view(logits.shape))


class _Attach(torch.autograd.Function):
    """A value whose gradient is already known."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, logits: Tensor, value: Tensor, slope: Tensor) -> Tensor:
        ctx.slope = slope  # type: ignore[attr-defined]
        return value.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: torch.autograd.function.FunctionCtx, upstream: Tensor) -> tuple[Tensor, None, None]:
        slope: Tensor | None = ctx.slope  # type: ignore[attr-defined]
        if slope is None:
            raise RuntimeError("the gradient of a map loss can be taken once; compute the loss again for another pass")
        ctx.slope = None  # type: ignore[attr-defined]
        return slope.mul_(upstream.to(slope.dtype)), None, None


def attach(logits: Tensor, value: Tensor, slope: Tensor) -> Tensor:
    """`value` as a function of the logits of derivative `slope`, which is used up by the first backward pass."""
    attached: Tensor = _Attach.apply(logits, value, slope)  # type: ignore[no-untyped-call]
    return attached
