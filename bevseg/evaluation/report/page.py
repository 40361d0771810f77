"""The skeleton of a page: head, navigation, sections; style sheet and script stand in it as they are in this folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bevseg.drawing.markup import Html, join, tag
from bevseg.drawing.page_head import page_head, text_of


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        anchor: Unique within the page, for links.
        title: Its heading.
        lead: One or two plain sentences that say what is shown and how it is defined.
        body: What is shown.
    """

    anchor: str
    title: str
    lead: str
    body: Html


def page(
    title: str,
    subtitle: str,
    sections: Sequence[Section],
    *,
    alerts: Sequence[Html] = (),
    sources: Sequence[str] = (),
) -> str:
    """A whole document.

    Args:
        title: Of the document.
        subtitle: Below it.
        sections: In their order; the navigation names each.
        alerts: What nobody may overlook, above everything.
        sources: Where there are several, a reader may choose one: elements with another `data-source` are hidden then.
    """
    head = page_head(title, text_of(__package__, "report.css"))
    header = tag(
        "header",
        tag("div", tag("h1", title), tag("p", subtitle, class_="quiet"), class_="title"),
        tag("button", "light / dark", id="theme", type="button", title="Change between light and dark"),
        class_="top",
    )
    body = tag(
        "body",
        header,
        *(tag("div", alert, class_="alert", role="alert") for alert in alerts),
        _navigation(sections, sources),
        tag("main", *map(_section, sections)),
        tag("dialog", id="enlarged"),
        tag("script", text_of(__package__, "report.js")),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def per_source(blocks: Sequence[tuple[str, Html]], *, wide: bool = False) -> Html:
    """A block for each source with its name above, side by side where there is room; empty blocks are left out.

    Args:
        blocks: Name of the source, and what is shown of it.
        wide: Whether each block takes the whole width.
    """
    shown = [
        tag("section", tag("h3", name), block, class_="of-source", data_source=name) for name, block in blocks if block
    ]
    return tag("div", *shown, class_="stack" if wide else "grid") if shown else Html()


def folded(summary: str, *body: str, is_open: bool = False) -> Html:
    """What is shown when asked for."""
    return tag("details", tag("summary", summary), *body, open=is_open)


def note(*parts: str) -> Html:
    """A quiet paragraph."""
    return tag("p", *parts, class_="note")


def _section(section: Section) -> Html:
    return tag(
        "section", tag("h2", section.title), tag("p", section.lead, class_="lead"), section.body, id=section.anchor
    )


def _navigation(sections: Sequence[Section], sources: Sequence[str]) -> Html:
    links = join(tag("a", s.title, href=f"#{s.anchor}") for s in sections)
    chips = Html()
    if len(sources) > 1:
        choices = [tag("button", "all sources", type="button", data_choose="", aria_pressed="true")]
        choices += [tag("button", name, type="button", data_choose=name, aria_pressed="false") for name in sources]
        chips = tag("div", *choices, class_="chips", role="group", aria_label="Source that is shown")
    return tag("nav", tag("div", links, class_="links"), chips)
