from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest

from bevseg.datasets.sample import Annotations, Sample
from bevseg.evaluation.comparison.changed_frames import FrameChange, changed_frames
from bevseg.evaluation.comparison.compare import Difference, compare_source
from bevseg.evaluation.comparison.comparison_page import comparison_page
from bevseg.evaluation.comparison.comparison_tables import Comparison
from bevseg.evaluation.comparison.draws import Interval
from bevseg.evaluation.comparison.figures import Better, Figure
from bevseg.evaluation.comparison.finished_run import FinishedRun
from bevseg.evaluation.comparison.forest import forest
from bevseg.evaluation.comparison.frame_pictures import PicturesError, draw_change, scoring_of
from bevseg.evaluation.comparison.pairing import pair_runs
from bevseg.evaluation.frame_scores import SIMULATED
from bevseg.geometry.frames import Transform
from bevseg.points.cloud import PointCloud

if TYPE_CHECKING:
    from tests.conftest import Browser

WriteRun = Callable[..., Path]


@pytest.fixture(scope="module")
def comparison(write_run: WriteRun) -> Comparison:
    folders = (
        write_run("a <one>", {"s": range(9), "t & u": range(3)}, method=1),
        write_run("b", {"s": range(9), "t & u": range(4)}, method=2),
    )
    a, b = (FinishedRun.open(folder) for folder in folders)
    paired = pair_runs(a, b, allow_missing=True)
    sources = tuple(compare_source(p, resamples=60, seed=0) for p in paired)
    return Comparison(a, b, sources, tuple(map(changed_frames, paired)), 60, 0)


def _row(difference: float, low: float, high: float, *, better: Better = "higher", name: str = "car") -> Difference:
    return Difference(Figure("groups", name, "F1", better), None, 0.5, 0.5 + difference, Interval(low, high), 9, 1, 10)


def _marks(svg: str) -> list[tuple[str, float]]:
    """Kind of each mark and its place across, from top to bottom."""
    found = re.findall(r'<path d="M([\d.]+) [\d.]+l6.0 (-?)12.0|<circle cx="([\d.]+)"', svg)
    return [("circle", float(x)) if x else ("down" if minus else "up", float(at)) for at, minus, x in found]


def test_a_forest_tells_better_from_worse_by_side_and_by_shape() -> None:
    rows = [
        _row(0.2, 0.1, 0.3),
        _row(-0.2, -0.3, -0.1, better="lower"),
        _row(-0.2, -0.3, -0.1),
        _row(0.1, -0.1, 0.3),
        _row(0.0, np.nan, np.nan),
    ]
    svg = forest(rows, "gain", label="all")
    ElementTree.fromstring(svg)
    marks = _marks(svg)
    assert [kind for kind, _ in marks] == ["up", "up", "down", "circle", "circle"]
    zero = marks[4][1]
    assert marks[0][1] == marks[1][1] > zero > marks[2][1]
    assert marks[0][1] - zero == pytest.approx(zero - marks[2][1], abs=0.2)
    assert svg.count('class="line"') == 4
    assert "-0.200" in svg


def test_a_forest_of_no_rows_and_of_no_change() -> None:
    assert forest([], "gain", label="none") == ""
    ElementTree.fromstring(forest([_row(0.0, 0.0, 0.0)], "gain", label="same"))


def test_names_are_escaped_and_what_was_left_out_stands_above_everything(comparison: Comparison) -> None:
    html = comparison_page(comparison, "there was nobody to open them")
    assert "a &lt;one&gt; (A) and b (B) side by side" in html
    assert "<one>" not in html
    assert html.index("Left out: 0 frames that only A has and 1 that only B has") < html.index("<main>")
    assert "No pictures: there was nobody to open them." in html
    assert "two-wheeler F1" in html


@dataclass(frozen=True)
class _Frames:
    names: tuple[str, ...]
    name: str = "s"

    def __len__(self) -> int:
        return len(self.names)

    def name_of(self, index: int) -> str:
        return self.names[index]

    def __getitem__(self, index: int) -> Sample:
        cloud = PointCloud.empty()
        truth = Annotations.from_boxes(cloud, np.zeros((0, 7), np.float32), np.zeros(0, np.uint8))
        poses = Transform(np.eye(4), "ego", "lidar"), Transform(np.eye(4), "global", "ego")
        return Sample(self.names[index], cloud, truth, *poses)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("000",), "has but 1 frames by now"),
        (("000", "other"), "has frame other by now where s/001 was scored"),
        (("000", "001"), "predictions"),
    ],
)
def test_frames_that_cannot_be_shown_say_why(comparison: Comparison, names: tuple[str, ...], says: str) -> None:
    change = _at(comparison.changed[0].gained[0], name="s/001", place=1)
    with pytest.raises(PicturesError, match=says):
        draw_change(comparison.a, comparison.b, "s", change, _Frames(names))


def _at(change: FrameChange, *, name: str, place: int) -> FrameChange:
    return replace(change, name=name, place=place)


def test_the_rules_of_a_run_are_read_back(comparison: Comparison) -> None:
    assert scoring_of(comparison.a.sources["s"].scoring) == SIMULATED
    assert scoring_of({**comparison.a.sources["s"].scoring, "points_within": None}).points_within is None


@pytest.mark.browser
def test_in_a_real_browser_it_loads_sorts_and_chooses(browser: Browser, comparison: Comparison, tmp_path: Path) -> None:
    path = tmp_path / "compare.html"
    path.write_text(comparison_page(comparison, "none"), encoding="utf-8")
    browser.open(path)
    assert browser.complaints() == []
    assert browser.requests() == []
    assert browser.run("document.title") == "a <one> (A) and b (B) side by side"
    assert browser.run("document.querySelectorAll('#differences svg').length") == 2
    column = "[...document.querySelector('#figures table').tBodies[0].rows].map(r => r.cells[5].dataset.value)"
    browser.run("document.querySelector('#figures th:nth-child(6) button').click()")
    values = [float(value) for value in browser.run(column) if value != ""]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) > 10
    browser.run("document.querySelector('[data-choose=\"t & u\"]').click()")
    shown = "[...document.querySelectorAll('#differences h3')].filter(h => h.checkVisibility()).map(h => h.textContent)"
    assert browser.run(shown) == ["t & u"]
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert browser.run(wide)
    assert browser.complaints() == []
