"""Opens whatever labelled frames of the known public sets lie under one folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bevseg.datasets.argoverse import argoverse_source
from bevseg.datasets.kitti import KittiObjectSource, KittiTrackingSource
from bevseg.datasets.labels import DatasetError
from bevseg.datasets.nuscenes import NuScenesLidarsegSource, NuScenesTruthSource
from bevseg.datasets.pandaset import PandaSetSource
from bevseg.datasets.semantic_kitti import SemanticKittiSource
from bevseg.datasets.source import Source

BOXED_FRAMES: dict[str, Callable[[Path], Source]] = {
    "nuscenes_scene0103": NuScenesTruthSource,
    "kitti_raw_0048": KittiObjectSource,
    "kitti_tracking_0000": KittiTrackingSource,
    "argoverse1": argoverse_source,
    "pandaset_002": PandaSetSource,
}
"""Folder and reader of each set with boxes."""

POINT_LABELLED_FRAMES: dict[str, Callable[[Path], Source]] = {
    "nuscenes_lidarseg": NuScenesLidarsegSource,
    "semantickitti_panoptic": SemanticKittiSource,
}
"""Folder and reader of each set that labels points alone."""


def open_real_frames(root: Path) -> tuple[Source, ...]:
    """The sources under `root`, those with boxes first; folders that are not there are left out.

    Raises:
        DatasetError: None of the known folders is there.
    """
    known = {**BOXED_FRAMES, **POINT_LABELLED_FRAMES}
    found = tuple(opened(root / folder) for folder, opened in known.items() if (root / folder).is_dir())
    if not found:
        raise DatasetError(f"{root}: expected at least one of the folders {', '.join(known)}, found none")
    return found
