"""What training minimises: the head's maps against the truth of a batch, as one weighted sum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import cross_entropy

from bevseg.instances.heads.output import BOX_CHANNELS, HeadOutput
from bevseg.learning.batch import Batch
from bevseg.learning.losses import (
    LossTerms,
    center_focal,
    lovasz_softmax,
    mask_focal,
    mask_overlap,
    masked_l1,
    semantic_cross_entropy,
)

_HEAT_WEIGHT = (1.0, 2.5, 3.0, 2.0)
"""Of the centres by `ClassGroup`: for ten vehicles a street holds two pedestrians and one two-wheeler."""

_DICE_WEIGHT = (1.0, 2.0, 2.0, 2.0)
"""Dice to Jaccard by `ClassGroup`: 2 to 1 where objects are small."""

_VELOCITY_WEIGHT = 0.2
"""Metres a second vary ten times as much as the other channels of a box."""


@dataclass(frozen=True)
class ObjectiveConfig:
    """Weights of the parts of the loss."""

    heat: float = 1.0
    foreground: float = 1.0
    overlap: float = 1.0
    offset: float = 0.5
    box: float = 1.0
    thing_class: float = 0.3
    semantic: float = 1.0
    lovasz: float = 0.5


def objective(output: HeadOutput, batch: Batch, weights: ObjectiveConfig) -> LossTerms:
    """Loss of the head's output for a batch; each part is a mean, so that neither batch nor grid size scales it."""
    boxes = _at(output.box, batch.center)
    of_group = partial(torch.tensor, device=boxes.device)
    scale = torch.ones(len(BOX_CHANNELS), device=boxes.device)
    scale[-2:] = _VELOCITY_WEIGHT
    flat_semantics = output.semantics.flatten(0, 1)
    labelled = torch.nonzero(batch.semantic > 0).squeeze(1)
    semantic_logits, semantic_truth = flat_semantics[labelled], batch.semantic[labelled] - 1
    terms = {
        "heat": weights.heat * center_focal(output.heat, batch.heat, channel_weight=of_group(_HEAT_WEIGHT)),
        "foreground": weights.foreground * mask_focal(output.foreground, batch.foreground),
        "overlap": weights.overlap
        * mask_overlap(output.foreground, batch.foreground, dice_weight=of_group(_DICE_WEIGHT)),
        "offset": weights.offset
        * masked_l1(_at(output.offset_m, batch.cell), batch.cell_offset_m, batch.cell_weight, beta=0.1),
        "box": weights.box * masked_l1(boxes * scale, batch.center_box * scale, batch.center_weight, beta=0.05),
        "thing_class": weights.thing_class
        * _mean_cross_entropy(_at(output.thing_class, batch.center), batch.center_class, batch.center_weight),
        "semantic": weights.semantic * semantic_cross_entropy(semantic_logits, semantic_truth, ignore=-100),
        "lovasz": weights.lovasz * lovasz_softmax(semantic_logits, semantic_truth, ignore=-1),
    }
    return LossTerms(torch.stack(list(terms.values())).sum(), {name: term.detach() for name, term in terms.items()})


def _at(maps: Float[Tensor, "batch channel y x"], flat: Int64[Tensor, "n"]) -> Float[Tensor, "n channel"]:
    """Values at flat cells that count through the batch."""
    return maps.permute(0, 2, 3, 1).flatten(0, 2).index_select(0, flat)


def _mean_cross_entropy(
    logits: Float[Tensor, "n class"], truth: Int64[Tensor, "n"], weight: Float[Tensor, "n"]
) -> Float[Tensor, ""]:
    return (cross_entropy(logits.float(), truth, reduction="none") * weight).sum() / weight.sum().clamp(min=1e-6)
