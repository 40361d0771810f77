"""Tests of `bevseg.learning.losses` against the formulas of the papers, written naively in float64."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bevseg.learning.losses import (
    IGNORE,
    center_focal,
    lovasz_softmax,
    mask_bce,
    mask_focal,
    mask_overlap,
    masked_l1,
    semantic_cross_entropy,
)

SHAPE = (2, 3, 5, 7)  # not square, so that swapped axes show


def some_logits(seed: int = 0, spread: float = 3.0) -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed)) * spread


def some_masks() -> Tensor:
    masks = torch.zeros(SHAPE, dtype=torch.int8)
    masks[0, 0, 1:3, 2:6] = 1
    masks[1, 2, 4, 6] = 1
    masks[0, 2, 0, :] = IGNORE
    masks[1, 2, 0, :3] = IGNORE
    return masks


def some_heat() -> Tensor:
    heat = torch.zeros(SHAPE, dtype=torch.float16)
    heat[0, 1, 1:4, 2:5] = 0.3
    heat[0, 1, 2, 3] = 1.0
    heat[1, 0, 0, 0] = 1.0
    heat[1, 0, 0, 1] = 0.7
    heat[1, 2, :, 0] = IGNORE
    return heat


def naive_center_focal(x: Tensor, heat: Tensor) -> Tensor:
    y = heat.double()
    p = torch.sigmoid(x)
    positive = -((1 - p) ** 2) * functional.logsigmoid(x) * (y == 1)
    negative = -((1 - y) ** 4) * p**2 * functional.logsigmoid(-x) * ((y >= 0) & (y < 1))
    return (positive + negative).sum() / (y == 1).sum().clamp(min=1)


def naive_mask_focal(x: Tensor, target: Tensor) -> Tensor:
    p = torch.sigmoid(x)
    positive = -0.25 * (1 - p) ** 2 * functional.logsigmoid(x) * (target == 1)
    negative = -0.75 * p**2 * functional.logsigmoid(-x) * (target == 0)
    return (positive + negative).sum() / (target == 1).sum().clamp(min=1)


def naive_mask_bce(x: Tensor, target: Tensor) -> Tensor:
    known = target >= 0
    return functional.binary_cross_entropy_with_logits(x[known], target[known].double())


def naive_overlap(x: Tensor, target: Tensor) -> Tensor:
    p = torch.sigmoid(x) * (target >= 0)
    y = (target == 1).double()
    shared, predicted, true = (p * y).sum((2, 3)), p.sum((2, 3)), y.sum((2, 3))
    dice, jaccard = 1 - 2 * shared / (predicted + true), 1 - shared / (predicted + true - shared)
    weight = torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64)
    each = (weight * dice + jaccard) / (weight + 1)
    return each[true > 0].mean()


def overlap(x: Tensor, target: Tensor) -> Tensor:
    return mask_overlap(x, target, dice_weight=torch.tensor([1.0, 2.0, 2.0]))


def gradient(value: Tensor, by: Tensor) -> Tensor:
    (slope,) = torch.autograd.grad(value, by)
    return slope


MAP_LOSSES = [
    pytest.param(center_focal, naive_center_focal, some_heat(), id="center_focal"),
    pytest.param(mask_focal, naive_mask_focal, some_masks(), id="mask_focal"),
    pytest.param(mask_bce, naive_mask_bce, some_masks(), id="mask_bce"),
    pytest.param(overlap, naive_overlap, some_masks(), id="mask_overlap"),
]
Loss = Callable[[Tensor, Tensor], Tensor]


@pytest.mark.parametrize(("loss", "naive", "target"), MAP_LOSSES)
@pytest.mark.parametrize("spread", [3.0, 30.0])
def test_map_losses_and_their_gradients_equal_the_formulas(
    loss: Loss, naive: Loss, target: Tensor, spread: float
) -> None:
    ours = some_logits(spread=spread).requires_grad_()
    exact = ours.detach().double().requires_grad_()
    torch.testing.assert_close(
        loss(ours.detach(), target).double(), naive(exact, target).detach(), rtol=1e-5, atol=1e-6
    )
    expected = gradient(3 * naive(exact, target), exact)
    torch.testing.assert_close(gradient(3 * loss(ours, target), ours).double(), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("loss", "naive", "target"), MAP_LOSSES)
def test_map_losses_stay_finite_for_extreme_logits(loss: Loss, naive: Loss, target: Tensor) -> None:
    x = (some_logits() * 1e4).requires_grad_()
    value = loss(x, target)
    assert torch.isfinite(value)
    assert torch.isfinite(gradient(value, x)).all()


@pytest.mark.parametrize("scans", [1, 2])
@pytest.mark.parametrize(("loss", "naive", "target"), MAP_LOSSES)
def test_map_losses_take_bfloat16_and_other_memory_layouts(loss: Loss, naive: Loss, target: Tensor, scans: int) -> None:
    whole = some_logits().bfloat16()[:scans]
    x = whole.to(memory_format=torch.channels_last).requires_grad_()
    target = target[:scans]
    value = loss(x, target)
    slope = gradient(value, x)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value.detach().double(), naive(x.detach().double(), target), rtol=1e-5, atol=1e-6)
    exact = x.detach().double().contiguous().requires_grad_()
    assert slope.dtype == torch.bfloat16
    torch.testing.assert_close(slope.double(), gradient(naive(exact, target), exact), rtol=1e-2, atol=1e-5)


@pytest.mark.parametrize("loss", [center_focal, mask_focal, mask_bce, mask_overlap])
def test_empty_maps_and_ignored_maps_give_a_finite_loss(loss: Loss) -> None:
    x = some_logits().requires_grad_()
    empty = loss(x, torch.zeros(SHAPE))
    assert torch.isfinite(empty)
    assert torch.isfinite(gradient(empty, x)).all()
    assert float(loss(x.detach(), torch.full(SHAPE, float(IGNORE)))) == 0.0


@pytest.mark.parametrize("loss", [center_focal, mask_focal, mask_bce, mask_overlap])
def test_a_batch_of_no_scans_costs_nothing(loss: Loss) -> None:
    x = torch.zeros((0, *SHAPE[1:]), requires_grad=True)
    value = loss(x, torch.zeros((0, *SHAPE[1:]), dtype=torch.int8))
    assert value.item() == 0.0
    assert gradient(value, x).shape == x.shape


@pytest.mark.parametrize("dtype", [torch.int8, torch.float16, torch.float32, torch.float64])
def test_truth_may_have_any_type_and_place_in_memory(dtype: torch.dtype) -> None:
    x = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    whole = torch.zeros(3 * 64 + 1, dtype=dtype)
    whole[[1, 5, 70, 192]] = 1
    target = whole[1:].view(3, 1, 8, 8)  # does not begin at a multiple of eight bytes
    torch.testing.assert_close(mask_focal(x, target).double(), naive_mask_focal(x.double(), target))


def test_cells_beyond_one_block_count() -> None:
    x = torch.zeros(1, 1, 512, 512, requires_grad=True)
    value = mask_bce(x, torch.zeros(1, 1, 512, 512, dtype=torch.int8))
    torch.testing.assert_close(gradient(value, x), torch.full_like(x, 0.5 / 512**2))


def test_a_map_loss_has_one_gradient_only() -> None:
    x = some_logits().requires_grad_()
    value = mask_bce(x, some_masks())
    torch.autograd.grad(value, x, retain_graph=True)
    with pytest.raises(RuntimeError, match="can be taken once"):
        gradient(value, x)


def test_center_focal_weighs_channels_and_their_centers_alike() -> None:
    x, heat = some_logits().requires_grad_(), some_heat()
    weight = torch.tensor([1.0, 3.0, 0.5])
    each = [naive_center_focal(x[:, c].double(), heat[:, c]) * max(int((heat[:, c] == 1).sum()), 1) for c in range(3)]
    expected = (each[0] + 3 * each[1] + 0.5 * each[2]) / (1 + 3)  # one centre in each of the first two
    value = center_focal(x, heat, channel_weight=weight)
    torch.testing.assert_close(value.double(), expected)
    torch.testing.assert_close(gradient(value, x), gradient(expected, x), rtol=1e-4, atol=1e-7)


def test_masked_l1_weighs_rows_and_leaves_unknown_channels_out() -> None:
    prediction = torch.tensor([[1.0, 2.0], [5.0, 7.0]], requires_grad=True)
    target = torch.tensor([[0.0, torch.nan], [8.0, 7.5]])
    value = masked_l1(prediction, target, torch.tensor([2.0, 1.0]))
    assert value.item() == pytest.approx((2 * 1 + 3 + 0.5) / (2 + 1 + 1))
    torch.testing.assert_close(gradient(value, prediction), torch.tensor([[2.0, 0.0], [-1.0, -1.0]]) / 4)


def test_smooth_l1_is_a_parabola_below_beta() -> None:
    value = masked_l1(torch.tensor([[0.1], [3.0]]), torch.zeros(2, 1), beta=1.0)
    assert float(value) == pytest.approx((0.1**2 / 2 + 3.0 - 0.5) / 2)


def test_masked_l1_of_nothing_is_zero_with_a_zero_gradient() -> None:
    prediction = torch.zeros(0, 3, requires_grad=True)
    value = masked_l1(prediction, torch.zeros(0, 3), torch.zeros(0))
    assert value.item() == 0.0
    assert gradient(value, prediction).shape == (0, 3)


def test_cross_entropy_ignores_and_weighs() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 0.0], [9.0, 0.0, 0.0]])
    target, weight = torch.tensor([2, 1, 0]), torch.tensor([1.0, 3.0, 0.5])
    log_p = functional.log_softmax(logits.double(), dim=1)
    expected = -(0.5 * log_p[0, 2] + 3 * log_p[1, 1]) / 3.5
    assert float(semantic_cross_entropy(logits, target, class_weight=weight)) == pytest.approx(float(expected))
    assert float(semantic_cross_entropy(logits, torch.zeros(3, dtype=torch.int64))) == 0.0


def naive_lovasz(logits: Tensor, target: Tensor) -> Tensor:
    """Berman's definition: each class's Jaccard loss of growing sets of errors, largest error first."""
    known = target > 0
    p, y = torch.softmax(logits.double(), 1)[known], target[known]
    losses = []
    for c in sorted(set(y.tolist())):
        error = torch.where(y == c, 1 - p[:, c], p[:, c])
        order = error.argsort(descending=True)
        before, total = torch.tensor(0.0, dtype=torch.float64), torch.tensor(0.0, dtype=torch.float64)
        for count in range(1, len(order) + 1):
            wrong = order[:count]
            missed = (y[wrong] == c).sum()
            union = (y == c).sum() + (y[wrong] != c).sum()
            now = 1 - ((y == c).sum() - missed) / union
            total = total + error[order[count - 1]] * (now - before)
            before = now
        losses.append(total)
    return torch.stack(losses).mean()


def test_lovasz_and_its_gradient_equal_the_definition() -> None:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(40, 6, generator=generator).requires_grad_()
    target = torch.randint(0, 5, (40,), generator=generator)
    exact = logits.detach().double().requires_grad_()
    value, expected = lovasz_softmax(logits, target), naive_lovasz(exact, target)
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    slope = gradient(value, logits)
    torch.testing.assert_close(slope.double(), gradient(expected, exact), rtol=1e-4, atol=1e-7)


def test_lovasz_of_many_cells_with_near_equal_errors_equals_the_definition() -> None:
    generator = torch.Generator().manual_seed(4)
    logits = torch.randn(1000, 3, generator=generator).requires_grad_()  # the errors of a class crowd into the bins
    target = torch.randint(1, 3, (1000,), generator=generator)
    exact = logits.detach().double().requires_grad_()
    value, expected = lovasz_softmax(logits, target), naive_lovasz(exact, target)
    assert value.item() == pytest.approx(expected.item(), abs=1e-4)
    ours, theirs = gradient(value, logits).double().view(-1), gradient(expected, exact).view(-1)
    assert float(functional.cosine_similarity(ours, theirs, dim=0)) > 0.999


@pytest.mark.parametrize("rows", [0, 4])
def test_lovasz_without_known_rows_is_zero(rows: int) -> None:
    logits = torch.randn(rows, 6, requires_grad=True)
    value = lovasz_softmax(logits, torch.zeros(rows, dtype=torch.int64))
    assert value.item() == 0.0
    assert not gradient(value, logits).any()


def test_lovasz_of_a_perfect_prediction_is_zero() -> None:
    target = torch.tensor([1, 2, 3, 3])
    assert float(lovasz_softmax(functional.one_hot(target, 4) * 100.0, target)) == pytest.approx(0.0, abs=1e-6)
