from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bevseg.evaluation.failure_kinds import FailureKind
from bevseg.evaluation.frame_scores import SIMULATED
from bevseg.evaluation.report.case_pictures import VIEWS, Shown, draw_case, encode_small
from bevseg.evaluation.report.cases import place_of_frame, worst_cases
from bevseg.results.classes import SemanticClass
from bevseg.results.instances import Instances

if TYPE_CHECKING:
    from tests.evaluation.report.conftest import Scored

ScoreStreets = Callable[[Mapping[str, Sequence[str]]], "Scored"]


def test_the_worst_of_each_kind_and_where_they_are(score_streets: ScoreStreets) -> None:
    scored = score_streets({"a": ["x", "y"], "b": ["z"]})
    cases = worst_cases(scored.summary.sources)
    kinds = [case.kind for case in cases]
    assert kinds == sorted(kinds)
    assert set(kinds) == {
        FailureKind.CLASS_CONFUSION,
        FailureKind.MISPLACED,
        FailureKind.MISSED_SMALL,
        FailureKind.FALSE_ALARM,
    }
    confused = [case for case in cases if case.kind == FailureKind.CLASS_CONFUSION]
    assert [(c.source, c.frame, c.place, c.label) for c in confused] == [
        ("a", "x", (0, 0), SemanticClass.TRUCK),
        ("b", "z", (1, 0), SemanticClass.TRUCK),
        ("a", "y", (0, 1), SemanticClass.TRUCK),  # the same truck one frame later comes after all others
    ]
    assert [c.key for c in confused] == ["class_confusion-1", "class_confusion-2", "class_confusion-3"]
    assert confused[0].xy_m == pytest.approx((-9.0, 6.0))
    assert confused[0].range_m == pytest.approx(np.hypot(9, 6))
    assert place_of_frame(scored.summary.sources[0]) == {"a/x": 0, "a/y": 1}


def test_no_more_than_asked_for_and_none_where_nothing_failed(score_streets: ScoreStreets) -> None:
    scored = score_streets({"a": ["x", "y"]})
    assert len(worst_cases(scored.summary.sources, of_kind=1)) == 4
    assert worst_cases(score_streets({"a": []}).summary.sources) == []
    assert worst_cases([]) == []


def test_five_pictures_of_a_case(score_streets: ScoreStreets) -> None:
    scored = score_streets({"a": ["x"]})
    for case in worst_cases(scored.summary.sources):
        sample = scored.sources[0].open()[0]
        found = scored.method()("a", sample)
        assert found is not None
        shown = Shown.of(sample, found.instances, SIMULATED, case)
        assert (shown.named >= 0) == (case.prediction >= 0)
        images = draw_case(shown, case)
        assert list(images) == list(VIEWS)
        assert {image.shape for image in images.values()} == {(360, 360, 3)}
        assert len({image.tobytes() for image in images.values()}) == len(VIEWS)


def test_a_frame_without_objects_is_drawn_too(score_streets: ScoreStreets) -> None:
    scored = score_streets({"a": ["missing"]})
    case = worst_cases(scored.summary.sources)[0]
    sample = scored.sources[0].open()[0]
    nothing = Instances.empty(SIMULATED.rule.grid)
    images = draw_case(Shown.of(sample, nothing, SIMULATED, case), case)
    assert images["prediction"].any()
    bare = replace(case, truth=-1, prediction=-1)
    assert draw_case(Shown.of(sample, nothing, SIMULATED, bare), bare)["close-up"].any()


def test_predictions_below_the_thresholds_are_not_shown(score_streets: ScoreStreets) -> None:
    scored = score_streets({"a": ["x"]})
    sample = scored.sources[0].open()[0]
    found = scored.method()("a", sample)
    assert found is not None
    case = replace(worst_cases(scored.summary.sources)[0], prediction=2)
    strict = SIMULATED.with_score_thresholds((0.7,) * 4)
    shown = Shown.of(sample, found.instances, strict, case)
    assert shown.found.score.tolist() == pytest.approx([0.95, 0.85, 0.75])
    assert shown.named == 2


def test_pictures_stay_small() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)
    fine, coarse = encode_small(noise, max_bytes=100_000), encode_small(noise, max_bytes=6_000)
    assert len(coarse) <= 6_000 < len(fine)
    assert coarse[:3] == b"\xff\xd8\xff"
    assert len(encode_small(noise, max_bytes=1)) > 1  # the coarsest there is
