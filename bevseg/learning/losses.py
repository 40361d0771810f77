"""Losses as pure functions of logits and truth; arithmetic in float32 whatever the logits' type.

Maps are large and almost empty: a batch has millions of cells and a few thousand that hold anything. So the losses on
maps treat every cell as empty in one pass through blocks that fit the cache, correct the few cells that are not, and
write the gradient down on the way instead of keeping intermediate maps for autograd.

Truth on a map is 0 for empty cells, `IGNORE` (-1) for cells that say nothing, and positive elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64, Real
from torch import Tensor
from torch.nn import functional

IGNORE = -1
_BLOCK = 1 << 17
"""Cells worked on at once on the CPU: a handful of float32 temporaries of this length stay in the cache."""


@dataclass(frozen=True, eq=False)
class LossTerms:
    """The named parts of a loss and their weighted sum, all scalars; only `total` needs a gradient.

    Attributes:
        total: What is minimised.
        terms: The parts, by name, as they are logged.
    """

    total: Float[Tensor, ""]
    terms: Mapping[str, Tensor]


class _Cells(NamedTuple):
    """Loss of each cell and its derivative by the logit."""

    loss: Tensor
    slope: Tensor


class _Filled(NamedTuple):
    """Flat indices of the cells whose truth is not 0, ascending, and the truth there in float32."""

    at: Tensor
    truth: Tensor


_CellLoss = Callable[[Tensor, Tensor], _Cells]


def center_focal(
    logits: Float[Tensor, "*maps y x"], heat: Real[Tensor, "*maps y x"], *, num_centers: int | None = None
) -> Float[Tensor, ""]:
    """Penalty-reduced focal loss of CornerNet (Law and Deng 2018, eq. 1; alpha 2, beta 4), as CenterNet uses it.

    Args:
        logits: Raw maps.
        heat: Exactly 1 at centres, falling to 0 around them, `IGNORE` where nothing is known.
        num_centers: What the sum is divided by; the number of ones in `heat` where not given, at least 1.
    """

    def special(x: Tensor, y: Tensor) -> _Cells:
        empty = _focal_empty(x)
        near = (1 - y) ** 4 * (y > 0)
        p = torch.sigmoid(x)
        at_center = _Cells(
            (1 - p) ** 2 * functional.softplus(-x), -((1 - p) ** 2) * (2 * p * functional.softplus(-x) + 1 - p)
        )
        center = y == 1
        return _Cells(
            torch.where(center, at_center.loss, near * empty.loss),
            torch.where(center, at_center.slope, near * empty.slope),
        )

    filled = _filled_cells(heat)
    if num_centers is None:
        num_centers = int(torch.count_nonzero(filled.truth == 1))
    return _map_loss(logits, filled, _focal_empty, special, scale=1 / max(num_centers, 1))


def mask_focal(
    logits: Float[Tensor, "*maps y x"], target: Real[Tensor, "*maps y x"], *, alpha: float = 0.25
) -> Float[Tensor, ""]:
    """Focal loss of RetinaNet (Lin et al. 2017; gamma 2) over the number of ones in `target`, at least 1."""

    def empty(x: Tensor) -> _Cells:
        cells = _focal_empty(x)
        return _Cells(cells.loss.mul_(1 - alpha), cells.slope.mul_(1 - alpha))

    def special(x: Tensor, y: Tensor) -> _Cells:
        mirrored = _focal_empty(-x)
        inside = alpha * (y > 0)
        return _Cells(inside * mirrored.loss, -inside * mirrored.slope)

    filled = _filled_cells(target)
    positives = int(torch.count_nonzero(filled.truth > 0))
    return _map_loss(logits, filled, empty, special, scale=1 / max(positives, 1))


def mask_bce(logits: Float[Tensor, "*maps y x"], target: Real[Tensor, "*maps y x"]) -> Float[Tensor, ""]:
    """Binary cross entropy, averaged over the cells that are not ignored."""

    def empty(x: Tensor) -> _Cells:
        return _Cells(functional.softplus(x), torch.sigmoid(x))

    def special(x: Tensor, y: Tensor) -> _Cells:
        inside = (y > 0).to(x.dtype)
        return _Cells(inside * functional.softplus(-x), -inside * torch.sigmoid(-x))

    filled = _filled_cells(target)
    known = target.numel() - int(torch.count_nonzero(filled.truth < 0))
    return _map_loss(logits, filled, empty, special, scale=1 / max(known, 1))


def mask_overlap(
    logits: Float[Tensor, "batch channel y x"],
    target: Real[Tensor, "batch channel y x"],
    *,
    dice_weight: Float[Tensor, "channel"] | None = None,
) -> Float[Tensor, ""]:
    """Soft Dice and soft Jaccard loss, weighted `dice_weight` to 1, averaged over the maps that hold truth.

    Dice (Milletari et al. 2016) divides by the sum of both areas, Jaccard (Rahman and Wang 2016) by their union: on
    objects of a few cells the union makes one wrong cell dear and the gradient jumpy, so maps of small objects are
    given twice the Dice (`dice_weight` 2). Maps without truth have no overlap to raise; cross entropy teaches them.
    """
    if dice_weight is None:
        dice_weight = torch.ones(logits.shape[1], device=logits.device)
    with torch.no_grad():
        p = torch.sigmoid(logits.float().flatten(2).flatten(0, 1))
        at, truth = _filled_cells(target)
        y = truth > 0
        p_at = p.view(-1)[at]
        map_at = at // p.shape[1]
        sums = torch.zeros(3, len(p), device=logits.device)
        sums[0].index_add_(0, map_at, p_at * y)
        sums[1] = p.sum(1).index_add_(0, map_at, -p_at * ~y)
        sums[2].index_add_(0, map_at, y.float())
    value, by_sum = _overlap_of_sums(sums, dice_weight.float().repeat(logits.shape[0]))
    if not logits.requires_grad:
        return value
    with torch.no_grad():
        slope_at = p_at * (1 - p_at) * (by_sum[0] + by_sum[1])[map_at] * y
        slope = p.addcmul_(p, p, value=-1).mul_(by_sum[1][:, None])
        slope.view(-1)[at] = slope_at
    return _attach(logits, value, slope.view_as(logits).to(logits.dtype))


def masked_l1(
    prediction: Float[Tensor, "n channel"],
    target: Float[Tensor, "n channel"],
    weight: Float[Tensor, "n"] | None = None,
    *,
    beta: float = 0.0,
) -> Float[Tensor, ""]:
    """Weighted mean of the absolute difference; smooth (Girshick 2015) below `beta`. NaN in the target counts nothing.

    Args:
        prediction: Values.
        target: Truth, NaN where unknown (velocity in sets that lack it).
        weight: Weight of each row, 1 where not given.
        beta: Where the parabola ends and the line begins, in units of the target; 0 gives plain L1.
    """
    known = torch.isfinite(target)
    # The prediction stands in for unknown truth: the difference is an exact 0 and its gradient too.
    reference = torch.where(known, target.float(), prediction.detach().float())
    each = functional.smooth_l1_loss(prediction.float(), reference, reduction="none", beta=beta)
    shares = known.float() if weight is None else known * weight.float()[:, None]
    return (each * shares).sum() / shares.sum().clamp(min=1e-6)


def semantic_cross_entropy(
    logits: Float[Tensor, "n class"],
    target: Int64[Tensor, "n"],
    *,
    class_weight: Float[Tensor, "class"] | None = None,
    ignore: int = 0,
) -> Float[Tensor, ""]:
    """Cross entropy, averaged (by class weight) over the rows whose class is known; 0 where none is."""
    total = functional.cross_entropy(logits.float(), target, weight=class_weight, ignore_index=ignore, reduction="sum")
    known = (target != ignore).float()
    shares = known if class_weight is None else known * class_weight[target]
    return total / shares.sum().clamp(min=1e-6)


def lovasz_softmax(
    logits: Float[Tensor, "n class"], target: Int64[Tensor, "n"], *, ignore: int = 0
) -> Float[Tensor, ""]:
    """Lovász extension of the mean Jaccard loss over the classes present (Berman et al. 2018, classes='present').

    The weight of each error depends only on the order of the errors, so the sort needs no gradient.
    """
    known = target != ignore
    truth = target[known]
    present = torch.unique(truth)
    if not len(present):
        return logits.sum() * 0.0
    p = torch.softmax(logits[known].float(), dim=1)[:, present].t()
    inside = truth[None, :] == present[:, None]
    error = torch.where(inside, 1 - p, p)
    return (error * _lovasz_weights(error.detach(), inside)).sum() / len(present)


def _lovasz_weights(error: Float[Tensor, "class n"], inside: Tensor) -> Float[Tensor, "class n"]:
    """By how much the Jaccard loss of each class grows when the cells come in, largest error first."""
    order = error.argsort(dim=1, descending=True)
    hits = inside.gather(1, order).float()
    area = hits.sum(dim=1, keepdim=True)
    seen = hits.cumsum(dim=1)
    count = torch.arange(1, error.shape[1] + 1, device=error.device)
    jaccard_loss = 1 - (area - seen) / (area + count - seen)
    jaccard_loss[:, 1:] -= jaccard_loss[:, :-1].clone()
    return torch.zeros_like(error).scatter_(1, order, jaccard_loss)


def _focal_empty(x: Tensor) -> _Cells:
    """Focal loss of gamma 2 for cells whose truth is 0: -p^2 log(1 - p)."""
    p, surprise = torch.sigmoid(x), functional.softplus(x)
    p2 = p * p
    slope = (1 - p).mul_(surprise).mul_(2).add_(p).mul_(p2)
    return _Cells(surprise.mul_(p2), slope)


def _filled_cells(target: Tensor) -> _Filled:
    """The cells that are not 0. Eight bytes are looked at together: most maps are empty almost everywhere."""
    flat = target.contiguous().view(-1)
    wide = 8 // flat.element_size()
    if wide == 1 or flat.numel() % wide or flat.storage_offset() % wide:
        at = flat.nonzero().squeeze(1)
        return _Filled(at, flat[at].float())
    groups = flat.view(torch.int64).nonzero()
    at = (groups * wide + torch.arange(wide, device=flat.device)).view(-1)
    truth = flat[at].float()
    return _Filled(at[truth != 0], truth[truth != 0])


def _map_loss(
    logits: Tensor, filled: _Filled, empty: Callable[[Tensor], _Cells], special: _CellLoss, *, scale: float
) -> Float[Tensor, ""]:
    """Sum over all cells times `scale`: `empty` where the truth is 0, `special` elsewhere."""
    with torch.no_grad():
        flat = logits.reshape(-1)
        slope = torch.empty_like(flat)
        exact = special(flat[filled.at].float(), filled.truth)
        total = exact.loss.sum(dtype=torch.float64)
        block = _BLOCK if logits.device.type == "cpu" else max(len(flat), 1)
        pieces = torch.split(flat, block)
        borders = torch.arange(len(pieces) + 1, device=flat.device) * block
        ends = torch.searchsorted(filled.at, borders).tolist()
        for i, x in enumerate(pieces):
            cells = empty(x.float())
            cells.loss[filled.at[ends[i] : ends[i + 1]] - i * block] = 0
            total += cells.loss.sum()
            torch.mul(cells.slope, scale, out=slope[i * block : (i + 1) * block])
        slope[filled.at] = (exact.slope * scale).to(slope.dtype)
    return _attach(logits, (total * scale).float(), slope.view(logits.shape))


def _overlap_of_sums(sums: Float[Tensor, "3 maps"], dice_weight: Float[Tensor, "maps"]) -> tuple[Tensor, Tensor]:
    """The loss, and its derivative by each sum: intersection, predicted area, true area."""
    with torch.enable_grad():
        free = sums.clone().requires_grad_()
        shared, predicted, true = free
        dice = 1 - 2 * shared / (predicted + true).clamp(min=1e-6)
        jaccard = 1 - shared / (predicted + true - shared).clamp(min=1e-6)
        held = (sums[2] > 0).float()
        each = (dice_weight * dice + jaccard) / (dice_weight + 1)
        value = (each * held).sum() / held.sum().clamp(min=1)
        (by_sum,) = torch.autograd.grad(value, free)
    return value.detach(), by_sum


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


def _attach(logits: Tensor, value: Tensor, slope: Tensor) -> Tensor:
    attached: Tensor = _Attach.apply(logits, value, slope)  # type: ignore[no-untyped-call]
    return attached
