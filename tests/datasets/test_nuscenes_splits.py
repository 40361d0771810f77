from __future__ import annotations

import json
from pathlib import Path

import pytest

from bevseg.datasets.nuscenes_splits import split_of_scenes

pytest.importorskip("nuscenes", reason="needs the extra `datasets`")


def tables(folder: Path, scenes: list[str], splits: dict[str, list[str]] | None = None) -> Path:
    folder.mkdir()
    (folder / "scene.json").write_text(json.dumps([{"name": name} for name in scenes]))
    if splits is not None:
        (folder / "splits.json").write_text(json.dumps(splits))
    return folder


def test_splits_of_the_devkit_go_with_their_tables(tmp_path: Path) -> None:
    validation = ["scene-0103", "scene-0916"]
    mini = tables(tmp_path / "v1.0-mini", [*validation, "scene-0061"])
    assert split_of_scenes(mini, validation) == "mini_val"
    assert split_of_scenes(mini, ["scene-0061"]) == "mini_train"  # all that these tables have of it
    assert split_of_scenes(mini, validation[:1]) is None
    assert split_of_scenes(mini, [*validation, "scene-0061"]) is None
    assert split_of_scenes(tables(tmp_path / "v1.0-trainval", validation), validation) == "val"


def test_splits_of_ones_own(tmp_path: Path) -> None:
    own = tables(tmp_path / "v1.0-own", ["a", "b", "c"], {"day": ["a", "b"], "night": ["c"]})
    assert split_of_scenes(own, ["b", "a"]) == "day"
    assert split_of_scenes(own, ["a"]) is None
    assert split_of_scenes(tables(tmp_path / "v1.0-none", ["a"]), ["a"]) is None
