"""Losses as pure functions of logits and truth; arithmetic in float32 whatever the logits' type.

Truth on a map is 0 for empty cells, `IGNORE` (-1) for cells that say nothing, and positive elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64, Real
from torch import Tensor
from torch.nn import functional

from bevseg.learning.map_loss import Cells, attach, filled_cells, map_loss

IGNORE = -1
_LOVASZ_BINS = 4096
"""Errors closer than 1 in this many are taken for equal."""


@dataclass(frozen=True, eq=False)
class LossTerms:
    """The named parts of a loss and their weighted sum, all scalars; only `total` needs a gradient.

    Attributes:
        total: What is minimised.
        terms: The parts, by name, as they are logged.
    """

    total: Float[Tensor, ""]
    terms: Mapping[str, Tensor]


def center_focal(
    logits: Float[Tensor, "batch channel y x"],
    heat: Real[Tensor, "batch channel y x"],
    *,
    channel_weight: Float[Tensor, "channel"] | None = None,
) -> Float[Tensor, ""]:
    """Penalty-reduced focal loss of CornerNet (Law and Deng 2018, eq. 1; alpha 2, beta 4), as CenterNet uses it.

    Args:
        logits: Raw maps.
        heat: Exactly 1 at centres, falling to 0 around them, `IGNORE` where nothing is known.
        channel_weight: Of every cell of a channel, 1 where not given; rare kinds of objects deserve more.

    Returns:
        The sum over all cells divided by the number of centres (ones in `heat`), both weighted, at least 1.
    """

    def special(x: Tensor, y: Tensor) -> Cells:
        empty, mirrored = _focal_empty(x), _focal_empty(-x)
        center, near = y == 1, (1 - y) ** 4 * (y > 0)
        return Cells(
            torch.where(center, mirrored.loss, near * empty.loss),
            torch.where(center, -mirrored.slope, near * empty.slope),
        )

    filled = filled_cells(heat)
    weight = torch.ones(heat.shape[1], device=heat.device) if channel_weight is None else channel_weight
    weight_of_map = weight.float().repeat(len(heat))
    center_weight = weight_of_map[filled.at[filled.truth == 1] // (heat.shape[2] * heat.shape[3])]
    return map_loss(logits, filled, _focal_empty, special, scale=weight_of_map / center_weight.sum().clamp(min=1))


def mask_focal(
    logits: Float[Tensor, "*maps y x"], target: Real[Tensor, "*maps y x"], *, alpha: float = 0.25
) -> Float[Tensor, ""]:
    """Focal loss of RetinaNet (Lin et al. 2017; gamma 2) over the number of ones in `target`, at least 1."""

    def empty(x: Tensor) -> Cells:
        cells = _focal_empty(x)
        return Cells(cells.loss.mul_(1 - alpha), cells.slope.mul_(1 - alpha))

    def special(x: Tensor, y: Tensor) -> Cells:
        mirrored = _focal_empty(-x)
        inside = alpha * (y > 0)
        return Cells(inside * mirrored.loss, -inside * mirrored.slope)

    filled = filled_cells(target)
    positives = int(torch.count_nonzero(filled.truth > 0))
    return map_loss(logits, filled, empty, special, scale=_even(logits, max(positives, 1)))


def mask_bce(logits: Float[Tensor, "*maps y x"], target: Real[Tensor, "*maps y x"]) -> Float[Tensor, ""]:
    """Binary cross entropy, averaged over the cells that are not ignored."""

    def empty(x: Tensor) -> Cells:
        return Cells(functional.softplus(x), torch.sigmoid(x))

    def special(x: Tensor, y: Tensor) -> Cells:
        inside = (y > 0).to(x.dtype)
        return Cells(inside * functional.softplus(-x), -inside * torch.sigmoid(-x))

    filled = filled_cells(target)
    known = target.numel() - int(torch.count_nonzero(filled.truth < 0))
    return map_loss(logits, filled, empty, special, scale=_even(logits, max(known, 1)))


def _even(logits: Tensor, count: int) -> Float[Tensor, "1"]:
    return torch.full((1,), 1 / count, device=logits.device)


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
        p = torch.sigmoid(logits.float().flatten(2).flatten(0, 1).contiguous())
        at, truth = filled_cells(target)
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
    return attach(logits, value, slope.view_as(logits).to(logits.dtype))


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

    The weight of each error depends only on the order of the errors, so finding it needs no gradient.
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


def _lovasz_weights(error: Float[Tensor, "class n"], inside: Bool[Tensor, "class n"]) -> Float[Tensor, "class n"]:
    """By how much the Jaccard loss of each class grows as its errors come in, largest first, for each error.

    Errors are counted in `_LOVASZ_BINS` equal bins, which is three times as fast as sorting them. The loss does not
    depend on the order of equal errors, but its derivative does: within a bin the mean of both orders is taken, the
    class's own cells before the others and after them.
    """
    classes = len(error)
    level = ((1 - error) * _LOVASZ_BINS).long().clamp_(0, _LOVASZ_BINS - 1)
    key = (level + torch.arange(classes, device=error.device)[:, None] * _LOVASZ_BINS) * 2 + inside
    count = torch.bincount(key.view(-1), minlength=classes * _LOVASZ_BINS * 2).view(classes, _LOVASZ_BINS, 2)
    after = count.cumsum(dim=1).double()
    before = after - count
    area = after[:, -1:, 1]

    def jaccard_loss(own: Tensor, other: Tensor) -> Tensor:
        return 1 - (area - own) / (area + other)

    (other_0, own_0), (other_1, own_1) = before.unbind(2), after.unbind(2)
    first, last = jaccard_loss(own_0, other_0), jaccard_loss(own_1, other_1)
    own_first, other_first = jaccard_loss(own_1, other_0), jaccard_loss(own_0, other_1)
    by_own = (own_first - first + last - other_first) / 2
    by_other = (other_first - first + last - own_first) / 2
    weight = torch.stack([by_other, by_own], dim=2) / count.clamp(min=1)
    return weight.float().view(-1)[key]


def _focal_empty(x: Tensor) -> Cells:
    """Focal loss of gamma 2 for cells whose truth is 0: -p^2 log(1 - p)."""
    p, surprise = torch.sigmoid(x), functional.softplus(x)
    p2 = p * p
    slope = (1 - p).mul_(surprise).mul_(2).add_(p).mul_(p2)
    return Cells(surprise.mul_(p2), slope)


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
