from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bevseg.evaluation.mask_quality import MaskQuality, boundary_iou, dice, on_rim, sum_quality
from bevseg.evaluation.matching import FrameMasks, FrameMatches, PredictionStatus, TruthStatus
from bevseg.geometry.grid import BevGrid
from bevseg.results.masks import BevMasks

GRID = BevGrid(2.0, -3.0, 0.2, 23, 17)


def masks_of(*maps: np.ndarray) -> BevMasks:
    return BevMasks.from_cells(GRID, [np.flatnonzero(m) for m in maps])


def block(rows: slice, columns: slice) -> np.ndarray:
    full = np.zeros(GRID.shape, bool)
    full[rows, columns] = True
    return full


def blobs(rng: np.random.Generator, count: int) -> list[np.ndarray]:
    """Ragged maps, most of them with holes, some at the edge of the grid, one of them empty."""
    drawn = (ndimage.uniform_filter(rng.random(GRID.shape), 3) > rng.uniform(0.4, 0.55) for _ in range(count - 1))
    return [*drawn, np.zeros(GRID.shape, bool)]


def brute_force_rim(full: np.ndarray, width: int) -> np.ndarray:
    """As the authors' `mask_to_boundary`: what erosion by 3 x 3 takes away, with nothing beyond the edge."""
    core: np.ndarray = ndimage.binary_erosion(full, np.ones((3, 3)), iterations=width, border_value=0)
    return full & ~core


@pytest.mark.parametrize("width", [1, 2, 3])
def test_equals_brute_force(width: int) -> None:
    rng = np.random.default_rng(width)
    found, true = blobs(rng, 12), blobs(rng, 12)
    rims = masks_of(*found).where(on_rim(masks_of(*found), width))
    expected = []
    for k, (a, b) in enumerate(zip(found, true, strict=True)):
        rim, other = brute_force_rim(a, width), brute_force_rim(b, width)
        assert np.array_equal(rims.dense(k), rim)
        expected.append((rim & other).sum() / max((rim | other).sum(), 1))
    assert boundary_iou(masks_of(*found), masks_of(*true), width_cells=width).tolist() == expected
    assert max(expected) > 0
    by_hand = [2 * (a & b).sum() / max(a.sum() + b.sum(), 1) for a, b in zip(found, true, strict=True)]
    assert dice(masks_of(*found), masks_of(*true)).tolist() == by_hand


def test_worked_by_hand() -> None:
    # 10 x 4 cells and the same one column on: 36 are shared. The rims of 24 cells share 9 of each long side.
    one, two = block(slice(2, 6), slice(3, 13)), block(slice(2, 6), slice(4, 14))
    assert dice(masks_of(one), masks_of(two)).tolist() == [72 / 80]
    assert boundary_iou(masks_of(one), masks_of(two)).tolist() == [18 / 30]


def test_a_mask_thinner_than_two_rims_is_all_rim() -> None:
    thin = masks_of(block(slice(0, 2), slice(0, 5)))
    assert on_rim(thin, 1).all()
    assert boundary_iou(thin, thin).tolist() == [1.0]


def _matches(status: list[int], truth: list[int], category: list[int]) -> FrameMatches:
    k = len(status)
    return FrameMatches(
        by="group",
        prediction_category=np.array(category, np.int64),
        prediction_status=np.array(status, np.int64),
        truth_of_prediction=np.array(truth, np.int64),
        iou=np.full(k, 0.7),
        truth_category=np.array([0, 1]),
        truth_status=np.full(2, TruthStatus.FOUND),
        prediction_of_truth=np.array([0, 0]),
    )


def test_matched_pairs_are_added_up_by_category() -> None:
    one, two = block(slice(2, 6), slice(3, 13)), block(slice(2, 6), slice(4, 14))
    masks = FrameMasks(masks_of(one, one, two), masks_of(two, one))
    right, wrong = PredictionStatus.RIGHT, PredictionStatus.WRONG
    quality = sum_quality(_matches([right, wrong, right], [1, -1, 0], [1, 0, 1]), masks)
    assert quality.pairs.tolist() == [0, 2, 0, 0]
    assert quality.dice[1] == quality.boundary_iou[1] == 1.0
    both = quality + sum_quality(_matches([right], [0], [1]), masks)
    assert both.dice[1] == pytest.approx((2 + 0.9) / 3)
    assert both.boundary_iou[1] == pytest.approx((2 + 0.6) / 3)
    assert np.isnan(both.dice[[0, 2, 3]]).all()


def test_nothing_matched() -> None:
    empty = FrameMasks(BevMasks.empty(GRID), BevMasks.empty(GRID))
    quality = sum_quality(_matches([], [], []), empty)
    assert np.isnan((MaskQuality.zero(4) + quality).boundary_iou).all()


def test_what_is_no_pair_is_refused() -> None:
    one = masks_of(block(slice(0, 2), slice(0, 5)))
    with pytest.raises(ValueError, match="as many masks on each side"):
        dice(one, masks_of())
    with pytest.raises(ValueError, match="1 or more, got 0"):
        boundary_iou(one, one, width_cells=0)
    with pytest.raises(ValueError, match="4 and of 17 categories"):
        MaskQuality.zero(4) + MaskQuality.zero(17)
