"""The index of nuScenes' tables: the devkit's rows, made once, made anew when a table has changed."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bevseg.datasets import nuscenes_index
from bevseg.datasets.nuscenes_index import NuScenesIndex, index_file
from bevseg.datasets.nuscenes_tables import NuScenesSource, open_tables

VERSION = "v1.0-bevseg"


@pytest.fixture
def large(nuscenes_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set that counts as large, so that its index is kept, below `tmp_path`."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(nuscenes_index, "_SMALL_BYTES", 0)
    shutil.copytree(nuscenes_root / VERSION, tmp_path / "set" / VERSION)
    return tmp_path / "set"


def test_rows_and_velocities_are_the_devkits(nuscenes_root: Path) -> None:
    devkit = pytest.importorskip("nuscenes", reason="needs the extra `datasets`").NuScenes(
        VERSION, str(nuscenes_root), verbose=False
    )
    index = NuScenesIndex(nuscenes_root, VERSION)
    assert index.has_annotations
    for theirs in devkit.sample:
        ours = index.get("sample", theirs["token"])
        assert ours["anns"] == theirs["anns"]
        assert ours["data"] == {k: v for k, v in theirs["data"].items() if k.startswith("LIDAR")}
    velocities = np.array([devkit.box_velocity(row["token"]) for row in devkit.sample_annotation])
    rows = [index.get("sample_annotation", row["token"]) for row in devkit.sample_annotation]
    assert [row["category_name"] for row in rows] == [row["category_name"] for row in devkit.sample_annotation]
    np.testing.assert_allclose([index.box_velocity(row) for row in rows], velocities, atol=1e-6)
    assert np.isfinite(velocities).any()


def test_a_token_that_is_not_there_is_named(nuscenes_root: Path) -> None:
    with pytest.raises(KeyError, match="sample nowhere"):
        NuScenesIndex(nuscenes_root, VERSION).get("sample", "nowhere")


def test_a_small_set_leaves_no_file(nuscenes_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    open_tables(nuscenes_root)
    assert list(tmp_path.iterdir()) == []


def test_a_large_set_is_indexed_once(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = len(NuScenesSource(open_tables(large)))
    assert [path.name for path in index_file(large / VERSION).parent.iterdir()] == [index_file(large / VERSION).name]

    def never(folder: Path, name: str) -> list[dict[str, Any]]:
        raise AssertionError(f"{name} was read again")

    monkeypatch.setattr(nuscenes_index, "_table", never)
    assert len(NuScenesSource(open_tables(large))) == first == 4


def test_a_changed_table_is_read_again(large: Path) -> None:
    open_tables(large)
    scenes = json.loads((large / VERSION / "scene.json").read_text())
    (large / VERSION / "scene.json").write_text(json.dumps(scenes[:1]))
    assert len(NuScenesSource(open_tables(large))) == 2


@pytest.mark.parametrize("left", [b"", b"SQLite format 3\0 and then nothing"])
def test_an_index_that_is_cut_off_is_made_anew(large: Path, left: bytes) -> None:
    file = index_file(large / VERSION)
    file.parent.mkdir(parents=True)
    file.write_bytes(left)
    assert len(NuScenesSource(open_tables(large))) == 4


def test_without_a_place_for_it_the_index_is_made_each_time(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a file"))
    with caplog.at_level(logging.WARNING):
        assert len(NuScenesSource(open_tables(large))) == 4
    assert "not kept" in caplog.text


def test_what_is_broken_leaves_no_index(large: Path) -> None:
    (large / VERSION / "instance.json").write_text("[]")
    with pytest.raises(KeyError):
        NuScenesIndex(large, VERSION)
    assert not list(index_file(large / VERSION).parent.iterdir())
