"""Which split of nuScenes, or of a set in its schema, some scenes are: official scores are of whole splits."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

_VERSION_OF_SPLIT = {
    "train": "trainval", "val": "trainval", "train_detect": "trainval", "train_track": "trainval",
    "mini_train": "mini", "mini_val": "mini", "test": "test",
}  # fmt: skip
"""How the folder of tables ends that the devkit takes for each of its splits."""


def split_of_scenes(tables: Path, scenes: Iterable[str]) -> str | None:
    """The split whose scenes these are, all that the tables have of it and no others; None where there is none.

    Args:
        tables: The folder of the tables, v1.0-trainval say.
        scenes: Names of scenes.

    Raises:
        ModuleNotFoundError: The package `nuscenes-devkit`, which is optional, is not installed.
    """
    from nuscenes.utils.splits import create_splits_scenes

    wanted = set(scenes)
    known = {row["name"] for row in json.loads((tables / "scene.json").read_text(encoding="utf-8"))}
    own = tables / "splits.json"
    splits: dict[str, list[str]] = json.loads(own.read_text(encoding="utf-8")) if own.is_file() else {}
    official: dict[str, list[str]] = create_splits_scenes()
    fitting = {
        name: known & set(members)
        for name, members in official.items()
        if name in _VERSION_OF_SPLIT and tables.name.endswith(_VERSION_OF_SPLIT[name])
    }
    candidates = {**{name: set(members) for name, members in splits.items()}, **fitting}
    return next((name for name, members in candidates.items() if members == wanted), None)
