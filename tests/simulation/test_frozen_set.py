"""The frozen test set can be made again, is as crowded as promised, and nothing else is accepted for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from bevseg.datasets.sample import Sample
from bevseg.datasets.sample_file import write_sample
from bevseg.geometry.boxes import footprint_corners
from bevseg.results.classes import GROUP_OF_CLASS, ClassGroup
from bevseg.simulation import frozen_set
from bevseg.simulation.config import RESERVED_SEEDS, SIMULATOR_VERSION
from bevseg.simulation.frozen_set import (
    CONFIG,
    FrozenSetError,
    FrozenSource,
    agreement,
    load_records,
    record_of,
    records_as_json,
    sample_hash,
    write_frozen_set,
)
from bevseg.simulation.generate import frame_path
from bevseg.simulation.layout.world import build_world
from bevseg.simulation.source import simulate_frame

same_version = pytest.mark.skipif(
    load_records().simulator_version != SIMULATOR_VERSION,
    reason="the simulator has changed since the set was frozen; the stored frames remain the set",
)


@pytest.fixture(scope="module")
def frame() -> Sample:
    return simulate_frame(CONFIG, 0)


@same_version
@pytest.mark.parametrize("index", [0, 1, 2])
def test_frames_can_be_made_again(index: int) -> None:
    assert agreement(simulate_frame(CONFIG, index), load_records().frames[index]) != "different"


@same_version
@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("index", range(6))
def test_frames_have_the_frozen_bytes(index: int) -> None:
    """Two of each sensor: no change that only makes the simulator faster may change what it makes."""
    assert agreement(simulate_frame(CONFIG, index), load_records().frames[index]) == "identical"


def test_records_cover_the_set_and_its_seed_is_reserved() -> None:
    records = load_records()
    assert len(records.frames) == CONFIG.frames == 200
    assert len({record.sha256 for record in records.frames}) == 200
    assert CONFIG.seed in RESERVED_SEEDS
    assert records_as_json(records).count("sha256") == 200


def test_another_frame_is_told_apart(frame: Sample) -> None:
    record = record_of(frame)
    assert agreement(frame, record) == "identical"
    moved = replace(frame, cloud=replace(frame.cloud, xyz=frame.cloud.xyz + np.float32(1e-6)))
    assert sample_hash(moved) != record.sha256
    assert agreement(moved, record) == "equivalent"
    assert agreement(replace(frame, cloud=frame.cloud[: len(frame.cloud) // 2]), record) == "different"
    assert agreement(replace(frame, cloud=frame.cloud[:0]), record) == "different"


def test_source_checks_what_it_reads(tmp_path: Path, frame: Sample) -> None:
    source = FrozenSource(tmp_path)
    assert len(source) == 200
    with pytest.raises(FrozenSetError, match="is missing"):
        source[0]
    path = frame_path(tmp_path, 1)
    path.parent.mkdir()
    write_sample(path, frame)
    with pytest.raises(FrozenSetError, match="is not frame 1"):
        source[1]
    with pytest.raises(IndexError):
        source[200]


@same_version
def test_source_gives_the_frozen_frame(tmp_path: Path, frame: Sample) -> None:
    path = frame_path(tmp_path, 0)
    path.parent.mkdir()
    write_sample(path, frame)
    assert sample_hash(FrozenSource(tmp_path)[0]) == sample_hash(frame)


def test_another_version_of_the_simulator_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen_set, "SIMULATOR_VERSION", -1)
    with pytest.raises(FrozenSetError, match="use the stored frames"):
        write_frozen_set(tmp_path)
    assert not list(tmp_path.iterdir())


def test_scenes_are_crowded_and_neighbours_close() -> None:
    """At least 30 objects within 50 m on average; a quarter of the vehicles within 1 m of one of their class."""
    counts, close = [], []
    for index in range(10):
        rng = np.random.default_rng(np.random.SeedSequence([CONFIG.seed, index]))
        density = float(rng.uniform(*CONFIG.density))
        world = build_world(rng, CONFIG, density=density, range_m=CONFIG.range_m)
        boxes, label = world.objects.boxes, world.objects.label
        near = np.hypot(boxes[:, 0] - world.ego_pose[0], boxes[:, 1] - world.ego_pose[1]) < 50
        counts.append(np.count_nonzero(near))
        vehicles = np.flatnonzero(near & (GROUP_OF_CLASS[label] == ClassGroup.VEHICLE))
        close += [_gap_m(boxes, np.flatnonzero(label == label[k]), int(k)) < 1.0 for k in vehicles]
    assert np.mean(counts) >= 30
    assert np.mean(close) >= 0.25


def _gap_m(boxes: np.ndarray, same_class: np.ndarray, k: int) -> float:
    """Distance between the outline of footprint k and the nearest other one of its class."""
    others = [int(j) for j in same_class if j != k and np.hypot(*(boxes[j, :2] - boxes[k, :2])) < 15]
    if not others:
        return np.inf
    outline = cKDTree(_outline(boxes[k]))
    return min(float(outline.query(_outline(boxes[j]))[0].min()) for j in others)


def _outline(box: np.ndarray) -> np.ndarray:
    corners = footprint_corners(box[None])[0]
    share = np.linspace(0, 1, 12)[:, None]
    return np.concatenate([corners[i] * (1 - share) + corners[(i + 1) % 4] * share for i in range(4)])
