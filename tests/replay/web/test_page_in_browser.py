"""The page in a real browser: it opens from disk without a word of complaint, plays, switches, inspects and jumps."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from bevseg.replay.frames import BrokenFrame, Frame

if TYPE_CHECKING:
    from tests.conftest import Browser

Show = Callable[[list[Frame | BrokenFrame]], None]
pytestmark = pytest.mark.browser

INK = """(() => {
    const data = pixels(panes[0].scene);
    let sum = 0;
    for (let k = 0; k < data.length; k += 1) sum = (sum * 31 + data[k]) % 2147483647;
    return sum;
})()"""
KEYS = {" ": ("Space", 32), "ArrowRight": ("ArrowRight", 39), "ArrowLeft": ("ArrowLeft", 37), "End": ("End", 35)}


def _click(page: Browser, selector: str) -> Any:
    page.run(f"document.querySelector({selector!r}).click()")
    return page.wait_for("settled()")


def _press(page: Browser, key: str) -> Any:
    code, number = KEYS.get(key, (f"Key{key.upper()}", ord(key.upper()[0])))
    text = {"text": key} if len(key) == 1 else {}
    for kind in ("keyDown", "keyUp"):
        page.send(
            "Input.dispatchKeyEvent", type=kind, key=key, code=code, windowsVirtualKeyCode=number,
            **(text if kind == "keyDown" else {}),
        )  # fmt: skip
    return page.wait_for("settled()")


def _place_of(page: Browser, found: str) -> tuple[float, float]:
    """Where in the window an object is, which an expression over `frame` picks."""
    script = f"""(() => {{
        const frame = state.frame, {{ x, y }} = {found}, {{ left, top }} = panes[0].over.getBoundingClientRect();
        const [column, row] = view.toScreen([x, y]);
        return [left + column, top + row];
    }})()"""
    column, row = page.run(script)
    return column, row


def _mouse(page: Browser, kind: str, place: tuple[float, float], **more: Any) -> None:
    page.send("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], **more)
    page.wait_for("settled()")


def _text(page: Browser, selector: str) -> str:
    return " ".join(str(page.run(f"document.querySelector({selector!r}).innerText")).split())


def test_it_opens_from_disk(page: Browser) -> None:
    assert page.run("[document.title, store.length, state.frame.points.x.length]") == ["drive <1>", 4, 260]
    assert page.run("performance.getEntriesByName('first frame').length") == 1
    assert _text(page, "#clock") == "frame 0 of 0 to 3 · 0.0 s"
    assert _text(page, "#counts tbody tr:first-child") == "car 2 2 2"


def test_points_objects_and_map_are_as_they_were_packed(page: Browser, clip: list[Frame | BrokenFrame]) -> None:
    frame = clip[0]
    assert isinstance(frame, Frame)
    told = json.loads(str(page.run("JSON.stringify([[...state.frame.points.x], [...state.frame.points.y]])")))
    assert sorted(told[0]) == pytest.approx(sorted(frame.cloud.xyz[:, 0].tolist()), abs=0.011)
    assert sorted(told[1]) == pytest.approx(sorted(frame.cloud.xyz[:, 1].tolist()), abs=0.011)
    state = frame.predictions[0].scene.visibility.state
    assert page.run("[...state.frame.results[0].map.cells].join('')") == "".join(map(str, state.ravel().tolist()))
    owners = page.run("[0, 1, 2, 3].map((k) => state.frame.results[0].owner.filter((o) => o === k).length)")
    assert owners == [200, 20, 20, 20]
    assert page.run("state.frame.results[0].objects[1].corners[0]") == pytest.approx([22.84, 1.91], abs=0.01)


def test_buttons_step_seek_and_play(page: Browser) -> None:
    assert _click(page, "[data-do=on]") == 1
    assert _click(page, "[data-do=last]") == 3
    assert _click(page, "[data-do=on]") == 0  # it loops
    assert _click(page, "[data-do=back]") == 3
    assert _click(page, "[data-do=loop]") == 3
    assert _click(page, "[data-do=on]") == 3
    assert _click(page, "[data-do=first]") == 0
    page.run("player.speed = 8")
    _click(page, "[data-do=play]")
    playing = """new Promise((done) => {
        const look = () => (player.playing ? setTimeout(look, 20) : done(settled()));
        look();
    })"""
    assert page.wait_for(playing) == 3
    assert page.run("document.getElementById('play').getAttribute('aria-label')") == "play"


def test_the_scrubber_and_the_strip_seek(page: Browser) -> None:
    page.run("$('scrub').value = '1'; $('scrub').dispatchEvent(new Event('input'))")
    assert page.wait_for("settled()") == 1
    bounds = page.run(
        "(() => { const b = $('strip').getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()"
    )
    place = (bounds[0] + bounds[2] - 9, bounds[1] + bounds[3] / 2)
    _mouse(page, "mousePressed", place, button="left", buttons=1, clickCount=1)
    _mouse(page, "mouseReleased", place, button="left", clickCount=1)
    assert page.wait_for("settled()") == 3
    assert page.run("$('scrub').value") == "3"


def test_keys(page: Browser) -> None:
    assert _press(page, "ArrowRight") == 1
    assert _press(page, "ArrowLeft") == 0
    assert _press(page, "End") == 3
    _press(page, " ")
    assert page.run("player.playing")
    _press(page, " ")
    assert not page.run("player.playing")
    _press(page, "2")
    assert page.run("state.coloring") == "class"
    _press(page, "?")
    assert page.run("$('keys').open")


@pytest.mark.parametrize(
    "layer", ["points", "ground", "masks", "boxes", "arrows", "labels", "velocity", "tracks", "rings", "difference"]
)
def test_a_layer_switches_pixels_and_comes_back_as_it_was(page: Browser, layer: str) -> None:
    before = page.run(INK)
    _click(page, f"[data-layer={layer}]")
    assert page.run(f"state.layers.has({layer!r})") is False
    assert page.run(INK) != before
    _click(page, f"[data-layer={layer}]")
    assert page.run(INK) == before


def test_truth_alone_and_colourings_switch_pixels(page: Browser) -> None:
    _click(page, "[data-layer=difference]")
    with_truth = page.run(INK)
    _click(page, "[data-layer=truth]")
    inks = {with_truth, page.run(INK)}
    for coloring in ("class", "height", "intensity"):
        _click(page, f"[data-coloring={coloring}]")
        inks.add(page.run(INK))
    assert len(inks) == 5


def test_the_mouse_asks_about_an_object_and_who_hides_it(page: Browser) -> None:
    _mouse(page, "mouseMoved", _place_of(page, "frame.results[0].objects[1]"))
    card = _text(page, "#inspect")
    assert card.startswith("car 3 found")
    assert "score 0.35" in card
    assert "visible 38% estimated" in card
    assert "order 2nd of 3" in card
    assert "hidden by car 7 62%" in card
    assert "hides nobody" in card
    _mouse(page, "mouseMoved", _place_of(page, "frame.results[0].objects[0]"))
    card = _text(page, "#inspect")
    assert card.startswith("car 7 found")
    assert "speed 6.1 m/s (22 km/h)" in card
    assert "hidden by nobody hides car 3 62%" in card
    assert page.run("pixels(panes[0].over)[3]") > 100  # all else steps back
    _mouse(page, "mouseMoved", (5, 5))
    assert _text(page, "#inspect").startswith("Point at an object")


def test_a_click_keeps_an_object_through_the_clip(page: Browser) -> None:
    place = _place_of(page, "frame.results[0].objects[0]")
    _mouse(page, "mousePressed", place, button="left", buttons=1, clickCount=1)
    _mouse(page, "mouseReleased", place, button="left", clickCount=1)
    _mouse(page, "mouseMoved", (5, 5))
    assert _text(page, "#inspect").startswith("car 7")
    assert _click(page, "[data-do=on]") == 1
    assert _text(page, "#inspect").startswith("car 7")
    _click(page, ".other[data-id='3']")
    assert _text(page, "#inspect").startswith("car 3")
    _press(page, "Escape")
    assert _text(page, "#inspect").startswith("Point at an object")


def test_what_was_missed_can_be_asked_about_too(page: Browser) -> None:
    assert _click(page, "[data-do=on]") == 1
    _mouse(page, "mouseMoved", _place_of(page, "frame.truth[2]"))
    card = _text(page, "#inspect")
    assert card.startswith("pedestrian missed")
    assert "a true object" in card
    assert "points 20" in card


def test_failures_lead_to_the_frames_that_show_them(page: Browser) -> None:
    assert _text(page, "tr:has([data-kind=missed])").startswith("missed 0 1")
    assert _click(page, "[data-jump=missed][data-way='1']") == 1
    assert _text(page, "tr.chosen").startswith("missed 1 1")
    assert _click(page, "[data-kind=false]") == 3
    assert _text(page, "tr.chosen").startswith("false 1 1")
    assert _click(page, "[data-jump=false][data-way='-1']") == 3
    assert _click(page, "[data-jump=hidden][data-way='1']") == 0
    assert _click(page, "[data-jump=broken][data-way='1']") == 2
    assert page.run("$('broken').checkVisibility()")
    assert _text(page, "#broken p") == "cut off after 12 bytes; copy </script> it again"
    assert _click(page, "[data-jump=hidden][data-way='-1']") == 1
    assert not page.run("$('broken').checkVisibility()")


def test_a_chosen_failure_is_ringed(page: Browser) -> None:
    assert _click(page, "[data-do=on]") == 1
    before = page.run(INK)
    _click(page, "[data-kind=missed]")
    assert page.run(INK) != before
    _click(page, "[data-kind=missed]")
    assert page.run(INK) == before


def test_wheel_and_drag_move_the_view(page: Browser) -> None:
    column, row = _place_of(page, "frame.results[0].objects[0]")
    place = (round(column), round(row))
    scale = page.run("view.scale")
    _mouse(page, "mouseWheel", place, deltaX=0, deltaY=-300)
    assert page.run("view.scale") > 1.3 * scale
    column, row = _place_of(page, "frame.results[0].objects[0]")
    assert (column, row) == pytest.approx(place, abs=1.0)
    _mouse(page, "mousePressed", place, button="left", buttons=1, clickCount=1)
    for step in (20, 40):
        _mouse(page, "mouseMoved", (place[0] + step, place[1] + step / 2), button="left", buttons=1)
    _mouse(page, "mouseReleased", (place[0] + 40, place[1] + 20), button="left", clickCount=1)
    assert _place_of(page, "frame.results[0].objects[0]") == pytest.approx((column + 40, row + 20), abs=0.01)
    assert page.run("state.pin") is None
    _press(page, "0")
    assert page.run("view.scale") == pytest.approx(scale)


def test_two_fingers_zoom(page: Browser) -> None:
    middle, scale = _place_of(page, "frame.results[0].objects[0]"), page.run("view.scale")
    for kind, apart in (("touchStart", 40), ("touchMove", 60), ("touchMove", 80)):
        fingers = [{"x": middle[0] + sign * apart, "y": middle[1], "id": k} for k, sign in enumerate((-1, 1))]
        page.send("Input.dispatchTouchEvent", type=kind, touchPoints=fingers)
    page.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    page.wait_for("settled()")
    assert page.run("view.scale") == pytest.approx(2 * scale, rel=0.02)
    assert _place_of(page, "frame.results[0].objects[0]") == pytest.approx(middle, abs=1.0)


@pytest.mark.parametrize("width", [1280, 380])
def test_light_and_dark_fit_the_window(page: Browser, width: int) -> None:
    page.send("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600)
    page.wait_for("settled()")
    assert page.run("document.documentElement.scrollWidth") <= width
    corner = "[...pixels(panes[0].scene).slice(0, 4)]"
    _click(page, "[data-layer=ground]")
    _click(page, "[data-layer=rings]")
    assert page.run(corner) == [9, 12, 16, 255]
    _click(page, "#theme")
    assert page.run(corner) == [228, 232, 237, 255]
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)"


def test_a_fan_of_arrows_is_thinned_and_the_others_are_counted(page: Browser) -> None:
    shares, more = page.run("""(() => {
        const near = { x: 10, y: 0, hiddenBy: [] };
        const far = [1, 5, 3, 4, 2, 6].map((k) => ({ x: 14, y: k - 3, hiddenBy: [{ other: near, share: k / 10 }] }));
        const { edges, more } = chosenEdges({ objects: [near, ...far] });
        return [edges.map(({ share }) => share), more.map(({ count }) => count)];
    })()""")
    assert shares == [0.6, 0.5, 0.4, 0.3], "the least hides too little to count"
    assert more == [1]


def test_two_results_side_by_side(browser: Browser, show: Show, compared: Frame) -> None:
    show([compared])
    assert browser.run("panes.map((pane) => [pane.heading.textContent, pane.note.textContent])") == [
        ["net", ""], ["other", "no result for frame 000000"],
    ]  # fmt: skip
    assert browser.complaints() == []


def test_a_clip_without_truth_and_objects_that_begins_with_a_broken_frame(
    browser: Browser, show: Show, make: Any, empty_cloud: Any
) -> None:
    show([BrokenFrame(0, 2, "cut off"), make(1, (), cloud=empty_cloud, has_truth=False)])
    assert browser.run("$('broken').checkVisibility()")
    assert _click(browser, "[data-do=on]") == 1
    assert not browser.run("document.querySelector('[data-layer=truth]').checkVisibility()")
    assert browser.run("$('counts').innerText").split() == ["IN", "THIS", "FRAME", "class", "objects", "all", "0"]
    assert browser.complaints() == []
