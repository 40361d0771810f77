"""How the masks of predictions lie to those of true objects: who covers whom, who lies within whom, who is too wide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from bevseg.datasets.sample import Annotations
from bevseg.evaluation.matching import FrameMasks
from bevseg.results.masks import BevMasks, footprint_masks

HALO_CELLS = 1
"""A mask may be this much too wide all round, in cells of the evaluation grid (0.2 m), before it is a halo."""


@dataclass(frozen=True, eq=False)
class MaskRelations:
    """The masks of one frame, compared pair by pair on one grid.

    Attributes:
        predicted: Amodal masks of the predictions on the grid.
        true_boxes: Boxes of the true objects; their footprints are the true masks.
        iou: Intersection over union of each pair.
        cover: Share of the true mask that the predicted one covers.
        within: Share of the predicted mask that lies in the true one.
        held: `[p, q]`: share of the mask of prediction p that lies in that of prediction q.
    """

    predicted: BevMasks
    true_boxes: Float[np.ndarray, "truth 7"]
    iou: Float[np.ndarray, "prediction truth"]
    cover: Float[np.ndarray, "prediction truth"]
    within: Float[np.ndarray, "prediction truth"]
    held: Float[np.ndarray, "prediction prediction"]

    @classmethod
    def measure(cls, masks: FrameMasks, annotations: Annotations) -> MaskRelations:
        """Compares each predicted mask with each true footprint, and the predicted masks with each other."""
        predicted, true = masks.predicted, masks.true
        shared = predicted.intersection_cells(true)
        own, others = np.maximum(predicted.area_cells, 1), np.maximum(true.area_cells, 1)
        return cls(
            predicted=predicted,
            true_boxes=annotations.boxes.astype(np.float64),
            iou=shared / np.maximum(predicted.area_cells[:, None] + true.area_cells - shared, 1),
            cover=shared / others,
            within=shared / own[:, None],
            held=predicted.intersection_cells(predicted) / own[:, None],
        )

    def too_wide(self, prediction: Int[np.ndarray, "pair"], truth: Int[np.ndarray, "pair"]) -> Bool[np.ndarray, "pair"]:
        """Whether each predicted mask sticks out of its object by more than `HALO_CELLS` on every one of its sides.

        On each of the four sides of the box, at least half of the cells whose centres lie between `HALO_CELLS` and
        `HALO_CELLS + 1` cells outside of it must be in the mask. At the border of the grid, where a side has no such
        cells, nothing can be told: no halo.
        """
        grid, boxes = self.predicted.grid, self.true_boxes[truth]
        least_m, most_m = HALO_CELLS * grid.cell_m, (HALO_CELLS + 1) * grid.cell_m
        grown = boxes.copy()
        grown[:, 3:5] += 2 * most_m
        around = footprint_masks(grown, grid)
        pair, outside_m = around.owner, _outside_sides(around, boxes)
        side = outside_m.argmax(axis=1)
        ring = np.flatnonzero(outside_m.max(axis=1, initial=-np.inf) > least_m)
        place = pair[ring] * 4 + side[ring]
        held = _holds(self.predicted, prediction[pair[ring]], around.cells[ring])
        cells = np.bincount(place, minlength=4 * len(truth)).reshape(-1, 4)
        covered = np.bincount(place[held], minlength=4 * len(truth)).reshape(-1, 4)
        wide: np.ndarray = ((cells > 0) & (2 * covered >= cells)).all(axis=1)
        return wide


def _outside_sides(masks: BevMasks, boxes: Float[np.ndarray, "k 7"]) -> Float[np.ndarray, "m 4"]:
    """How far each cell's centre lies beyond the front, rear, left and right of the box of its mask, metres."""
    owner = masks.owner
    offset = masks.grid.centers_of(masks.cells) - boxes[owner, :2]
    c, s = np.cos(boxes[owner, 6]), np.sin(boxes[owner, 6])
    along, across = c * offset[:, 0] + s * offset[:, 1], c * offset[:, 1] - s * offset[:, 0]
    half_length, half_width = boxes[owner, 3] / 2, boxes[owner, 4] / 2
    sides = (along - half_length, -along - half_length, across - half_width, -across - half_width)
    return np.stack(sides, axis=1)


def _holds(masks: BevMasks, owner: Int[np.ndarray, "m"], cells: Int[np.ndarray, "m"]) -> Bool[np.ndarray, "m"]:
    """Whether mask `owner[i]` holds `cells[i]`."""
    size = masks.grid.num_cells
    return np.isin(owner * size + cells, masks.owner * size + masks.cells)
