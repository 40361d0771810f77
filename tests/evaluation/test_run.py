"""Evaluations that resume, on one process and on two; a few simulated frames and the geometric baseline."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bevseg.commands.evaluated_methods import ClustersMethod, open_sight
from bevseg.datasets.sample import Sample
from bevseg.evaluation.frame_scores import REAL, SIMULATED, Segmentation
from bevseg.evaluation.run import (
    Collection,
    EvaluatedSource,
    Evaluation,
    FramePlace,
    Method,
    RunFolder,
    RunFolderError,
    evaluate,
)
from bevseg.evaluation.score_files import ScoreFileError
from bevseg.simulation.config import SimulationConfig
from bevseg.simulation.generate import GeneratedSource, generate

Figures = dict[str, Any]
LENGTHS = [3, 2]
PLACES = [FramePlace(source, frame) for source, length in enumerate(LENGTHS) for frame in range(length)]


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """The baseline on two sources, the second of which counts fewer objects."""
    sources = []
    for name, seed, frames, scoring in (("street", 5, 3, SIMULATED), ("yard", 6, 2, REAL)):
        folder = tmp_path_factory.mktemp(name)
        generate(SimulationConfig(seed=seed, sensors=("vlp-16",), range_m=30.0, density=(0.5, 0.6)), folder, frames)
        sources.append(EvaluatedSource(name, partial(GeneratedSource, folder), scoring, {"path": str(folder)}))
    return Evaluation(tuple(sources), ClustersMethod(None), {"head": "clusters"}, see=open_sight)


def figures(evaluation: Evaluation, folder: RunFolder) -> Figures:
    """All figures but times."""
    metrics: Figures = json.loads(
        json.dumps(Collection(evaluation, folder, LENGTHS).summary().as_json(), allow_nan=False)
    )
    for source in metrics["sources"]:
        del source["timings_ms"]
    return metrics


@pytest.fixture(scope="module")
def whole(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Figures:
    """The figures of an evaluation that nobody interrupted."""
    folder = RunFolder(tmp_path_factory.mktemp("whole"))
    folder.begin(evaluation, LENGTHS)
    evaluate(evaluation, folder, PLACES, workers=1)
    return figures(evaluation, folder)


def test_each_source_has_its_own_scores(evaluation: Evaluation, whole: Figures) -> None:
    street, yard = whole["sources"]
    assert [(s["name"], s["frames"]) for s in (street, yard)] == [("street", 3), ("yard", 2)]
    assert "static" in street["counted"]["groups"]
    assert "static" not in yard["counted"]["groups"]


def test_two_workers_count_what_one_does(evaluation: Evaluation, whole: Figures, tmp_path: Path) -> None:
    folder, calls = RunFolder(tmp_path), list[None]()
    folder.begin(evaluation, LENGTHS)
    evaluate(evaluation, folder, PLACES, workers=2, done=lambda: calls.append(None))
    assert len(calls) == 5
    assert figures(evaluation, folder) == whole


class Counted:
    """A method that says which frames it was asked for, and fails at one of them."""

    def __init__(self, broken: str | None = None) -> None:
        self.asked: list[str] = []
        self._broken = broken

    def __call__(self) -> Method:
        return partial(self._answer, ClustersMethod(None)())

    def _answer(self, method: Method, source: str, sample: Sample) -> Segmentation | None:
        self.asked.append(f"{source}/{sample.name}")
        if self.asked[-1] == self._broken:
            raise OSError("the disk is full")
        return method(source, sample)


def test_what_was_interrupted_goes_on_where_it_stopped(evaluation: Evaluation, whole: Figures, tmp_path: Path) -> None:
    folder, first, second = RunFolder(tmp_path), Counted("street/000002"), Counted()
    folder.begin(evaluation, LENGTHS)
    with pytest.raises(OSError, match="disk is full"):
        evaluate(replace(evaluation, method=first), folder, PLACES, workers=1)
    half = folder.path / "scores" / "street" / ".000002.safetensors.1.tmp"
    half.write_bytes(folder.scores_file(evaluation.sources[0], 1).read_bytes()[:1000])
    folder.begin(evaluation, LENGTHS)
    assert not half.exists()
    with pytest.raises(ScoreFileError, match=r"000002\.safetensors: cannot be read"):
        Collection(evaluation, folder, LENGTHS).summary()
    evaluate(replace(evaluation, method=second), folder, PLACES, workers=1)
    assert first.asked == ["street/000000", "street/000001", "street/000002"]
    assert second.asked == ["street/000002", "yard/000000", "yard/000001"]
    assert figures(evaluation, folder) == whole


def test_scores_of_a_frame_that_are_damaged_are_counted_again_once_they_are_gone(
    evaluation: Evaluation, whole: Figures, tmp_path: Path
) -> None:
    folder, again = RunFolder(tmp_path), Counted()
    folder.begin(evaluation, LENGTHS)
    evaluate(evaluation, folder, PLACES, workers=1)
    damaged = folder.scores_file(evaluation.sources[1], 0)
    damaged.write_bytes(damaged.read_bytes()[:-7])
    with pytest.raises(ScoreFileError, match=r"yard/000000\.safetensors: cannot be read .*remove it"):
        Collection(evaluation, folder, LENGTHS).summary()
    damaged.unlink()
    evaluate(replace(evaluation, method=again), folder, PLACES, workers=1)
    assert again.asked == ["yard/000000"]
    assert figures(evaluation, folder) == whole


def test_shares_of_the_frames_make_up_the_whole(evaluation: Evaluation, whole: Figures, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for share in (PLACES[1::2], PLACES[::2]):
        folder.begin(evaluation, LENGTHS, alone=False)
        evaluate(evaluation, folder, share, workers=1)
    assert figures(evaluation, folder) == whole


def test_frames_without_a_result_are_named_and_found_nothing_in(evaluation: Evaluation, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(evaluation, LENGTHS)
    evaluate(replace(evaluation, method=_Silent()), folder, PLACES[:3], workers=1)
    scores = (
        Collection(replace(evaluation, sources=evaluation.sources[:1]), folder, LENGTHS[:1]).summary().sources[0].scores
    )
    assert scores.without_result == ("street/000000", "street/000001", "street/000002")
    assert scores.objects[0.5].num_truth.sum() == scores.objects[0.5].false_negatives.sum() > 0
    visible = scores.masks.groups.visible
    assert len(visible.frames) == 3
    assert visible.measured.recall[0, 0].max() == 0.0
    assert scores.diagnosis.order.num_frames == 3


class _Silent:
    def __call__(self) -> Method:
        return lambda source, sample: None


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"about": {"head": "network"}}, r"method\.head \(there 'clusters', now 'network'\)"),
        ({"about": {"head": "clusters", "corruption": "fog:0.5"}}, r"method\.corruption \(there None, now 'fog:0.5'\)"),
        ({"source": {"about": {"path": "elsewhere"}}}, r"sources\.street\.from\.path \(there '.*', now 'elsewhere'\)"),
        ({"source": {"name": "road"}}, r"sources\.street\.frames \(there 3, now None\).*sources\.road"),
        ({"source": {"scoring": REAL}}, r"sources\.street\.scoring\.rule\.min_points \(there 5, now 10\)"),
        ({"lengths": [4, 2]}, r"sources\.street\.frames \(there 3, now 4\)"),
    ],
)
def test_another_evaluation_is_refused_with_what_differs(
    evaluation: Evaluation, tmp_path: Path, change: dict[str, dict[str, object]], difference: str
) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(evaluation, LENGTHS)
    other = evaluation
    if "source" in change:
        first = replace(evaluation.sources[0], **change["source"])  # type: ignore[arg-type]
        other = replace(evaluation, sources=(first, *evaluation.sources[1:]))
    if "about" in change:
        other = replace(evaluation, about=change["about"])
    with pytest.raises(RunFolderError, match=f"holds another evaluation, which differs in .*{difference}"):
        folder.begin(other, change.get("lengths", LENGTHS))  # type: ignore[arg-type]
    folder.begin(evaluation, LENGTHS)


def test_scores_of_nobody_knows_what_are_refused(evaluation: Evaluation, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(evaluation, LENGTHS)
    note = tmp_path / "run.json"
    note.write_text(note.read_text()[:-20])
    with pytest.raises(RunFolderError, match=r"run\.json is damaged"):
        folder.begin(evaluation, LENGTHS)
    note.unlink()
    (tmp_path / "scores").mkdir()
    with pytest.raises(RunFolderError, match=r"holds scores, but no run\.json"):
        folder.begin(evaluation, LENGTHS)


def test_sources_need_different_names(evaluation: Evaluation) -> None:
    for sources in ((), (evaluation.sources[0], evaluation.sources[0])):
        with pytest.raises(ValueError, match="needs sources of different names"):
            replace(evaluation, sources=sources)


def test_no_frames_are_no_scores(evaluation: Evaluation, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(evaluation, [0, 0])
    evaluate(evaluation, folder, [], workers=2)
    assert [source.scores.num_frames for source in Collection(evaluation, folder, [0, 0]).summary().sources] == [0, 0]
