"""Scores that mean what they say: of the objects with a score of 0.7, seven in ten are right.

Platt scaling (Platt, 1999) of the heat's logit: one slope for each class group, since the heat has one map for each,
and one offset for each class. Fitted on simulated frames when a checkpoint is made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit, logit

from bevseg.instances.heads.output import FIRST_THING, NUM_THINGS
from bevseg.results.classes import GROUP_OF_CLASS


@dataclass(frozen=True)
class ScoreCalibration:
    """`score = sigmoid(slope * logit + offset)`; as it stands the sigmoid alone.

    Attributes:
        slope: For each `ClassGroup`: vehicle, pedestrian, two-wheeler, static. Above 0, so that order is kept.
        offset: For each thing class, from barrier to truck.
    """

    slope: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    offset: tuple[float, ...] = (0.0,) * NUM_THINGS

    def __post_init__(self) -> None:
        if min(self.slope) <= 0 or len(self.offset) != NUM_THINGS or not np.isfinite([*self.slope, *self.offset]).all():
            raise ValueError(
                f"a calibration needs 4 slopes above 0 and {NUM_THINGS} finite offsets, got {self.slope}, {self.offset}"
            )

    def scores(self, logits: Float[np.ndarray, "k"], label: Int[np.ndarray, "k"]) -> Float[np.ndarray, "k"]:
        """The calibrated score of each object from the logit of its heat and its class."""
        slope, offset = np.array(self.slope)[GROUP_OF_CLASS[label]], np.array(self.offset)[label - FIRST_THING]
        return expit(slope * logits + offset).astype(np.float32)

    def least_logits(self, min_score: tuple[float, float, float, float]) -> Float[np.ndarray, "4"]:
        """For each group a logit below which no class of it reaches the group's score."""
        groups = GROUP_OF_CLASS[FIRST_THING : FIRST_THING + NUM_THINGS]
        best = np.array([np.array(self.offset)[groups == group].max() for group in range(len(self.slope))])
        return (logit(np.array(min_score)) - best) / np.array(self.slope)
