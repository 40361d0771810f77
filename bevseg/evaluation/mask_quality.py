"""How well the masks of matched pairs fit: Dice, and IoU of the boundaries alone.

Boundary IoU (Cheng et al., CVPR 2021) compares the rims of two masks, where plain IoU of large objects hardly sees an
error: of each mask only the cells within `width_cells` of its contour take part. As in the authors' code the contour is
that of the mask with nothing beyond the edge of the grid, and distance is the larger one of rows and columns: the rim
is what `width_cells` erosions by a square of 3 x 3 cells take away. The authors' 2 % of the picture's diagonal would be
2.9 m here, more than any car is wide; a rim of one cell (0.2 m) leaves a core even of a pedestrian.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bevseg.evaluation.matching import FrameMasks, FrameMatches, PredictionStatus, num_categories
from bevseg.evaluation.scores import ratio, sum_by_category
from bevseg.results.masks import BevMasks

BOUNDARY_CELLS = 1
"""Width of the rim on the evaluation's grid of 0.2 m: 0.2 m."""


@dataclass(frozen=True, eq=False)
class MaskQuality:
    """Sums over matched pairs by category; those of two sets of frames add with `+`.

    Attributes:
        pairs: Matched pairs.
        dice_sum: Sum of their Dice coefficients.
        boundary_iou_sum: Sum of their boundary IoU.
    """

    pairs: Int[np.ndarray, "category"]
    dice_sum: Float[np.ndarray, "category"]
    boundary_iou_sum: Float[np.ndarray, "category"]

    @classmethod
    def zero(cls, num_categories: int) -> MaskQuality:
        return cls(np.zeros(num_categories, np.int64), np.zeros(num_categories), np.zeros(num_categories))

    def __add__(self, other: MaskQuality) -> MaskQuality:
        if len(self.pairs) != len(other.pairs):
            raise ValueError(f"sums of {len(self.pairs)} and of {len(other.pairs)} categories cannot be added")
        return MaskQuality(
            self.pairs + other.pairs,
            self.dice_sum + other.dice_sum,
            self.boundary_iou_sum + other.boundary_iou_sum,
        )

    @property
    def dice(self) -> Float[np.ndarray, "category"]:
        """Mean Dice coefficient, NaN where nothing matched."""
        return ratio(self.dice_sum, self.pairs)

    @property
    def boundary_iou(self) -> Float[np.ndarray, "category"]:
        """Mean boundary IoU, NaN where nothing matched."""
        return ratio(self.boundary_iou_sum, self.pairs)


def sum_quality(matches: FrameMatches, masks: FrameMasks) -> MaskQuality:
    """Adds up the matched pairs of one frame; `masks` are those that were matched."""
    right = np.flatnonzero(matches.prediction_status == PredictionStatus.RIGHT)
    category = matches.prediction_category[right]
    found, true = masks.predicted[right], masks.true[matches.truth_of_prediction[right]]
    size = num_categories(matches.by)
    return MaskQuality(
        np.bincount(category, minlength=size),
        sum_by_category(dice(found, true), category, num_categories=size),
        sum_by_category(boundary_iou(found, true), category, num_categories=size),
    )


def dice(masks: BevMasks, others: BevMasks) -> Float[np.ndarray, "pair"]:
    """Twice what mask k and other k share over the sum of their areas (Dice, Ecology 1945); 0 where both are empty."""
    areas = masks.area_cells + others.area_cells
    return 2 * _shared_cells(masks, others) / np.maximum(areas, 1)


def boundary_iou(masks: BevMasks, others: BevMasks, *, width_cells: int = BOUNDARY_CELLS) -> Float[np.ndarray, "pair"]:
    """IoU of the rims of mask k and other k; 0 where both are empty.

    Args:
        masks: One mask of each pair.
        others: The other one, on the same grid.
        width_cells: Width of the rims, 1 or more.
    """
    rims, other_rims = masks.where(on_rim(masks, width_cells)), others.where(on_rim(others, width_cells))
    shared = _shared_cells(rims, other_rims)
    return shared / np.maximum(rims.area_cells + other_rims.area_cells - shared, 1)


def on_rim(masks: BevMasks, width_cells: int) -> Bool[np.ndarray, "m"]:
    """Whether each entry of `masks.cells` lies within `width_cells` of a cell that is not in its mask.

    Each mask is painted on a tile of its own, just larger than itself, and all tiles lie in one row of memory: the work
    follows the size of the masks and not that of the grid.
    """
    if width_cells < 1:
        raise ValueError(f"width_cells must be 1 or more, got {width_cells}")
    if not len(masks.cells):
        return np.zeros(0, bool)
    owner = masks.owner
    row, column = np.divmod(masks.cells, masks.grid.width)
    row, height = _within_tile(row, owner, len(masks), margin=width_cells)
    column, width = _within_tile(column, owner, len(masks), margin=width_cells)
    start = np.cumsum(height * width) - height * width
    stride = width[owner]
    place = start[owner] + row * stride + column
    core = np.zeros(int((height * width).sum()), bool)
    core[place] = True
    for _ in range(width_cells):
        around = [core[place + dy * stride + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        core[place] = np.logical_and.reduce(around)
    return ~core[place]


def _within_tile(
    index: Int[np.ndarray, "m"], owner: Int[np.ndarray, "m"], num_masks: int, *, margin: int
) -> tuple[Int[np.ndarray, "m"], Int[np.ndarray, "k"]]:
    """Rows (or columns) counted from the tile's own edge, and how many each mask's tile has; empty masks have a few."""
    low = np.full(num_masks, np.iinfo(np.int64).max)
    high = np.zeros(num_masks, np.int64)
    np.minimum.at(low, owner, index)
    np.maximum.at(high, owner, index)
    low = np.minimum(low, high)
    return index - low[owner] + margin, high - low + 1 + 2 * margin


def _shared_cells(masks: BevMasks, others: BevMasks) -> Int[np.ndarray, "pair"]:
    """Cells that mask k has in common with other k."""
    if len(masks) != len(others) or masks.grid != others.grid:
        raise ValueError(
            f"pairs need as many masks on each side and one grid, got {len(masks)} on {masks.grid} and "
            f"{len(others)} on {others.grid}"
        )
    size = masks.grid.num_cells
    keys, other_keys = masks.owner * size + masks.cells, others.owner * size + others.cells
    shared = np.intersect1d(keys, other_keys, assume_unique=True)
    return np.bincount(shared // size, minlength=len(masks))
