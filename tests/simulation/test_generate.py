"""Frames on disk: complete, resumed, and never of two configurations in one folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bevseg.geometry.grid import BevGrid
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.dataset_folder import MANIFEST, GenerationError
from bevseg.simulation.generate import GeneratedSource, frame_path, generate
from bevseg.simulation.source import SimulatedSource

CONFIG = SimulationConfig(seed=3, sensors=("vlp-16",), density=(0.0, 0.1), range_m=30.0, occlusion=False)


def test_generates_and_resumes(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    generate(CONFIG, tmp_path, 2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 2), (1, 2), (2, 2)]
    first = frame_path(tmp_path, 0)
    before = first.stat().st_mtime_ns
    frame_path(tmp_path, 1).unlink()
    assert len(GeneratedSource(tmp_path)) == 1
    generate(CONFIG, tmp_path, 2)
    assert first.stat().st_mtime_ns == before
    source = GeneratedSource(tmp_path)
    assert len(source) == 2
    made = SimulatedSource(CONFIG)[1]
    assert source[1].cloud.xyz.tobytes() == made.cloud.xyz.tobytes()


def test_other_configuration_is_refused(tmp_path: Path) -> None:
    generate(CONFIG, tmp_path, 0)
    with pytest.raises(GenerationError, match="different: seed"):
        generate(replace(CONFIG, seed=4), tmp_path, 1)


def test_a_folder_of_a_version_without_the_later_options_goes_on(tmp_path: Path) -> None:
    generate(CONFIG, tmp_path, 0)
    manifest = tmp_path / MANIFEST
    older = json.loads(manifest.read_text())
    del older["truncation"], older["ground_cells"], older["shutter"]
    manifest.write_text(json.dumps(older))
    generate(CONFIG, tmp_path, 0)
    with pytest.raises(GenerationError, match="different: truncation"):
        generate(replace(CONFIG, truncation=True), tmp_path, 1)
    with pytest.raises(GenerationError, match="different: ground_cells"):
        generate(replace(CONFIG, ground_cells=BevGrid.square(half_extent_m=8.0, cell_m=0.5)), tmp_path, 1)


def test_truth_that_is_asked_for_is_stored(tmp_path: Path) -> None:
    grid = BevGrid(-4.0, 1.0, 0.5, 30, 20)
    generate(replace(CONFIG, truncation=True, ground_cells=grid), tmp_path, 1)
    generate(replace(CONFIG, truncation=True, ground_cells=grid), tmp_path, 1)
    truth = GeneratedSource(tmp_path)[0].annotations
    assert truth.truncation is not None
    assert truth.ground is not None
    assert truth.ground.visibility.grid == grid


def test_folders_begun_before_echoes_were_known_can_be_gone_on_with(tmp_path: Path) -> None:
    generate(CONFIG, tmp_path, 0)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    assert "returns" not in manifest["sensors"][0]
    with pytest.raises(GenerationError, match="different: sensors"):
        generate(replace(CONFIG, sensors=("vlp-16-dual",)), tmp_path, 1)


def test_empty_folder_is_an_empty_source(tmp_path: Path) -> None:
    source = GeneratedSource(tmp_path)
    assert len(source) == 0
    with pytest.raises(IndexError, match="frame 0 is not in"):
        source[0]
