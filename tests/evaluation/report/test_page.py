from __future__ import annotations

import re

import pytest

from bevseg.drawing import palette
from bevseg.drawing.markup import Html, tag
from bevseg.drawing.page_head import text_of
from bevseg.evaluation.report.page import Section, folded, note, page, per_source

SECTIONS = (Section("one", "First & last", "What <it> is.", tag("p", "body")),)


def test_a_page_holds_all_that_it_needs() -> None:
    text = page("A <title>", "below", SECTIONS, alerts=[tag("p", "look")], sources=["a", "b"])
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert "<title>A &lt;title&gt;</title>" in text
    assert '<a href="#one">First &amp; last</a>' in text
    assert '<p class="lead">What &lt;it&gt; is.</p>' in text
    assert '<div class="alert" role="alert"><p>look</p></div>' in text
    assert text.count("data-choose=") == 3
    assert not re.search(r"(src|href)=\"(?!#|data:)|@import|url\(", text)  # nothing from elsewhere


def test_one_source_needs_no_choice() -> None:
    text = page("A", "b", (), sources=["a"])
    assert "data-choose=" not in text
    assert 'role="alert"' not in text


def test_blocks_of_sources() -> None:
    shown = per_source([("<a>", tag("p", "x")), ("b", Html())])
    heading = "<h3>&lt;a&gt;</h3>"
    block = f'<section class="of-source" data-source="&lt;a&gt;">{heading}<p>x</p></section>'
    assert shown == f'<div class="grid">{block}</div>'
    assert per_source([("b", Html())]) == per_source([]) == ""
    assert folded("more", "<b>", is_open=True) == "<details open><summary>more</summary>&lt;b&gt;</details>"
    assert note("a & b") == '<p class="note">a &amp; b</p>'


@pytest.mark.parametrize(
    ("name", "color"),
    [
        ("found", palette.FOUND),
        ("invented", palette.INVENTED),
        ("missed", palette.MISSED),
        ("ground", palette.BACKGROUND),
        ("panel", palette.PANEL),
        ("text", palette.TEXT),
        ("quiet", palette.TEXT_QUIET),
    ],
)
def test_the_dark_page_has_the_colours_of_the_pictures(name: str, color: palette.Color) -> None:
    style = text_of("bevseg.drawing", "page_tones.css") + text_of("bevseg.evaluation.report", "report.css")
    dark = re.search(rf"--{name}: light-dark\(#[0-9a-f]{{6}}, #([0-9a-f]{{6}})\)", style)
    assert dark is not None
    assert tuple(bytes.fromhex(dark[1])) == color
