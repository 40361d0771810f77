"""The head of a page that stands alone: nothing is fetched, and its tones are those of the pictures."""

from __future__ import annotations

from importlib import resources

from bevseg.drawing.markup import Html, tag, trusted

_NOTHING_FROM_ELSEWHERE = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def page_head(title: str, style: str) -> Html:
    """The element `head`.

    Args:
        title: Of the document.
        style: Its style sheet, which may use the tones of `page_tones.css`.
    """
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_NOTHING_FROM_ELSEWHERE),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="generator", content="bevseg"),
        tag("title", title),
        tag("style", text_of(__package__, "page_tones.css"), trusted(style)),
    )


def text_of(package: str, name: str) -> Html:
    """A file that lies in a package and goes into a page as it is."""
    return trusted(resources.files(package).joinpath(name).read_text(encoding="utf-8"))
