"""The frames that changed most: which failures came and went, and pictures of A, of B and of the truth."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence

from bevseg.datasets.source import Source
from bevseg.drawing.markup import Html, join, tag
from bevseg.evaluation.comparison.changed_frames import FrameChange
from bevseg.evaluation.comparison.comparison_tables import Comparison, kinds_words
from bevseg.evaluation.comparison.frame_pictures import VIEWS, PicturesError, draw_change
from bevseg.evaluation.report.html_tables import Column, Row, html_table
from bevseg.evaluation.report.names import words
from bevseg.evaluation.report.page import Section, note, per_source

_DRAWN = 3
"""Frames of each source that gained most, and as many that lost most, that are shown in pictures."""


def frame_section(comparison: Comparison, opened: Mapping[str, Source] | str) -> Section:
    """A table of these frames, and pictures of the first of them.

    Args:
        comparison: Of the runs.
        opened: The sources by their names; or why there are no pictures.
    """
    blocks = []
    for source, changed in zip(comparison.sources, comparison.changed, strict=True):
        frames = (*changed.gained, *changed.lost)
        drawn = (*changed.gained[:_DRAWN], *changed.lost[:_DRAWN])
        body = join((_table(frames), _pictures(comparison, source.name, drawn, opened)))
        blocks.append((source.name, body if frames else note("No frame has fewer or more errors in B.")))
    lead = (
        "Errors are missed and wrong objects, by class group at IoU 0.5. Gone: failures of A that B has not, each by "
        "its object or, where something was invented, by its place; new: failures of B that A has not."
    )
    return Section("frames", "Frames that changed most", lead, per_source(blocks, wide=True))


def _table(frames: Sequence[FrameChange]) -> Html:
    columns = (
        Column("frame"),
        Column("errors of A"),
        Column("errors of B"),
        Column("fewer", "errors that B has less"),
        Column("gone", "failures of A that B has not"),
        Column("new", "failures of B that A has not"),
    )
    rows = [
        Row((f.name, f.errors_a, f.errors_b, f.gain, words(kinds_words(f.vanished)), words(kinds_words(f.appeared))))
        for f in frames
    ]
    return html_table(columns, rows)


def _pictures(
    comparison: Comparison, source: str, frames: Sequence[FrameChange], opened: Mapping[str, Source] | str
) -> Html:
    if isinstance(opened, str) or source not in opened:
        why = opened if isinstance(opened, str) else f"the dataset of {source} cannot be opened again"
        return note(f"No pictures: {why}.")
    try:
        return join([_case(comparison, source, frame, opened[source]) for frame in frames])
    except PicturesError as error:
        return note(f"No pictures: {error}.")


def _case(comparison: Comparison, source: str, frame: FrameChange, opened: Source) -> Html:
    pictures = draw_change(comparison.a, comparison.b, source, frame, opened)
    views = [
        tag(
            "figure",
            tag("img", src=f"data:image/jpeg;base64,{b64encode(data).decode()}", alt=f"{frame.name}: {VIEWS[view]}"),
            tag("figcaption", tag("strong", f"{view}: "), VIEWS[view]),
        )
        for view, data in pictures.items()
    ]
    change = f"{frame.errors_a} errors in A, {frame.errors_b} in B"
    kinds = words(f"Gone: {kinds_words(frame.vanished)}. New: {kinds_words(frame.appeared)}.")
    return tag(
        "div",
        tag("h3", frame.name, tag("span", change)),
        tag("p", kinds, class_="note"),
        tag("div", *views, class_="views", style="grid-template-columns:repeat(auto-fit,minmax(min(100%,260px),1fr))"),
        class_="case",
    )
