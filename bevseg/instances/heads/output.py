"""What a head emits before decoding: raw maps, named so that decode, targets and losses agree on every channel."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from bevseg.geometry.grid import BevGrid
from bevseg.results.classes import THING_CLASSES, ClassGroup

NUM_GROUPS = len(ClassGroup)
NUM_THINGS = len(THING_CLASSES)

FIRST_THING = int(THING_CLASSES[0])
"""The thing classes are contiguous: channel c of `thing_class` is class `FIRST_THING + c`."""

BOX_CHANNELS = ("z", "log_l", "log_w", "log_h", "cos", "sin", "cos_2", "sin_2", "vx", "vy")
"""z: box centre above the local ground, metres. cos, sin: heading. cos_2, sin_2: twice the heading, which stays well
defined where front and rear cannot be told apart. vx, vy: metres a second."""


@dataclass(frozen=True, eq=False)
class HeadOutput:
    """Raw maps of the label-then-cluster head; `fine` maps lie on `grid`, the others on `grid.coarser(2)`. All
    are in the precision that the network computes in.

    Attributes:
        grid: The grid of the fine maps and of the masks that come from them.
        heat: Logits that the centre of an object of each `ClassGroup` lies in the cell (fine).
        foreground: Logits that an object of each group covers the cell, hidden or not (fine).
        offset_m: From the cell's centre to the centre of the object that covers it, (x, y) metres (coarse: the four
            fine cells in it point at one centre).
        thing_class: Logits of the ten thing classes, read at an object's centre (coarse).
        box: `BOX_CHANNELS`, read at an object's centre (coarse).
        semantics: Logits of the sixteen classes for each occupied pillar and height layer.
    """

    grid: BevGrid
    heat: Float[Tensor, "batch 4 y x"]
    foreground: Float[Tensor, "batch 4 y x"]
    offset_m: Float[Tensor, "batch 2 coarse_y coarse_x"]
    thing_class: Float[Tensor, "batch 10 coarse_y coarse_x"]
    box: Float[Tensor, "batch 10 coarse_y coarse_x"]
    semantics: Float[Tensor, "pillar layer 16"]
