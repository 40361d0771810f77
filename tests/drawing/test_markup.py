from __future__ import annotations

from bevseg.drawing.markup import Html, join, tag, trusted

HOSTILE = "<script>alert('a & \"b\"')</script>"


def test_text_is_escaped_and_markup_is_not() -> None:
    inner = tag("b", HOSTILE)
    assert inner == "<b>&lt;script&gt;alert('a &amp; \"b\"')&lt;/script&gt;</b>"
    assert tag("p", inner, " & more") == f"<p>{inner} &amp; more</p>"
    assert join(("<i>", trusted("<br>")), " & ") == "&lt;i&gt; &amp; <br>"


def test_attributes() -> None:
    assert tag("a", href='x" onclick="y') == '<a href="x&quot; onclick=&quot;y"></a>'
    assert (
        tag("td", "1", class_="n", data_value=0.5, hidden=False, title=None) == '<td class="n" data-value="0.5">1</td>'
    )
    assert (
        tag("option", "all", name="kind", value="", selected=True)
        == '<option name="kind" value="" selected>all</option>'
    )
    assert (
        tag("svg", viewBox="0 0 1 1", stroke_width=1_663_000) == '<svg viewBox="0 0 1 1" stroke-width="1663000"></svg>'
    )


def test_elements_without_an_end() -> None:
    assert tag("img", alt="a") == '<img alt="a">'
    assert join(()) == Html() == ""
