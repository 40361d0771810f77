from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bevseg.commands.replay import add_arguments
from bevseg.datasets.sample import Sample
from bevseg.datasets.source import Source
from bevseg.drawing.difference import Outcome
from bevseg.evaluation.frame_scores import Scoring
from bevseg.evaluation.matching import MatchRule
from bevseg.replay.frames import BrokenFrame, Frame, nothing_found
from bevseg.replay.recording import Predictor, Recording
from bevseg.replay.search import LIMITS, OTHER_WORDS, OUTCOME_OF_SIGHT, SIGHTS, Find, Query, find, severities_in
from bevseg.results.scene import Scene

SCORING = Scoring(MatchRule(min_points=5))


@pytest.fixture
def frame(drive: Source, right: Callable[[Sample], Scene]) -> Frame:
    """All three objects found; scores 0.9."""
    frame = Recording(drive, (Predictor("right", right),), SCORING).read(0)
    assert isinstance(frame, Frame)
    return frame


def _counts(sight: str, frame: Frame) -> list[int]:
    return [len(severities) for severities in severities_in(Query.parse(sight), frame)]


def _with_scene(frame: Frame, scene: Scene) -> Frame:
    return replace(frame, predictions=(replace(frame.predictions[0], scene=scene),))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("merged", Query("merged")),
        ("over-merge", Query("merged")),
        ("over-split", Query("split")),
        ("false-alarm", Query("false")),
        ("hidden", Query("hidden", 0.6)),
        ("hidden:0.25", Query("hidden", 0.25)),
        ("low-score:0", Query("low-score", 0.0)),
    ],
)
def test_queries_are_words(text: str, query: Query) -> None:
    assert Query.parse(text) == query


@pytest.mark.parametrize("text", ["", "merge", "hidden:", "hidden:x", "hidden:2", "missed:0.5", "over-merge:0.5"])
def test_what_cannot_be_looked_for(text: str) -> None:
    if text == "hidden:":
        assert Query.parse(text) == Query("hidden", 0.6)
        return
    with pytest.raises(ValueError, match=r"known are merged, .* \(and over-merge|expected a share"):
        Query.parse(text)


def test_failures_are_found_where_they_are(drive: Source, make: Callable[..., Scene]) -> None:
    def misses_one_later(sample: Sample) -> Scene:
        kept = slice(1, None) if sample.name in ("000002", "000004") else slice(None)
        return make(sample, sample.annotations.boxes[kept], sample.annotations.label[kept])

    recording = Recording(drive, (Predictor("a", misses_one_later),), SCORING)
    found = list(find(Query.parse("missed"), (recording.read(k) for k in range(6))))
    assert [(f.index, f.name, f.counts) for f in found] == [(2, "000002", (1,)), (4, "000004", (1,))]
    assert all(0 < f.severity <= 1 for f in found)
    assert list(find(Query.parse("split"), (recording.read(k) for k in range(6)))) == []


def test_what_results_alone_show(frame: Frame) -> None:
    scene = frame.predictions[0].scene
    assert _counts("hidden", frame) == [0]
    fraction = np.array([1.0, 0.3, np.nan], np.float32)
    hidden = _with_scene(frame, replace(scene, instances=replace(scene.instances, visible_fraction=fraction)))
    np.testing.assert_allclose(severities_in(Query.parse("hidden"), hidden)[0], [0.7], atol=1e-6)
    low = _with_scene(
        frame, replace(scene, instances=replace(scene.instances, score=np.array([0.2, 0.9, 0.6], np.float32)))
    )
    np.testing.assert_allclose(severities_in(Query.parse("low-score"), low)[0], [0.8], atol=1e-6)
    circles = ((0, 2), (0, 1, 2))
    circle = _with_scene(frame, replace(scene, occlusion=replace(scene.occlusion, cycles=circles)))
    assert _counts("order-cycle", circle) == [2]
    shown = [("hidden", hidden), ("low-score", low), ("order-cycle", circle)]
    worst = [next(find(Query.parse(sight), [shows])).worst for sight, shows in shown]
    assert worst == ["70 % hidden", "score 0.20", "a circle of 3"]


def test_frames_that_cannot_be_shown(frame: Frame) -> None:
    broken = BrokenFrame(7, 9, "cut off", "000007")
    assert list(find(Query.parse("broken"), [frame, broken])) == [
        Find(7, "000007", (), (), 1.0, "cut off", "", "cut off")
    ]
    assert list(find(Query.parse("missed"), [broken])) == []
    no_result = replace(frame, predictions=(replace(frame.predictions[0], note="no result"),))
    (found,) = find(Query.parse("broken"), [no_result])
    assert (found.name, found.counts, found.reason) == ("000000", (1,), "no result")


def test_a_comparison_is_searched_in_both_and_told_of_each(drive: Source, right: Callable[[Sample], Scene]) -> None:
    def nothing_early(sample: Sample) -> Scene | None:
        return None if sample.name == "000001" else nothing_found(sample.cloud)

    recording = Recording(drive, (Predictor("a", right), Predictor("b", nothing_early)), SCORING)
    frames = [recording.read(k) for k in range(3)]
    found = list(find(Query.parse("missed"), frames))
    assert [(f.index, f.results, f.counts, f.worst, f.worst_in) for f in found] == [
        (0, ("a", "b"), (0, 3), "30 points", "b"), (2, ("a", "b"), (0, 3), "20 points", "b"),
    ]  # fmt: skip
    (lacking,) = find(Query.parse("broken"), frames)
    assert (lacking.counts, lacking.reason) == ((0, 1), "b: no result for frame 000001")


def test_only_failures_need_a_truth(frame: Frame) -> None:
    assert Query.parse("label").needs_truth
    assert not Query.parse("order-cycle").needs_truth
    bare = replace(frame, predictions=(replace(frame.predictions[0], difference=None),))
    assert _counts("missed", bare) == [0]
    assert Outcome.MISSED.is_failure


def test_failures_are_called_as_in_pictures() -> None:
    assert all(sight == outcome.word for sight, outcome in OUTCOME_OF_SIGHT.items())
    assert set(OUTCOME_OF_SIGHT.values()) == {outcome for outcome in Outcome if outcome.is_failure}
    assert not set(OTHER_WORDS) & set(SIGHTS)


def test_the_help_tells_all_words_and_defaults() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    told = " ".join(parser.format_help().split())
    told = told[told.index("--find WHAT") :]
    for word in (*SIGHTS, *OTHER_WORDS):
        assert re.search(rf"\b{word}\b", told), word
    assert told.index("merged") < told.index("over-merge")
    assert f"hidden[:SHARE] (from that share on; default: {LIMITS['hidden']})" in told
    assert f"low-score[:SCORE] (below that score; default: {LIMITS['low-score']})" in told
