"""The page in a real browser: it loads from disk without a word of complaint, sorts and filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bevseg.evaluation.report.report import write_report

if TYPE_CHECKING:
    from tests.conftest import Browser
    from tests.evaluation.report.conftest import Scored

ScoreStreets = Callable[[Mapping[str, Sequence[str]]], "Scored"]
pytestmark = pytest.mark.browser

COLUMN = "[...document.querySelector('#scores table').tBodies[0].rows].map(r => r.cells[{}].textContent)"
HEADING = "#scores th:nth-child({}) button"
SHOWN = "[...document.querySelectorAll('.case')].filter(c => c.checkVisibility()).map(c => c.dataset.{})"
CHOOSE = """(() => {{
    const field = document.querySelector("form.filters").elements["{}"];
    field.value = "{}";
    field.dispatchEvent(new Event("change", {{bubbles: true}}));
}})()"""


@pytest.fixture(scope="session")
def report(score_streets: ScoreStreets, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    scored = score_streets({"a": ["x", "y"], "b <c> & d": ["z"], "c": ["missing"]})
    write_report(path, scored.summary, {}, sources=scored.sources, method=scored.method)
    return path


@pytest.fixture
def page(browser: Browser, report: Path) -> Browser:
    browser.open(report)
    return browser


def _click(page: Browser, selector: str) -> None:
    page.run(f"document.querySelector({selector!r}).click()")


def test_it_loads_without_complaint_and_without_the_network(page: Browser) -> None:
    page.run("document.querySelectorAll('img').forEach(image => { image.loading = 'eager'; })")
    waiting = "Promise.all([...document.images].map(i => i.decode())).then(() => document.images.length)"
    answer = page.send("Runtime.evaluate", expression=waiting, awaitPromise=True, returnByValue=True)
    assert answer["result"]["value"] == 5 * page.run("document.querySelectorAll('.case').length") > 0
    assert page.run("document.title") == "bevseg evaluation"
    assert page.run("document.querySelector('.alert').checkVisibility()")
    assert page.complaints() == []
    assert page.requests() == []


def test_what_goes_wrong_would_be_noticed(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text("<img src='http://127.0.0.1:9/x.png'><script>console.error('no'); boom()</script>")
    browser.open(path)
    assert len(browser.complaints()) >= 2
    assert browser.requests() == ["http://127.0.0.1:9/x.png"]


def test_a_click_on_a_heading_sorts(page: Browser) -> None:
    truth = COLUMN.format(2)
    before = page.run(truth)
    _click(page, HEADING.format(3))
    falling = page.run(truth)
    assert falling == sorted(before, key=int, reverse=True) != before
    assert page.run("document.querySelector('#scores th:nth-child(3)').ariaSort") == "descending"
    _click(page, HEADING.format(3))
    assert page.run(truth) == falling[::-1] == sorted(before, key=int)
    _click(page, HEADING.format(1))
    assert page.run(COLUMN.format(0)) == sorted(page.run(COLUMN.format(0)))
    assert page.run("document.querySelector('#scores th:nth-child(3)').ariaSort") == "none"
    _click(page, HEADING.format(7))  # precision, which is nothing where nothing was predicted: that stays last
    assert page.run(COLUMN.format(6))[-1] == "\u2013"
    assert page.complaints() == []


def test_the_gallery_is_filtered(page: Browser) -> None:
    everything = page.run(SHOWN.format("kind"))
    said = "document.querySelector('form.filters output').textContent"
    assert page.run(said) == f"{len(everything)} of {len(everything)} shown"
    page.run(CHOOSE.format("kind", "misplaced"))
    assert set(page.run(SHOWN.format("kind"))) == {"misplaced"}
    page.run(CHOOSE.format("origin", "b <c> & d"))
    assert page.run(SHOWN.format("origin")) == ["b <c> & d"]
    assert page.run(said) == f"1 of {len(everything)} shown"
    page.run(CHOOSE.format("object", "pedestrian"))
    assert page.run(SHOWN.format("kind")) == []
    page.run(CHOOSE.format("kind", ""))
    page.run(CHOOSE.format("origin", ""))
    assert set(page.run(SHOWN.format("object"))) == {"pedestrian"}
    page.run(CHOOSE.format("object", ""))
    page.run(CHOOSE.format("reach", "15 to 30 m"))
    assert 0 < len(page.run(SHOWN.format("reach"))) < len(everything)
    assert page.complaints() == []


def test_one_source_can_be_looked_at(page: Browser) -> None:
    _click(page, "[data-choose='c']")
    seen = "[...document.querySelectorAll('[data-source]')].filter(e => e.checkVisibility()).map(e => e.dataset.source)"
    assert set(page.run(seen)) == {"c"}
    assert set(page.run(SHOWN.format("origin"))) == {"c"}
    _click(page, "[data-choose='']")
    assert set(page.run(seen)) == {"a", "b <c> & d", "c"}
    assert page.complaints() == []


def test_a_picture_is_enlarged_and_closed_again(page: Browser) -> None:
    is_open = "document.getElementById('enlarged').open"
    _click(page, ".views img")
    assert page.run(is_open)
    assert page.run("document.querySelector('#enlarged p').textContent").startswith("input (the scan from above")
    _click(page, "#enlarged img")
    assert not page.run(is_open)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_it_fits_the_window_in_light_and_dark(page: Browser, scheme: str, width: int) -> None:
    page.send("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600)
    page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    assert page.run("document.documentElement.scrollWidth") <= width
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = "rgb(246, 247, 249)", "rgb(9, 12, 16)"
    assert page.run(ground) == (light if scheme == "light" else dark)
    _click(page, "#theme")
    assert page.run(ground) == (dark if scheme == "light" else light)
