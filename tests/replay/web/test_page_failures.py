"""What the page tells of failures in a real browser: who is involved, how bad, and how many in each result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bevseg.replay.frames import BrokenFrame, Frame
from bevseg.results.classes import SemanticClass
from bevseg.results.masks import footprint_masks

if TYPE_CHECKING:
    from tests.conftest import Browser

Show = Callable[[list[Frame | BrokenFrame]], None]
pytestmark = pytest.mark.browser

LONG = "a-run-with-a-name-that-has-no-room"


def _click(page: Browser, selector: str) -> Any:
    page.run(f"document.querySelector({selector!r}).click()")
    return page.wait_for("settled()")


def _text(page: Browser, selector: str) -> str:
    return " ".join(str(page.run(f"document.querySelector({selector!r}).innerText")).split())


def _with_result(frame: Frame, boxes: list[list[float]], labels: list[int]) -> Frame:
    """The frame with these objects in place of the first ones that were found."""
    prediction = frame.predictions[0]
    instances = prediction.scene.instances
    masks = footprint_masks(np.array(boxes, np.float32), instances.grid)
    changed = replace(
        instances, boxes=np.array(boxes, np.float32), label=np.array(labels, np.uint8), amodal=masks, visible=masks
    )
    return replace(frame, predictions=(replace(prediction, scene=replace(prediction.scene, instances=changed)),))


def test_a_merged_object_tells_what_it_lies_over(browser: Browser, show: Show, make: Any) -> None:
    show(
        [
            _with_result(
                make(0, (0, 2)),
                [[18.0, 0, -1, 14, 5, 2, 0], [12.0, -9.0, -1, 0.9, 0.9, 2, 0]],
                [int(SemanticClass.CAR), int(SemanticClass.PEDESTRIAN)],
            )
        ]
    )
    browser.run("look({ pin: reference(state.frame.results[0].objects[0], 0) })")
    card = _text(browser, "#inspect")
    assert card.startswith(
        "car 7 merged kept · Esc merged 2 lies over, of the truth: car at 14.0 m car at 21.0 m 100 %"
    )
    _click(browser, ".other[data-truth='1']")
    card = _text(browser, "#inspect")
    assert card.startswith("car merged kept · Esc merged 2 by car 7 100 % of its objects missed a true object")
    _click(browser, ".other[data-id='7']")
    assert _text(browser, "#inspect").startswith("car 7 merged")
    assert browser.complaints() == []


def test_each_part_of_a_split_object_tells_of_the_others(browser: Browser, show: Show, make: Any) -> None:
    halves = [[12.8, 0, -0.9, 2.0, 1.8, 1.6, 0], [15.2, 0, -0.9, 2.0, 1.8, 1.6, 0]]
    show([_with_result(make(0, (0, 2)), halves, [int(SemanticClass.CAR)] * 2)])
    for place in (0, 1):
        browser.run(f"look({{ pin: reference(state.frame.results[0].objects[{place}], 0) }})")
        card = _text(browser, "#inspect")
        assert "split 2 lies, of the truth, on car at 14.0 m parts: car 7 car 12 largest part 50 %" in card
    browser.run("look({ pin: reference(state.frame.truth[0], 0) })")
    assert "split 2 parts: car 7 car 12 largest part 50 %" in _text(browser, "#inspect")
    assert browser.complaints() == []


def test_a_wrong_label_says_which_is_true(browser: Browser, show: Show, make: Any) -> None:
    near, person = [14.0, 0, -0.9, 4.6, 1.9, 1.6, 0], [12.0, -9.0, -0.8, 0.9, 0.9, 1.8, 1.57]
    show([_with_result(make(0, (0, 2)), [near, person], [int(SemanticClass.TRUCK), int(SemanticClass.PEDESTRIAN)])])
    browser.run("look({ pin: reference(state.frame.results[0].objects[0], 0) })")
    assert _text(browser, "#inspect").startswith("truck 7 label kept · Esc label, truth: car score 0.91")
    assert browser.complaints() == []


def test_failures_of_two_results_are_counted_for_each(browser: Browser, show: Show, make: Any) -> None:
    frames = []
    for index, (a, b) in enumerate([((0, 1, 2), (0,)), ((0, 1, 2), (0, 1, 2)), ((0, 1), (1,))]):
        first, second = make(index, a), replace(make(index, b).predictions[0], name="other")
        first = replace(first, predictions=(replace(first.predictions[0], name=LONG),))
        frames.append(replace(first, predictions=(*first.predictions, second)))
    show([*frames, BrokenFrame(3, 4, "cut off", "000003")])
    assert _text(browser, "#failures thead") == f"look for {LONG} other frames"
    table, room = browser.run("[$('failures').lastElementChild.offsetWidth, $('failures').clientWidth - 28]")
    assert table <= room
    assert _text(browser, "tr:has([data-kind=missed])").startswith("missed 0 2 2")
    assert (
        browser.run("document.querySelector('tr:has([data-kind=missed]) td:nth-child(4)').title")
        == f"{LONG} 1, other 2"
    )
    assert _click(browser, "[data-jump=missed][data-way='1']") == 2
    assert _text(browser, "tr.chosen").startswith("missed 1 2 2")
    assert browser.run("strip.told(2)") == f"frame 2\nmissed: {LONG} 1, other 2"
    assert browser.run("strip.told(1)") == "frame 1\nnone of what is looked for"
    assert browser.run("strip.told(3)") == "frame 3 cannot be shown"
    heights = """(() => {
        const { width, height } = strip.canvas, data = pixels(strip.canvas), middle = strip.columnOf(2, width);
        const lit = (x) => [...Array(height).keys()].filter((y) => {
            const [r, g, b] = data.slice(4 * (y * width + Math.round(x)), 4 * (y * width + Math.round(x)) + 3);
            return Math.max(Math.abs(r - 239), Math.abs(g - 91), Math.abs(b - 168)) < 60;
        }).length;
        return [lit(middle - 5), lit(middle + 5)];
    })()"""
    left, right = browser.run(heights)
    assert 0 < left < right == pytest.approx(2 * left, abs=4)
    assert _click(browser, "[data-do=on]") == 3
    assert _text(browser, "tr:has([data-kind=broken])").startswith("broken 1 1 1")
    assert _text(browser, "#place").startswith("000003")
    assert browser.complaints() == []
