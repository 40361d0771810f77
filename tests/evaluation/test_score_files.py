"""Scores give back every bit, and nothing else is taken for scores."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from bevseg.baseline import ClusterSegmenter
from bevseg.commands.evaluated_methods import open_sight
from bevseg.evaluation import score_files
from bevseg.evaluation.frame_scores import SIMULATED, Scores, Segmentation, score_frame
from bevseg.evaluation.matching import EVALUATION_GRID
from bevseg.evaluation.score_files import VERSION, ScoreFileError, read_scores, write_scores
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.source import SimulatedSource


@pytest.fixture(scope="module")
def scores() -> Scores:
    """Of a frame with all that can be counted: objects, points, ground, order, visible masks."""
    config = SimulationConfig(seed=5, frames=1, sensors=("vlp-16",), range_m=30.0, ground_cells=EVALUATION_GRID)
    sample = SimulatedSource(config)[0]
    found = Segmentation.of_scene(ClusterSegmenter(EVALUATION_GRID).segment(sample.cloud))
    return score_frame(found, sample, SIMULATED, seen=open_sight()(sample), name="simulated/ä frame")


def assert_same(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if is_dataclass(one):
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    else:
        assert one == other


def test_scores_come_back_to_the_last_bit(scores: Scores, tmp_path: Path) -> None:
    assert scores.objects[0.5].num_truth.sum() > 0
    assert scores.ground.num_cells > 0
    assert scores.masks.groups.visible.frames
    write_scores(tmp_path / "source" / "a.safetensors", scores)
    assert_same(read_scores(tmp_path / "source" / "a.safetensors"), scores)


def test_scores_of_nothing_and_without_a_result(tmp_path: Path) -> None:
    for number, empty in enumerate((Scores.zero(), replace(Scores.zero(), num_frames=1, without_result=("a/b",)))):
        write_scores(tmp_path / f"{number}", empty)
        assert_same(read_scores(tmp_path / f"{number}"), empty)


def test_what_is_read_adds_up_as_what_was_written(scores: Scores, tmp_path: Path) -> None:
    write_scores(tmp_path / "a", scores)
    assert_same(read_scores(tmp_path / "a") + read_scores(tmp_path / "a"), scores + scores)


def test_damaged_files_are_named_with_what_to_do(scores: Scores, tmp_path: Path) -> None:
    path = tmp_path / "000007.safetensors"
    write_scores(path, scores)
    whole = path.read_bytes()
    for damaged in (b"", whole[:100], whole[:-1], b"no scores" + whole[9:]):
        path.write_bytes(damaged)
        with pytest.raises(ScoreFileError, match=r"000007\.safetensors: cannot be read .*remove it"):
            read_scores(path)
    path.unlink()
    with pytest.raises(ScoreFileError, match=r"000007\.safetensors: cannot be read .*the frame is scored again"):
        read_scores(path)


def test_another_version_is_refused(scores: Scores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_files, "VERSION", VERSION + 1)
    write_scores(tmp_path / "newer", scores)
    monkeypatch.undo()
    with pytest.raises(ScoreFileError, match=f"newer: expected scores of version {VERSION}, got {VERSION + 1}"):
        read_scores(tmp_path / "newer")
    (tmp_path / "bare").write_bytes(save({"a": np.zeros(3)}))
    with pytest.raises(ScoreFileError, match=r"bare: expected scores of version .*, got none"):
        read_scores(tmp_path / "bare")


@pytest.mark.parametrize(
    ("tree", "complaint"),
    [
        ({"kind": "Popen", "fields": {"args": "echo"}}, "cannot be read .*'Popen'"),
        ({"kind": "MatchCounts", "fields": {"strange": 1}}, "cannot be read .*argument"),
        ({"array": "0000"}, "cannot be read .*0000"),
        ({"tuple": [1, 2]}, "expected the scores of a frame, got tuple"),
        ("text", "expected the scores of a frame, got str"),
    ],
)
def test_nothing_but_scores_is_made_of_a_file(tree: object, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(save({}, {"version": str(VERSION), "tree": json.dumps(tree)}))
    with pytest.raises(ScoreFileError, match=complaint):
        read_scores(tmp_path / "a")


@pytest.mark.usefixtures("shapes_unchecked")
def test_what_scores_cannot_hold_is_not_written(scores: Scores, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="scores cannot hold complex"):
        write_scores(tmp_path / "a", replace(scores, timings_ms={"total": complex(1)}))  # type: ignore[dict-item]
    assert list(tmp_path.iterdir()) == []
