from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from bevseg.evaluation.comparison.finished_run import ComparisonError, FinishedRun, note_drives
from bevseg.evaluation.comparison.pairing import pair_runs
from bevseg.evaluation.frame_scores import Scores

WriteRun = Callable[..., Path]
MakeScores = Callable[..., Scores]


def _pair(a: Path, b: Path, *, allow_missing: bool = False) -> Any:
    return pair_runs(FinishedRun.open(a), FinishedRun.open(b), allow_missing=allow_missing)


def test_the_same_frames_in_another_order(write_run: WriteRun) -> None:
    a = write_run("a", {"s": [3, 1, 2]}, method=1)
    b = write_run("b", {"s": [1, 2, 3]}, method=2)
    note_drives(a, {"s": ["late", "early", "early"], "other": None})
    (paired,) = _pair(a, b)
    assert paired.a.names == paired.b.names == ("s/001", "s/002", "s/003")
    assert paired.place.tolist() == [1, 2, 0]
    assert paired.drives == ("early", "early", "late")
    assert (paired.only_a, paired.only_b) == (0, 0)
    (other_way,) = _pair(b, a)  # whichever of the two tells
    assert other_way.drives == ("early", "early", "late")


def test_frames_that_one_run_lacks_are_refused_or_left_out(write_run: WriteRun) -> None:
    a, b = write_run("a", {"s": [1, 2, 3]}, method=1), write_run("b", {"s": [2, 3, 4, 5]}, method=2)
    with pytest.raises(ComparisonError, match=r"1 that B lacks \(s/001\) and 2 that A lacks \(s/004, s/005\)"):
        _pair(a, b)
    (paired,) = _pair(a, b, allow_missing=True)
    assert paired.a.names == ("s/002", "s/003")
    assert (paired.only_a, paired.only_b) == (1, 2)


def test_runs_without_a_common_frame_or_source(write_run: WriteRun) -> None:
    a, b = write_run("a", {"s": [1]}), write_run("b", {"s": [2]})
    with pytest.raises(ComparisonError, match="they share no frame"):
        _pair(a, b, allow_missing=True)
    with pytest.raises(ComparisonError, match="they share no source"):
        _pair(a, write_run("c", {"t": [1]}), allow_missing=True)


def test_sources_that_one_run_lacks(write_run: WriteRun) -> None:
    a, b = write_run("a", {"s": [1], "t": [1]}), write_run("b", {"s": [1]})
    with pytest.raises(ComparisonError, match="was scored on s, t, and"):
        _pair(a, b)
    assert [paired.name for paired in _pair(a, b, allow_missing=True)] == ["s"]


def test_frames_of_one_name_with_other_objects_are_other_frames(write_run: WriteRun) -> None:
    a, b = write_run("a", {"s": [1, 2]}), write_run("b", {"s": [1, 2]}, truth=100)
    with pytest.raises(
        ComparisonError, match=r"2 of 2 frames hold other objects in B than in A, the first is s/001 \("
    ):
        _pair(a, b)


def test_scans_that_came_to_harm_may_hold_other_objects(write_run: WriteRun) -> None:
    a, b = write_run("a", {"s": [1, 2]}), write_run("b", {"s": [1, 2]}, truth=100, about={"corruption": "fog:0.5"})
    assert len(_pair(a, b)[0].a) == 2


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("rule.min_points", 10, "rule.min_points: 5 in A, 10 in B"),
        ("rule.max_range_m", 40.0, "rule.max_range_m: 50.0 in A, 40.0 in B"),
        ("rule.iou_threshold", 0.7, "rule.iou_threshold: 0.5 in A, 0.7 in B"),
        ("rule.grid.cell_m", 0.1, "rule.grid.cell_m: 0.2 in A, 0.1 in B"),
        ("groups", [0, 1], r"groups: \[0, 1, 2, 3\] in A, \[0, 1\] in B"),
        ("points_within", None, "points_within"),
    ],
)
def test_other_rules_are_refused(write_run: WriteRun, key: str, value: object, says: str) -> None:
    a, b = write_run("a", {"s": [1]}), write_run("b", {"s": [1]})
    _change_rules(b, key, value)
    with pytest.raises(ComparisonError, match=says):
        _pair(a, b, allow_missing=True)


def test_score_thresholds_belong_to_the_method(write_run: WriteRun) -> None:
    a, b = write_run("a", {"s": [1]}), write_run("b", {"s": [1]})
    _change_rules(b, "rule.score_thresholds", [0.1, 0.2, 0.3, 0.4])
    assert len(_pair(a, b)) == 1


def test_an_unfinished_run_says_which_frames_lack_scores(write_run: WriteRun) -> None:
    a, b = write_run("a", {"s": [1, 2, 3, 4, 5]}), write_run("b", {"s": [1, 2, 3, 4, 5]})
    for place in (0, 1, 3, 4):
        (b / "scores" / "s" / f"{place:06d}.safetensors").unlink()
    with pytest.raises(
        ComparisonError, match=r"4 of 5 frames of s have no scores \(number 0, number 1, number 3 and 1 more"
    ):
        _pair(a, b)
    (paired,) = _pair(a, b, allow_missing=True)
    assert (paired.a.names, paired.only_a, paired.only_b) == (("s/003",), 4, 0)


def test_folders_that_are_no_runs(tmp_path: Path, write_run: WriteRun) -> None:
    with pytest.raises(ComparisonError, match=r"nowhere is no folder of an evaluation, .*there is none"):
        FinishedRun.open(tmp_path / "nowhere")
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(ComparisonError, match="is no folder of an evaluation"):
        FinishedRun.open(tmp_path)
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(ComparisonError, match="expected a JSON object, got list"):
        FinishedRun.open(tmp_path)


def test_other_versions_and_damaged_notes(write_run: WriteRun) -> None:
    a = write_run("a", {"s": [1]})
    note = json.loads((a / "run.json").read_text())
    (a / "run.json").write_text(json.dumps(note | {"scores_version": 99}))
    with pytest.raises(ComparisonError, match="expected scores of version 1, got 99"):
        FinishedRun.open(a)
    del note["sources"][0]["scoring"]
    (a / "run.json").write_text(json.dumps(note))
    with pytest.raises(ComparisonError, match="'scoring' is missing"):
        FinishedRun.open(a)


def test_damaged_scores_and_drives(write_run: WriteRun) -> None:
    a, b = write_run("a", {"s": [1, 2]}), write_run("b", {"s": [1, 2]})
    (a / "drives.json").write_text('{"s": [["one", 1]]}')  # of another number of frames
    assert FinishedRun.open(a).sources["s"].drives is None
    (a / "drives.json").write_text("{")
    with pytest.raises(ComparisonError, match=r"drives.json cannot be read .* remove it to do without"):
        FinishedRun.open(a)
    (a / "drives.json").unlink()
    (a / "scores" / "s" / "000001.safetensors").write_bytes(b"torn")
    with pytest.raises(ComparisonError, match=r"000001.safetensors: cannot be read"):
        _pair(a, b, allow_missing=True)


def _change_rules(folder: Path, key: str, value: object) -> None:
    note = json.loads((folder / "run.json").read_text())
    place: dict[str, Any] = note["sources"][0]["scoring"]
    *parents, last = key.split(".")
    for name in parents:
        place = place[name]
    place[last] = deepcopy(value)
    (folder / "run.json").write_text(json.dumps(note))


def test_what_the_run_is_of(write_run: WriteRun) -> None:
    method: Mapping[str, Any] = FinishedRun.open(write_run("a", {"s": [1]}, about={"step": 7})).method
    assert method == {"head": "a", "step": 7}
