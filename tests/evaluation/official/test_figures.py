"""What is left out, and why; the figures themselves are in tests/commands/test_eval_submissions.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from bevseg.datasets.open import Kind
from bevseg.evaluation.frame_scores import Scores, Scoring
from bevseg.evaluation.matching import MatchRule
from bevseg.evaluation.official.figures import OfficialScores, official_scores
from bevseg.evaluation.submissions.writers import EvaluatedPart, SubmissionWriter


def writer(folder: Path, kind: Kind, split: str | None = None) -> SubmissionWriter:
    return SubmissionWriter(folder, EvaluatedPart(folder, kind, "v1.0-own", split), Scoring(MatchRule()))


@pytest.mark.parametrize("kind", ["pandaset", "semantic-kitti", "kitti-tracking", "argoverse1"])
def test_kinds_without_an_evaluator_have_no_figures(tmp_path: Path, kind: Kind) -> None:
    assert official_scores(writer(tmp_path, kind), Scores.zero()) == OfficialScores()


def test_parts_that_are_no_split_are_left_out(tmp_path: Path) -> None:
    official = official_scores(writer(tmp_path, "nuscenes"), Scores.zero())
    assert official.figures == {}
    assert len(official.left_out) == 1
    assert "are no split of the set, choose one with --split" in official.left_out[0]


def test_what_the_devkit_refuses_is_left_out_with_its_reason(tmp_path: Path) -> None:
    pytest.importorskip("nuscenes.eval.detection", reason="needs the extra `datasets`")
    official = official_scores(writer(tmp_path, "nuscenes", "val"), Scores.zero())
    assert official.figures == {}
    assert "Database version not found" in official.left_out[0]


def test_kitti_without_frames_measures_nothing(tmp_path: Path) -> None:
    figures = official_scores(writer(tmp_path, "kitti-object-folder"), Scores.zero()).figures["KITTI AP R40"]
    assert len(figures) == 36
    assert all(value != value for value in figures.values())
