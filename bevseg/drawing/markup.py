"""HTML and SVG as text: whatever is not markup already is escaped, since names of frames may hold anything."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

Attribute = str | int | float | bool | None

_EMPTY_ELEMENTS = frozenset(("br", "img", "input", "meta"))


class Html(str):
    """Text that is markup and is put into a page as it is; only `tag`, `join` and `trusted` make it."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: Attribute) -> Html:
    """An element.

    Args:
        name: Of the element.
        children: What it holds: `Html` as it is, other text escaped.
        attributes: None and False leave an attribute out, True gives its name alone. Python's own words carry an
            underscore at the end (`class_`), other underscores stand for dashes (`data_source`).
    """
    opened = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _EMPTY_ELEMENTS:
        return Html(f"<{name}{opened}>")
    return Html(f"<{name}{opened}>{join(children)}</{name}>")


def join(parts: Iterable[str], separator: str = "") -> Html:
    """The parts one after the other; those that are no markup are escaped."""
    return Html(Html(escape(separator)).join(_safe(part) for part in parts))


def trusted(text: str) -> Html:
    """Marks what the package itself has written, such as its style sheet."""
    return Html(text)


def _safe(part: str) -> str:
    return part if isinstance(part, Html) else escape(part, quote=False)


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name}"
    return f' {name}="{escape(f"{value:.10g}" if isinstance(value, float) else str(value), quote=True)}"'
