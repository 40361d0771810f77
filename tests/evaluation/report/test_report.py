from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bevseg.evaluation.diagnosis import Diagnosis
from bevseg.evaluation.ground_cells import GroundCellCounts
from bevseg.evaluation.hidden_objects import AmodalCurve
from bevseg.evaluation.order_scores import OrderScores
from bevseg.evaluation.report.report import StoredScenes, report_page, write_report
from bevseg.evaluation.scores import MatchCounts
from bevseg.evaluation.summary import Summary
from bevseg.results.classes import NUM_CLASSES, SemanticClass

if TYPE_CHECKING:
    from tests.evaluation.report.conftest import Scored

ScoreStreets = Callable[[Mapping[str, Sequence[str]]], "Scored"]
HOSTILE = "<img src=x onerror='boom()'>"


def _page(summary: Summary, metrics: Mapping[str, Any] | None = None, **options: Any) -> str:
    return report_page(summary, metrics or {}, [], Path(), **options)


def _sections(page: str) -> list[str]:
    return re.findall(r'<section id="(\w+)"', page)


def test_the_page_of_one_source_with_its_pictures(score_streets: ScoreStreets, tmp_path: Path) -> None:
    scored = score_streets({HOSTILE: ["x", "y"]})
    path = tmp_path / "run" / "report.html"
    metrics = {"method": {"model": "bevseg-s", "score_thresholds": {"vehicle": 0.5}}, "sources": []}
    write_report(path, scored.summary, metrics, sources=scored.sources, method=scored.method, config="<grid>: 1\n")
    text = path.read_text(encoding="utf-8")
    assert list(path.parent.iterdir()) == [path]  # the pictures stand in the page
    assert HOSTILE not in text
    assert escape(HOSTILE, quote=False) in text
    assert text.count('<article class="case"') == 8
    assert text.count('src="data:image/jpeg;base64,') == 5 * 8
    assert "&lt;grid&gt;: 1" in text
    assert "score thresholds: vehicle" in text
    assert ">nan<" not in text.lower()
    expected = ["glance", "scores", "failures", "gallery", "curves", "bands", "confusion", "calibration", "points"]
    assert _sections(text) == [*expected, "latency", "about"]
    assert 'role="alert"' not in text
    assert "data-choose=" not in text


def test_several_sources_can_be_chosen_from(score_streets: ScoreStreets) -> None:
    text = _page(score_streets({"a": ["x"], "b": ["x"], "empty": []}).summary)
    assert re.findall(r'data-choose="(\w*)"', text) == ["", "a", "b", "empty"]
    assert '<tr data-source="b"><td>b</td><td>vehicle</td>' in text
    assert "source by source" in text


def test_frames_without_a_result_are_said_loudly(score_streets: ScoreStreets) -> None:
    names = ["x", *(f"missing {k}" for k in range(14))]
    text = _page(score_streets({"a": names}).summary)
    head = text[text.index("<body") : text.index("<nav")]
    assert "<strong>14 of the 15 frames of a have no result.</strong>" in head
    assert "a/missing 0, a/missing 1" in head
    assert "and 2 more" in head
    assert "a/missing 13" in head


def test_a_summary_of_nothing_is_a_page_too() -> None:
    text = _page(Summary(()))
    assert _sections(text)[0] == "glance"
    assert "No source has objects that count." in text
    assert "Nothing failed." in text
    assert "points" not in _sections(text)


def test_what_only_some_sources_know_is_shown_where_they_do(score_streets: ScoreStreets) -> None:
    (source,) = score_streets({"a": ["x"]}).summary.sources
    count = np.array([5, 0, 0, 4, 0, 0, 0, 0, 0, 1])
    found = np.array([4, 0, 0, 2, 0, 0, 0, 0, 0, 0])
    order = replace(OrderScores.zero(), num_frames=1, amodal=AmodalCurve(count, found, found * 0.75))
    ground = GroundCellCounts(np.diag([0, 7, 8, 9]))
    scores = replace(source.scores, diagnosis=Diagnosis(source.scores.diagnosis.failures, order), ground=ground)
    bare = replace(source, name="b")
    page = _page(Summary((replace(source, scores=scores), bare)))
    assert {"order", "hidden", "ground"} <= set(_sections(page))
    ground_part = page[page.index('<section id="ground"') : page.index('<section id="latency"')]
    assert re.findall(r'data-source="(\w)"', ground_part) == ["a"]
    assert "nearest edge" in page
    assert "IoU of found: 0.750 (2 of 4 found)" in page


def test_means_over_the_small_real_sets(score_streets: ScoreStreets) -> None:
    text = _page(score_streets({"PandaSet": ["x"], "KITTI": ["x", "y"], "Argoverse": ["x"]}).summary)
    assert "<caption>Mean over PandaSet, KITTI, Argoverse, each with one weight</caption>" in text
    assert text.count("<td>all together</td>") == 1  # pedestrians


def test_segments_of_points_where_the_truth_has_them(score_streets: ScoreStreets) -> None:
    (source,) = score_streets({"a": ["x"]}).summary.sources
    count = np.bincount([SemanticClass.CAR, SemanticClass.BUS], minlength=NUM_CLASSES)
    none = np.zeros(NUM_CLASSES, np.int64)
    segments = MatchCounts(5 * count, 2 * count, none, 4.5 * count)
    text = _page(Summary((replace(source, scores=replace(source.scores, point_segments=segments)),)))
    points = text[text.index('<section id="points"') :]
    assert "PQ†" in points
    assert '<td>bus</td><td class="n quiet" data-value="" title="nothing to measure">' in points  # only ever said
    assert re.search(r'<td>mean</td>.*<td class="n" data-value="10">10</td><td class="n" data-value="4">4</td>', points)


def test_official_scores_are_tables(score_streets: ScoreStreets) -> None:
    official = {"nuScenes detection": {"mAP": 0.4321, "NDS": None, "<n>": 7}}
    text = _page(score_streets({"a": ["x"]}).summary, {"sources": [{"name": "a", "official": official}]})
    assert "<caption>nuScenes detection</caption>" in text
    assert '<tr><td>mAP</td><td class="n" data-value="0.4321">0.432</td></tr>' in text
    assert '<tr><td>NDS</td><td class="n quiet" data-value="" title="nothing to measure">' in text
    assert "<tr><td>&lt;n&gt;</td>" in text


def test_results_of_stored_scenes_are_missing_where_there_are_none(score_streets: ScoreStreets, tmp_path: Path) -> None:
    scored = score_streets({"a": ["missing"]})
    path = tmp_path / "report.html"
    method = StoredScenes(tmp_path / "predictions")
    write_report(path, scored.summary, {}, sources=scored.sources, method=method)
    assert path.read_text(encoding="utf-8").count("<article") == 4


def test_results_that_are_gone_are_missed(score_streets: ScoreStreets, tmp_path: Path) -> None:
    scored = score_streets({"a": ["x"]})
    with pytest.raises(ValueError, match="a/x: a prediction of it was scored, but its result is gone"):
        write_report(
            tmp_path / "report.html", scored.summary, {}, sources=scored.sources, method=StoredScenes(tmp_path)
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["", "a: 1\n"])
def test_the_config_is_shown_if_there_is_one(score_streets: ScoreStreets, option: str) -> None:
    text = _page(score_streets({"a": ["x"]}).summary, config=option)
    assert ("the whole config" in text) == bool(option)
