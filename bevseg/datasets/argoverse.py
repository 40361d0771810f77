"""Argoverse 1 frames in KITTI's object layout, as the usual converter writes them.

Labelled in the front camera's wide view; no reflectance; the labelled place is the centre of the box. The height of
the labels leans against the road by half a degree (0.3 m too low at 30 m): that is in the files.

Source: Chang et al., "Argoverse: 3D Tracking and Forecasting with Rich Maps", CVPR 2019.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bevseg.datasets.kitti import KittiHabits, KittiObjectSource
from bevseg.datasets.sample import LabelledView

ARGOVERSE_HABITS = KittiHabits(
    view=LabelledView(half_angle_rad=float(np.deg2rad(58.0))),
    has_reflectance=False,
    has_truncation=False,
    y_is_center=True,
    sensor_origin_m=(1.35, 0.0, 1.48),
)
"""The points' origin is the rear axle; the rays start between two stacked sensors, where the beams are sharpest
(good to 0.1 m)."""

_LOOKED_AT = 20
"""So many files of labels are read to tell whose they are."""


def argoverse_source(folder: Path, *, name: str = "argoverse1") -> KittiObjectSource:
    """Opens a folder of converted Argoverse 1 frames."""
    return KittiObjectSource(folder, name=name, habits=ARGOVERSE_HABITS)


def is_argoverse(folder: Path) -> bool:
    """Whether frames in KITTI's layout are Argoverse's: it has names of classes in capitals, KITTI has none."""
    labels = sorted((folder / "label_2").glob("*.txt"))[:_LOOKED_AT]
    lines = [line for file in labels for line in file.read_text().splitlines() if line.strip()]
    return any(line.split(maxsplit=1)[0].isupper() for line in lines)
